// SPDX-License-Identifier: GPL-2.0-or-later
/* What a change of source becomes: two versions are compiled here and compared. */
/* rooms: bundle diff elf base */
#include "diff_run.h"

#define NOINLINE "#define noinline __attribute__((noipa))\n"
#define CLONED "#define noinline __attribute__((noinline))\n"
#define USE "extern int use(const void *, ...);\n"
#define BUG                                                                                        \
	"#define BUG_AT(line) asm volatile(\"1: ud2\\n.pushsection __bug_table,\\\"aw\\\"\\n\""    \
	"\".long 1b - .\\n.long %c0 - .\\n.word %c1\\n.word 0\\n.popsection\" "                    \
	":: \"i\"(\"t.c\"), \"i\"(line))\n"
#define EXTABLE                                                                                    \
	"#define EXTABLE(type) asm volatile(\"1: nop\\n.pushsection __ex_table,\\\"a\\\"\\n\""     \
	"\".long 1b - ., 1b - ., %c0\\n.popsection\" :: \"i\"(type))\n"
#define DDEBUG                                                                                     \
	"struct ddebug { const char *mod, *fn, *file, *fmt; unsigned line : 18, cls : 6, fl : 8; " \
	"long key[2]; };\n"                                                                        \
	"#define DEBUG_AT(n, line, fmt) static struct ddebug __UNIQUE_ID_ddebug##n "               \
	"__attribute__((section(\"__dyndbg\"), aligned(8), used)) = "                              \
	"{ \"m\", \"f\", \"t.c\", fmt, line, 63, 0 }; use(&__UNIQUE_ID_ddebug##n)\n"
#define RM "#define RM __attribute__((section(\".data..read_mostly\"), no_reorder))\n"
#define BOOT                                                                                       \
	"#define INIT __attribute__((section(\".init.text\")))\n"                                  \
	"#define EXIT __attribute__((section(\".exit.text\")))\n"
#define ONCE "static _Bool __attribute__((section(\".data..once\"))) __already_done"

#define OPS                                                                                        \
	USE "#define PERCPU __attribute__((section(\".data..percpu\")))\n"                         \
	    "struct ops { int n; char *name; int (*f)(void), (*g)(void); };"                       \
	    "static int a(void) { return use(\"a\"); }"                                            \
	    "static int b(void) { return use(\"b\"); }"                                            \
	    "static int c(void) { return use(\"c\"); }"

#define BTF_ID(name)                                                                               \
	"asm(\".pushsection .BTF_ids,\\\"a\\\"\\n.local __BTF_ID__" name "\\n"                     \
	".type __BTF_ID__" name ", STT_OBJECT\\n.size __BTF_ID__" name ", 4\\n"                    \
	"__BTF_ID__" name ":\\n.zero 4\\n.popsection\");\n"

struct test_case {
	const char *name, *orig, *patched;
	const char *text; /* diff_run_text() */
};

static const struct test_case cases[] = {
	{ "the same", USE "static int n; int f(void) { return use(&n, \"a\"); }",
	  USE "static int n; int f(void) { return use(&n, \"a\"); }", "" },
	{ "only lines move", USE BUG "int f(int a) { if (a) BUG_AT(10); return a + 1; }",
	  USE BUG "int f(int a) { if (a) BUG_AT(11); return a + 1; }", "" },
	{ "another place of a bug entry", USE BUG "int f(int a) { if (a) BUG_AT(10); return 1; }",
	  USE BUG "int f(int a) { if (a > 3) BUG_AT(10); return 1; }", "changed f\n" },
	{ "a string literal", USE "int f(void) { return use(\"one\"); }",
	  USE "int f(void) { return use(\"two\"); }", "changed f\n" },
	{ "a string literal of another function only",
	  USE "int f(void) { return use(\"one\"); } int g(void) { return use(\"three\"); }",
	  USE "int f(void) { return use(\"zero\"); } int g(void) { return use(\"three\"); }",
	  "changed f\n" },
	{ "a floating constant would be the same kind of thing: a 16-byte constant",
	  "typedef long v2 __attribute__((vector_size(16))); v2 f(v2 a) { return a + (v2){ 1, 2 }; "
	  "}",
	  "typedef long v2 __attribute__((vector_size(16))); v2 f(v2 a) { return a + (v2){ 1, 3 }; "
	  "}",
	  "changed f\n" },
	{ "another function is called",
	  USE NOINLINE "static noinline int a(int x) { return use(\"a\") + x; }"
		       "static noinline int b(int x) { return use(\"b\") + x; }"
		       "int f(void) { return a(1) * 3; } int g(void) { return b(1); } int h(void) "
		       "{ return a(2); }",
	  USE NOINLINE "static noinline int a(int x) { return use(\"a\") + x; }"
		       "static noinline int b(int x) { return use(\"b\") + x; }"
		       "int f(void) { return b(1) * 3; } int g(void) { return b(1); } int h(void) "
		       "{ return a(2); }",
	  "changed f\n" },
	{ "a caller of a changed function stays",
	  USE NOINLINE "static noinline int a(int x) { return use(\"a\") + x; } int f(void) { "
		       "return a(1) * 3; }",
	  USE NOINLINE "static noinline int a(int x) { return use(\"A\") + x; } int f(void) { "
		       "return a(1) * 3; }",
	  "changed a\n" },
	{ "an inlined function shows in its callers",
	  USE "static inline int a(int x) { return x + 1; }"
	      "int f(int x) { return use(0, a(x)); } int g(int x) { return use(0, x); }",
	  USE "static inline int a(int x) { return x + 2; }"
	      "int f(int x) { return use(0, a(x)); } int g(int x) { return use(0, x); }",
	  "changed f\n" },
	{ "a new static function and a removed one",
	  USE NOINLINE "static noinline int a(int x) { return use(\"a\") + x; } int f(void) { "
		       "return a(1) * 3; }",
	  USE NOINLINE "static noinline int b(int x) { return use(\"b\") - x; } int f(void) { "
		       "return b(1) * 3; }",
	  "removed a\nnew b\nchanged f\n" },
	{ "a new global function", "int f(void) { return 1; }",
	  "int f(void) { return 1; } int g(void) { return 2; }", "new g\n" },
	{ "new static data", USE "int f(void) { return use(0); }",
	  USE "static int n; int f(void) { return use(&n) + n++; }", "changed f\nnew data n\n" },
	{ "another element of an array", USE "static int a[4]; int f(void) { return use(&a[1]); }",
	  USE "static int a[4]; int f(void) { return use(&a[2]); }", "changed f\n" },
	{ "a static datum is kept", USE "static int n; int f(void) { return use(&n) + n; }",
	  USE "static int n; int f(void) { return use(&n) - n; }", "changed f\n" },
	{ "static locals are renumbered",
	  USE "int g(void) { static int count; return use(&count); }",
	  USE "int f(void) { static int count; return use(&count, 1); }"
	      "int g(void) { static int count; return use(&count); }",
	  "new f\nnew data count.1\n" },
	{ "static locals are renumbered and their function changes",
	  USE "int g(void) { static int count; return use(&count, 3); }",
	  USE "int f(void) { static int count; return use(&count, 1); }"
	      "int g(void) { static int count; return use(&count, 4); }",
	  "new f\nchanged g\nnew data count.1\n" },
	{ "a once flag in changed code",
	  USE "int f(void) { " ONCE
	      "; if (!__already_done) __already_done = 1; return use(0, 1); }",
	  USE "int f(void) { " ONCE
	      "; if (!__already_done) __already_done = 1; return use(0, 2); }",
	  "changed f\n" },
	{ "__func__ is content, whatever its number", USE "int g(void) { return use(__func__); }",
	  USE "int f(void) { return use(__func__, 1); } int g(void) { return use(__func__); }",
	  "new f\n" },
	{ "an initial value", USE "int limit = 5; int f(void) { return use(&limit); }",
	  USE "int limit = 6; int f(void) { return use(&limit); }",
	  "ignored data limit\nfind initial-value:t.o:limit\n" },
	{ "writable data that boot code registers grows",
	  USE BOOT "static int reg[4] = { 1 }; INIT int f(void) { return use(reg, 1); }"
		   "EXIT void g(void) { use(reg, 3); }",
	  USE BOOT "static int reg[5] = { 1 }; INIT int f(void) { return use(reg, 2); }"
		   "EXIT void g(void) { use(reg, 4); }",
	  "ignored data reg\nfind init-code:t.o:f\ntold exit-code:t.o:g\n"
	  "find registration:t.o:reg\n" },
	{ "the same where another object may use it",
	  USE BOOT "int reg[4] = { 1 }; INIT int f(void) { return use(reg, 1); }",
	  USE BOOT "int reg[5] = { 1 }; INIT int f(void) { return use(reg, 1); }",
	  "ignored data reg\nfind initial-value:t.o:reg\n" },
	{ "and what it registers by way of another datum",
	  USE BOOT "static int ids[4] = { 1 }; static struct { int *ids; } reg = { ids };"
		   "INIT int f(void) { return use(&reg, 1); }",
	  USE BOOT "static int ids[5] = { 1 }; static struct { int *ids; } reg = { ids };"
		   "INIT int f(void) { return use(&reg, 1); }",
	  "ignored data ids\nfind registration:t.o:ids\n" },
	{ "read-only data that boot code registers by way of writable data grows",
	  USE BOOT
	  "static const int ids[4] = { 1 }; static struct { const int *ids; } reg = { ids };"
	  "INIT int f(void) { return use(&reg, 1); }",
	  USE BOOT
	  "static const int ids[5] = { 1 }; static struct { const int *ids; } reg = { ids };"
	  "INIT int f(void) { return use(&reg, 1); }",
	  "ignored data ids\nfind registration:t.o:ids\n" },
	{ "and is of the same size: it is written where it is",
	  USE BOOT "static const int ids[4] = { 1 }; INIT int f(void) { return use(ids, 1); }",
	  USE BOOT "static const int ids[4] = { 2 }; INIT int f(void) { return use(ids, 1); }",
	  "written data ids\nwrite ids+0:1\n" },
	{ "data that boot code only looks at",
	  USE BOOT "static volatile int n = 5; static const volatile int c = 5;"
		   "INIT int f(void) { return use(0, n + c); }",
	  USE BOOT "static volatile int n = 6; static const volatile int c = 6;"
		   "INIT int f(void) { return use(0, n + c); }",
	  "ignored data c\nignored data n\nfind init-code:t.o:c\nfind init-code:t.o:n\n" },
	{ "data of unloading needs no judgement",
	  USE BOOT "static int n[2] = { 5 }; EXIT void g(void) { use(n); }",
	  USE BOOT "static int n[3] = { 5 }; EXIT void g(void) { use(n); }",
	  "ignored data n\ntold exit-code:t.o:n\n" },
	{ "writable data grows that running code uses as it is",
	  USE "static int a[4] = { 1 }; int f(void) { return use(a); }",
	  USE "static int a[5] = { 1 }; int f(void) { return use(a); }",
	  "ignored data a\nfind initial-value:t.o:a\n" },
	{ "a pointer in writable data",
	  USE "char *name = \"a\"; int f(void) { return use(&name); }",
	  USE "char *name = \"b\"; int f(void) { return use(&name); }",
	  "ignored data name\nfind initial-value:t.o:name\n" },
	{ "a writable table of operations gets a function, another, and keeps a pointer",
	  OPS "static struct ops ops = { .n = 1, .name = \"x\", .g = a };"
	      "int f(void) { return use(&ops) + ops.n++; }",
	  OPS "static struct ops ops = { .n = 1, .name = \"x\", .f = c, .g = b };"
	      "int f(void) { return use(&ops) + ops.n++; }",
	  "removed a\nnew b\nnew c\nwritten data ops\npointer ops+16\npointer ops+24\n"
	  "told operations:t.o:ops\n" },
	{ "one that only boot code registers",
	  BOOT OPS "static struct ops ops = { .g = b }; INIT int f(void) { return use(&ops, 1); }",
	  BOOT OPS
	  "static struct ops ops = { .f = c, .g = b }; INIT int f(void) { return use(&ops, 1); }",
	  "new c\nwritten data ops\npointer ops+16\ntold operations:t.o:ops\n" },
	{ "one that only boot code looks at",
	  BOOT OPS "static volatile struct ops ops = { .g = b };"
		   "INIT int f(void) { return use(0, ops.n); }",
	  BOOT OPS "static volatile struct ops ops = { .f = b, .g = b };"
		   "INIT int f(void) { return use(0, ops.n); }",
	  "ignored data ops\nfind init-code:t.o:ops\n" },
	{ "and a number besides",
	  OPS "static struct ops ops = { .n = 1, .g = b }; int f(void) { return use(&ops); }",
	  OPS "static struct ops ops = { .n = 2, .f = c, .g = b }; int f(void) { return use(&ops); "
	      "}",
	  "ignored data ops\nfind initial-value:t.o:ops\n" },
	{ "and a pointer to data besides",
	  OPS "static struct ops ops = { .g = b }; int f(void) { return use(&ops); }",
	  OPS "static struct ops ops = { .name = \"x\", .f = b, .g = b };"
	      "int f(void) { return use(&ops); }",
	  "ignored data ops\nfind initial-value:t.o:ops\n" },
	{ "and a pointer becomes empty",
	  OPS "static struct ops ops = { .f = b, .g = b }; int f(void) { return use(&ops); }",
	  OPS "static struct ops ops = { .f = a }; int f(void) { return use(&ops); }",
	  "removed b\nignored data ops\nfind initial-value:t.o:ops\n" },
	{ "a pointer that was a number",
	  OPS "static struct ops ops = { .f = (void *)-2L, .g = b };"
	      "int f(void) { return use(&ops); }",
	  OPS "static struct ops ops = { .f = b, .g = b }; int f(void) { return use(&ops); }",
	  "ignored data ops\nfind initial-value:t.o:ops\n" },
	{ "code of the object stores to the pointer",
	  OPS "static struct ops ops = { .g = b }; int f(void) { return use(&ops); }"
	      "void h(void) { ops.f = 0; }",
	  OPS "static struct ops ops = { .f = b, .g = b }; int f(void) { return use(&ops); }"
	      "void h(void) { ops.f = 0; }",
	  "ignored data ops\nfind initial-value:t.o:ops\n" },
	{ "code of the object stores anywhere in the table",
	  OPS "static int (*ops[4])(void) = { b }; int f(void) { return use(ops); }"
	      "void h(long i) { ops[i + 2] = 0; }",
	  OPS "static int (*ops[4])(void) = { b, b }; int f(void) { return use(ops); }"
	      "void h(long i) { ops[i + 2] = 0; }",
	  "ignored data ops\nfind initial-value:t.o:ops\n" },
	{ "code of the object stores beside the pointer and calls through it",
	  OPS "static struct ops ops = { .g = b }; int f(void) { return use(&ops); }"
	      "int h(void) { ops.n = 0; ops.g = b; return ops.f ? ops.f() : 1; }",
	  OPS "static struct ops ops = { .f = b, .g = b }; int f(void) { return use(&ops); }"
	      "int h(void) { ops.n = 0; ops.g = b; return ops.f ? ops.f() : 1; }",
	  "written data ops\npointer ops+16\ntold operations:t.o:ops\n" },
	{ "another object's function is one if somebody calls it",
	  USE "extern int e(void); struct { int (*f)(void); int (*g)(const void *, ...); } ops ="
	      "{ 0, use }; int f(void) { return use(&ops) + e(); }",
	  USE "extern int e(void); struct { int (*f)(void); int (*g)(const void *, ...); } ops ="
	      "{ e, use }; int f(void) { return use(&ops) + e(); }",
	  "written data ops\npointer ops+0\ntold operations:t.o:ops\n" },
	{ "and if nobody does it may be anything",
	  USE "extern int e[]; struct { const void *f, *g; } ops = { 0, use };"
	      "int f(void) { return use(&ops) + e[1]; }",
	  USE "extern int e[]; struct { const void *f, *g; } ops = { e, use };"
	      "int f(void) { return use(&ops) + e[1]; }",
	  "ignored data ops\nfind initial-value:t.o:ops\n" },
	{ "per-CPU data has a value for each CPU",
	  OPS "PERCPU struct ops ops = { .g = b }; int f(void) { return use(&ops); }",
	  OPS "PERCPU struct ops ops = { .f = b, .g = b }; int f(void) { return use(&ops); }",
	  "ignored data ops\nfind initial-value:t.o:ops\n" },
	{ "the key of a static call, whose sites have its pointer in their code",
	  OPS "struct { int (*f)(void); void *sites; } __SCK__call = { a };"
	      "int f(void) { return use(&__SCK__call, b); }",
	  OPS "struct { int (*f)(void); void *sites; } __SCK__call = { b };"
	      "int f(void) { return use(&__SCK__call, b); }",
	  "removed a\nignored data __SCK__call\nfind initial-value:t.o:__SCK__call\n" },
	{ "nothing reads what modinfo tells",
	  USE "static const char i[] __attribute__((section(\".modinfo\"), used)) = \"version=1\";"
	      "int f(void) { return use(\"a\"); }",
	  USE "static const char i[] __attribute__((section(\".modinfo\"), used)) = \"version=12\";"
	      "int f(void) { return use(\"b\"); }",
	  "changed f\n" },
	{ "a table used by unchanged code is written",
	  USE "const int table[4] = { 1, 2, 3, 4 }; int f(int i) { return use(table, table[i]); }",
	  USE "const int table[4] = { 1, 9, 9, 4 }; int f(int i) { return use(table, table[i]); }",
	  "written data table\nwrite table+4:1\nwrite table+8:1\n" },
	{ "a table used by changed code only is carried",
	  USE "static const int table[4] = { 1, 2, 3, 4 }; int f(int i) { return use(table, "
	      "table[i]); }",
	  USE "static const int table[4] = { 1, 9, 9, 4 }; int f(int i) { return use(table, 5); }",
	  "changed f\ncarried data table\n" },
	{ "a string of a table is written",
	  USE "static const char *const t[] = { \"a\", \"b\" }; int f(int i) { return use(t[i]); }"
	      "int g(void) { return use(0); }",
	  USE "static const char *const t[] = { \"a\", \"c\" }; int f(int i) { return use(t[i]); }"
	      "int g(void) { return use(0); }",
	  "written data t\npointer t+8\n" },
	{ "a table of strings that grows takes its users along",
	  USE "static const char *const t[] = { \"a\", \"b\" }; int f(int i) { return use(t[i]); }",
	  USE "static const char *const t[] = { \"a\", \"b\", \"c\" };"
	      "int f(int i) { return use(t[i]); }",
	  "changed f\ncarried data t\n" },
	{ "a table of strings that grows, and a table that points at it",
	  USE "static const char *const t[] = { \"a\" };"
	      "const struct { int n; const char *const *t; } all = { 1, t };"
	      "int f(int i) { return use(t[i]); } int g(void) { return use(&all); }",
	  USE "static const char *const t[] = { \"a\", \"c\" };"
	      "const struct { int n; const char *const *t; } all = { 2, t };"
	      "int f(int i) { return use(t[i]); } int g(void) { return use(&all); }",
	  "changed f\nwritten data all\ncarried data t\nwrite all+0:1\npointer all+8\n" },
	{ "a table that only points at one that grows",
	  USE "static const char *const t[] = { \"a\" };"
	      "const struct { const char *const *t; } all = { t };"
	      "int f(int i) { return use(t[i]); } int g(void) { return use(&all); }",
	  USE "static const char *const t[] = { \"a\", \"c\" };"
	      "const struct { const char *const *t; } all = { t };"
	      "int f(int i) { return use(t[i]); } int g(void) { return use(&all); }",
	  "changed f\nwritten data all\ncarried data t\npointer all+0\n" },
	{ "pointers of a table that overlap",
	  USE "const struct __attribute__((packed)) { const void *p; int n; } t = { &use, 1 };"
	      "int g(void) { return use(&t); }",
	  USE "const struct __attribute__((packed)) { int n; const void *p; } t = { 1, &use };"
	      "int g(void) { return use(&t); }",
	  "ignored data t\nfind read-only-data:t.o:t\n" },
	{ "a table of pointers that others may use",
	  USE "const char *const t[] = { \"a\" }; int f(void) { return 1; }",
	  USE "const char *const t[] = { \"b\" }; int f(void) { return 1; }",
	  "written data t\npointer t+0\n" },
	{ "a table of operations whose users change",
	  USE "static int a(void) { return 1; } static int (*const ops[])(void) = { a };"
	      "int f(void) { return use(ops, 1); }",
	  USE "static int a(void) { return 1; } static int (*const ops[])(void) = { a, a };"
	      "int f(void) { return use(ops, 2); }",
	  "changed f\ncarried data ops\nfind operations:t.o:ops\n" },
	{ "a table of operations whose users do not change",
	  USE "static int a(void) { return 1; } static int (*const ops[2])(void) = { a };"
	      "int f(void) { return use(ops, 1); }",
	  USE "static int a(void) { return 1; } static int (*const ops[2])(void) = { a, a };"
	      "int f(void) { return use(ops, 1); }",
	  "written data ops\npointer ops+8\ntold operations:t.o:ops\n" },
	{ "a table of operations whose users change is written all the same",
	  USE "static int a(void) { return 1; } static int (*const ops[2])(void) = { a };"
	      "int f(void) { return use(ops, 1); }",
	  USE "static int a(void) { return 1; } static int (*const ops[2])(void) = { a, a };"
	      "int f(void) { return use(ops, 2); }",
	  "changed f\nwritten data ops\npointer ops+8\ntold operations:t.o:ops\n" },
	{ "a table of operations that grows and whose users do not change",
	  USE "static int a(void) { return 1; } static int (*const ops[1])(void) = { a };"
	      "int f(void) { return use(ops, 1); }",
	  USE "static int a(void) { return 1; } static int (*const ops[2])(void) = { a, a };"
	      "int f(void) { return use(ops, 1); }",
	  "ignored data ops\nfind read-only-data:t.o:ops\n" },
	{ "another function of a table, a new one, and a number beside",
	  USE "static int a(void) { return 1; }"
	      "const struct { int n; int (*f)(void); } ops = { 1, a };"
	      "int f(void) { return use(&ops, 1); }",
	  USE "static int a(void) { return 1; } static int b(void) { return a() + 3; }"
	      "const struct { int n; int (*f)(void); } ops = { 2, b };"
	      "int f(void) { return use(&ops, 1); } int (*keep)(void) = a;",
	  "new b\nwritten data ops\nnew data keep\nwrite ops+0:1\npointer ops+8\n"
	  "told operations:t.o:ops\n" },
	{ "a pointer of a table becomes empty",
	  USE "static int a(void) { return 1; } static int (*const ops[2])(void) = { a, a };"
	      "int f(void) { return use(ops, 1); }",
	  USE "static int a(void) { return 1; } static int (*const ops[2])(void) = { a };"
	      "int f(void) { return use(ops, 1); }",
	  "written data ops\npointer ops+8\nfind read-only-data:t.o:ops\n" },
	{ "a table of labels whose address is taken is none of operations",
	  USE "int f(int i, int x) { static const void *const t[] = { &&one, &&two };"
	      " use(t, 2); goto *t[i]; one: return x + 1; two: return x * 7; }",
	  USE "int f(int i, int x) { static const void *const t[] = { &&one, &&two };"
	      " use(t, 2); goto *t[i]; one: return x + 5; two: return x * 7; }",
	  "changed f\ncarried data t.0\n" },
	{ "a table of functions that is called through in place",
	  "static int a(void) { return 1; } static int b(void) { return 2; }"
	  "static int (*const t[])(void) = { a, b }; int f(int i) { return t[i](); }",
	  "static int a(void) { return 1; } static int b(void) { return 2; }"
	  "static int (*const t[])(void) = { b, a }; int f(int i) { return t[i](); }",
	  "written data t\npointer t+0\npointer t+8\n" },
	{ "ratelimits are renumbered and one is new",
	  USE "int f(int i) { static int _rs; if (i) { use(&_rs, \"b\"); } return use(0, i); }",
	  USE "int f(int i) { { static int _rs; if (!i) use(&_rs, \"a\"); }"
	      "{ static int _rs; if (i) use(&_rs, \"b\"); } return use(0, i); }",
	  "changed f\nnew data _rs.0\nnew data _rs.1\n" },
	{ "the state of a message is no twin of one that begins otherwise",
	  USE "int f(int i) { static int _rs = 5; if (i) use(&_rs, \"b\"); return use(0, i); }",
	  USE "int f(int i) { static int _rs = 6; if (i) { use(&_rs, \"c\"); } return use(0, 1); }",
	  "changed f\nnew data _rs.0\n" },
	{ "only the state of a message begins otherwise",
	  USE "int f(int i) { static int _rs = 5; if (i) use(&_rs, \"b\"); return use(0, i); }",
	  USE "int f(int i) { static int _rs = 6; if (i) use(&_rs, \"b\"); return use(0, i); }",
	  "changed f\nnew data _rs.0\n" },
	{ "a scheduling class is used",
	  USE "const int __attribute__((section(\"__fair_sched_class\"))) fair[2] = { 1 };"
	      "int f(void) { return use(fair, 1); }",
	  USE "const int __attribute__((section(\"__fair_sched_class\"))) fair[2] = { 1 };"
	      "int f(void) { return use(fair, 2); }",
	  "changed f\n" },
	{ "ids of types are renumbered",
	  USE BTF_ID("struct__a__712345") "int f(void) { return use(&use); }",
	  USE BTF_ID("struct__a__812346") "int f(void) { return use(&use); }", "" },
	{ "ids of types are renumbered, and one is new",
	  USE BTF_ID("struct__a2__712345") "int f(void) { return use(&use); }",
	  USE BTF_ID("struct__a2__812346")
		  BTF_ID("struct__a3__912347") "int f(void) { return use(&use); }",
	  "find registration:t.o:.BTF_ids\n" },
	{ "a table grows",
	  USE "static const int t[] = { 1, 2 }; int f(int i) { return use(t, t[i]); }",
	  USE "static const int t[] = { 1, 2, 3 }; int f(int i) { return use(t, t[i]); }",
	  "changed f\ncarried data t\n" },
	{ "a switch becomes a table of the compiler's",
	  USE "const char *f(int i) { switch (i) { case 0: return \"zero\"; case 1: return \"one\";"
	      "case 2: return \"two\"; case 3: return \"three\"; case 4: return \"four\"; } return "
	      "0; }",
	  USE
	  "const char *f(int i) { switch (i) { case 0: return \"zero\"; case 1: return \"one\";"
	  "case 2: return \"two\"; case 3: return \"drei\"; case 4: return \"four\"; } return 0; }",
	  "changed f\n" },
	{ "code of boot",
	  USE "int __attribute__((section(\".init.text\"))) f(void) { return use(\"a\"); }",
	  USE "int __attribute__((section(\".init.text\"))) f(void) { return use(\"b\"); }",
	  "find init-code:t.o:f\n" },
	{ "data of boot",
	  USE "static int __attribute__((section(\".init.data\"))) n = 1;"
	      "int __attribute__((section(\".init.text\"))) f(void) { return use(&n); }",
	  USE "static int __attribute__((section(\".init.data\"))) n = 2;"
	      "int __attribute__((section(\".init.text\"))) f(void) { return use(&n); }",
	  "find init-code:t.o:n\n" },
	{ "code of unloading needs no judgement",
	  USE "int __attribute__((section(\".exit.text\"))) f(void) { return use(\"a\"); }",
	  USE "int __attribute__((section(\".exit.text\"))) f(void) { return use(\"b\"); }",
	  "told exit-code:t.o:f\n" },
	{ "a module parameter is new", USE "int n; int f(void) { return use(&n); }",
	  USE "int n; static const void *p __attribute__((section(\"__param\"), used)) = &n;"
	      "int f(void) { return use(&n); }",
	  "find registration:t.o:__param\n" },
	{ "an exported symbol is new", "int f(void) { return 1; }",
	  "int f(void) { return 1; } asm(\".section \\\"___ksymtab+f\\\",\\\"a\\\"\\n"
	  "__ksymtab_f: .long f - .\\n.previous\");",
	  "told export:t.o:f\n" },
	{ "an exported symbol is gone",
	  "int f(void) { return 1; } asm(\".section \\\"___ksymtab+f\\\",\\\"a\\\"\\n"
	  "__ksymtab_f: .long f - .\\n.previous\");",
	  "int f(void) { return 1; }", "told export:t.o:f\n" },
	{ "dynamic debug: only the line",
	  USE DDEBUG "int f(void) { DEBUG_AT(1, 5, \"x\"); return 1; }",
	  USE DDEBUG "int f(void) { DEBUG_AT(2, 6, \"x\"); return 1; }", "" },
	{ "dynamic debug: another text",
	  USE DDEBUG "int f(void) { DEBUG_AT(1, 5, \"x\"); return 1; }",
	  USE DDEBUG "int f(void) { DEBUG_AT(1, 5, \"y\"); return 1; }",
	  "changed f\nnew data __UNIQUE_ID_ddebug1.0\n" },
	{ "a clone by constant propagation changes",
	  USE CLONED "static noinline int a(int x, int y) { return use(&use, x, y, 1); }"
		     "int f(int i) { return a(i, 3); } int g(int i) { return a(i + 1, 3); }",
	  USE CLONED "static noinline int a(int x, int y) { return use(&use, x, y, 2); }"
		     "int f(int i) { return a(i, 3); } int g(int i) { return a(i + 1, 3); }",
	  "changed a.constprop.0\n" },
	{ "a clone goes and its callers follow",
	  USE CLONED "static noinline int a(int x, int y) { return use(&use, x, y, 1); }"
		     "int f(int i) { return a(i, 3); } int g(int i) { return a(i + 1, 3); }",
	  USE CLONED "static noinline int a(int x, int y) { return use(&use, x, y, 1); }"
		     "int f(int i) { return a(i, 3); } int g(int i) { return a(i + 1, 4); }",
	  "new a\nremoved a.constprop.0\nchanged f\nchanged g\n" },
	{ "a cold piece goes with its function",
	  USE "extern void __attribute__((cold)) bad(const char *);"
	      "int f(int i) { if (i) { bad(\"x\"); use(\"y\", i); } return use(0, 1) + 1; }",
	  USE "extern void __attribute__((cold)) bad(const char *);"
	      "int f(int i) { if (i) { bad(\"x\"); use(\"z\", i); } return use(0, 1) + 1; }",
	  "changed f\nchanged piece f.cold\n" },
	{ "a cold piece goes with its function, itself unchanged",
	  USE "extern void __attribute__((cold)) bad(const char *);"
	      "int f(int i) { if (i) { bad(\"x\"); use(\"y\", i); } return use(0, 1) + 1; }",
	  USE "extern void __attribute__((cold)) bad(const char *);"
	      "int f(int i) { if (i) { bad(\"x\"); use(\"y\", i); } return use(0, 2) + 1; }",
	  "changed f\nchanged piece f.cold\n" },
	{ "only an entry of a table differs",
	  EXTABLE "int f(int i) { EXTABLE(1); return i; } int g(int i) { EXTABLE(1); return i; }",
	  EXTABLE "int f(int i) { EXTABLE(2); return i; } int g(int i) { EXTABLE(1); return i; }",
	  "changed f\n" },
	{ "an unchanged neighbour in a section with a name",
	  NOINLINE USE
	  "#define S __attribute__((section(\".sched.text\")))\n"
	  "S static noinline int a(int x) { return use(\"a\") + x; }"
	  "S int f(int i) { return a(i) + 1; } S int g(int i) { return use(0, i, 1); }",
	  NOINLINE USE
	  "#define S __attribute__((section(\".sched.text\")))\n"
	  "S static noinline int a(int x) { return use(\"a\") + x; }"
	  "S int f(int i) { return a(i) + 1; } S int g(int i) { return use(0, i, 1, i + i * i); }",
	  "changed g\n" },
	{ "a neighbour grows and a call over it is farther",
	  NOINLINE USE
	  "#define S __attribute__((section(\".sched.text\")))\n"
	  "S static noinline int a(int x) { return use(\"a\") + x; }"
	  "S int g(int i) { return use(0, i, 1); } S int f(int i) { return a(i) + 1; }",
	  NOINLINE USE
	  "#define S __attribute__((section(\".sched.text\")))\n"
	  "S static noinline int a(int x) { return use(\"a\") + x; }"
	  "S int g(int i) { use(0, i, i * i * i); use(0, i * 7); return use(0, i, 1); }"
	  "S int f(int i) { return a(i) + 1; }",
	  "changed g\n" },
	{ "a tail jump over a neighbour that grows",
	  NOINLINE USE
	  "#define S __attribute__((section(\".sched.text\")))\n"
	  "S static noinline int a(int x) { return use(\"a\") + x; }"
	  "S int g(int i) { return use(0, i, 1); } S int f(int i) { return a(i + 1); }",
	  NOINLINE USE
	  "#define S __attribute__((section(\".sched.text\")))\n"
	  "S static noinline int a(int x) { return use(\"a\") + x; }"
	  "S int g(int i) { for (int j = 0; j < i; j++) { use(0, i, i * i * i); use(&use, j * 7, "
	  "2);"
	  "use(0, j, i * j * i); use(&use, j * 9, 5); use(0, j, i / j * i); use(&use, j * 8, 4); }"
	  "return use(0, i, 1); } S int f(int i) { return a(i + 1); }",
	  "changed g\n" },
};

START_TEST(changes_become)
{
	const struct test_case *test = &cases[_i];
	struct diff_run run = {};
	struct uk_error *err = diff_run(&run, test->orig, test->patched, NULL);
	ck_assert_msg(!err, "%s: %s", test->name, err ? uk_error_message(err) : "");
	uk_auto_free char *text = diff_run_text(&run);
	ck_assert_msg(strcmp(text, test->text) == 0, "%s: got\n%sexpected\n%s", test->name, text,
		      test->text);
	ck_assert_int_eq(uk_diff_result_is_empty(run.result), test->text[0] == 0);
	diff_run_deinit(&run);
}
END_TEST

static const struct test_case refused[] = {
	{ "changed code uses writable data that grows",
	  USE "int a[4]; int f(void) { return use(a, 4); }",
	  USE "int a[5]; int f(void) { return use(a, 5); }",
	  "it uses a, whose size changes from 0x10 to 0x14 bytes" },
	{ "new code uses writable data that grows and is registered",
	  USE BOOT "static int a[4] = { 1 }; INIT int f(void) { return use(a, 4); }",
	  USE BOOT "static int a[5] = { 1 }; INIT int f(void) { return use(a, 4); }"
		   "int g(void) { return use(a, 1); }",
	  "it uses a, whose size changes from 0x10 to 0x14 bytes" },
	{ "changed code uses a global table of pointers that changes",
	  USE "const char *const t[] = { \"a\" }; int f(void) { return use(t, 1); }",
	  USE "const char *const t[] = { \"b\", \"c\" }; int f(void) { return use(t, 2); }",
	  "t.o: t: this read-only datum changes its size or its layout" },
	{ "statics that nothing tells apart",
	  USE "int f(void) { static int n; return use(&n, 1); } int g(int i) { return i; }",
	  USE "int f(void) { return use(0, 1); } int g(int i) { static int n; return use(&n, i); }",
	  "neither content nor order of use tells" },
	{ "changed code uses a section that nobody knows",
	  USE
	  "int n __attribute__((section(\".mystery\"))) = 1; int f(void) { return use(&n, 1); }",
	  USE
	  "int n __attribute__((section(\".mystery\"))) = 1; int f(void) { return use(&n, 2); }",
	  "it uses n of section .mystery" },
	{ "a change in a section that nobody knows",
	  USE
	  "int n __attribute__((section(\".mystery\"))) = 1; int f(void) { return use(&n, 1); }",
	  USE
	  "int n __attribute__((section(\".mystery\"))) = 2; int f(void) { return use(&n, 1); }",
	  "t.o: n: it changes, and it lies in section .mystery" },
	{ "a section that nobody knows speaks of changed code",
	  USE "int f(void) { return use(0, 1); }"
	      "void *p __attribute__((section(\".mystery\"))) = f;",
	  USE "int f(void) { return use(0, 2); }"
	      "void *p __attribute__((section(\".mystery\"))) = f;",
	  "t.o: f: section .mystery refers to it" },
	{ "changed code uses what is gone after boot",
	  USE "static int __attribute__((section(\".init.data\"))) n = 1; int f(void) { return "
	      "use(&n); }",
	  USE "static int __attribute__((section(\".init.data\"))) n = 1; int f(void) { return "
	      "use(&n, 2); }",
	  "it uses n of section .init.data, which is gone after boot" },
	{ "the end of a new datum, or the next one",
	  USE RM "RM static int a, c; int f(void) { return use(&a, &c, a, c); }",
	  USE RM "RM static int a, b, c; int f(void) { return use(&a, &c, &b, a, c, b); }",
	  "may be the end of what the patch put there" },
	{ "a global datum becomes writable", USE "const int n = 1; int f(void) { return use(&n); }",
	  USE "int n = 1; int f(void) { return use(&n); }",
	  "t.o: n: it moves from section .rodata.n to .data.n" },
	{ "an object that objtool has seen", "int f(void) { return 1; }",
	  "int f(void) { return 1; } asm(\".section .orc_unwind,\\\"a\\\"\\n.long "
	  "0\\n.previous\");",
	  "the object went through objtool" },
	{ "a table that is none", "int f(void) { return 1; }",
	  "int f(void) { return 1; } asm(\".section __ex_table,\\\"a\\\"\\n.long 0\\n.previous\");",
	  "section __ex_table: 4 bytes with 0 relocations are no table of entries" },
};

START_TEST(refusals_say_why)
{
	const struct test_case *test = &refused[_i];
	struct diff_run run = {};
	struct uk_error *err = diff_run(&run, test->orig, test->patched, NULL);
	ck_assert_msg(err != NULL, "%s: not refused", test->name);
	ck_assert_msg(strstr(uk_error_message(err), test->text) != NULL, "%s: '%s' lacks '%s'",
		      test->name, uk_error_message(err), test->text);
	bool invalid = strstr(test->text, "objtool") || strstr(test->text, "__ex_table");
	ck_assert_int_eq(uk_error_kind(err), invalid ? UK_ERR_INVALID : UK_ERR_REFUSED);
	uk_error_destroy(err);
	diff_run_deinit(&run);
}
END_TEST

START_TEST(moves_between_objects_are_refused)
{
	struct diff_run from = {}, to = {};
	ck_ok(diff_run(&from, "int a(int x) { return x; } int b(int x) { return x; }",
		       "int b(int x) { return x; }", NULL));
	ck_ok(diff_run(&to, "int c(int x) { return x; }",
		       "int c(int x) { return x; } int a(int x) { return x + 1; }", NULL));
	struct uk_diff_moves moves[] = {
		{ "from.o", from.result->gone.data, from.result->gone.len, from.result->carried },
		{ "to.o", to.result->gone.data, to.result->gone.len, to.result->carried },
	};
	ck_fails(uk_diff_check_moves(moves, 2), UK_ERR_REFUSED, "a moves from from.o to to.o");
	ck_ok(uk_diff_check_moves(moves, 1));
	diff_run_deinit(&from);
	diff_run_deinit(&to);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("diff: objects");
	TCase *tcase = tcase_create("objects");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, changes_become, 0, UK_ARRAY_SIZE(cases));
	tcase_add_loop_test(tcase, refusals_say_why, 0, UK_ARRAY_SIZE(refused));
	tcase_add_test(tcase, moves_between_objects_are_refused);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
