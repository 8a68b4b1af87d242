// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a function is redirected, in a made-up kernel, and where there is no room. */
/* rooms: match elf base */
#include "match_run.h"

/* Functions without an ftrace site. */
static void without_ftrace(const char *code)
{
	uk_object_destroy(object);
	object = golden_compile(code, NULL);
	kernel();
}

START_TEST(a_function_without_ftrace_is_redirected_at_its_entry)
{
	without_ftrace(source);
	add_function("first", true);
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].jumps[0].address, addr("first"));
}
END_TEST

START_TEST(short_functions_are_refused)
{
	without_ftrace("int tiny(void) { return 0; }\n"
		       "int next(int x) { return x * 3 + 1; }\n");
	add_function("tiny", true);
	refused("function tiny: it is too short (3 bytes)");
}
END_TEST

START_TEST(int3_behind_a_short_function_is_room)
{
	without_ftrace("asm(\".globl tiny; .type tiny, @function; tiny: xor %eax, %eax; ret;\"\n"
		       "    \".size tiny, . - tiny; .skip 5, 0xcc\");\n");
	add_function("tiny", true);
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].jumps[0].address, addr("tiny"));
	ck_assert(!memcmp(match->functions.data[0].jumps[0].old_bytes, "\x31\xc0\xc3\xcc\xcc", 5));
}
END_TEST

START_TEST(branches_into_the_redirect_are_refused)
{
	without_ftrace("asm(\".globl looped; .type looped, @function; looped: push %rbx;\"\n"
		       "    \"1: dec %edi; jnz 1b; pop %rbx; ret; .size looped, . - looped\");\n");
	add_function("looped", true);
	refused("a jump at +0x0 would be entered in its middle: .text+0x3 leads to +0x1");
}
END_TEST

START_TEST(relocated_branches_into_the_redirect_are_refused)
{
	without_ftrace("asm(\".globl far; .type far, @function; far: push %rbx; 1: dec %edi;\"\n"
		       "    \"pop %rbx; ret; nop; nop; .size far, . - far;\"\n"
		       "    \".section .text.unlikely; .type far.cold, @function;\"\n"
		       "    \"far.cold: jmp 1b; .size far.cold, . - far.cold; .text\");\n");
	add_function("far", true);
	refused("would be entered in its middle: .text.unlikely+0x1 leads to +0x1");
}
END_TEST

static void locked_function(void)
{
	without_ftrace("asm(\".globl locked; .type locked, @function; locked: nop;\"\n"
		       "    \"1: lock incl (%rdi); ret; .size locked, . - locked;\"\n"
		       "    \".section .smp_locks,\\\"a\\\"; .long 1b - .; .text\");\n");
	add_function("locked", true);
}

START_TEST(sites_under_the_redirect_are_refused)
{
	locked_function();
	*sample_byte(&s, addr("locked") + 1) = 0x3e;
	refused("a jump at +0x0 would overwrite a lock prefix at +0x1");
}
END_TEST

START_TEST(a_lock_is_gone_for_good_on_the_only_processor)
{
	sample_variable(&s, "nr_cpu_ids", EXTERNAL + 128, 1);
	locked_function();
	*sample_byte(&s, addr("locked") + 1) = 0x3e;
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].jumps[0].old_bytes[1], 0x3e);
}
END_TEST

START_TEST(a_lock_comes_back_with_a_second_processor)
{
	sample_variable(&s, "nr_cpu_ids", EXTERNAL + 128, 2);
	locked_function();
	*sample_byte(&s, addr("locked") + 1) = 0x3e;
	refused("a jump at +0x0 would overwrite a lock prefix at +0x1");
}
END_TEST

START_TEST(a_lock_that_stays_may_lie_under_the_redirect)
{
	locked_function();
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].jumps[0].address, addr("locked"));
	ck_assert_uint_eq(match->functions.data[0].jumps[0].old_bytes[1], 0xf0);
}
END_TEST

/* A label at +0 whose jump leads to +@to; nine bytes of nops between, and behind @to. */
static void labelled_function(const char *to)
{
	uk_auto_free char *text = NULL;
	ck_assert(
		asprintf(&text,
			 "asm(\".globl labelled; .type labelled, @function; labelled:\"\n"
			 "    \"1: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00; nop; nop; nop; nop; ret;\"\n"
			 "    \"2: nop; nop; nop; nop; ret; .size labelled, . - labelled;\"\n"
			 "    \".section __jump_table,\\\"aw\\\"; .long 1b - ., labelled + %s - "
			 ".;\"\n"
			 "    \".quad key - .; .bss; key: .skip 16; .text\");\n",
			 to) > 0);
	without_ftrace(text);
	add_function("labelled", true);
}

START_TEST(a_jump_label_at_the_entry_gets_a_jump_on_each_way)
{
	labelled_function("10");
	ck_ok(run());
	const struct uk_match_function *found = &match->functions.data[0];
	ck_assert_uint_eq(found->nr_jumps, 2);
	ck_assert_uint_eq(found->jumps[0].address, addr("labelled") + 5);
	ck_assert(!memcmp(found->jumps[0].old_bytes, "\x90\x90\x90\x90\xc3", 5));
	ck_assert_uint_eq(found->jumps[1].address, addr("labelled") + 10);
}
END_TEST

START_TEST(the_ways_of_a_jump_label_must_have_room)
{
	labelled_function("8");
	refused("a jump at +0x5 would be entered in its middle: __jump_table+0x4 leads to +0x8");
}
END_TEST

START_TEST(a_jump_label_that_leads_behind_itself_has_one_way)
{
	labelled_function("5");
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].nr_jumps, 1);
}
END_TEST

START_TEST(a_jump_label_that_leads_out_is_refused)
{
	labelled_function("20");
	refused("a jump at +0x0 would overwrite a jump label at +0x0");
}
END_TEST

/* Updates on updates. */

int main(void)
{
	Suite *suite = suite_create("match redirects");
	TCase *tcase = tcase_create("updates");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_function_without_ftrace_is_redirected_at_its_entry);
	tcase_add_test(tcase, short_functions_are_refused);
	tcase_add_test(tcase, int3_behind_a_short_function_is_room);
	tcase_add_test(tcase, branches_into_the_redirect_are_refused);
	tcase_add_test(tcase, relocated_branches_into_the_redirect_are_refused);
	tcase_add_test(tcase, sites_under_the_redirect_are_refused);
	tcase_add_test(tcase, a_lock_is_gone_for_good_on_the_only_processor);
	tcase_add_test(tcase, a_lock_comes_back_with_a_second_processor);
	tcase_add_test(tcase, a_lock_that_stays_may_lie_under_the_redirect);
	tcase_add_test(tcase, a_jump_label_at_the_entry_gets_a_jump_on_each_way);
	tcase_add_test(tcase, the_ways_of_a_jump_label_must_have_room);
	tcase_add_test(tcase, a_jump_label_that_leads_behind_itself_has_one_way);
	tcase_add_test(tcase, a_jump_label_that_leads_out_is_refused);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
