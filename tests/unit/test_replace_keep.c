// SPDX-License-Identifier: GPL-2.0-or-later
/* From names to services and their processes, in a pretended tree of cgroups. */
/* rooms: replace base */
#include "base/file.h"
#include "base/strbuf.h"
#include "replace_sample.h"

#include <sched.h>

static char root[] = "/tmp/upkeep-keep-XXXXXX";
static struct uk_host_paths paths;
static struct child first, second;

static void put_cgroup(const char *name, const char *procs)
{
	uk_auto_free char *dir = NULL, *file = NULL;
	ck_ok(uk_asprintf(&dir, "%s/%s", root, name));
	ck_ok(uk_dir_make(dir, 0755));
	ck_ok(uk_asprintf(&file, "%s/cgroup.procs", dir));
	ck_ok(uk_file_write(file, procs, strlen(procs), 0644));
}

static void set_up(void)
{
	char both[64];
	ck_assert_ptr_nonnull(mkdtemp(root));
	paths = *uk_host_paths_get(NULL);
	paths.cgroup = root;
	ck_assert(child_start(&first, NULL, NULL, -1));
	ck_assert(child_start(&second, NULL, NULL, -1));
	snprintf(both, sizeof(both), "%d\n", second.pid);
	put_cgroup("", "");
	put_cgroup("system.slice", "");
	put_cgroup("system.slice/other.service", "1\n");
	put_cgroup("system.slice/empty.service", "");
	put_cgroup("system.slice/upkeep-test.service/inner", both);
	/* One that has ended: the kernel would not list it, but it may end as we look. */
	snprintf(both, sizeof(both), "%d\n%d\n0\n", 0x3fffff, first.pid);
	put_cgroup("system.slice/upkeep-test.service", both);
	snprintf(both, sizeof(both), "%d\n%d\n", second.pid, first.pid);
	put_cgroup("user.slice/user-0.slice/session-c7.scope", both);
	put_cgroup("system.slice/damaged.service", "12x\n");
}

static void tear_down(void)
{
	child_stop(&first);
	child_stop(&second);
	ck_ok(uk_tree_remove(root));
}

static void resolve(const char *name, struct uk_keep *keep)
{
	ck_ok(uk_keep_resolve(&paths, &name, 1, keep));
	ck_assert_uint_eq(keep->services.len, 1);
}

START_TEST(a_unit_is_all_of_its_cgroup)
{
	static const char *const names[] = { "upkeep-test.service", "upkeep-test" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(names); i++) {
		uk_auto_keep struct uk_keep keep = {};
		resolve(names[i], &keep);
		const struct uk_service *service = &keep.services.data[0];
		ck_assert_int_eq(service->kind, UK_SERVICE_UNIT);
		ck_assert_str_eq(service->name, "upkeep-test.service");
		ck_assert_str_eq(service->unit, "upkeep-test.service");
		ck_assert_str_eq(service->cgroup, "/system.slice/upkeep-test.service");
		ck_assert_uint_eq(service->tasks.len, 2);
		ck_assert_int_lt(service->tasks.data[0].pid, service->tasks.data[1].pid);
		ck_assert(uk_keep_find(&keep, first.pid, NULL) == service);
		ck_assert_ptr_null(uk_keep_find(&keep, getpid(), NULL));
		/* No systemd knows of it here: the first without a parent among them. */
		ck_assert_int_eq(service->main_pid, service->tasks.data[0].pid);
	}
}
END_TEST

START_TEST(a_session_is_its_scope)
{
	static const char *const names[] = { "session:c7", "session-c7.scope" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(names); i++) {
		uk_auto_keep struct uk_keep keep = {};
		resolve(names[i], &keep);
		const struct uk_service *service = &keep.services.data[0];
		ck_assert_int_eq(service->kind, UK_SERVICE_SESSION);
		ck_assert_str_eq(service->name, "session c7");
		ck_assert_str_eq(service->unit, "session-c7.scope");
		ck_assert_str_eq(service->cgroup, "/user.slice/user-0.slice/session-c7.scope");
		ck_assert_uint_eq(service->tasks.len, 2);
	}
}
END_TEST

static void have_children(void)
{
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		child_needs(pid >= 0);
		if (!pid && i == 1)
			child_needs(fork() >= 0);
		for (; !pid;)
			pause();
	}
}

START_TEST(a_process_is_kept_with_all_below_it)
{
	char name[16];
	struct child top = {};
	ck_assert(child_start(&top, have_children, NULL, -1));
	snprintf(name, sizeof(name), "%d", top.pid);
	uk_auto_keep struct uk_keep keep = {};
	for (int i = 0; i < 1000 && (!i || keep.services.data[0].tasks.len < 4); i++) {
		if (!i)
			resolve(name, &keep);
		usleep(5000);
		ck_ok(uk_keep_refresh(&paths, &keep));
	}
	const struct uk_service *service = &keep.services.data[0];
	ck_assert_int_eq(service->kind, UK_SERVICE_TREE);
	ck_assert_ptr_null(service->unit);
	ck_assert_int_eq(service->main_pid, top.pid);
	ck_assert_uint_eq(service->tasks.len, 4);
	snprintf(name, sizeof(name), "pid %d", top.pid);
	ck_assert_str_eq(service->name, name);
	uk_vec_for_each(task, &service->tasks) {
		if (task->pid != top.pid)
			kill(task->pid, SIGKILL);
	}
	child_stop(&top);
	ck_fails(uk_keep_refresh(&paths, &keep), UK_ERR_USAGE, "no process of it is there");
}
END_TEST

static const struct {
	const char *name, *message;
	enum uk_error_kind kind;
} wrong[] = {
	{ "no-such-unit", "no-such-unit.service: no such unit runs", UK_ERR_USAGE },
	{ "empty.service", "empty.service: no process of it is there", UK_ERR_USAGE },
	{ "damaged.service", "it is no list of processes", UK_ERR_INVALID },
	{ "session:99", "session 99: no such unit runs", UK_ERR_USAGE },
	{ "session:", "'' is no session", UK_ERR_USAGE },
	{ "session:../x", "'../x' is no session", UK_ERR_USAGE },
	{ "../etc", "'../etc' is no unit, process or session", UK_ERR_USAGE },
	{ "a/b.service", "is no unit, process or session", UK_ERR_USAGE },
	{ "--help", "is no unit, process or session", UK_ERR_USAGE },
	{ "", "'' is no unit", UK_ERR_USAGE },
	{ "pid:x", "'x' is no number of a process", UK_ERR_USAGE },
	{ "0", "'0' is no number of a process", UK_ERR_USAGE },
	{ "99999999999", "is no number of a process", UK_ERR_USAGE },
	{ "4194303", "no process 4194303 is there", UK_ERR_USAGE },
	{ "1", "is the first process, which is not kept", UK_ERR_USAGE },
	{ "2", "is a thread of the kernel itself", UK_ERR_USAGE },
};

START_TEST(what_cannot_be_kept_is_named)
{
	uk_auto_keep struct uk_keep keep = {};
	const char *name = wrong[_i].name;
	ck_fails(uk_keep_resolve(&paths, &name, 1, &keep), wrong[_i].kind, wrong[_i].message);
}
END_TEST

START_TEST(nothing_is_kept_twice)
{
	uk_auto_keep struct uk_keep keep = {};
	const char *const names[] = { "upkeep-test", "session:c7" };
	ck_fails(uk_keep_resolve(&paths, names, 2, &keep), UK_ERR_USAGE,
		 "belongs to upkeep-test.service and to session c7: keep one of them");
}
END_TEST

/* Two of one unit whose parent is the test: only the main one's tree is dumped. */
START_TEST(a_second_tree_is_told)
{
	const char *const name = "upkeep-test";
	const struct uk_preflight_options options = { .paths = &paths,
						      .keep = &name,
						      .nr_keep = 1 };
	uk_auto_preflight struct uk_preflight preflight = {};
	ck_ok(uk_preflight_run(&options, &preflight));
	const struct uk_preflight_finding *finding = sample_find(&preflight, "second-tree");
	ck_assert_ptr_nonnull(finding);
	ck_assert_int_eq(finding->pid, first.pid < second.pid ? second.pid : first.pid);
	ck_assert_int_eq(finding->verdict, UK_FATE_IMPOSSIBLE);
}
END_TEST

/* Once, however many processes it has. */
START_TEST(a_login_session_is_not_possible)
{
	const char *const name = "session:c7";
	const struct uk_preflight_options options = { .paths = &paths,
						      .keep = &name,
						      .nr_keep = 1 };
	uk_auto_preflight struct uk_preflight preflight = {};
	size_t nr = 0;
	ck_ok(uk_preflight_run(&options, &preflight));
	uk_vec_for_each(finding, &preflight.findings) {
		if (strcmp(finding->rule, "login-session"))
			continue;
		ck_assert_int_eq(finding->verdict, UK_FATE_IMPOSSIBLE);
		nr++;
	}
	ck_assert_uint_eq(nr, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_keep");
	TCase *tcase = tcase_create("keep");
	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_unit_is_all_of_its_cgroup);
	tcase_add_test(tcase, a_session_is_its_scope);
	tcase_add_test(tcase, a_login_session_is_not_possible);
	tcase_add_test(tcase, a_process_is_kept_with_all_below_it);
	tcase_add_loop_test(tcase, what_cannot_be_kept_is_named, 0, UK_ARRAY_SIZE(wrong));
	tcase_add_test(tcase, nothing_is_kept_twice);
	tcase_add_test(tcase, a_second_tree_is_told);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
