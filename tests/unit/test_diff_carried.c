// SPDX-License-Identifier: GPL-2.0-or-later
/* The carried object: its sections, its symbols and where each reference leads. */
/* rooms: bundle diff elf base */
#include "base/process.h"
#include "base/file.h"
#include "diff_run.h"

#define NOINLINE "#define noinline __attribute__((noipa))\n"
#define USE "extern int use(const void *, ...);\n"

static struct uk_section *section(const struct diff_run *run, const char *name)
{
	struct uk_section *found = uk_object_section(run->result->carried, name);
	ck_assert_msg(found != NULL, "no section %s", name);
	return found;
}

/* "symbol+addend" of a section's relocations, one per line. */
static char *relocs_text(const struct uk_section *from)
{
	struct uk_strbuf buf = {};
	uk_vec_for_each(reloc, &from->relocs)
		uk_strbuf_addf(&buf, "%s%+d\n", reloc->symbol->name, (int)reloc->addend);
	uk_strbuf_addstr(&buf, "");
	char *text;
	ck_ok(uk_strbuf_finish(&buf, &text));
	return text;
}

#define assert_relocs(run, name, expected)                                                         \
	do {                                                                                       \
		uk_auto_free char *relocs = relocs_text(section((run), (name)));                   \
		ck_assert_str_eq(relocs, (expected));                                              \
	} while (0)

static void assert_undefined(const struct diff_run *run, const char *name)
{
	const struct uk_symbol *symbol = uk_object_symbol(run->result->carried, name);
	ck_assert_msg(symbol != NULL, "no symbol %s", name);
	ck_assert_int_eq(symbol->place, UK_SYMBOL_UNDEFINED);
	ck_assert_int_eq(symbol->bind, STB_GLOBAL);
}

/* The pattern of a table: its pointers lead where the running kernel's should. */
START_TEST(new_pointers_of_a_table)
{
	struct diff_run run = {};
	ck_ok(diff_run(
		&run,
		USE "static int old(void) { return 1; } static int data; extern int other(void);"
		    "const void *const table[] = { old, 0, 0, 0, &data, &other, 0 };"
		    "int f(void) { return use(table, old, data++); }",
		USE
		"static int old(void) { return 3; } static int data; extern int other(void);"
		"static int new(void) { return 2; }"
		"const void *const table[] = { old, new, \"text\", old, &table[1], &other, other };"
		"int f(void) { return use(table, old, data--); }",
		NULL));
	const struct uk_section *pattern = section(&run, ".rodata.upk.7.table");
	assert_relocs(&run, ".rodata.upk.7.table",
		      ".upk.7.old+0\n.text.upk.7.new+0\n.rodata.upk.7.literals+0\n.upk.7.old+0\n"
		      ".upk.7.table+8\nother+0\nother+0\n");
	ck_assert_uint_eq(run.result->pointers.len, 5);
	static const int offsets[] = { 8, 16, 24, 32, 48 };
	for (int i = 0; i < 5; i++) {
		const struct uk_update_pointer *pointer = &run.result->pointers.data[i];
		ck_assert_str_eq(pointer->symbol, "table");
		ck_assert_str_eq(pointer->section, pattern->name);
		ck_assert_uint_eq(pointer->offset, offsets[i]);
		ck_assert_uint_eq(pointer->at, offsets[i]);
	}
	/* changed code goes to the running kernel's table, not to the pattern */
	uk_auto_free char *relocs = relocs_text(section(&run, ".text.upk.7.f"));
	ck_assert(strstr(relocs, ".upk.7.table+0\n") != NULL);
	diff_run_deinit(&run);
}
END_TEST

/* The running kernel's has no endbr64, for nobody took its address. */
START_TEST(a_function_that_becomes_a_pointer_with_ibt)
{
	static const char orig[] =
		USE NOINLINE "static noinline int a(int x) { return use(0, x); }"
			     "static noinline int b(int x) { return use(0, x, 1); }"
			     "int (*const table[])(int) = { b, b };"
			     "int f(int x) { return a(x) + b(x) + use(table); }";
	static const char patched[] =
		USE NOINLINE "static noinline int a(int x) { return use(0, x); }"
			     "static noinline int b(int x) { return use(0, x, 2); }"
			     "int (*const table[])(int) = { b, a };"
			     "int f(int x) { return a(x) + b(x) + use(table); }";
	struct diff_run run = {};
	ck_ok(diff_run(&run, orig, patched, "-fcf-protection=branch"));
	assert_relocs(&run, ".rodata.upk.7.table", ".upk.7.b+0\n.text.upk.7.a+0\n");
	diff_run_deinit(&run);
	ck_ok(diff_run(&run, orig, patched, NULL));
	assert_relocs(&run, ".rodata.upk.7.table", ".upk.7.b+0\n.upk.7.a+0\n");
	diff_run_deinit(&run);
}
END_TEST

START_TEST(names_of_the_running_kernel)
{
	struct diff_run run = {};
	ck_ok(diff_run(
		&run,
		USE NOINLINE "static noinline int local(int x) { return use(0, x); }"
			     "noinline int global(int x) { return use(0, x, 1); }"
			     "static int state; int shared;"
			     "int f(int x) { return local(x) + global(x) + state++ + shared; }",
		USE NOINLINE "static noinline int local(int x) { return use(0, x); }"
			     "noinline int global(int x) { return use(0, x, 1); }"
			     "static int state; int shared;"
			     "int f(int x) { return local(x) - global(x) + state++ + shared; }",
		NULL));
	assert_undefined(&run, ".upk.7.local");
	assert_undefined(&run, ".upk.7.state");
	assert_undefined(&run, "global");
	assert_undefined(&run, "shared");
	const struct uk_symbol *f = uk_object_symbol(run.result->carried, "f");
	ck_assert_int_eq(f->bind, STB_LOCAL);
	ck_assert_int_eq(f->type, STT_FUNC);
	ck_assert_str_eq(f->section->name, ".text.upk.7.f");
	ck_assert_ptr_null(uk_object_section(run.result->carried, ".bss.upk.7.state"));
	diff_run_deinit(&run);
}
END_TEST

START_TEST(addends_count_from_the_next_instruction)
{
	/* cmpb has an immediate behind the displacement: the addend is -5, not -4 */
	struct diff_run run = {};
	ck_ok(diff_run(&run, "static char a[8]; int f(int i) { a[i] = 1; return a[3] == 5; }",
		       "static char a[8]; int f(int i) { a[i] = 2; return a[3] == 5; }", NULL));
	assert_relocs(&run, ".text.upk.7.f", ".upk.7.a+0\n.upk.7.a-2\n");
	diff_run_deinit(&run);
}
END_TEST

START_TEST(calls_go_to_the_new_code_and_addresses_stay_the_running_ones)
{
	struct diff_run run = {};
	ck_ok(diff_run(&run,
		       USE NOINLINE "noinline int a(int x) { return use(\"a\", x); }"
				    "int f(int x) { use(&a); return a(x) * 2; }",
		       USE NOINLINE "noinline int a(int x) { return use(\"b\", x); }"
				    "int f(int x) { use(&a); return a(x) * 3; }",
		       NULL));
	ck_assert_int_eq(run.result->functions.len, 2);
	const struct uk_section *f = section(&run, ".text.upk.7.f");
	size_t calls = 0, addresses = 0;
	uk_vec_for_each(reloc, &f->relocs) {
		if (strcmp(reloc->symbol->name, "a") == 0) {
			ck_assert_int_eq(reloc->symbol->place, UK_SYMBOL_DEFINED);
			ck_assert_int_eq(reloc->type, R_X86_64_PLT32);
			ck_assert_int_eq(reloc->addend, -4);
			calls++;
		} else if (strcmp(reloc->symbol->name, ".upk.7.a") == 0) {
			ck_assert_int_eq(reloc->symbol->place, UK_SYMBOL_UNDEFINED);
			ck_assert_int_eq(reloc->type, R_X86_64_32S);
			addresses++;
		}
	}
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(addresses, 1);
	diff_run_deinit(&run);
}
END_TEST

START_TEST(only_the_strings_in_use_go_along)
{
	struct diff_run run = {};
	ck_ok(diff_run(&run,
		       USE "int g(void) { return use(\"unused here\"); }"
			   "int f(void) { return use(\"first\", \"second\"); }",
		       USE "int g(void) { return use(\"unused here\"); }"
			   "int f(void) { return use(\"first\", \"other\"); }",
		       NULL));
	const struct uk_section *literals = section(&run, ".rodata.upk.7.literals");
	ck_assert_int_eq(literals->size, sizeof("first") + sizeof("other"));
	ck_assert_int_eq(literals->flags, SHF_ALLOC);
	ck_assert_ptr_nonnull(memmem(literals->data, literals->size, "first", 6));
	ck_assert_ptr_nonnull(memmem(literals->data, literals->size, "other", 6));
	diff_run_deinit(&run);
}
END_TEST

START_TEST(new_things_keep_their_binding)
{
	struct diff_run run = {};
	ck_ok(diff_run(&run, USE "int f(void) { return 1; }",
		       USE NOINLINE "int made = 3; static int own;"
				    "static noinline int helper(int *x) { return use(x, 2); }"
				    "int entry(void) { return helper(&own); }"
				    "static int (*const ops[])(int *) = { helper };"
				    "int f(void) { use(ops); return helper(&made); }",
		       NULL));
	const struct uk_object *carried = run.result->carried;
	ck_assert_int_eq(uk_object_symbol(carried, "made")->bind, STB_GLOBAL);
	ck_assert_int_eq(uk_object_symbol(carried, "entry")->bind, STB_GLOBAL);
	ck_assert_int_eq(uk_object_symbol(carried, "helper")->bind, STB_LOCAL);
	ck_assert_str_eq(uk_object_symbol(carried, "own")->section->name, ".bss.upk.7.own");
	ck_assert_int_eq(uk_object_symbol(carried, "own")->section->type, SHT_NOBITS);
	ck_assert_str_eq(uk_object_symbol(carried, "made")->section->name, ".data.upk.7.made");
	assert_relocs(&run, ".rodata.upk.7.ops", ".text.upk.7.helper+0\n");
	diff_run_deinit(&run);
}
END_TEST

#define TABLES                                                                                     \
	"#define TABLES asm volatile(\"1: .byte 0xf0; incl (%%rsp)\\n2: nop; nop; nop; nop; "      \
	"nop\\n\""                                                                                 \
	"\".pushsection .smp_locks,\\\"a\\\"\\n.long 1b - .\\n.popsection\\n\""                    \
	"\".pushsection __ex_table,\\\"a\\\"\\n.long 1b - ., 2b - ., 3\\n.popsection\\n\""         \
	"\".pushsection .altinstr_aux,\\\"ax\\\"\\n6: testb $1, flags(%%rip)\\njmp "               \
	"2b\\n.popsection\\n\""                                                                    \
	"\".pushsection .altinstr_replacement,\\\"ax\\\"\\n4: jmp 6b\\n5:\\n.popsection\\n\""      \
	"\".pushsection .altinstructions,\\\"a\\\"\\n.long 2b - ., 4b - .\\n.word 9\\n\""          \
	"\".byte 5, 5b - 4b\\n.popsection\\n\""                                                    \
	"\".pushsection __jump_table,\\\"aw\\\"\\n.long 2b - ., 1b - .\\n.quad key - "             \
	".\\n.popsection\""                                                                        \
	":::\"memory\")\n"                                                                         \
	"extern char flags, key;\n"

START_TEST(table_entries_go_with_their_code)
{
	struct diff_run run = {};
	ck_ok(diff_run(&run,
		       USE TABLES "int g(void) { TABLES; return use(0); }"
				  "int f(void) { TABLES; return use(0, 1); }",
		       USE TABLES "int g(void) { TABLES; return use(0); }"
				  "int f(void) { TABLES; return use(0, 2); }",
		       NULL));
	ck_assert_int_eq(run.result->functions.len, 1);
	ck_assert_int_eq(section(&run, ".smp_locks")->size, 4);
	ck_assert_int_eq(section(&run, "__ex_table")->size, 12);
	ck_assert_int_eq(section(&run, ".altinstructions")->size, 12);
	ck_assert_int_eq(section(&run, "__jump_table")->size, 16);
	ck_assert_int_eq(section(&run, ".altinstr_replacement")->size, 5);
	uint64_t code = section(&run, ".smp_locks")->relocs.data[0].addend;
	char text[256];
	snprintf(text, sizeof(text), ".text.upk.7.f+%d\n", (int)code);
	assert_relocs(&run, ".smp_locks", text);
	snprintf(text, sizeof(text), ".text.upk.7.f+%d\n.text.upk.7.f+%d\n", (int)code,
		 (int)code + 4);
	assert_relocs(&run, "__ex_table", text);
	snprintf(text, sizeof(text), ".text.upk.7.f+%d\n.altinstr_replacement+0\n", (int)code + 4);
	assert_relocs(&run, ".altinstructions", text);
	snprintf(text, sizeof(text), ".text.upk.7.f+%d\n.text.upk.7.f+%d\nkey+0\n", (int)code + 4,
		 (int)code);
	assert_relocs(&run, "__jump_table", text);
	assert_relocs(&run, ".altinstr_replacement", ".altinstr_aux-4\n");
	snprintf(text, sizeof(text), "flags-5\n.text.upk.7.f+%d\n", (int)code);
	assert_relocs(&run, ".altinstr_aux", text);
	diff_run_deinit(&run);
}
END_TEST

START_TEST(static_call_keys_are_named)
{
	struct diff_run run = {};
	ck_ok(diff_run(
		&run, "extern int __SCT__hook(int); int f(int x) { return __SCT__hook(x) + 1; }",
		"extern int __SCT__hook(int); int f(int x) { return __SCT__hook(x) + 2; }", NULL));
	assert_undefined(&run, "__SCT__hook");
	assert_undefined(&run, "__SCK__hook");
	diff_run_deinit(&run);
}
END_TEST

#define RUNTIME                                                                                    \
	"static inline unsigned long ptr(void) { unsigned long x; asm(\"movabs "                   \
	"$0x0123456789abcdef,%0\\n1:\\n.pushsection runtime_ptr_LIMIT,\\\"a\\\"\\n.long 1b - 8 - " \
	".\\n"                                                                                     \
	".popsection\" : \"=r\"(x)); return x; }"                                                  \
	"static inline unsigned shift(unsigned x) { asm(\"shrl $12,%0\\n1:\\n"                     \
	".pushsection runtime_shift_BITS,\\\"a\\\"\\n.long 1b - 1 - .\\n.popsection\" : "          \
	"\"+r\"(x));"                                                                              \
	"return x; }\n"

START_TEST(runtime_constants_become_values)
{
	struct diff_run run = {};
	ck_ok(diff_run(&run, RUNTIME "long f(unsigned i) { return ptr() + i + 1; }",
		       RUNTIME "long f(unsigned i) { return ptr() + i + 2; }", NULL));
	assert_undefined(&run, ".upk.value.LIMIT");
	const struct uk_section *f = section(&run, ".text.upk.7.f");
	ck_assert_int_eq(f->relocs.len, 1);
	ck_assert_int_eq(f->relocs.data[0].type, R_X86_64_64);
	static const uint8_t zero[8];
	ck_assert_int_eq(memcmp(f->data + f->relocs.data[0].offset, zero, 8), 0);
	ck_assert_ptr_null(uk_object_section(run.result->carried, "runtime_ptr_LIMIT"));
	diff_run_deinit(&run);
}
END_TEST

START_TEST(a_runtime_constant_of_one_byte_is_marked)
{
	struct diff_run run = {};
	ck_ok(diff_run(&run, RUNTIME "long f(unsigned i) { return shift(i) + 1; }",
		       RUNTIME "long f(unsigned i) { return shift(i) + 2; }", NULL));
	assert_undefined(&run, ".upk.value.BITS");
	const struct uk_section *f = section(&run, ".text.upk.7.f");
	const struct uk_symbol *byte = uk_object_symbol(run.result->carried, ".upk.byte.BITS");
	ck_assert_ptr_nonnull(byte);
	ck_assert_ptr_eq(byte->section, f);
	ck_assert_int_eq(byte->bind, STB_LOCAL);
	ck_assert_int_eq(byte->type, STT_OBJECT);
	ck_assert_uint_eq(f->data[byte->value], 12);
	ck_assert_int_eq(f->relocs.len, 0);
	diff_run_deinit(&run);
}
END_TEST

START_TEST(call_padding_goes_along)
{
	struct diff_run run = {};
	ck_ok(diff_run(&run,
		       USE NOINLINE "#define S __attribute__((section(\".sched.text\")))\n"
				    "S int a(int x) { return use(0, x); }"
				    "S int f(int x) { return use(0, x, 1) + 1; }",
		       USE NOINLINE "#define S __attribute__((section(\".sched.text\")))\n"
				    "S int a(int x) { return use(0, x); }"
				    "S int f(int x) { return use(0, x, 2) + 1; }",
		       "-fpatchable-function-entry=16,16"));
	const struct uk_section *f = section(&run, ".text.upk.7.f");
	ck_assert_int_eq(run.result->functions.data[0].offset, 16);
	ck_assert_int_eq(uk_object_symbol(run.result->carried, "f")->value, 16);
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(f->data[i], 0x90);
	ck_assert_int_eq(f->align, 16);
	ck_assert_ptr_null(uk_object_symbol(run.result->carried, "a"));
	diff_run_deinit(&run);
}
END_TEST

START_TEST(a_call_that_the_assembler_resolved_gets_a_relocation)
{
	struct diff_run run = {};
	ck_ok(diff_run(&run,
		       USE NOINLINE "#define S __attribute__((section(\".sched.text\")))\n"
				    "S static noinline int a(int x) { return use(0, x); }"
				    "S int f(int x) { return a(x) + 1; }",
		       USE NOINLINE "#define S __attribute__((section(\".sched.text\")))\n"
				    "S static noinline int a(int x) { return use(0, x); }"
				    "S int f(int x) { return a(x) + 2; }",
		       NULL));
	const struct uk_section *f = section(&run, ".text.upk.7.f");
	ck_assert_int_eq(f->relocs.len, 1);
	const struct uk_reloc *call = &f->relocs.data[0];
	ck_assert_str_eq(call->symbol->name, ".upk.7.a");
	ck_assert_int_eq(call->type, R_X86_64_PLT32);
	ck_assert_int_eq(call->addend, -4);
	static const uint8_t bytes[] = { 0xe8, 0, 0, 0, 0 };
	ck_assert_int_eq(memcmp(f->data + call->offset - 1, bytes, 5), 0);
	diff_run_deinit(&run);
}
END_TEST

START_TEST(a_short_jump_takes_its_target_along)
{
	struct diff_run run = {};
	ck_ok(diff_run(&run,
		       USE NOINLINE "#define S __attribute__((section(\".sched.text\")))\n"
				    "S static noinline int a(int x) { return use(0, x); }"
				    "S int f(int x) { return a(x + 1); }",
		       USE NOINLINE "#define S __attribute__((section(\".sched.text\")))\n"
				    "S static noinline int a(int x) { return use(0, x); }"
				    "S int f(int x) { return a(x + 2); }",
		       NULL));
	ck_assert_int_eq(run.result->functions.len, 1);
	ck_assert_str_eq(run.result->functions.data[0].name, "f");
	ck_assert_uint_gt(run.result->functions.data[0].offset, 0);
	const struct uk_section *f = section(&run, ".text.upk.7.f");
	const struct uk_symbol *a = uk_object_symbol(run.result->carried, "a");
	ck_assert_ptr_eq(a->section, f);
	ck_assert_int_eq(a->bind, STB_LOCAL);
	diff_run_deinit(&run);
}
END_TEST

START_TEST(the_target_module_is_not_the_part)
{
	struct diff_run run = {};
	ck_ok(diff_run(
		&run, USE "extern char __this_module; int f(void) { return use(&__this_module); }",
		USE "extern char __this_module; int f(void) { return use(&__this_module, 1); }",
		NULL));
	assert_undefined(&run, ".upk.7.__this_module");
	ck_assert_ptr_null(uk_object_symbol(run.result->carried, "__this_module"));
	diff_run_deinit(&run);
}
END_TEST

START_TEST(per_cpu_data_keep_their_section)
{
	struct diff_run run = {};
	ck_ok(diff_run(&run, "int f(void) { return 1; }",
		       "static int __attribute__((section(\".data..percpu\"))) n;"
		       "int f(void) { return ++n; }",
		       NULL));
	ck_assert_str_eq(uk_object_symbol(run.result->carried, "n")->section->name,
			 ".data..percpu");
	diff_run_deinit(&run);
}
END_TEST

/* The linker takes it, and a program made of it does what the patched source says. */
#define LABELS(section, add)                                                                       \
	"extern void say(int) __attribute__((cold));"                                              \
	"int f(int i, int x) {"                                                                    \
	" static const void *const table[] __attribute__((section(" section ")))"                  \
	"  = { &&cold, &&one, &&two };"                                                            \
	" goto *table[i];"                                                                         \
	" one: return x + " add ";"                                                                \
	" two: return x * 7;"                                                                      \
	" cold: say(x); return 3; }"

/* Labels are places in the new code, the first of its cold piece too; objtool wants the section. */
static void check_labels(const char *orig, const char *patched, const char *name)
{
	struct diff_run run = {};
	ck_ok(diff_run(&run, orig, patched, NULL));
	uk_auto_free char *text = diff_run_text(&run);
	ck_assert_str_eq(text, "changed f\nchanged piece f.cold\ncarried data table.0\n");
	assert_relocs(&run, name, ".text.upk.7.f.cold+0\n.text.upk.7.f+16\n.text.upk.7.f+32\n");
	uk_auto_free char *relocs = relocs_text(section(&run, ".text.upk.7.f"));
	ck_assert_ptr_nonnull(strstr(relocs, name));
	diff_run_deinit(&run);
}

/* The next update redirects what this one brings. */
static void check_room(const char *flag, uint64_t padding)
{
	struct diff_run run = {};
	ck_ok(diff_run(&run, "int f(void) { return 0; }", "int f(void) { return 1; }", flag));
	const struct uk_section *f = section(&run, ".text.upk.7.f");
	const struct uk_symbol *symbol = uk_object_symbol(run.result->carried, "f");
	ck_assert_uint_eq(symbol->size, 6);
	ck_assert_uint_eq(symbol->value, padding);
	ck_assert_uint_eq(f->size, padding + 16);
	for (uint64_t i = padding + symbol->size; i < f->size; i++)
		ck_assert_uint_eq(f->data[i], 0xcc);
	diff_run_deinit(&run);
}

START_TEST(short_code_has_room_for_a_redirect)
{
	check_room(NULL, 0);
	check_room("-fpatchable-function-entry=16,16", 16);
}
END_TEST

START_TEST(tables_of_labels_stay_with_their_function)
{
	check_labels(LABELS("\".rodata..c_jump_table,\\\"a\\\",@progbits #\"", "3"),
		     LABELS("\".rodata..c_jump_table,\\\"a\\\",@progbits #\"", "4"),
		     ".rodata..c_jump_table");
	check_labels(LABELS("\".data.rel.ro.c_jump_table\"", "3"),
		     LABELS("\".data.rel.ro.c_jump_table\"", "4"), ".data.rel.ro.c_jump_table");
}
END_TEST

START_TEST(what_is_carried_runs)
{
	struct diff_run run = {};
	ck_ok(diff_run(&run,
		       NOINLINE "static int state = 40; static const int t[] = { 1, 2 };"
				"static noinline int local(int x) { return x + state; }"
				"static noinline int pick(int i) { return t[i]; }"
				"int f(int x) { return local(x) + pick(x); }",
		       NOINLINE "static int state = 40; static const int t[] = { 1, 2, 100 };"
				"static noinline int local(int x) { return x + state; }"
				"static noinline int pick(int i) { return t[i]; }"
				"static int count;"
				"int f(int x) { count += 1000; return local(x) + pick(x) + count; }"
				"int run(void) { return f(2) == 1142 && f(2) == 2142; }",
		       NULL));
	char *bytes;
	size_t len;
	ck_ok(uk_object_write(run.result->carried, true, &bytes, &len));
	char dir[] = "/tmp/upkeep-carried-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(dir));
	uk_auto_free char *object = NULL, *linked = NULL, *program = NULL;
	ck_ok(uk_asprintf(&object, "%s/c.o", dir));
	ck_ok(uk_asprintf(&linked, "%s/l.o", dir));
	ck_ok(uk_asprintf(&program, "%s/p", dir));
	ck_ok(uk_file_write(object, bytes, len, 0600));
	ck_ok(uk_process_call(NULL, "ld", "-r", "-o", linked, object, NULL));
	/* the running kernel's part: local() with another number, so that it shows */
	static const char *const stub = "int local(int x) __asm__(\".upk.7.local\");"
					"int local(int x) { return x + 40; }"
					"extern int run(void); int main(void) { return !run(); }";
	const char *const argv[] = { "gcc-12", "-no-pie", "-O0", "-o", program,
				     linked,   "-x",	  "c",	 "-",  NULL };
	struct uk_process process = { .argv = argv, .input = stub, .input_len = strlen(stub) };
	ck_ok(uk_process_check(&process, NULL));
	ck_ok(uk_process_call(NULL, program, NULL));
	ck_ok(uk_tree_remove(dir));
	free(bytes);
	diff_run_deinit(&run);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("diff: carried object");
	TCase *tcase = tcase_create("carried");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, new_pointers_of_a_table);
	tcase_add_test(tcase, a_function_that_becomes_a_pointer_with_ibt);
	tcase_add_test(tcase, names_of_the_running_kernel);
	tcase_add_test(tcase, addends_count_from_the_next_instruction);
	tcase_add_test(tcase, calls_go_to_the_new_code_and_addresses_stay_the_running_ones);
	tcase_add_test(tcase, only_the_strings_in_use_go_along);
	tcase_add_test(tcase, new_things_keep_their_binding);
	tcase_add_test(tcase, table_entries_go_with_their_code);
	tcase_add_test(tcase, static_call_keys_are_named);
	tcase_add_test(tcase, runtime_constants_become_values);
	tcase_add_test(tcase, a_runtime_constant_of_one_byte_is_marked);
	tcase_add_test(tcase, call_padding_goes_along);
	tcase_add_test(tcase, a_call_that_the_assembler_resolved_gets_a_relocation);
	tcase_add_test(tcase, a_short_jump_takes_its_target_along);
	tcase_add_test(tcase, the_target_module_is_not_the_part);
	tcase_add_test(tcase, per_cpu_data_keep_their_section);
	tcase_add_test(tcase, short_code_has_room_for_a_redirect);
	tcase_add_test(tcase, tables_of_labels_stay_with_their_function);
	tcase_add_test(tcase, what_is_carried_runs);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
