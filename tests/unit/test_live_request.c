// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests to the core, the order of parts, the lock, and ending at a step. */
/* rooms: live match bundle elf base */
#include "live_sample.h"

#include "base/fault.h"
#include "live/job.h"
#include "live/links.h"
#include "base/lock.h"
#include "live/parts.h"
#include "live/request.h"

#include <sys/wait.h>

static struct machine machine;

static const struct upkeep_info limits = {
	.max_writes = 8,
	.max_ranges = 8,
	.max_modules = 2,
	.max_functions = 1,
	.max_bytes = 1 << 17,
};

static void set_up(void)
{
	machine_make(&machine);
}

static void tear_down(void)
{
	machine_remove(&machine);
}

START_TEST(jumps_reach_two_gigabytes)
{
	uint8_t jump[5];
	ck_ok(uk_redirect_encode("f", 0xffffffff81000005, 0xffffffff8100000a, jump));
	ck_assert_mem_eq(jump, "\xe9\0\0\0\0", 5);
	ck_ok(uk_redirect_encode("f", 0xffffffff81000005, 0xffffffff81000000, jump));
	ck_assert_mem_eq(jump, "\xe9\xf6\xff\xff\xff", 5);
	ck_ok(uk_redirect_encode("f", 0x1000, 0x1005 + 0x7fffffffULL, jump));
	ck_assert_mem_eq(jump, "\xe9\xff\xff\xff\x7f", 5);
	ck_fails(uk_redirect_encode("f", 0x1000, 0x1005 + 0x80000000ULL, jump), UK_ERR_REFUSED,
		 "f: its new code at 0x80001005 is out of reach of a jump at 0x1000");
	ck_ok(uk_redirect_encode("f", 0x80001000, 0x1005, jump));
	ck_fails(uk_redirect_encode("f", 0x80001000, 0x1004, jump), UK_ERR_REFUSED, "out of reach");
}
END_TEST

START_TEST(ranges_that_overlap_become_one)
{
	uk_cleanup(uk_request_deinit) struct uk_request request = {};
	ck_ok(uk_request_add_range(&request, UPKEEP_ON_APPLY, "c", 300, 400));
	ck_ok(uk_request_add_range(&request, UPKEEP_ON_UNDO, "u", 100, 400));
	ck_ok(uk_request_add_range(&request, UPKEEP_ON_APPLY, "a", 100, 200));
	ck_ok(uk_request_add_range(&request, UPKEEP_ON_APPLY, "inside", 120, 130));
	ck_ok(uk_request_add_range(&request, UPKEEP_ON_APPLY, "b", 150, 250));
	ck_ok(uk_request_add_range(&request, UPKEEP_ON_APPLY, "beside", 250, 260));
	ck_ok(uk_request_seal(&request, &limits));
	ck_assert_uint_eq(request.ranges.len, 4);
	ck_assert_uint_eq(request.ranges.data[0].start, 100);
	ck_assert_uint_eq(request.ranges.data[0].end, 250);
	ck_assert_str_eq(request.ranges.data[0].name, "a");
	ck_assert_uint_eq(request.ranges.data[1].start, 250);
	ck_assert_uint_eq(request.ranges.data[2].start, 300);
	ck_assert_uint_eq(request.ranges.data[3].when, UPKEEP_ON_UNDO);
}
END_TEST

static struct uk_error *add(struct uk_request *request, const char *name, uint64_t at,
			    const char *old_bytes, const char *new_bytes)
{
	return uk_request_add_write(request, UPKEEP_DATA, name, at, (const uint8_t *)old_bytes,
				    (const uint8_t *)new_bytes, strlen(old_bytes));
}

START_TEST(the_same_write_twice_is_one)
{
	uk_cleanup(uk_request_deinit) struct uk_request request = {};
	ck_ok(add(&request, "a", 100, "old", "new"));
	ck_ok(add(&request, "alias", 100, "old", "new"));
	ck_ok(add(&request, "b", 103, "old", "new"));
	ck_ok(uk_request_seal(&request, &limits));
	ck_assert_uint_eq(request.writes.len, 2);
	ck_assert_uint_eq(request.write_names.len, 2);
	ck_assert_str_eq(request.write_names.data[1], "b");
	ck_ok(add(&request, "c", 105, "old", "new"));
	ck_fails(uk_request_seal(&request, &limits), UK_ERR_REFUSED,
		 "b and c would be written to the same place, 0x69");
}
END_TEST

START_TEST(long_writes_are_split)
{
	uk_cleanup(uk_request_deinit) struct uk_request request = {};
	uk_auto_free uint8_t *old_bytes = calloc(1, 70000), *new_bytes = calloc(1, 70000);
	for (size_t i = 0; i < 70000; i++)
		new_bytes[i] = (uint8_t)(i * 7);
	ck_ok(uk_request_add_write(&request, UPKEEP_DATA, "d", 0x1000, old_bytes, new_bytes,
				   70000));
	uint64_t at = 0;
	uk_vec_for_each(write, &request.writes) {
		ck_assert_uint_eq(write->addr, 0x1000 + at);
		ck_assert_uint_le(write->len, 1 << 15);
		ck_assert_mem_eq(request.bytes.data + write->new_at, new_bytes + at, write->len);
		ck_assert_mem_eq(request.bytes.data + write->old_at, old_bytes + at, write->len);
		at += write->len;
	}
	ck_assert_uint_eq(at, 70000);
	ck_fails(uk_request_seal(&request, &limits), UK_ERR_REFUSED,
		 "the update has 140000 bytes, the core takes 131072");
}
END_TEST

START_TEST(modules_are_held_once_and_names_are_safe)
{
	uk_cleanup(uk_request_deinit) struct uk_request request = {};
	char name[300];
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	ck_ok(uk_request_add_module(&request, "fat", UPKEEP_TARGET));
	ck_ok(uk_request_add_module(&request, "fat", UPKEEP_PART));
	ck_assert_uint_eq(request.modules.len, 1);
	ck_assert_uint_eq(request.modules.data[0].role, UPKEEP_TARGET);
	ck_fails(uk_request_add_module(&request, name, UPKEEP_TARGET), UK_ERR_INVALID, "too long");
	struct upkeep_function function = { .old_addr = 1 };
	ck_ok(uk_request_add_function(&request, &function, "vmlinux", name));
	ck_assert_uint_eq(strlen(request.functions.data[0].name), UPKEEP_NAME_LEN - 1);
	ck_ok(uk_request_add_range(&request, UPKEEP_ON_APPLY, "a b/c\n", 1, 2));
	ck_assert_str_eq(request.ranges.data[0].name, "a?b?c?");
	ck_ok(uk_request_seal(&request, &limits));
	ck_ok(uk_request_add_function(&request, &function, "vmlinux", "g"));
	ck_fails(uk_request_seal(&request, &limits), UK_ERR_REFUSED,
		 "2 functions, the core takes 1");
}
END_TEST

/* A part that defines and wants symbols; names with a blank between them. */
static struct uk_object *make_part(const char *defines, const char *wants)
{
	struct uk_object *object = NULL;
	struct uk_section *section;
	struct uk_symbol *symbol;
	ck_ok(uk_object_create("part", &object));
	ck_ok(uk_object_add_section(object, ".text.upk.0.f", SHT_PROGBITS, SHF_ALLOC, 16, 0,
				    "0123456789abcdef", 16, &section));
	uk_auto_free char *text = sample_copy(defines), *more = sample_copy(wants);
	for (char *name = strtok(text, " "); name; name = strtok(NULL, " "))
		ck_ok(uk_object_add_symbol(object, name, STT_FUNC, STB_GLOBAL, UK_SYMBOL_DEFINED,
					   section, 4, 4, &symbol));
	for (char *name = strtok(more, " "); name; name = strtok(NULL, " "))
		ck_ok(uk_object_add_symbol(object, name, STT_NOTYPE, STB_GLOBAL,
					   UK_SYMBOL_UNDEFINED, NULL, 0, 0, &symbol));
	return object;
}

/* The parts of the sample: vmlinux is made the second. */
static void make_subject(struct uk_update *update, struct uk_subject *subject,
			 struct uk_object *first, struct uk_object *second)
{
	struct uk_update_part swap = update->parts.data[0];
	update->parts.data[0] = update->parts.data[1];
	update->parts.data[1] = swap;
	*subject = (struct uk_subject){ .update = update };
	ck_assert(uk_vec_push(&subject->parts, first));
	ck_assert(uk_vec_push(&subject->parts, second));
}

static void free_subject(struct uk_subject *subject)
{
	uk_vec_for_each(object, &subject->parts)
		uk_object_destroy(*object);
	uk_vec_deinit(&subject->parts);
}

static const struct {
	const char *module_defines, *module_wants, *core_defines, *core_wants;
	int first; /* number of the part that is loaded first; -1: a circle */
} orders[] = {
	{ "", "printk", "", "printk", 1 }, { "", "helper", "helper", "", 1 },
	{ "helper", "", "", "helper", 0 }, { "one", "two", "two", "one", -1 },
	{ "one", "one", "two", "two", 1 },
};

START_TEST(parts_are_loaded_behind_what_they_need)
{
	uk_auto_update struct uk_update *update = sample_update();
	struct uk_subject subject;
	struct uk_parts parts = {};
	make_subject(update, &subject,
		     make_part(orders[_i].module_defines, orders[_i].module_wants),
		     make_part(orders[_i].core_defines, orders[_i].core_wants));
	struct uk_error *err = uk_parts_init(&machine.paths, NULL, &subject, &parts);
	if (orders[_i].first < 0) {
		ck_fails(err, UK_ERR_REFUSED, "in a circle: none of them can be loaded first");
	} else {
		ck_ok(err);
		ck_assert_uint_eq(parts.parts.len, 2);
		ck_assert_int_eq((int)parts.parts.data[0].number, orders[_i].first);
	}
	uk_parts_deinit(&parts);
	free_subject(&subject);
}
END_TEST

START_TEST(addresses_lie_inside_their_sections)
{
	uint64_t at;
	struct uk_part part = { .number = 3, .object = make_part("", "") };
	struct uk_parts parts = {};
	ck_assert(uk_vec_push(&parts.parts, part));
	struct uk_map *sections = &parts.parts.data[0].sections;
	ck_fails(uk_parts_address(&parts, 3, ".text.upk.0.f", 0, 1, &at), UK_ERR_INVALID,
		 "part 3 has no section .text.upk.0.f in memory");
	uk_map_insert_str(sections, ".text.upk.0.f", NULL)->num = 0xffffffffc0100000;
	ck_ok(uk_parts_address(&parts, 3, ".text.upk.0.f", 4, 12, &at));
	ck_assert_uint_eq(at, 0xffffffffc0100004);
	ck_fails(uk_parts_address(&parts, 3, ".text.upk.0.f", 4, 13, &at), UK_ERR_INVALID,
		 "section .text.upk.0.f has 16 bytes, not 13 at 4");
	ck_fails(uk_parts_address(&parts, 3, ".text.upk.0.f", 17, 0, &at), UK_ERR_INVALID, "not 0");
	ck_fails(uk_parts_address(&parts, 2, ".text.upk.0.f", 0, 1, &at), UK_ERR_INVALID, "part 2");
	uk_object_destroy((struct uk_object *)parts.parts.data[0].object);
	uk_parts_deinit(&parts);
}
END_TEST

/* The parts of the sample bundle; that of the module has @section too. */
static void make_links(const struct uk_bundle *bundle, const char *section, struct uk_match *match,
		       struct uk_parts *parts)
{
	const struct uk_update *update = uk_bundle_update(bundle);
	struct uk_match_symbol symbol = { "printk", 0xffffffff81000000, UK_MATCH_LEARNED };
	struct uk_object *object = make_part("", "");
	struct uk_section *added;
	ck_ok(uk_object_add_section(object, section, SHT_PROGBITS, SHF_ALLOC, 8, 0, "12345678", 8,
				    &added));
	ck_assert(uk_vec_push(&match->symbols, symbol));
	parts->paths = &machine.paths;
	parts->bundle = bundle;
	struct uk_part core = { .number = 0, .model = &update->parts.data[0] };
	struct uk_part module = { .number = 1, .model = &update->parts.data[1], .object = object };
	ck_assert(uk_vec_push(&parts->parts, core));
	ck_assert(uk_vec_push(&parts->parts, module));
	machine_put(&machine, "sys/module/nft_limit/initstate", "live\n");
}

static void free_links(struct uk_match *match, struct uk_parts *parts)
{
	uk_object_destroy((struct uk_object *)parts->parts.data[1].object);
	uk_vec_deinit(&match->symbols);
	uk_parts_deinit(parts);
}

/* The new file is made before the old one goes, so it has another number. */
static void load_again(void)
{
	machine_put(&machine, "sys/module/nft_limit/initstate", "live\n");
}

START_TEST(links_change_with_any_address_and_any_reload)
{
	bool same;
	uk_auto_bundle struct uk_bundle *bundle = sample_bundle(&machine);
	struct uk_match match = {};
	struct uk_parts parts = {};
	make_links(bundle, ".rodata", &match, &parts);
	ck_ok(uk_links_compare(&parts, &match, &same));
	ck_assert_msg(!same, "nothing was saved");
	ck_ok(uk_links_save(&parts, &match));
	ck_ok(uk_links_compare(&parts, &match, &same));
	ck_assert(same);
	match.symbols.data[0].address++;
	ck_ok(uk_links_compare(&parts, &match, &same));
	ck_assert_msg(!same, "an address has changed");
	match.symbols.data[0].address--;
	load_again();
	ck_ok(uk_links_compare(&parts, &match, &same));
	ck_assert_msg(!same, "the module was loaded again");
	ck_ok(uk_links_check_purge(&machine.paths, SAMPLE_ID));
	ck_ok(uk_links_remove(&machine.paths, SAMPLE_ID));
	ck_ok(uk_links_remove(&machine.paths, SAMPLE_ID));
	ck_ok(uk_links_check_purge(&machine.paths, SAMPLE_ID));
	free_links(&match, &parts);
}
END_TEST

static const char *const tables[] = { "__jump_table", ".static_call_sites" };

START_TEST(code_entangled_with_a_module_that_went_stays)
{
	uk_auto_bundle struct uk_bundle *bundle = sample_bundle(&machine);
	struct uk_match match = {};
	struct uk_parts parts = {};
	char *modules[] = { "upkeep_" SAMPLE_ID "_1" };
	make_links(bundle, tables[_i], &match, &parts);
	ck_ok(uk_links_save(&parts, &match));
	ck_ok(uk_links_check_purge(&machine.paths, SAMPLE_ID));
	load_again();
	ck_fails(uk_parts_purge(&machine.paths, SAMPLE_ID, modules, 1), UK_ERR_REFUSED,
		 "module nft_limit was unloaded since");
	machine_drop(&machine, "sys/module/nft_limit");
	ck_fails(uk_links_check_purge(&machine.paths, SAMPLE_ID), UK_ERR_REFUSED,
		 "stays loaded until the machine is booted again");
	free_links(&match, &parts);
}
END_TEST

START_TEST(the_lock_is_held_by_one_process_and_names_it)
{
	uk_auto_close int mine = -1;
	int other = -1;
	char message[64];
	ck_ok(uk_lock_take(machine.paths.run, 0, &mine));
	snprintf(message, sizeof(message), "another upkeep (process %d)", (int)getpid());
	ck_fails(uk_lock_take(machine.paths.run, 0, &other), UK_ERR_BUSY, message);
	ck_assert_int_eq(other, -1);
	close(uk_take_fd(mine));
	ck_ok(uk_lock_take(machine.paths.run, 0, &mine));
}
END_TEST

START_TEST(the_lock_is_waited_for)
{
	uk_auto_close int mine = -1;
	int ready[2];
	ck_assert_int_eq(pipe(ready), 0);
	pid_t child = fork();
	if (!child) {
		int held = -1;
		struct uk_error *err = uk_lock_take(machine.paths.run, 0, &held);
		if (err || write(ready[1], "x", 1) != 1)
			_exit(1);
		usleep(200000);
		_exit(0);
	}
	char byte;
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_ok(uk_lock_take(machine.paths.run, 10000, &mine));
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_process_ends_before_the_named_step)
{
	int marks[2];
	ck_assert_int_eq(pipe(marks), 0);
	pid_t child = fork();
	if (!child) {
		struct uk_fault fault;
		setenv("UPKEEP_FAULT", "3", 1);
		uk_fault_init(&fault);
		for (int i = 0; i < 5; i++) {
			uk_fault_step(&fault);
			if (write(marks[1], "x", 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(WEXITSTATUS(status), UK_FAULT_STATUS);
	close(marks[1]);
	char bytes[8];
	ck_assert_int_eq(read(marks[0], bytes, sizeof(bytes)), 2);
	struct uk_fault fault;
	unsetenv("UPKEEP_FAULT");
	uk_fault_init(&fault);
	uk_fault_step(&fault);
}
END_TEST

/* Copies of updates of which the kernel knows nothing: only one that was applied stays. */
START_TEST(settling_drops_what_was_never_applied)
{
	uk_auto_bundle struct uk_bundle *bundle = sample_bundle(&machine);
	uk_auto_live_report struct uk_live_report report = {};
	const struct uk_live_options options = { .paths = &machine.paths };
	uk_auto_job struct uk_job job;
	uk_job_init(&job, &options, &report);
	ck_ok(uk_kept_save(&machine.paths, bundle));
	ck_ok(uk_job_settle(&job));
	ck_assert_int_eq(uk_kept_stage(&machine.paths, SAMPLE_ID), UK_KEPT_NONE);
	ck_ok(uk_kept_save(&machine.paths, bundle));
	ck_ok(uk_kept_move(&machine.paths, SAMPLE_ID, UK_KEPT_UNDONE));
	ck_ok(uk_job_settle(&job));
	ck_assert_int_eq(uk_kept_stage(&machine.paths, SAMPLE_ID), UK_KEPT_NONE);
	ck_ok(uk_kept_save(&machine.paths, bundle));
	ck_ok(uk_kept_move(&machine.paths, SAMPLE_ID, UK_KEPT_APPLIED));
	ck_ok(uk_job_settle(&job));
	ck_assert_int_eq(uk_kept_stage(&machine.paths, SAMPLE_ID), UK_KEPT_APPLIED);
}
END_TEST

/* Killed behind the write of an apply or an undo, before the copy was renamed. */
START_TEST(settling_follows_the_kernel)
{
	uk_auto_bundle struct uk_bundle *bundle = sample_bundle(&machine);
	uk_auto_live_report struct uk_live_report report = {};
	const struct uk_live_options options = { .paths = &machine.paths };
	uk_auto_job struct uk_job job;
	uk_job_init(&job, &options, &report);
	ck_ok(uk_kept_save(&machine.paths, bundle));
	machine_apply(&machine, SAMPLE_ID, "1\n", "", "", "");
	machine_put(&machine, "sys/module/upkeep_" SAMPLE_ID "_0/initstate", "live\n");
	ck_ok(uk_job_settle(&job));
	ck_assert_int_eq(uk_kept_stage(&machine.paths, SAMPLE_ID), UK_KEPT_APPLIED);
	machine_drop(&machine, "sys/kernel/upkeep/" SAMPLE_ID);
	ck_ok(uk_job_settle(&job));
	ck_assert_int_eq(uk_kept_stage(&machine.paths, SAMPLE_ID), UK_KEPT_UNDONE);
}
END_TEST

START_TEST(undo_of_what_is_not_there_is_nothing)
{
	uk_auto_live_report struct uk_live_report report = {};
	const struct uk_live_options options = { .paths = &machine.paths };
	ck_fails(uk_live_undo(SAMPLE_ID, &options, &report), UK_ERR_NOTHING,
		 SAMPLE_ID ": update " SAMPLE_ID " is not applied, and nothing of it");
	ck_fails(uk_live_undo("nonsense", &options, &report), UK_ERR_USAGE, "is not the id");
	machine_put(&machine, "sys/module/upkeep_" SAMPLE_ID "_0/initstate", "live\n");
	ck_fails(uk_live_undo(SAMPLE_ID, &options, &report), UK_ERR_NOTHING,
		 "--purge unloads them");
	ck_assert_uint_gt(report.phases.len, 2);
	ck_assert_str_eq(report.phases.data[0].name, "user");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("live_request");
	TCase *tcase = tcase_create("request");
	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, jumps_reach_two_gigabytes);
	tcase_add_test(tcase, ranges_that_overlap_become_one);
	tcase_add_test(tcase, the_same_write_twice_is_one);
	tcase_add_test(tcase, long_writes_are_split);
	tcase_add_test(tcase, modules_are_held_once_and_names_are_safe);
	tcase_add_loop_test(tcase, parts_are_loaded_behind_what_they_need, 0,
			    UK_ARRAY_SIZE(orders));
	tcase_add_test(tcase, addresses_lie_inside_their_sections);
	tcase_add_test(tcase, links_change_with_any_address_and_any_reload);
	tcase_add_loop_test(tcase, code_entangled_with_a_module_that_went_stays, 0,
			    UK_ARRAY_SIZE(tables));
	tcase_add_test(tcase, the_lock_is_held_by_one_process_and_names_it);
	tcase_add_test(tcase, the_lock_is_waited_for);
	tcase_add_test(tcase, a_process_ends_before_the_named_step);
	tcase_add_test(tcase, settling_drops_what_was_never_applied);
	tcase_add_test(tcase, settling_follows_the_kernel);
	tcase_add_test(tcase, undo_of_what_is_not_there_is_nothing);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
