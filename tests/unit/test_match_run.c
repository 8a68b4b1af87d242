// SPDX-License-Identifier: GPL-2.0-or-later
/* The match of whole updates against a made-up kernel: places, names, refusals. */
/* rooms: match elf base */
#include "match_run.h"

#include <pthread.h>
#include <unistd.h>

START_TEST(functions_and_names_are_found)
{
	add_function("first", true);
	add_function("helper", false);
	names[0] = ".upk.0.counter";
	names[1] = ".upk.0.lookup";
	names[2] = "external";
	names[3] = "visible";
	names[4] = "_text";
	kernel();
	ck_ok(run());
	ck_assert_uint_eq(match->functions.len, 2);
	const struct uk_match_function *first = &match->functions.data[0];
	ck_assert_uint_eq(first->address, addr("first"));
	ck_assert_uint_eq(first->size, uk_object_symbol(object, "first")->size);
	ck_assert_uint_eq(first->jumps[0].address, addr("first") + 5);
	ck_assert(!memcmp(first->jumps[0].old_bytes, sample_byte(&s, addr("first") + 5), 5));
	ck_assert_uint_eq(match->functions.data[1].address, addr("helper"));
	ck_assert_uint_eq(match->functions.data[1].nr_jumps, 0);
	ck_assert_uint_eq(uk_match_address(match, ".upk.0.counter"), addr("counter"));
	ck_assert_uint_eq(uk_match_address(match, ".upk.0.lookup"), addr("lookup"));
	ck_assert_uint_eq(uk_match_address(match, "external"), EXTERNAL);
	ck_assert_uint_eq(uk_match_address(match, "visible"), addr("visible"));
	ck_assert_uint_eq(uk_match_address(match, "_text"), 0xffffffff81000000);
	ck_assert_int_eq(match->symbols.data[0].source, UK_MATCH_PLACED);
	ck_assert_int_eq(match->symbols.data[2].source, UK_MATCH_LEARNED);
	ck_assert_int_eq(match->symbols.data[4].source, UK_MATCH_KALLSYMS);
	ck_assert_uint_gt(match->compared, 100);
}
END_TEST

START_TEST(changed_code_is_refused)
{
	kernel();
	*sample_byte(&s, addr("helper") + 5) ^= 1;
	refused("dir/a.o: function helper+0x5 at 0x");
	refused("expected ");
	*sample_byte(&s, addr("helper") + 5) ^= 1;
	*sample_byte(&s, addr("lookup") + 4) ^= 1;
	refused("symbol lookup+0x4 at 0x");
}
END_TEST

START_TEST(changed_references_are_refused)
{
	kernel();
	const struct uk_symbol *first = uk_object_symbol(object, "first");
	unsigned int tried = 0;
	uk_vec_for_each(reloc, &first->section->relocs) {
		uint64_t at = reloc->offset;
		if (at < first->value + 5 || at >= first->value + first->size)
			continue;
		uint8_t *byte = sample_byte(&s, sample_base(first->section, KERNEL) + at + 1);
		*byte ^= 0x40;
		refused("function first+0x");
		refused(", found ");
		*byte ^= 0x40;
		tried++;
	}
	ck_assert_uint_ge(tried, 3);
	ck_ok(run());
}
END_TEST

START_TEST(a_single_reference_must_agree_with_kallsyms)
{
	uk_object_destroy(object);
	object = golden_compile(
		"extern int external(int);\nint f(int x) { return external(x) + 1; }\n", NULL);
	kernel();
	ck_ok(run());
	uk_match_destroy(match);
	match = NULL;
	const struct uk_section *text = uk_object_section(object, ".text");
	*sample_byte(&s, sample_base(text, KERNEL) + text->relocs.data[0].offset) ^= 0x10;
	refused("function f+0x");
	refused("kallsyms does not have the symbol at that address");
}
END_TEST

START_TEST(changed_strings_are_refused)
{
	kernel();
	static const char text[] = "a string";
	bool found = false;
	uk_vec_for_each(region, &s.memory->regions) {
		uint8_t *at = memmem(region->data, region->len, text, sizeof(text));
		if (!at)
			continue;
		at[2] = 'S';
		found = true;
	}
	ck_assert(found);
	refused("function second+0x");
	refused("the string or constant that it refers to is another one");
}
END_TEST

START_TEST(missing_symbols_are_refused)
{
	externals();
	sample_known(&s, "first", KERNEL, 'T', NULL);
	sample_start(&s);
	sample_memory(&s, KERNEL, "", 1);
	refused("vmlinux has no symbol ");
}
END_TEST

START_TEST(ambiguous_names_are_told_apart_by_content)
{
	struct uk_object *decoy = golden_compile(source, ftraced);
	decoy->sections.data[0]->data[uk_object_symbol(decoy, "helper")->value + 5] ^= 1;
	externals();
	sample_list(&s, decoy, DECOY, NULL);
	sample_list(&s, object, KERNEL, NULL);
	sample_start(&s);
	sample_link(&s, decoy, DECOY);
	sample_link(&s, object, KERNEL);
	add_function("helper", true);
	names[0] = ".upk.0.counter";
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].address, addr("helper"));
	ck_assert_uint_eq(uk_match_address(match, ".upk.0.counter"), addr("counter"));
	uk_match_destroy(match);
	match = NULL;
	/* Neither. */
	*sample_byte(&s, addr("helper") + 5) ^= 1;
	refused("none of the 2 places with these symbols fits");
	uk_object_destroy(decoy);
}
END_TEST

START_TEST(equal_twins_are_refused)
{
	externals();
	sample_list(&s, object, DECOY, NULL);
	sample_list(&s, object, KERNEL, NULL);
	sample_start(&s);
	sample_link(&s, object, DECOY);
	sample_link(&s, object, KERNEL);
	add_function("helper", true);
	refused("more than one place fits");
}
END_TEST

START_TEST(values_are_read_and_each_module_has_its_own_struct)
{
	sample_variable(&s, "USER_PTR_MAX", EXTERNAL + 4096, 0x7ffffffff000);
	sample_known(&s, "__this_module", EXTERNAL + 8192, 'd', "other");
	kernel();
	names[0] = ".upk.value.USER_PTR_MAX";
	ck_ok(run());
	ck_assert_uint_eq(uk_match_address(match, names[0]), 0x7ffffffff000);
	uk_match_destroy(uk_take(match));
	names[0] = ".upk.value.NOWHERE";
	refused("the running kernel has no symbol NOWHERE");
	names[0] = ".upk.0.__this_module"; /* the other module's */
	ck_fails(run(), UK_ERR_INVALID, "dir/a.o: has no symbol __this_module");
}
END_TEST

START_TEST(ambiguous_and_unknown_names_are_refused)
{
	sample_known(&s, "twice", EXTERNAL + 256, 'T', NULL);
	sample_known(&s, "twice", EXTERNAL + 512, 'T', "mod");
	sample_known(&s, "local_too", EXTERNAL + 256, 't', NULL);
	sample_known(&s, "local_too", EXTERNAL + 1024, 'T', "mod");
	kernel();
	names[0] = "twice";
	refused("symbol twice stands more than once in the running kernel");
	refused("0xffffffff81300100 (T, vmlinux), 0xffffffff81300200 (T, mod)");
	names[0] = "nowhere";
	refused("the running kernel has no symbol nowhere");
	names[0] = ".upk.0.nothing";
	ck_fails(run(), UK_ERR_INVALID, "dir/a.o: has no symbol nothing");
	names[0] = ".upk.9.counter";
	ck_fails(run(), UK_ERR_INVALID, "belongs to object 9");
	names[0] = ".upk.x.counter";
	ck_fails(run(), UK_ERR_INVALID, "names no symbol of an object");
	names[0] = "local_too"; /* the global one */
	ck_ok(run());
	ck_assert_uint_eq(uk_match_address(match, "local_too"), EXTERNAL + 1024);
}
END_TEST

START_TEST(other_kernels_are_refused)
{
	kernel();
	update.release = (char *)"6.1.0-2-amd64";
	refused("its release is \"6.1.0-2-amd64\", this one's is \"6.1.0-1-amd64\"");
	update.release = (char *)"6.1.0-1-amd64";
	update.version = (char *)"#2 SMP";
	refused("its version is");
	update.version = (char *)"#1 SMP";
	update.build_id = (char *)"abce";
	refused("its build id is");
	update.build_id = (char *)"abcd";
	ck_ok(run());
}
END_TEST

START_TEST(modules_must_be_loaded)
{
	externals();
	parts[0].target = (char *)"fat";
	sample_list(&s, object, KERNEL, NULL); /* vmlinux has the names, too */
	sample_start(&s);
	sample_link(&s, object, KERNEL);
	refused("module fat is not loaded");
	static const bool skip[] = { true };
	s.request.skip_part = skip;
	ck_ok(run());
	uk_match_destroy(match);
	match = NULL;
	s.request.skip_part = NULL;
	s.memory->live = false;
	refused("holds no modules");
}
END_TEST

START_TEST(modules_are_found_by_their_own_symbols)
{
	externals();
	sample_known(&s, "__this_module", EXTERNAL + 8192, 'd', "fat");
	sample_known(&s, "__this_module", EXTERNAL + 12288, 'd', "ext4");
	parts[0].target = (char *)"fat";
	sample_list(&s, object, DECOY, NULL);
	sample_list(&s, object, KERNEL, "fat");
	sample_start(&s);
	sample_link(&s, object, DECOY);
	sample_link(&s, object, KERNEL);
	add_function("helper", true);
	names[0] = ".upk.0.__this_module";
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].address, addr("helper"));
	ck_assert_uint_eq(uk_match_address(match, names[0]), EXTERNAL + 8192);
}
END_TEST

START_TEST(overridden_functions_are_refused)
{
	externals();
	uk_vec_for_each(symbol, &object->symbols)
		if (!strcmp((*symbol)->name, "maybe"))
			(*symbol)->name[0] = '.'; /* not to be listed */
	sample_list(&s, object, KERNEL, NULL);
	uk_vec_for_each(symbol, &object->symbols)
		if (!strcmp((*symbol)->name, ".aybe"))
			(*symbol)->name[0] = 'm';
	sample_known(&s, "maybe", EXTERNAL + 4096, 'T', NULL);
	sample_start(&s);
	sample_link(&s, object, KERNEL);
	ck_ok(run());
	uk_match_destroy(match);
	match = NULL;
	add_function("maybe", true);
	refused("function maybe is overridden by another definition");
}
END_TEST

/* Redirects. */

START_TEST(holders_of_a_function_are_named)
{
	kernel();
	add_function("first", true);
	struct uk_holder_probe probe = { .address = addr("first") + 9,
					 .name = strdup("kprobe first+0x9") };
	ck_assert(uk_vec_push(&s.holders->probes, probe));
	uint8_t old = *sample_byte(&s, addr("first") + 9);
	*sample_byte(&s, addr("first") + 9) = 0xcc;
	refused("function first: kprobe first+0x9 stands in it");
	*sample_byte(&s, addr("first") + 9) = old;
	/* On the ftrace site it harms nobody. */
	s.holders->probes.data[0].ftrace = true;
	ck_ok(run());
	uk_match_destroy(match);
	match = NULL;
	struct uk_holder_livepatch livepatch = { strdup("lp"), strdup("vmlinux"), strdup("first") };
	ck_assert(uk_vec_push(&s.holders->livepatches, livepatch));
	refused("livepatch lp holds it");
}
END_TEST

START_TEST(an_unknown_breakpoint_is_refused)
{
	kernel();
	*sample_byte(&s, addr("helper") + 5) = 0xcc;
	refused("it looks like a breakpoint");
}
END_TEST

START_TEST(a_probe_elsewhere_only_excludes_its_function)
{
	kernel();
	add_function("first", true);
	names[0] = "inner"; /* that only helper calls */
	ck_ok(run());
	ck_assert_int_eq(match->symbols.data[0].source, UK_MATCH_LEARNED);
	uk_match_destroy(match);
	match = NULL;
	struct uk_holder_probe probe = { .address = addr("helper") + 5,
					 .name = strdup("kprobe helper+0x5") };
	ck_assert(uk_vec_push(&s.holders->probes, probe));
	*sample_byte(&s, addr("helper") + 5) = 0xcc;
	ck_ok(run());
	ck_assert_int_eq(match->symbols.data[0].source, UK_MATCH_KALLSYMS);
	ck_assert_uint_eq(match->excluded.len, 1);
	ck_assert_str_eq(match->excluded.data[0].function, "helper");
	ck_assert_str_eq(match->excluded.data[0].holder, "kprobe helper+0x5");
	uk_match_destroy(match);
	match = NULL;
	*sample_byte(&s, addr("helper") + 6) ^= 1;
	refused("function helper+0x6");
}
END_TEST

/* The kernel puts a breakpoint where it rewrites, and takes it away again. */
static void *finish_rewriting(void *byte)
{
	usleep(30000);
	*(volatile uint8_t *)byte = 0xe8;
	return NULL;
}

START_TEST(a_site_that_is_being_rewritten_gets_another_look)
{
	pthread_t thread;
	kernel();
	uint8_t *byte = sample_byte(&s, addr("first"));
	ck_assert_uint_eq(*byte, 0xe8);
	*byte = 0xcc;
	refused("this is a known site (ftrace site), but nothing that the kernel writes there");
	ck_assert_int_eq(pthread_create(&thread, NULL, finish_rewriting, byte), 0);
	ck_ok(run());
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(tracers_are_named)
{
	sample_known(&s, "ftrace_caller", EXTERNAL + 128, 'T', NULL);
	kernel();
	add_function("first", true);
	sample_branch(sample_byte(&s, addr("first")), 0xe8, addr("first"), EXTERNAL + 128);
	ck_ok(run());
	ck_assert_str_eq(match->functions.data[0].shared_with, "ftrace");
	ck_assert_uint_eq(match->functions.data[0].jumps[0].address, addr("first") + 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("match run");
	TCase *tcase = tcase_create("updates");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, functions_and_names_are_found);
	tcase_add_test(tcase, changed_code_is_refused);
	tcase_add_test(tcase, changed_references_are_refused);
	tcase_add_test(tcase, a_single_reference_must_agree_with_kallsyms);
	tcase_add_test(tcase, changed_strings_are_refused);
	tcase_add_test(tcase, missing_symbols_are_refused);
	tcase_add_test(tcase, ambiguous_names_are_told_apart_by_content);
	tcase_add_test(tcase, equal_twins_are_refused);
	tcase_add_test(tcase, values_are_read_and_each_module_has_its_own_struct);
	tcase_add_test(tcase, ambiguous_and_unknown_names_are_refused);
	tcase_add_test(tcase, other_kernels_are_refused);
	tcase_add_test(tcase, modules_must_be_loaded);
	tcase_add_test(tcase, modules_are_found_by_their_own_symbols);
	tcase_add_test(tcase, overridden_functions_are_refused);
	tcase_add_test(tcase, holders_of_a_function_are_named);
	tcase_add_test(tcase, an_unknown_breakpoint_is_refused);
	tcase_add_test(tcase, a_probe_elsewhere_only_excludes_its_function);
	tcase_add_test(tcase, a_site_that_is_being_rewritten_gets_another_look);
	tcase_add_test(tcase, tracers_are_named);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
