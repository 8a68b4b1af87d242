// SPDX-License-Identifier: GPL-2.0-or-later
/* What is applied: the core's files, loaded part modules, kept copies, the stack. */
/* rooms: live match bundle elf base */
#include "live_sample.h"

#include "live/kept.h"
#include "live/stack.h"
#include "live/status.h"

#include <sys/stat.h>

#define OTHER_ID "fedcba9876543210"
#define FUNCTION "vmlinux cmdline_proc_show 0xffffffff81400000 38 0xffffffffc0100010 45\n"
#define WRITES                                                                                     \
	"0xffffffff81400005 5 text vmlinux 488b3d0000 e906000000\n"                                \
	"0xffffffffc0002008 300 data nft_limit 61626364656667686162636465666768+ "                 \
	"78797a78797a78797a78797a78797a78+\n"
#define MODULES "upkeep_" SAMPLE_ID "_0 part\nupkeep_" SAMPLE_ID "_1 part\nnft_limit target\n"

static struct machine machine;

static void set_up(void)
{
	machine_make(&machine);
}

static void tear_down(void)
{
	machine_remove(&machine);
}

static struct uk_live_status *read_status(void)
{
	struct uk_live_status *status = NULL;
	ck_ok(uk_live_status_read(&machine.paths, &status));
	return status;
}

START_TEST(a_machine_without_core_has_no_updates)
{
	uk_auto_live_status struct uk_live_status *status = read_status();
	const struct uk_live_update *found;
	ck_assert(!status->core_loaded);
	ck_assert_uint_eq(status->updates.len, 0);
	ck_fails(uk_live_status_find(status, "01", &found), UK_ERR_NOTHING,
		 "no update '01' is applied or loaded");
}
END_TEST

START_TEST(applied_updates_are_read_oldest_first)
{
	machine_apply(&machine, SAMPLE_ID, "7\n", FUNCTION, WRITES, MODULES);
	machine_apply(&machine, OTHER_ID, "3\n", "", "", "");
	machine_apply(&machine, "1111111111111111", "-\n", "", "", "");
	machine_put(&machine, "sys/kernel/upkeep/1111111111111111/state", "applying\n");
	uk_auto_live_status struct uk_live_status *status = read_status();
	ck_assert(status->core_loaded);
	ck_assert_str_eq(status->core_version, "0.1.0");
	ck_assert_uint_eq(status->core_abi, 1);
	ck_assert_uint_eq(status->updates.len, 2);
	ck_assert_str_eq(status->updates.data[0].id, OTHER_ID);
	const struct uk_live_update *update = &status->updates.data[1];
	ck_assert_str_eq(update->id, SAMPLE_ID);
	ck_assert_int_eq(update->state, UK_LIVE_APPLIED);
	ck_assert_uint_eq(update->order, 7);
	ck_assert_uint_eq(update->pause_ns, 612345);
	ck_assert_int_eq(update->applied_at, 1795190401);
	ck_assert_uint_eq(update->functions.len, 1);
	ck_assert_uint_eq(update->functions.data[0].new_addr, 0xffffffffc0100010);
	ck_assert_uint_eq(update->writes.len, 2);
	ck_assert(update->writes.data[0].text && !update->writes.data[1].text);
	ck_assert_uint_eq(update->writes.data[1].len, 300);
	ck_assert_mem_eq(update->writes.data[0].new_bytes, "\xe9\x06\0\0", 5);
	ck_assert_mem_eq(update->writes.data[1].new_bytes, "xyzxyzxyzxyzxyzx", 16);
	ck_assert_uint_eq(update->modules.len, 2);
	ck_assert_str_eq(update->modules.data[1], "upkeep_" SAMPLE_ID "_1");
	ck_assert_ptr_null(update->description);
}
END_TEST

static const struct {
	const char *file, *text, *message;
} damages[] = {
	{ "functions", "vmlinux f 0x1 2 0x3\n", "functions: cannot read the line 'vmlinux f" },
	{ "functions", "vmlinux f 0x1 2 0x3 4 5\n", "cannot read the line" },
	{ "functions", "vmlinux f 0x1 -2 0x3 4\n", "cannot read the line" },
	{ "writes", "0x1 1 code vmlinux 00 00\n", "writes: cannot read the line" },
	{ "writes", "0x1 2 data vmlinux 0000 00\n", "writes: cannot read the line" },
	{ "writes", "0x1 1 data vmlinux 00 00+\n", "writes: cannot read the line" },
	{ "modules", "x other\n", "modules: cannot read the line 'x other'" },
	{ "order", "many\n", "order: 'many' is not a number" },
	{ "applied_at", "yesterday\n", "applied_at: 'yesterday' is not a time" },
};

START_TEST(what_cannot_be_read_is_an_error)
{
	struct uk_live_status *status = NULL;
	uk_auto_free char *name = NULL;
	machine_apply(&machine, SAMPLE_ID, "7\n", FUNCTION, WRITES, MODULES);
	ck_ok(uk_asprintf(&name, "sys/kernel/upkeep/" SAMPLE_ID "/%s", damages[_i].file));
	machine_put(&machine, name, damages[_i].text);
	ck_fails(uk_live_status_read(&machine.paths, &status), UK_ERR_INVALID, damages[_i].message);
}
END_TEST

START_TEST(ids_may_be_shortened_while_clear)
{
	machine_apply(&machine, SAMPLE_ID, "1\n", "", "", "");
	machine_apply(&machine, "0123000000000000", "2\n", "", "", "");
	uk_auto_live_status struct uk_live_status *status = read_status();
	const struct uk_live_update *found;
	ck_ok(uk_live_status_find(status, "01234", &found));
	ck_assert_str_eq(found->id, SAMPLE_ID);
	ck_fails(uk_live_status_find(status, "0123", &found), UK_ERR_USAGE,
		 "begins the ids of " SAMPLE_ID " and 0123000000000000");
	ck_fails(uk_live_status_find(status, "", &found), UK_ERR_NOTHING, "no update ''");
}
END_TEST

START_TEST(loaded_parts_without_apply_are_undone_or_left_over)
{
	uk_auto_bundle struct uk_bundle *bundle = sample_bundle(&machine);
	machine_put(&machine, "sys/module/upkeep_" SAMPLE_ID "_1/initstate", "live\n");
	machine_put(&machine, "sys/module/upkeep_" SAMPLE_ID "_0/initstate", "live\n");
	machine_put(&machine, "sys/module/upkeep_x_0/initstate", "live\n");
	machine_put(&machine, "sys/module/upkeep/initstate", "live\n");
	machine_put(&machine, "sys/module/upkeep_" OTHER_ID "_0/version", "built in\n");
	uk_auto_live_status struct uk_live_status *status = read_status();
	ck_assert_uint_eq(status->updates.len, 1);
	ck_assert_int_eq(status->updates.data[0].state, UK_LIVE_UNDONE);
	ck_assert_uint_eq(status->updates.data[0].modules.len, 2);
	ck_ok(uk_kept_save(&machine.paths, bundle));
	uk_auto_live_status struct uk_live_status *again = read_status();
	ck_assert_int_eq(again->updates.data[0].state, UK_LIVE_LEFTOVER);
	ck_assert_str_eq(again->updates.data[0].description, "Shows \"more\" \xc3\xa4\nof it");
	ck_assert_str_eq(again->updates.data[0].cves.data[0], "CVE-2026-1234");
}
END_TEST

START_TEST(copies_move_through_their_stages)
{
	struct stat st;
	uk_auto_bundle struct uk_bundle *bundle = sample_bundle(&machine), *copy = NULL,
					*none = NULL;
	ck_assert_int_eq(uk_kept_stage(&machine.paths, SAMPLE_ID), UK_KEPT_NONE);
	ck_fails(uk_live_bundle_open(&machine.paths, SAMPLE_ID, &none), UK_ERR_INVALID,
		 "holds no copy of update");
	ck_fails(uk_live_bundle_open(&machine.paths, "../x", &none), UK_ERR_USAGE, "is not the id");
	ck_ok(uk_kept_move(&machine.paths, SAMPLE_ID, UK_KEPT_APPLIED));
	ck_ok(uk_kept_save(&machine.paths, bundle));
	ck_assert_int_eq(uk_kept_stage(&machine.paths, SAMPLE_ID), UK_KEPT_PENDING);
	ck_assert_int_eq(stat(machine.state, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_ok(uk_kept_move(&machine.paths, SAMPLE_ID, UK_KEPT_APPLIED));
	ck_assert_int_eq(uk_kept_stage(&machine.paths, SAMPLE_ID), UK_KEPT_APPLIED);
	ck_assert(machine_has(&machine, "state/" SAMPLE_ID ".upk"));
	ck_assert(!machine_has(&machine, "state/" SAMPLE_ID ".pending"));
	ck_ok(uk_live_bundle_open(&machine.paths, SAMPLE_ID, &copy));
	ck_assert_str_eq(uk_bundle_update(copy)->id, SAMPLE_ID);
	ck_ok(uk_kept_move(&machine.paths, SAMPLE_ID, UK_KEPT_UNDONE));
	machine_put(&machine, "state/" SAMPLE_ID ".pending", "rest");
	machine_put(&machine, "state/notes.txt", "not ours");
	char **ids;
	size_t nr;
	ck_ok(uk_kept_list(&machine.paths, &ids, &nr));
	ck_assert_uint_eq(nr, 1);
	ck_assert_str_eq(ids[0], SAMPLE_ID);
	uk_strv_destroy(ids, nr);
	ck_ok(uk_kept_move(&machine.paths, SAMPLE_ID, UK_KEPT_NONE));
	ck_assert_int_eq(uk_kept_stage(&machine.paths, SAMPLE_ID), UK_KEPT_NONE);
	ck_assert(machine_has(&machine, "state/notes.txt"));
}
END_TEST

START_TEST(a_copy_of_another_update_is_refused)
{
	uk_auto_bundle struct uk_bundle *bundle = sample_bundle(&machine), *copy = NULL;
	ck_ok(uk_kept_save(&machine.paths, bundle));
	uk_auto_free char *from = sample_path(machine.state, SAMPLE_ID ".pending");
	uk_auto_free char *to = sample_path(machine.state, OTHER_ID ".upk");
	ck_assert_int_eq(rename(from, to), 0);
	ck_fails(uk_live_bundle_open(&machine.paths, OTHER_ID, &copy), UK_ERR_INVALID,
		 "it is update " SAMPLE_ID);
}
END_TEST

static struct uk_error *load_stack(struct uk_live_status *status, struct uk_stack *stack)
{
	*stack = (struct uk_stack){};
	return uk_stack_load(&machine.paths, status, stack);
}

START_TEST(the_stack_joins_the_core_and_the_copy)
{
	struct uk_stack stack;
	uk_auto_bundle struct uk_bundle *bundle = sample_bundle(&machine);
	ck_ok(uk_kept_save(&machine.paths, bundle));
	machine_apply(&machine, SAMPLE_ID, "1\n", FUNCTION, WRITES, MODULES);
	uk_auto_live_status struct uk_live_status *status = read_status();
	ck_ok(load_stack(status, &stack));
	ck_assert_uint_eq(stack.replaced.len, 1);
	ck_assert_str_eq(stack.replaced.data[0].object, "fs/proc/cmdline.o");
	ck_assert_str_eq(stack.replaced.data[0].function, "cmdline_proc_show");
	ck_assert_uint_eq(stack.replaced.data[0].jumps[0], 0xffffffff81400005);
	ck_assert_uint_eq(stack.replaced.data[0].new_size, 45);
	ck_assert_uint_eq(stack.written.len, 1);
	ck_assert_uint_eq(stack.written.data[0].addr, 0xffffffffc0002008);
	uk_stack_deinit(&stack);
}
END_TEST

/* What an update brought is in no object of the kernel: a later one finds it here. */
START_TEST(the_stack_knows_where_new_functions_are)
{
	static const char part[] = "sys/module/upkeep_" SAMPLE_ID "_1";
	struct uk_stack stack;
	uk_auto_bundle struct uk_bundle *bundle = sample_bundle(&machine);
	ck_ok(uk_kept_save(&machine.paths, bundle));
	machine_apply(&machine, SAMPLE_ID, "1\n", FUNCTION, WRITES, MODULES);
	uk_auto_free char *state = sample_path(part, "initstate");
	uk_auto_free char *text = sample_path(part, "sections/.text");
	machine_put(&machine, state, "live\n");
	machine_put(&machine, text, "0xffffffffc0300000\n");
	uk_auto_live_status struct uk_live_status *status = read_status();
	ck_fails(load_stack(status, &stack), UK_ERR_INVALID,
		 "has no section .text.upk.1.helper.isra.0");
	uk_stack_deinit(&stack);

	uk_auto_free char *helper = sample_path(part, "sections/.text.upk.1.helper.isra.0");
	machine_put(&machine, helper, "0xffffffffc0300120\n");
	ck_ok(load_stack(status, &stack));
	ck_assert_uint_eq(stack.replaced.len, 2);
	const struct uk_match_replaced *brought = &stack.replaced.data[1];
	ck_assert_str_eq(brought->id, SAMPLE_ID);
	ck_assert_str_eq(brought->function, "helper.isra.0");
	ck_assert_uint_eq(brought->new_addr, 0xffffffffc0300120);
	ck_assert_uint_eq(brought->new_size, 7);
	ck_assert_uint_eq(brought->old_size, 0);
	uk_stack_deinit(&stack);
}
END_TEST

static const struct {
	const char *functions, *writes, *message;
} unlike[] = {
	{ "vmlinux other 0xffffffff81400000 38 0xffffffffc0100010 45\n", WRITES, "(other)" },
	{ "", WRITES, "(cmdline_proc_show)" },
	{ FUNCTION FUNCTION, WRITES, "(too many functions)" },
	{ FUNCTION, "0xffffffff81400026 1 text vmlinux 00 00\n", "(no redirect)" },
};

START_TEST(a_copy_that_does_not_describe_what_is_applied)
{
	struct uk_stack stack;
	uk_auto_bundle struct uk_bundle *bundle = sample_bundle(&machine);
	ck_ok(uk_kept_save(&machine.paths, bundle));
	machine_apply(&machine, SAMPLE_ID, "1\n", unlike[_i].functions, unlike[_i].writes, MODULES);
	uk_auto_live_status struct uk_live_status *status = read_status();
	ck_fails(load_stack(status, &stack), UK_ERR_INVALID, unlike[_i].message);
	uk_stack_deinit(&stack);
}
END_TEST

START_TEST(an_applied_update_without_copy_blocks_others)
{
	struct uk_stack stack;
	machine_apply(&machine, SAMPLE_ID, "1\n", FUNCTION, WRITES, MODULES);
	uk_auto_live_status struct uk_live_status *status = read_status();
	ck_fails(load_stack(status, &stack), UK_ERR_INVALID,
		 "is applied, but what it changed is not known (undo it first)");
	uk_stack_deinit(&stack);
}
END_TEST

START_TEST(what_another_was_built_on_is_not_free)
{
	uk_auto_bundle struct uk_bundle *bundle = sample_bundle(&machine);
	ck_ok(uk_kept_save(&machine.paths, bundle));
	machine_apply(&machine, OTHER_ID, "1\n", "", "", "");
	machine_apply(&machine, SAMPLE_ID, "2\n", FUNCTION, WRITES, MODULES);
	uk_auto_live_status struct uk_live_status *status = read_status();
	ck_fails(uk_stack_check_free(&machine.paths, status, OTHER_ID, false), UK_ERR_BUSY,
		 "update " SAMPLE_ID " was built on top of " OTHER_ID " and is applied: undo it");
	ck_ok(uk_stack_check_free(&machine.paths, status, SAMPLE_ID, false));
}
END_TEST

START_TEST(what_is_only_loaded_stands_in_the_way_of_a_purge_alone)
{
	uk_auto_bundle struct uk_bundle *bundle = sample_bundle(&machine);
	ck_ok(uk_kept_save(&machine.paths, bundle));
	machine_apply(&machine, OTHER_ID, "1\n", "", "", "");
	machine_put(&machine, "sys/module/upkeep_" SAMPLE_ID "_0/initstate", "live\n");
	uk_auto_live_status struct uk_live_status *status = read_status();
	ck_ok(uk_stack_check_free(&machine.paths, status, OTHER_ID, false));
	ck_fails(uk_stack_check_free(&machine.paths, status, OTHER_ID, true), UK_ERR_BUSY,
		 "update " SAMPLE_ID " was built on top of " OTHER_ID " and is loaded: purge it");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("live_status");
	TCase *tcase = tcase_create("status");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_machine_without_core_has_no_updates);
	tcase_add_test(tcase, applied_updates_are_read_oldest_first);
	tcase_add_loop_test(tcase, what_cannot_be_read_is_an_error, 0, UK_ARRAY_SIZE(damages));
	tcase_add_test(tcase, ids_may_be_shortened_while_clear);
	tcase_add_test(tcase, loaded_parts_without_apply_are_undone_or_left_over);
	tcase_add_test(tcase, copies_move_through_their_stages);
	tcase_add_test(tcase, a_copy_of_another_update_is_refused);
	tcase_add_test(tcase, the_stack_joins_the_core_and_the_copy);
	tcase_add_test(tcase, the_stack_knows_where_new_functions_are);
	tcase_add_loop_test(tcase, a_copy_that_does_not_describe_what_is_applied, 0,
			    UK_ARRAY_SIZE(unlike));
	tcase_add_test(tcase, an_applied_update_without_copy_blocks_others);
	tcase_add_test(tcase, what_another_was_built_on_is_not_free);
	tcase_add_test(tcase, what_is_only_loaded_stands_in_the_way_of_a_purge_alone);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
