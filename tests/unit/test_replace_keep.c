// SPDX-License-Identifier: GPL-2.0-or-later
/* From names to services and their processes, in a pretended tree of cgroups. */
/* rooms: replace seat base */
#include "base/file.h"
#include "base/strbuf.h"
#include "replace/gather.h"
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
		usleep(5000);
		uk_keep_deinit(&keep);
		keep = (struct uk_keep){};
		resolve(name, &keep);
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

/* By whatever name. */
START_TEST(what_is_left_out_is_not_kept)
{
	char number[16], tree[32];
	snprintf(number, sizeof(number), "%d", first.pid);
	snprintf(tree, sizeof(tree), "pid:%d", first.pid);
	const struct {
		const char *keep, *without, *name;
	} cases[] = {
		{ "upkeep-test", "upkeep-test.service", "upkeep-test.service" },
		{ "session:c7", "session-c7.scope", "session c7" },
		{ number, tree, NULL },
	};
	for (size_t i = 0; i < UK_ARRAY_SIZE(cases); i++) {
		uk_auto_keep struct uk_keep keep = {};
		const char *const names[] = { cases[i].keep, "other" };
		ck_ok(uk_keep_resolve(&paths, names, 2, &keep));
		ck_ok(uk_keep_leave_out(&paths, &cases[i].without, 1, &keep));
		ck_assert_uint_eq(keep.services.len, 1);
		ck_assert_str_eq(keep.services.data[0].name, "other.service");
		ck_assert_uint_eq(keep.left_out.len, 1);
		if (cases[i].name)
			ck_assert_str_eq(keep.left_out.data[0].name, cases[i].name);
		ck_assert_ptr_null(uk_keep_find(&keep, first.pid, NULL));
	}
}
END_TEST

START_TEST(what_is_not_kept_is_not_left_out)
{
	uk_auto_keep struct uk_keep keep = {};
	const char *const names[] = { "upkeep-test", "other" };
	ck_ok(uk_keep_resolve(&paths, names, 2, &keep));
	static const char *const wrong_names[] = { "session:c7", "no-such-unit" };
	ck_fails(uk_keep_leave_out(&paths, &wrong_names[0], 1, &keep), UK_ERR_USAGE,
		 "session c7 is not kept, and cannot be left out");
	ck_fails(uk_keep_leave_out(&paths, &wrong_names[1], 1, &keep), UK_ERR_USAGE,
		 "no such unit runs");
	ck_fails(uk_keep_leave_out(&paths, names, 2, &keep), UK_ERR_USAGE, "all is left out");
}
END_TEST

START_TEST(who_is_kept_is_told)
{
	const char *const names[] = { "other", "upkeep-test" }, *const none[] = { "no-such-unit" };
	bool has = false;
	ck_ok(uk_keep_has(&paths, names, 2, second.pid, &has));
	ck_assert(has);
	ck_ok(uk_keep_has(&paths, names, 2, getpid(), &has));
	ck_assert(!has);
	ck_fails(uk_keep_has(&paths, none, 1, getpid(), &has), UK_ERR_USAGE, "no such unit runs");
}
END_TEST

/* Two of one unit whose parent is the test: somebody is put above them, where that can be. */
START_TEST(a_second_tree_is_told)
{
	const char *const name = "upkeep-test";
	const struct uk_preflight_options options = { .paths = &paths,
						      .keep = &name,
						      .nr_keep = 1 };
	uk_auto_preflight struct uk_preflight preflight = {};
	ck_ok(uk_preflight_run(&options, &preflight));
	const struct uk_preflight_finding *finding = sample_find(&preflight, "gathered-tree");
	ck_assert_ptr_nonnull(finding);
	ck_assert_int_eq(finding->pid, first.pid < second.pid ? second.pid : first.pid);
	ck_assert_int_eq(finding->verdict, UK_FATE_REPAIRED);
}
END_TEST

static void leave_namespace(void)
{
	child_wants(!unshare(CLONE_NEWUTS));
}

START_TEST(a_second_tree_in_a_namespace_is_not_possible)
{
	const char *const name = "upkeep-odd";
	const struct uk_preflight_options options = { .paths = &paths,
						      .keep = &name,
						      .nr_keep = 1 };
	uk_auto_preflight struct uk_preflight preflight = {};
	struct child odd = {};
	char both[64];
	if (!child_start(&odd, leave_namespace, NULL, -1))
		return;
	snprintf(both, sizeof(both), "%d\n%d\n", first.pid, odd.pid);
	put_cgroup("system.slice/upkeep-odd.service", both);
	ck_ok(uk_preflight_run(&options, &preflight));
	const struct uk_preflight_finding *finding = sample_find(&preflight, "second-tree");
	child_stop(&odd);
	ck_assert_ptr_nonnull(finding);
	ck_assert_int_eq(finding->verdict, UK_FATE_IMPOSSIBLE);
	ck_assert_ptr_null(sample_find(&preflight, "gathered-tree"));
}
END_TEST

static void add_task(struct uk_service *service, pid_t pid, pid_t ppid)
{
	ck_assert(uk_vec_push(&service->tasks, (struct uk_task){ .pid = pid, .ppid = ppid }));
}

START_TEST(the_tops_are_nobodys_children)
{
	struct uk_service service = { .cgroup = (char *)"/a" };
	uk_pids tops = {};
	uk_auto_free char *text = NULL;
	add_task(&service, 10, 1);
	add_task(&service, 11, 10);
	add_task(&service, 12, 1);
	add_task(&service, 13, 9);
	add_task(&service, 14, 12);
	ck_ok(uk_gather_tops(&service, &tops));
	ck_ok(uk_gather_text(20, &tops, &text));
	ck_assert_str_eq(text, "UPKEEP_TREE=20 10 12 13");
	ck_assert(uk_gather_is_possible(&service));
	service.tasks.data[1].ns[UK_NS_TIME] = 5;
	ck_assert(!uk_gather_is_possible(&service));
	uk_vec_deinit(&tops);
	uk_vec_deinit(&service.tasks);
}
END_TEST

/* What a preflight says of session c7 by one rule: said once, however many processes it has. */
static enum uk_fate judge_session(const char *rule)
{
	const char *const name = "session:c7";
	const struct uk_preflight_options options = { .paths = &paths,
						      .keep = &name,
						      .nr_keep = 1 };
	uk_auto_preflight struct uk_preflight preflight = {};
	const struct uk_preflight_finding *found = NULL;
	ck_ok(uk_preflight_run(&options, &preflight));
	uk_vec_for_each(finding, &preflight.findings) {
		if (!uk_str_starts(finding->rule, "login-session"))
			continue;
		ck_assert_str_eq(finding->rule, rule);
		ck_assert_ptr_null(found);
		found = finding;
	}
	ck_assert_ptr_nonnull(found);
	return found->verdict;
}

static void know_session(const char *text)
{
	uk_auto_free char *dir = NULL, *file = NULL;
	ck_ok(uk_asprintf(&dir, "%s/sessions", root));
	ck_ok(uk_dir_make(dir, 0755));
	ck_ok(uk_asprintf(&file, "%s/c7", dir));
	ck_ok(uk_file_write(file, text, strlen(text), 0644));
}

START_TEST(a_login_session_is_what_logind_knows)
{
	paths.systemd = root;
	ck_assert_int_eq(judge_session("login-session-lost"), UK_FATE_IMPOSSIBLE);
	know_session("UID=0\nREMOTE=1\n");
	ck_assert_int_eq(judge_session("login-session"), UK_FATE_CHANGED);
	know_session("UID=0\nSEAT=seat0\nVTNR=1\n");
	ck_assert_int_eq(judge_session("login-session-lost"), UK_FATE_IMPOSSIBLE);
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
	tcase_add_test(tcase, a_login_session_is_what_logind_knows);
	tcase_add_test(tcase, a_process_is_kept_with_all_below_it);
	tcase_add_loop_test(tcase, what_cannot_be_kept_is_named, 0, UK_ARRAY_SIZE(wrong));
	tcase_add_test(tcase, nothing_is_kept_twice);
	tcase_add_test(tcase, what_is_left_out_is_not_kept);
	tcase_add_test(tcase, what_is_not_kept_is_not_left_out);
	tcase_add_test(tcase, who_is_kept_is_told);
	tcase_add_test(tcase, a_second_tree_is_told);
	tcase_add_test(tcase, a_second_tree_in_a_namespace_is_not_possible);
	tcase_add_test(tcase, the_tops_are_nobodys_children);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
