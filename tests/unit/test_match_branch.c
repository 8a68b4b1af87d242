// SPDX-License-Identifier: GPL-2.0-or-later
/* Who branches to where: from a function itself, its neighbours, other sections and tables. */
/* rooms: match elf base */
#include "golden.h"
#include "match/branch.h"
#include "tap.h"

#include <string.h>

static struct uk_object *object;
static struct uk_branches *branches;

/* A function of five one-byte instructions, and whatever else the test wants. */
static void compile(const char *rest)
{
	static const char target[] =
		"asm(\".globl target; .type target, @function; target: push %%rbx; 1: nop; nop; "
		"nop;\"\n"
		"    \"2: ret; .size target, . - target; .skip 8, 0xcc;\");\n%s";
	char source[1024];
	ck_assert_int_lt(snprintf(source, sizeof(source), target, rest), (int)sizeof(source));
	object = golden_compile(source, NULL);
	ck_ok(uk_branches_collect(object, &branches));
}

static void teardown(void)
{
	uk_branches_destroy(branches);
	uk_object_destroy(object);
}

static const struct uk_branch *into(uint64_t from, uint64_t to)
{
	const struct uk_branch *branch;
	const struct uk_symbol *target = uk_object_symbol(object, "target");
	ck_ok(uk_branches_into(branches, target, target->value + from, target->value + to,
			       &branch));
	return branch;
}

START_TEST(nothing_branches_into_it)
{
	compile("");
	ck_assert_ptr_null(into(0, 5));
}
END_TEST

START_TEST(a_neighbour_branches_into_it)
{
	compile("asm(\".type other, @function; other: jmp 1b; .size other, . - other\");\n");
	ck_assert_ptr_null(into(0, 1));
	ck_assert_ptr_null(into(2, 5));
	const struct uk_branch *branch = into(0, 5);
	ck_assert_ptr_nonnull(branch);
	ck_assert_uint_eq(branch->target, uk_object_symbol(object, "target")->value + 1);
	ck_assert_uint_eq(branch->offset, uk_object_symbol(object, "other")->value);
}
END_TEST

START_TEST(the_first_of_many_is_told)
{
	compile("asm(\".type other, @function; other: jnz 2b; jmp 1b; jz 2b;\"\n"
		"    \".size other, . - other\");\n");
	ck_assert_uint_eq(into(0, 5)->target, uk_object_symbol(object, "target")->value + 1);
	ck_assert_uint_eq(into(2, 5)->target, uk_object_symbol(object, "target")->value + 4);
	ck_assert_uint_eq(into(2, 5)->offset, uk_object_symbol(object, "other")->value);
}
END_TEST

START_TEST(a_table_leads_into_it)
{
	compile("asm(\".section .rodata; .quad 1b; .text\");\n");
	const struct uk_branch *branch = into(1, 2);
	ck_assert_ptr_nonnull(branch);
	ck_assert_str_eq(branch->section->name, ".rodata");
}
END_TEST

START_TEST(other_data_leads_nowhere)
{
	compile("asm(\".data; .quad 1b; .text\");\n");
	ck_assert_ptr_null(into(0, 5));
}
END_TEST

START_TEST(data_among_code_hides_nothing_but_itself)
{
	compile("asm(\".type odd, @function; odd: jmp 1b; .byte 0x06; .size odd, . - odd;\"\n"
		"    \".type other, @function; other: jmp 2b; .size other, . - other\");\n");
	ck_assert_ptr_nonnull(into(1, 2));
	ck_assert_ptr_nonnull(into(4, 5));
	const struct uk_branch *branch;
	const struct uk_symbol *odd = uk_object_symbol(object, "odd");
	ck_fails(uk_branches_into(branches, odd, odd->value, odd->value + 1, &branch),
		 UK_ERR_REFUSED, "function odd: the code at +0x2 is no instruction");
}
END_TEST

START_TEST(a_function_over_the_end_is_an_error)
{
	compile("");
	struct uk_symbol *target = uk_object_symbol(object, "target");
	const struct uk_branch *branch;
	target->size = 0x1000;
	ck_fails(uk_branches_into(branches, target, 0, 1, &branch), UK_ERR_INVALID,
		 "function target reaches over its section");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("branches");
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, nothing_branches_into_it);
	tcase_add_test(tcase, a_neighbour_branches_into_it);
	tcase_add_test(tcase, the_first_of_many_is_told);
	tcase_add_test(tcase, a_table_leads_into_it);
	tcase_add_test(tcase, other_data_leads_nowhere);
	tcase_add_test(tcase, data_among_code_hides_nothing_but_itself);
	tcase_add_test(tcase, a_function_over_the_end_is_an_error);
	Suite *suite = suite_create("match_branch");
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
