// SPDX-License-Identifier: GPL-2.0-or-later
/* Verdicts about what real children share with others: who is at the other end. */
/* rooms: replace seat base */
#include "base/file.h"
#include "replace_sample.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <pty.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

START_TEST(a_pipe_to_outside_is_not_possible)
{
	int ends[2];
	struct child child = {};
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert(child_start(&child, NULL, NULL, ends[1]));
	/* Whoever asks does not count, so that a pipe of `upkeep | less' does no harm. */
	judge_child(&child, "descriptor", UK_FATE_EXACT);
	struct child other = {};
	ck_assert(child_start(&other, NULL, NULL, ends[0]));
	judge_child(&child, "foreign-pipe", UK_FATE_IMPOSSIBLE);
	child_stop(&other);
	child_stop(&child);
}
END_TEST

/* Some services have children come and go all the time, as PostgreSQL does. */
static struct {
	volatile int wanted;
	volatile pid_t late, later;
} * shared;

static void have_late_children(void)
{
	while (!shared->wanted)
		usleep(1000);
	pid_t late = fork();
	child_needs(late >= 0);
	pid_t later = late ? 0 : fork();
	child_needs(later >= 0);
	if (late)
		shared->late = late;
	else if (later)
		shared->later = later;
	for (;;)
		pause();
}

START_TEST(who_came_after_the_look_is_no_stranger)
{
	int ends[2];
	struct stat pipe_of;
	struct child child = {};
	char name[16];
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(fstat(ends[1], &pipe_of), 0);
	ck_assert(child_start(&child, NULL, have_late_children, ends[1]));
	snprintf(name, sizeof(name), "%d", child.pid);
	uk_auto_keep struct uk_keep keep = {};
	ck_ok(uk_keep_resolve(NULL, (const char *const[]){ name }, 1, &keep));
	shared->wanted = 1;
	for (int i = 0; i < 2000 && (!shared->late || !shared->later); i++)
		usleep(5000);
	uk_auto_owners struct uk_owners *owners = NULL;
	ck_ok(uk_owners_read(NULL, &owners));

	struct uk_service *service = &keep.services.data[0];
	const pid_t pids[] = { child.pid, shared->late, shared->later };
	for (size_t i = 0; i < UK_ARRAY_SIZE(pids); i++)
		ck_assert_ptr_eq(uk_owners_service(owners, &keep, pids[i]), service);
	ck_assert_ptr_null(uk_owners_service(owners, &keep, getppid()));
	ck_assert_int_eq(uk_owners_outside(owners, pipe_of.st_ino, &keep, service), 0);
	/* Of a unit they are if they are in its cgroup. */
	service->kind = UK_SERVICE_UNIT;
	ck_assert_ptr_eq(uk_owners_service(owners, &keep, shared->later), service);
	service->cgroup[0] = '?';
	ck_assert_int_eq(uk_owners_outside(owners, pipe_of.st_ino, &keep, service), shared->late);
	kill(shared->later, SIGKILL);
	kill(shared->late, SIGKILL);
	child_stop(&child);
}
END_TEST

static void check_peer(int family, int type, const char *rule)
{
	int ends[2];
	struct child child = {}, other = {};
	ck_assert_int_eq(socketpair(family, type, 0, ends), 0);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	ck_assert(child_start(&child, NULL, NULL, ends[0]));
	ck_assert(child_start(&other, NULL, NULL, ends[1]));
	uk_auto_preflight struct uk_preflight preflight = {}, both = {};
	sample_preflight(&child.pid, 1, &preflight);
	const struct uk_preflight_finding *finding = sample_find(&preflight, rule);
	ck_assert_ptr_nonnull(finding);
	ck_assert_int_eq(finding->verdict, UK_FATE_IMPOSSIBLE);
	char who[64];
	snprintf(who, sizeof(who), "connected to process %d (", other.pid);
	ck_assert_msg(strstr(finding->what, who) && strstr(finding->what, "which is not kept"),
		      "%s", finding->what);

	const pid_t pids[] = { child.pid, other.pid };
	sample_preflight(pids, 2, &both);
	finding = sample_find(&both, rule);
	ck_assert_ptr_nonnull(finding);
	snprintf(who, sizeof(who), "which is kept with pid %d", other.pid);
	ck_assert_msg(strstr(finding->what, who), "%s", finding->what);
	child_stop(&other);
	child_stop(&child);
}

/* One that waits to be accepted has no other end yet, but the listener is known. */
START_TEST(a_unix_listener_outside_is_named)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(name);
	struct child child = {}, other = {};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert(!bind(listener, (struct sockaddr *)&name, sizeof(sa_family_t)));
	ck_assert(!listen(listener, 5) && !getsockname(listener, (struct sockaddr *)&name, &len));
	ck_assert_int_eq(connect(client, (struct sockaddr *)&name, len), 0);
	ck_assert(child_start(&child, NULL, NULL, client));
	ck_assert(child_start(&other, NULL, NULL, listener));
	judge_child(&child, "unix-peer", UK_FATE_IMPOSSIBLE);
	child_stop(&other);
	judge_child(&child, "socket", UK_FATE_EXACT);
	child_stop(&child);
}
END_TEST

START_TEST(a_unix_peer_outside_is_named)
{
	check_peer(AF_UNIX, SOCK_STREAM, "unix-peer");
	check_peer(AF_UNIX, SOCK_DGRAM, "unix-peer");
}
END_TEST

/* Listens, in a root of its own, at a path of systemd or D-Bus; the child that connects, too. */
static const char *served;

static void serve(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", served);
	child_needs(!bind(listener, (struct sockaddr *)&name, sizeof(name)));
	child_needs(!listen(listener, 5));
}

static void accept_all(void)
{
	for (;;)
		child_needs(accept(0, NULL, NULL) >= 0);
}

static void be_client(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", served);
	child_needs(!connect(fd, (struct sockaddr *)&name, sizeof(name)));
}

static const struct {
	const char *path, *rule;
	enum uk_fate verdict;
} servers[] = {
	{ "/run/systemd/journal/stdout", "journal", UK_FATE_REPAIRED },
	{ "/run/dbus/system_bus_socket", "system-bus", UK_FATE_IMPOSSIBLE },
	{ "/var/run/dbus/system_bus_socket", "system-bus", UK_FATE_IMPOSSIBLE },
	{ "/tmp/run/dbus/system_bus_socket", "unix-peer", UK_FATE_IMPOSSIBLE },
};

START_TEST(well_known_servers_are_told_apart)
{
	char root[] = "/tmp/upkeep-servers-XXXXXX";
	static const char *const folders[] = {
		"run",		"run/dbus", "run/systemd", "run/systemd/journal", "var", "var/run",
		"var/run/dbus", "tmp",	    "tmp/run",	   "tmp/run/dbus"
	};
	struct child server = {}, client = {};
	ck_assert(mkdtemp(root) && !chdir(root));
	for (size_t i = 0; i < UK_ARRAY_SIZE(folders); i++)
		ck_assert_int_eq(mkdir(folders[i], 0755), 0);
	served = servers[_i].path;
	int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(chroot("."), 0);
	ck_assert(child_start(&server, serve, accept_all, -1));
	ck_assert(child_start(&client, be_client, NULL, -1));
	ck_assert(!fchdir(old) && !chroot("."));
	judge_child(&client, servers[_i].rule, servers[_i].verdict);
	child_stop(&server);
	child_stop(&client);
	ck_ok(uk_tree_remove(root));
}
END_TEST

START_TEST(a_shared_listener_is_told)
{
	struct sockaddr_in name;
	struct child child = {}, other = {};
	int listener = bound(SOCK_STREAM, &name);
	ck_assert_int_eq(listen(listener, 5), 0);
	ck_assert(child_start(&other, NULL, NULL, dup(listener)));
	ck_assert(child_start(&child, NULL, NULL, listener));
	judge_child(&child, "shared-socket", UK_FATE_CHANGED);
	child_stop(&other);
	judge_child(&child, "socket", UK_FATE_EXACT);
	child_stop(&child);
}
END_TEST

/* A connection between two processes: one kept, then both. */
START_TEST(a_local_connection_needs_both_ends)
{
	struct sockaddr_in name;
	struct child child = {}, other = {};
	int listener = bound(SOCK_STREAM, &name), client = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(listen(listener, 5), 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&name, sizeof(name)), 0);
	int server = accept(listener, NULL, NULL);
	close(listener);
	ck_assert(child_start(&child, NULL, NULL, client));
	ck_assert(child_start(&other, NULL, NULL, server));
	judge_child(&child, "local-connection", UK_FATE_IMPOSSIBLE);
	uk_auto_preflight struct uk_preflight both = {};
	const pid_t pids[] = { child.pid, other.pid };
	sample_preflight(pids, 2, &both);
	ck_assert_ptr_nonnull(sample_find(&both, "between-services"));
	ck_assert_ptr_null(sample_find(&both, "local-connection"));
	ck_assert_int_eq(worst_of(&both, ""), UK_FATE_CHANGED);
	child_stop(&other);
	child_stop(&child);
}
END_TEST

START_TEST(a_terminal_needs_who_draws_it)
{
	int ends[2];
	struct child child = {};
	ck_assert_int_eq(openpty(&ends[0], &ends[1], NULL, NULL, NULL), 0);
	ck_assert(child_start(&child, NULL, NULL, ends[1]));
	judge_child(&child, "foreign-pty", UK_FATE_IMPOSSIBLE);
	child_stop(&child);
}
END_TEST

START_TEST(a_traced_process_is_not_possible)
{
	struct child child = {};
	ck_assert(child_start(&child, NULL, NULL, -1));
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, child.pid, NULL, NULL), 0);
	judge_child(&child, "traced", UK_FATE_IMPOSSIBLE);
	child_stop(&child);
}
END_TEST

static void leave_for_no_session(void)
{
	pid_t pid = fork();
	child_needs(pid >= 0);
	/* A name of its own tells the inner one apart. */
	for (; !pid;) {
		prctl(PR_SET_NAME, "inner");
		pause();
	}
}

static void stop_oneself(void)
{
	raise(SIGSTOP);
}

START_TEST(a_stopped_process_is_told)
{
	siginfo_t info;
	struct child child = {};
	ck_assert(child_start(&child, NULL, stop_oneself, -1));
	ck_assert_int_eq(waitid(P_PID, (id_t)child.pid, &info, WSTOPPED), 0);
	judge_child(&child, "stopped", UK_FATE_CHANGED);
	child_stop(&child);
}
END_TEST

/* With the lowest number from @first on that is free. */
static pid_t fork_from(pid_t first)
{
	for (pid_t wanted = first; wanted < first + 300; wanted++) {
		struct clone_args args = { .exit_signal = SIGCHLD,
					   .set_tid = (uintptr_t)&wanted,
					   .set_tid_size = 1 };
		pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
		if (pid >= 0 || errno != EEXIST)
			return pid;
	}
	return -1;
}

static struct child start_from(pid_t first)
{
	int report[2];
	char byte;
	struct child child = {};
	ck_assert_int_eq(pipe(report), 0);
	child.pid = fork_from(first);
	if (!child.pid)
		child_main(NULL, NULL, -1, report[1]);
	close(report[1]);
	ck_assert(child.pid > 0 && read(report[0], &byte, 1) == 1);
	close(report[0]);
	return child;
}

/* Where threads of the kernel are, and some beyond; then no more. */
START_TEST(a_low_number_is_not_possible)
{
	int highest, unsafe;
	struct child child = start_from(3);
	uk_auto_preflight struct uk_preflight preflight = {}, beyond = {};
	sample_preflight(&child.pid, 1, &preflight);
	const struct uk_preflight_finding *finding = sample_find(&preflight, "low-number");
	ck_assert_ptr_nonnull(finding);
	ck_assert_int_eq(finding->verdict, UK_FATE_IMPOSSIBLE);
	char text[64];
	snprintf(text, sizeof(text), "its number %d may be taken", child.pid);
	ck_assert_msg(strstr(finding->what, text), "%s", finding->what);
	ck_assert_int_eq(sscanf(strstr(finding->what, "went up to"),
				"went up to %d as it booted, and up to %d is not safe", &highest,
				&unsafe),
			 2);
	ck_assert_int_eq(unsafe, highest + highest / 4 + 100);
	child_stop(&child);
	child = start_from(unsafe + 1);
	sample_preflight(&child.pid, 1, &beyond);
	ck_assert_ptr_null(sample_find(&beyond, "low-number"));
	child_stop(&child);
}
END_TEST

/* The one child of a child. */
static struct child inner_of(const struct child *outer)
{
	uk_pids pids = {};
	struct child inner = { .shared = -1 };
	ck_ok(uk_task_list(NULL, &pids));
	uk_vec_for_each(pid, &pids) {
		struct uk_task task;
		uk_auto_error struct uk_error *gone = uk_task_read_brief(NULL, *pid, &task);
		if (gone)
			continue;
		if (task.ppid == outer->pid)
			inner.pid = task.pid;
		uk_task_deinit(&task);
	}
	uk_vec_deinit(&pids);
	ck_assert_int_gt(inner.pid, 0);
	return inner;
}

START_TEST(a_session_needs_its_leader)
{
	struct child child = {};
	ck_assert(child_start(&child, leave_for_no_session, NULL, -1));
	struct child inner = inner_of(&child);
	judge_child(&inner, "foreign-session", UK_FATE_IMPOSSIBLE);
	judge_child(&child, "call", UK_FATE_EXACT);
	kill(inner.pid, SIGKILL);
	child_stop(&child);
}
END_TEST

static void make_pid_namespace(void)
{
	child_wants(!unshare(CLONE_NEWPID));
	leave_for_no_session();
}

/* One whose first process is the service's is carried whole; a part of one is not. */
START_TEST(a_pid_namespace_is_kept_whole)
{
	struct child child = {};
	if (!child_start(&child, make_pid_namespace, NULL, -1))
		return;
	struct child inner = inner_of(&child);
	judge_child(&inner, "pid-namespace", UK_FATE_CHANGED);
	judge_child(&child, "pid-namespace-part", UK_FATE_IMPOSSIBLE);
	kill(inner.pid, SIGKILL);
	child_stop(&child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_peers");
	TCase *tcase = tcase_create("peers");
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_pipe_to_outside_is_not_possible);
	tcase_add_test(tcase, who_came_after_the_look_is_no_stranger);
	tcase_add_test(tcase, a_unix_listener_outside_is_named);
	tcase_add_test(tcase, a_unix_peer_outside_is_named);
	tcase_add_loop_test(tcase, well_known_servers_are_told_apart, 0, UK_ARRAY_SIZE(servers));
	tcase_add_test(tcase, a_shared_listener_is_told);
	tcase_add_test(tcase, a_local_connection_needs_both_ends);
	tcase_add_test(tcase, a_terminal_needs_who_draws_it);
	tcase_add_test(tcase, a_traced_process_is_not_possible);
	tcase_add_test(tcase, a_stopped_process_is_told);
	tcase_add_test(tcase, a_low_number_is_not_possible);
	tcase_add_test(tcase, a_session_needs_its_leader);
	tcase_add_test(tcase, a_pid_namespace_is_kept_whole);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
