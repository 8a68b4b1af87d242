/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real processes for tests of what is read about processes: children that hold things. */
#ifndef UPKEEP_TEST_REPLACE_SAMPLE_H
#define UPKEEP_TEST_REPLACE_SAMPLE_H

#include "base/memory.h"
#include "replace/preflight.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAMPLE_SKIP 77 /* a child's way to say that this kernel cannot do it */

struct child {
	pid_t pid;
	int shared; /* this side of what child and test have in common, or -1 */
};

/* Makes what the child holds. Descriptor 3 is the child's side of what is shared, if any. */
typedef void (*child_fn)(void);

/* For a child: what is needed for the test itself must work, the rest may be missing here. */
#define child_needs(expr)                                                                          \
	do {                                                                                       \
		if (!(expr))                                                                       \
			_exit(1);                                                                  \
	} while (0)
#define child_wants(expr)                                                                          \
	do {                                                                                       \
		if (!(expr))                                                                       \
			_exit(SAMPLE_SKIP);                                                        \
	} while (0)

/* In the child: nothing is open but 3 and the place to report at, which is closed last. */
static inline void child_main(child_fn make, child_fn then, int shared, int report)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	child_needs(dup2(report, 200) == 200);
	if (shared >= 0) {
		child_needs(dup2(shared, 201) == 201 && dup2(201, 3) == 3 && !close(201));
		close_range(4, 199, 0);
		close_range(0, 2, 0);
	} else {
		close_range(0, 199, 0);
	}
	close_range(201, ~0u, 0);
	if (make)
		make();
	child_needs(write(200, "r", 1) == 1);
	close(200);
	if (then)
		then();
	for (;;)
		pause();
}

/* Its word came before it closed what it was said through. */
static inline void child_await_closed(const struct child *child)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/fd/200", child->pid);
	for (int i = 0; i < 2000 && !faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW); i++)
		usleep(5000);
}

/*
 * Starts a child; false when it says that this kernel cannot do it. @shared: the child's side,
 * closed here, or -1. @then is what it does after it said that it is ready, or NULL.
 */
static inline bool child_start(struct child *child, child_fn make, child_fn then, int shared)
{
	int report[2];
	char byte;
	ck_assert_int_eq(pipe(report), 0);
	child->pid = fork();
	if (!child->pid)
		child_main(make, then, shared, report[1]);
	ck_assert_int_gt(child->pid, 0);
	close(report[1]);
	if (shared >= 0)
		close(shared);
	bool ready = read(report[0], &byte, 1) == 1;
	close(report[0]);
	if (ready) {
		child_await_closed(child);
		return true;
	}
	int status = 0;
	ck_assert_int_eq(waitpid(child->pid, &status, 0), child->pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == SAMPLE_SKIP,
		      "the child ended with %x", status);
	child->pid = 0;
	return false;
}

static inline void child_stop(struct child *child)
{
	if (!child->pid)
		return;
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	child->pid = 0;
}

/* Waits until the child's state, and the call that it sleeps in, are these. */
static inline void child_await(const struct child *child, long number)
{
	for (int i = 0; i < 2000; i++) {
		struct uk_task task;
		ck_ok(uk_task_read(NULL, child->pid, &task));
		bool there = task.threads.len && task.threads.data[0].syscall == number;
		uk_task_deinit(&task);
		if (there)
			return;
		usleep(5000);
	}
	ck_abort_msg("the child never slept in call %ld", number);
}

/* Preflight of processes, by their numbers. */
static inline void sample_preflight(const pid_t *pids, size_t nr, struct uk_preflight *ret)
{
	char names[4][16];
	const char *keep[4];
	ck_assert_uint_le(nr, 4);
	for (size_t i = 0; i < nr; i++) {
		snprintf(names[i], sizeof(names[i]), "%d", pids[i]);
		keep[i] = names[i];
	}
	const struct uk_preflight_options options = { .keep = keep, .nr_keep = nr };
	ck_ok(uk_preflight_run(&options, ret));
}

static inline const struct uk_preflight_finding *sample_find(const struct uk_preflight *preflight,
							     const char *rule)
{
	uk_vec_for_each(finding, &preflight->findings) {
		if (finding->service && !strcmp(finding->rule, rule))
			return finding;
	}
	return NULL;
}

/* AddressSanitizer reserves 16 TiB: all that is built with it has mappings that are vast. */
#ifdef __SANITIZE_ADDRESS__
#define SAMPLE_IS_VAST true
#else
#define SAMPLE_IS_VAST false
#endif

/*
 * What is due to this machine: whatever else runs here may have interval timers, or semaphores; and
 * to how this test was built, unless it is what the case is about.
 */
static inline bool is_elsewhere(const struct uk_preflight_finding *finding, const char *about)
{
	return !finding->service || !strcmp(finding->rule, "itimer") ||
	       (!strcmp(finding->rule, "sysv-undo") && strcmp(about, "sysv-undo") != 0) ||
	       (SAMPLE_IS_VAST && !strcmp(finding->rule, "vast-mapping") &&
		strcmp(about, "vast-mapping") != 0);
}

/* @about: the rule that a case is about. */
static inline enum uk_fate worst_of(const struct uk_preflight *preflight, const char *about)
{
	enum uk_fate worst = UK_FATE_EXACT;
	uk_vec_for_each(finding, &preflight->findings) {
		if (!is_elsewhere(finding, about) && finding->verdict > worst)
			worst = finding->verdict;
	}
	return worst;
}

static inline void judge_child(const struct child *child, const char *rule, enum uk_fate verdict)
{
	uk_auto_preflight struct uk_preflight preflight = {};
	sample_preflight(&child->pid, 1, &preflight);
	const struct uk_preflight_finding *finding = sample_find(&preflight, rule);
	uk_vec_for_each(other, &preflight.findings) {
		if (!is_elsewhere(other, rule) && other->verdict > verdict)
			ck_abort_msg("%s: %s: %s", uk_fate_name(other->verdict), other->id,
				     other->what);
	}
	ck_assert_msg(finding, "nothing is said by the rule %s", rule);
	ck_assert_int_eq(finding->verdict, verdict);
	ck_assert_int_eq(worst_of(&preflight, rule), verdict);
}

/* A socket of IPv4 at a free port of the loopback; its name in @ret. */
static inline int bound(int type, struct sockaddr_in *ret)
{
	socklen_t len = sizeof(*ret);
	int fd = socket(AF_INET, type, 0);
	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(0x7f000001) } };
	child_needs(fd >= 0 && !bind(fd, (struct sockaddr *)ret, sizeof(*ret)));
	child_needs(!getsockname(fd, (struct sockaddr *)ret, &len));
	return fd;
}

/* What a child holds, and the rule that gives the worst verdict about it. */
struct hold_case {
	const char *name;
	child_fn make;
	const char *rule;
	enum uk_fate verdict;
};

static inline void judge_case(const struct hold_case *it)
{
	struct child child = {};
	if (child_start(&child, it->make, NULL, -1))
		judge_child(&child, it->rule, it->verdict);
	else
		printf("# %s: not on this kernel\n", it->name);
	child_stop(&child);
}

#endif
