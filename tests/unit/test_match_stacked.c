// SPDX-License-Identifier: GPL-2.0-or-later
/* Updates that build on others, and what they write, in a made-up kernel. */
/* rooms: match elf base */
#include "match_run.h"

static struct uk_match_replaced replace(const char *function, const char *id)
{
	struct uk_match_replaced replaced = {
		.id = id,
		.object = "dir/a.o",
		.function = function,
		.old_addr = addr(function),
		.old_size = uk_object_symbol(object, function)->size,
		.new_addr = addr_in(prev, function, COPY),
		.new_size = uk_object_symbol(prev, function)->size,
		.jumps = { addr(function) + 5 },
		.nr_jumps = 1,
	};
	ck_assert(uk_vec_push(&s.replaced, replaced));
	sample_branch(sample_byte(&s, replaced.jumps[0]), 0xe9, replaced.jumps[0],
		      replaced.new_addr);
	return replaced;
}

/* What update "beef" made of helper: another function, with a static variable of its own. */
static const char patched_source[] = "extern int external(int);\n"
				     "static int counter, added;\n"
				     "__attribute__((noinline)) int helper(int x) { added++; "
				     "return external(x - 1) + counter++; }\n";

static void stacked_kernel(void)
{
	static const char *const split[] = { "-pg", "-mfentry", "-ffunction-sections",
					     "-fdata-sections", NULL };
	prev = golden_compile(patched_source, split);
	externals();
	sample_list(&s, object, KERNEL, NULL);
	sample_list(&s, prev, COPY, "upkeep_beef_0");
	sample_start(&s);
	sample_link(&s, object, KERNEL);
	sample_link(&s, prev, COPY);
}

/* The copy uses the kernel's own counter. */
static void bind_counter(void)
{
	const struct uk_section *section = uk_object_section(prev, ".text.helper");
	uint64_t base = sample_base(section, COPY);
	uk_vec_for_each(reloc, &section->relocs) {
		if (reloc->symbol->place != UK_SYMBOL_DEFINED ||
		    strcmp(reloc->symbol->section->name, ".bss.counter") != 0)
			continue;
		uint64_t value = addr("counter") + (uint64_t)reloc->addend - (base + reloc->offset);
		uk_put_u32(sample_byte(&s, base + reloc->offset), (uint32_t)value);
	}
}

START_TEST(a_copy_is_matched_with_what_it_was_built_from)
{
	stacked_kernel();
	bind_counter();
	replace("helper", "beef");
	add_function("helper", true);
	ck_assert(uk_vec_push(&update.after, (char *)"beef"));
	names[0] = ".upk.0.counter";
	names[1] = ".upk.0.added";
	ck_ok(run());
	const struct uk_match_function *helper = &match->functions.data[0];
	ck_assert_uint_eq(helper->address, addr_in(prev, "helper", COPY));
	ck_assert_uint_eq(helper->jumps[0].address, helper->address + 5);
	ck_assert_str_eq(helper->stands_on, "beef");
	ck_assert_uint_eq(uk_match_address(match, ".upk.0.counter"), addr("counter"));
	ck_assert_uint_eq(uk_match_address(match, ".upk.0.added"), addr_in(prev, "added", COPY));
	ck_assert_uint_eq(match->excluded.len, 1);
}
END_TEST

START_TEST(a_changed_copy_is_refused)
{
	stacked_kernel();
	bind_counter();
	replace("helper", "beef");
	add_function("helper", true);
	ck_assert(uk_vec_push(&update.after, (char *)"beef"));
	*sample_byte(&s, addr_in(prev, "helper", COPY) + 5) ^= 1;
	refused("dir/a.o: in the code of update beef: function helper+0x5");
}
END_TEST

START_TEST(updates_that_were_not_built_upon_are_named)
{
	stacked_kernel();
	bind_counter();
	replace("helper", "beef");
	add_function("helper", true);
	refused("function helper is replaced by update beef");
	/* On another function of the object they do not matter. */
	functions[0].name = (char *)"first";
	ck_ok(run());
	ck_assert_str_eq(match->excluded.data[0].holder, "the redirect of update beef");
}
END_TEST

/* Writes. */

START_TEST(writes_find_their_old_bytes)
{
	uint8_t old[4], new[4] = { 1 };
	struct uk_update_write write = { .symbol = (char *)"lookup",
					 .offset = 8,
					 .len = 4,
					 .old_bytes = old,
					 .new_bytes = new };
	uk_put_u32(old, 7);
	update.writes.data = &write;
	update.writes.len = 1;
	kernel();
	ck_ok(run());
	ck_assert_uint_eq(match->writes.data[0].address, addr("lookup") + 8);
	uk_match_destroy(match);
	match = NULL;
	uk_put_u32(old, 6);
	refused("symbol lookup+0x8: expected 06, found 07");
}
END_TEST

/* What a pointer becomes is known later; that it is the one that is meant is known now. */
START_TEST(pointers_are_found_in_compared_data)
{
	struct uk_update_pointer pointer = { .symbol = (char *)"ops", .offset = 8 };
	update.pointers.data = &pointer;
	update.pointers.len = 1;
	uk_object_destroy(object);
	object = golden_compile("extern int external(int);\n"
				"int (*const ops[2])(int) = { 0, external };\n"
				"int f(int x) { return ops[x](1) + 1; }\n",
				NULL);
	kernel();
	ck_ok(run());
	ck_assert_uint_eq(match->pointers.len, 1);
	ck_assert_uint_eq(match->pointers.data[0].address, addr("ops") + 8);
	ck_assert_uint_eq(uk_get_u64(match->pointers.data[0].old_bytes), EXTERNAL);
	uk_match_destroy(match);
	match = NULL;
	*sample_byte(&s, addr("ops") + 8) ^= 0x10;
	refused("symbol ops+0x8 at 0x");
}
END_TEST

/* A new pointer to a function that the kernel has sealed, or that never was a target. */
START_TEST(pointers_need_a_landing_pad)
{
	static const uint8_t sealed[] = { 0x66, 0x0f, 0x1f, 0x00 };
	static const char *const cf[] = { "-fcf-protection=branch", NULL };
	static const char *const taken[] = { "first", "visible" };
	uk_object_destroy(object);
	object = golden_compile(source, cf);
	names[0] = "first";
	names[1] = "visible";
	kernel();
	s.request.taken = taken;
	s.request.nr_taken = 2;
	s.request.ibt = true;
	ck_ok(run());
	uk_match_destroy(match);
	match = NULL;
	memcpy(sample_byte(&s, addr("first")), sealed, sizeof(sealed));
	refused("the new code has a pointer to function first, which has no landing pad");
	s.request.ibt = false;
	ck_ok(run());
}
END_TEST

/* In writable data nothing but the pointer itself tells that it is as it was. */
START_TEST(pointers_in_writable_data_are_as_they_were_at_boot)
{
	struct uk_update_pointer pointer = { .symbol = (char *)"ops", .offset = 16 };
	update.pointers.data = &pointer;
	update.pointers.len = 1;
	uk_object_destroy(object);
	object = golden_compile("extern int external(int), inner(void);\n"
				"static int own(int x) { return external(x); }\n"
				"struct { long n; int (*f)(int), (*g)(int), (*h)(int); } ops ="
				"{ 1, external, 0, own };\n"
				"int f(int x) { return ops.f(1) + inner() + ops.n++; }\n",
				NULL);
	kernel();
	uk_put_u64(sample_byte(&s, addr("ops")), 7);
	for (pointer.offset = 8; pointer.offset < 32; pointer.offset += 8) {
		static const char *const texts[] = {
			[1] = "symbol ops+0x8: expected 0xffffffff81300000 (external+0x0, "
			      "vmlinux), "
			      "found 0xffffffff81300020 (inner+0x0, vmlinux): something has "
			      "changed it since boot",
			[2] = "symbol ops+0x10: expected 0x0, found 0xffffffff81300020 (inner+0x0",
			[3] = "symbol ops+0x18: expected 0x",
		};
		uint8_t *at = sample_byte(&s, addr("ops") + pointer.offset);
		uint64_t was = uk_get_u64(at);
		ck_ok(run());
		ck_assert_uint_eq(match->pointers.data[0].address, addr("ops") + pointer.offset);
		ck_assert_uint_eq(uk_get_u64(match->pointers.data[0].old_bytes), was);
		uk_match_destroy(match);
		match = NULL;
		uk_put_u64(at, EXTERNAL + 32);
		refused(texts[pointer.offset / 8]);
		uk_put_u64(at, was);
	}
}
END_TEST

START_TEST(pointers_of_other_updates_are_refused)
{
	struct uk_update_pointer pointer = { .symbol = (char *)"ops" };
	struct uk_match_written written = { .id = "beef", .addr = 0, .len = 8 };
	update.pointers.data = &pointer;
	update.pointers.len = 1;
	uk_object_destroy(object);
	object = golden_compile("extern int external(int);\n"
				"int (*const ops[2])(int) = { external, external };\n"
				"int f(int x) { return ops[x](1) + 1; }\n",
				NULL);
	kernel();
	written.addr = addr("ops");
	s.request.written = &written;
	s.request.nr_written = 1;
	uk_put_u64(sample_byte(&s, written.addr), EXTERNAL + 0x1000);
	refused("symbol ops+0x0 is written by update beef, which this update was not built upon");
	ck_assert(uk_vec_push(&update.after, (char *)"beef"));
	uk_put_u64(written.new_bytes, EXTERNAL + 0x1000);
	ck_ok(run());
	ck_assert_uint_eq(uk_get_u64(match->pointers.data[0].old_bytes), EXTERNAL + 0x1000);
	uk_match_destroy(match);
	match = NULL;
	uk_put_u64(written.new_bytes, EXTERNAL);
	refused("symbol ops+0x0: expected 0xffffffff81300000 (external+0x0, vmlinux), found "
		"0xffffffff81301000 (__fentry__+0xfc0, vmlinux): something has changed it since "
		"update beef wrote it");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("match stacked");
	TCase *tcase = tcase_create("updates");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_copy_is_matched_with_what_it_was_built_from);
	tcase_add_test(tcase, a_changed_copy_is_refused);
	tcase_add_test(tcase, updates_that_were_not_built_upon_are_named);
	tcase_add_test(tcase, writes_find_their_old_bytes);
	tcase_add_test(tcase, pointers_are_found_in_compared_data);
	tcase_add_test(tcase, pointers_need_a_landing_pad);
	tcase_add_test(tcase, pointers_in_writable_data_are_as_they_were_at_boot);
	tcase_add_test(tcase, pointers_of_other_updates_are_refused);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
