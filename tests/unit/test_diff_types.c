// SPDX-License-Identifier: GPL-2.0-or-later
/* Types that a patch changes, seen in objects that are compiled here. */
/* rooms: bundle diff elf base */
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "diff/types.h"
#include "tap.h"

#include <string.h>

static char dir[] = "/tmp/upkeep-types-XXXXXX";

/* Each type is used, or the compiler would not tell of it. */
#define USE "extern void use(void *);\n"

static char *compile(const char *name, const char *source, const char *dwarf)
{
	char *c = NULL, *o = NULL;
	ck_ok(uk_asprintf(&c, "%s/%s.c", dir, name));
	ck_ok(uk_asprintf(&o, "%s/%s.o", dir, name));
	ck_ok(uk_file_write(c, source, strlen(source), 0600));
	ck_ok(uk_process_call(NULL, "gcc-12", "-c", "-O2", "-ffunction-sections", "-fdata-sections",
			      dwarf, "-o", o, c, NULL));
	free(c);
	return o;
}

struct result {
	struct uk_finding *list;
	size_t nr;
};

static void compare(const char *old, const char *new, const char *dwarf, const char *symbol,
		    struct result *result)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	uk_auto_free char *orig = compile("orig", old, dwarf);
	uk_auto_free char *patched = compile("patched", new, dwarf);
	const char *empty = "hw";
	struct uk_types_input input = {
		.object = "net/x.o",
		.orig = orig,
		.patched = patched,
		.exported = &symbol,
		.nr_exported = symbol ? 1 : 0,
		.written = &symbol,
		.nr_written = symbol ? 1 : 0,
		.empty = &empty,
		.nr_empty = strstr(old, "hw;") ? 1 : 0,
	};
	ck_ok(uk_types_compare(&input, &result->list, &result->nr));
	ck_ok(uk_tree_remove(dir));
}

static void result_deinit(struct result *result)
{
	for (size_t i = 0; i < result->nr; i++) {
		free(result->list[i].name);
		free(result->list[i].place);
		free(result->list[i].text);
	}
	free(result->list);
}

/* A table, and what else there is. */
#define TABLE(rest)                                                                                \
	USE "struct ops { void (*f)(void *); }; static const struct ops t[2] = { { use } };"       \
	    "static const struct { struct ops *o; } u; " rest "void f(void) { use((void *)t);"     \
	    "use((void *)&u); use((void *)&hw); }"

#define WRITABLE(rest)                                                                             \
	USE "struct ops { void (*f)(void *); }; static struct ops t[2] = { { use } };" rest        \
	    "void f(void) { use(t); use((void *)&hw); }"

struct test_case {
	const char *old, *new;
	const char *name; /* of the one finding, or NULL when there is none */
	const char *text; /* how it begins */
	const char *symbol;
};

static const struct test_case cases[] = {
	/* 0: the example of the documentation */
	{ USE "struct s { int a; long b; }; void f(struct s *s) { use(&s->b); }",
	  USE "struct s { int a; long n; long b; }; void f(struct s *s) { use(&s->b); }",
	  "struct-layout:s",
	  "struct s: member n added at 8; member b moved from 8 to 16; size 16 -> 24. " },
	/* a member into a hole: nothing moves */
	{ USE "struct s { int a; long b; }; void f(struct s *s) { use(&s->b); }",
	  USE "struct s { int a; char n; long b; }; void f(struct s *s) { use(&s->b); }",
	  "struct-layout:s", "struct s: member n added at 4. " },
	{ USE "struct s { int a, b; }; void f(struct s *s) { use(s); }",
	  USE "struct s { int a, c; }; void f(struct s *s) { use(s); }", "struct-layout:s",
	  "struct s: member b renamed to c. " },
	{ USE "struct s { int a, b; }; void f(struct s *s) { use(s); }",
	  USE "struct s { int a; }; void f(struct s *s) { use(s); }", "struct-layout:s",
	  "struct s: member b removed at 4; size 8 -> 4. " },
	{ USE "struct s { unsigned a:3, b:2; }; void f(struct s *s) { use(s); }",
	  USE "struct s { unsigned a:4, b:2; }; void f(struct s *s) { use(s); }", "struct-layout:s",
	  "struct s: member a resized from 3 bits to 4 bits; "
	  "member b moved from 0 bit 3 to 0 bit 4. " },
	/* 5 */
	{ USE "struct s { int a; }; void f(struct s *s) { use(s); }",
	  USE "struct s { unsigned a; }; void f(struct s *s) { use(s); }", "struct-layout:s",
	  "struct s: member a changed from 'int' to 'unsigned int'. " },
	{ USE "struct s { int (*op)(char *); }; void f(struct s *s) { use(s); }",
	  USE "struct s { int (*op)(char *, int); }; void f(struct s *s) { use(s); }",
	  "struct-layout:s",
	  "struct s: member op changed from 'int(char *) *' to 'int(char *, int) *'. " },
	{ USE "struct s { char a[4]; }; void f(struct s *s) { use(s); }",
	  USE "struct s { char a[5]; }; void f(struct s *s) { use(s); }", "struct-layout:s",
	  "struct s: member a changed from 'char[4]' to 'char[5]'; size 4 -> 5. " },
	{ USE "union u { int a; }; void f(union u *u) { use(u); }",
	  USE "union u { int a; long b; }; void f(union u *u) { use(u); }", "union-layout:u",
	  "union u: member b added at 0; size 4 -> 8. " },
	/* anonymous ones belong to their parents */
	{ USE
	  "struct s { union { int a; struct { char b; } c; }; }; void f(struct s *s) { use(s); }",
	  USE "struct s { union { int a; struct { char x, b; } c; }; }; void f(struct s *s) { "
	      "use(s); }",
	  "struct-layout:s",
	  "struct s: member c.x added at 0; member c resized from 1 bytes to 2 bytes; "
	  "member c.b moved from 0 to 1. " },
	/* 10: typedefs and qualifiers do not count */
	{ USE "typedef int t; struct s { t a; char *b; }; void f(struct s *s) { use(s); }",
	  USE "struct s { int a; const char *const b; }; void f(struct s *s) { use(s); }", NULL },
	{ USE "typedef struct { int a; } t; void f(t *s) { use(s); }",
	  USE "typedef struct { int a, b; } t; void f(t *s) { use(s); }", "struct-layout:t",
	  "struct t: member b added at 4; size 4 -> 8. " },
	/* what only one of them has is none */
	{ USE "struct s; void f(struct s *s) { use(s); }",
	  USE "struct s { int a; }; struct n { int a; }; void f(struct s *s) { struct n n; use(s); "
	      "use(&n); }",
	  NULL },
	{ USE "struct s { int a; }; void f(struct s *s) { use(s); }",
	  USE "struct s; void f(struct s *s) { use(s); }", NULL },
	{ USE "enum e { A, B, M }; void f(enum e *e) { use(e); }",
	  USE "enum e { A, X, B, M }; void f(enum e *e) { use(e); }", "enum-values:e",
	  "enum e: B 1 -> 2; M 2 -> 3. " },
	/* 15: a new enumerator alone, and a renamed one, are none; a removed one is */
	{ USE "enum e { A, B }; void f(enum e *e) { use(e); }",
	  USE "enum e { A, Y, X = 1, N }; void f(enum e *e) { use(e); }", NULL },
	{ USE "enum e { A, B, C }; void f(enum e *e) { use(e); }",
	  USE "enum e { A, C = 2 }; void f(enum e *e) { use(e); }", "enum-values:e",
	  "enum e: B (1) removed. " },
	{ USE "enum { A, B, C }; void f(int *e) { *e = C; use(e); }",
	  USE "enum { A, X, B, C }; void f(int *e) { *e = C; use(e); }", "enum-values:A",
	  "enum A: B 1 -> 2; C 2 -> 3. " },
	{ USE "struct s { int a; } x; void f(int *e) { use(&x); }",
	  USE "union s { int a; } x; void f(int *e) { use(&x); }", "struct-layout:s",
	  "struct s: is now a union. " },
	/* local types of one name: the one that changed is found */
	{ USE "void f(void) { struct l { int a; } l; use(&l); }"
	      "void g(void) { struct l { long a; } l; use(&l); }",
	  USE "void f(void) { struct l { int a; } l; use(&l); }"
	      "void g(void) { { struct l { long a, b; } l; use(&l); } }",
	  "struct-layout:g.l", "struct g.l: member b added at 8; size 8 -> 16. " },
	{ USE "void f(void) { struct l { int a; } l; use(&l); }"
	      "void g(void) { struct l { long a; } l; use(&l); }",
	  USE "void e(void) { struct l { char a; } l; use(&l); }"
	      "void f(void) { struct l { int a; } l; use(&l); }"
	      "void g(void) { { struct l { long a, b; } l; use(&l); } }"
	      "void h(void) { struct l { char a; } l; use(&l); }",
	  "struct-layout:g.l", "struct g.l: member b added at 8; size 8 -> 16. " },
	/* 21: prototypes */
	{ "int f(int a) { return a; }", "int f(int a, char b) { return a; }", "prototype:f",
	  "function f: 'int(int)' -> 'int(int, char)'. ", "f" },
	{ "void f(void) {}", "int f(void) { return 1; }", "prototype:f",
	  "function f: 'void(void)' -> 'int(void)'. ", "f" },
	{ "int f(int a) { return a; }", "int f(int a, char b) { return a; }", NULL, NULL, "g" },
	{ "static int f(int a) { return a; } int g(int a) { return f(a); }",
	  "static int f(int a, int b) { return a; } int g(int a) { return f(a, 1); }", NULL, NULL,
	  "f" },
	{ "extern int v; int v = 1;", "extern long v; long v = 1;", "prototype:v",
	  "variable v: 'int' -> 'long'. ", "v" },
	/* 26: a long list is counted */
	{ USE "struct s { char a,b,c,d,e,f,g,h,i,j; }; void f(struct s *s) { use(s); }",
	  USE "struct s { char n,a,b,c,d,e,f,g,h,i,j; }; void f(struct s *s) { use(s); }",
	  "struct-layout:s",
	  "struct s: member n added at 0; member a moved from 0 to 1; member b moved from 1 to 2; "
	  "member c moved from 2 to 3; member d moved from 3 to 4; member e moved from 4 to 5; "
	  "member f moved from 5 to 6; member g moved from 6 to 7; and 3 more; size 10 -> 11. " },
	{ USE "struct s { char a; }; void f(struct s *s) { use(s); }",
	  USE "struct s { char a; } __attribute__((aligned(1))); void f(struct s *s) { use(s); }",
	  "struct-layout:s", "struct s: requested alignment 0 -> 1. " },
	/* 28: who may hold a copy of a table that is written */
	{ TABLE("struct hw { int n; struct ops ops; } hw;"),
	  TABLE("struct hw { int n; struct ops ops; } hw;"), "table-copies:net/x.o:t",
	  "table net/x.o:t: member ops of struct hw may hold a copy of it. ", "t" },
	{ TABLE("struct hw { union { struct { struct ops a[2]; }; int x; }; } hw;"),
	  TABLE("struct hw { union { struct { struct ops a[2]; }; int x; }; } hw;"),
	  "table-copies:net/x.o:t.0",
	  "table net/x.o:t.0: member a of struct hw may hold a copy of it. ", "t.0" },
	{ TABLE("struct ops hw;"), TABLE("struct ops hw;"), "table-copies:net/x.o:t",
	  "table net/x.o:t: variable hw may hold a copy of it. ", "t" },
	{ TABLE("const struct ops hw; struct p { const struct ops *p; } *p;"),
	  TABLE("const struct ops hw; struct p { const struct ops *p; } *p;"), NULL, NULL, "t" },
	{ TABLE("struct hw { struct ops ops; } hw;"), TABLE("struct hw { struct ops ops; } hw;"),
	  NULL, NULL, "u" },
	/* 33: of a writable one, which may well have others beside it */
	{ WRITABLE("struct hw { struct ops ops; } hw;"),
	  WRITABLE("struct hw { struct ops ops; } hw;"), "table-copies:net/x.o:t",
	  "table net/x.o:t: member ops of struct hw may hold a copy of it. ", "t" },
	{ WRITABLE("struct ops hw = { use };"), WRITABLE("struct ops hw = { use };"), NULL, NULL,
	  "t" },
	{ WRITABLE("struct ops hw;"), WRITABLE("struct ops hw;"), "table-copies:net/x.o:t",
	  "table net/x.o:t: variable hw may hold a copy of it. ", "t" },
};

static void check_case(const struct test_case *test, const char *dwarf)
{
	uk_cleanup(result_deinit) struct result result = {};
	compare(test->old, test->new, dwarf, test->symbol, &result);
	if (!test->name) {
		ck_assert_msg(result.nr == 0, "unexpected: %s",
			      result.nr ? result.list[0].text : "");
		return;
	}
	ck_assert_uint_eq(result.nr, 1);
	ck_assert_str_eq(result.list[0].name, test->name);
	ck_assert_msg(uk_str_starts(result.list[0].text, test->text), "'%s' is not '%s'",
		      result.list[0].text, test->text);
	ck_assert(!result.list[0].accepted);
	ck_assert_msg(strstr(result.list[0].place, "net/x.o: ") &&
			      strstr(result.list[0].place, ".c:"),
		      "place '%s'", result.list[0].place);
}

START_TEST(types_are_compared_in_dwarf_5)
{
	check_case(&cases[_i], "-gdwarf-5");
}
END_TEST

/* DWARF 4 has no alignments. */
START_TEST(types_are_compared_in_dwarf_4)
{
	if (!cases[_i].text || !strstr(cases[_i].text, "alignment"))
		check_case(&cases[_i], "-gdwarf-4");
}
END_TEST

START_TEST(findings_come_in_order_of_name)
{
	static const char old[] =
		USE "struct inner { int a; };"
		    "struct z { struct inner i; }; struct a { struct z z; int b; };"
		    "void f(struct a *a) { use(a); }";
	static const char new[] =
		USE "struct inner { int a, n; };"
		    "struct z { struct inner i; }; struct a { struct z z; int b; };"
		    "void f(struct a *a) { use(a); }";
	uk_cleanup(result_deinit) struct result result = {};
	compare(old, new, "-g", NULL, &result);
	ck_assert_uint_eq(result.nr, 3);
	ck_assert_str_eq(result.list[0].name, "struct-layout:a");
	ck_assert_str_eq(result.list[1].name, "struct-layout:inner");
	ck_assert_str_eq(result.list[2].name, "struct-layout:z");
	ck_assert_msg(uk_str_starts(result.list[0].text,
				    "struct a: member z resized from 4 bytes to 8 bytes; member b "
				    "moved from 4 to 8; size 8 -> 12. "),
		      "%s", result.list[0].text);
}
END_TEST

START_TEST(objects_without_debug_information_are_refused)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	uk_auto_free char *path = compile("plain", "int x;", "-g0");
	struct uk_types_input input = { .object = "a/b.o", .orig = path, .patched = path };
	struct uk_finding *list;
	size_t nr;
	ck_fails(uk_types_compare(&input, &list, &nr), UK_ERR_INVALID,
		 "it must be compiled with -g");
	ck_ok(uk_file_write(path, "nonsense", 8, 0600));
	ck_fails(uk_types_compare(&input, &list, &nr), UK_ERR_INVALID, "types of a/b.o: ");
	ck_ok(uk_tree_remove(dir));
	ck_fails(uk_types_compare(&input, &list, &nr), UK_ERR_SYSTEM, "No such file");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("diff_types");
	TCase *tcase = tcase_create("types");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, types_are_compared_in_dwarf_5, 0, UK_ARRAY_SIZE(cases));
	tcase_add_loop_test(tcase, types_are_compared_in_dwarf_4, 0, UK_ARRAY_SIZE(cases));
	tcase_add_test(tcase, findings_come_in_order_of_name);
	tcase_add_test(tcase, objects_without_debug_information_are_refused);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
