// SPDX-License-Identifier: GPL-2.0-or-later
/* Verdicts about the system call that a real child sleeps in. */
/* rooms: replace seat base */
#include "replace_sample.h"

#include "replace/rules.h"

#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <time.h>

static void sleep_nanosleep(void)
{
	syscall(SYS_nanosleep, &(struct timespec){ .tv_sec = 1000 }, NULL);
}

static void sleep_clock(void)
{
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_sec = 1000 },
		NULL);
}

static void sleep_until(void)
{
	struct timespec when;
	clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_sec += 1000;
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

static void sleep_poll(void)
{
	syscall(SYS_poll, NULL, 0, 1000000);
}

static void sleep_ppoll(void)
{
	syscall(SYS_ppoll, NULL, 0, NULL, NULL, 8);
}

static void sleep_timed_ppoll(void)
{
	syscall(SYS_ppoll, NULL, 0, &(struct timespec){ .tv_sec = 1000 }, NULL, 8);
}

static void sleep_select(void)
{
	syscall(SYS_select, 0, NULL, NULL, NULL, &(struct timeval){ .tv_sec = 1000 });
}

static void sleep_epoll(void)
{
	struct epoll_event event;
	syscall(SYS_epoll_wait, epoll_create1(0), &event, 1, -1);
}

static void wait_futex(const struct timespec *limit)
{
	static int word;
	syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, limit, NULL, 0);
}

static void sleep_futex(void)
{
	wait_futex(NULL);
}

static void sleep_timed_futex(void)
{
	wait_futex(&(struct timespec){ .tv_sec = 1000 });
}

static void sleep_signal(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 8);
}

static void sleep_semaphore(void)
{
	struct sembuf take = { .sem_op = -1 };
	int id = semget(0x75706b31, 1, IPC_CREAT | 0600);
	child_needs(id >= 0);
	syscall(SYS_semop, id, &take, 1);
}

static void sleep_for_all(void)
{
	int ends[2];
	char bytes[2];
	child_needs(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	syscall(SYS_recvfrom, ends[0], bytes, 2, MSG_WAITALL, NULL, NULL);
}

static void sleep_read(void)
{
	int ends[2];
	char byte;
	child_needs(!pipe(ends));
	child_needs(read(ends[0], &byte, 1) < 2);
}

/* @tree: if processes are kept by their number; @unit: with their unit. */
static const struct {
	child_fn then;
	long number;
	const char *tree, *unit;
	enum uk_fate tree_verdict, unit_verdict;
} calls[] = {
	{ sleep_nanosleep, SYS_nanosleep, "interrupted-tree", "sleep", UK_FATE_CHANGED,
	  UK_FATE_REPAIRED },
	{ sleep_clock, SYS_clock_nanosleep, "interrupted-tree", "sleep", UK_FATE_CHANGED,
	  UK_FATE_REPAIRED },
	{ sleep_until, SYS_clock_nanosleep, "call", "call", UK_FATE_EXACT, UK_FATE_EXACT },
	{ sleep_poll, SYS_poll, "interrupted-tree", "poll", UK_FATE_CHANGED, UK_FATE_REPAIRED },
	{ sleep_ppoll, SYS_ppoll, "call", "call", UK_FATE_EXACT, UK_FATE_EXACT },
	{ sleep_timed_ppoll, SYS_ppoll, "repeated-tree", "repeated-call", UK_FATE_CHANGED,
	  UK_FATE_REPAIRED },
	{ sleep_select, SYS_select, "repeated-tree", "repeated-call", UK_FATE_CHANGED,
	  UK_FATE_REPAIRED },
	{ sleep_epoll, SYS_epoll_wait, "interrupted-tree", "epoll", UK_FATE_CHANGED,
	  UK_FATE_REPAIRED },
	{ sleep_futex, SYS_futex, "call", "call", UK_FATE_EXACT, UK_FATE_EXACT },
	{ sleep_timed_futex, SYS_futex, "interrupted-tree", "timed-futex", UK_FATE_CHANGED,
	  UK_FATE_REPAIRED },
	{ sleep_signal, SYS_rt_sigtimedwait, "interrupted-tree", "interrupted-call",
	  UK_FATE_CHANGED, UK_FATE_REPAIRED },
	{ sleep_semaphore, SYS_semop, "interrupted-tree", "interrupted-call", UK_FATE_CHANGED,
	  UK_FATE_REPAIRED },
	{ sleep_for_all, SYS_recvfrom, "wait-for-all", "wait-for-all", UK_FATE_CHANGED,
	  UK_FATE_CHANGED },
	{ sleep_read, SYS_read, "call", "call", UK_FATE_EXACT, UK_FATE_EXACT },
};

/* The same child, as if it were a unit's. */
static void judge_as_unit(const struct child *child, const char *rule, enum uk_fate verdict)
{
	char name[16];
	const char *names[] = { name };
	uk_auto_keep struct uk_keep keep = {};
	size_t at = 0;
	snprintf(name, sizeof(name), "%d", child->pid);
	ck_ok(uk_keep_resolve(NULL, names, 1, &keep));
	struct uk_service *service = &keep.services.data[0];
	service->kind = UK_SERVICE_UNIT;
	const struct uk_task *task = &service->tasks.data[0];
	const struct uk_rule_subject subject = { .service = service,
						 .task = task,
						 .thread = &task->threads.data[0] };
	const struct uk_rule *found = uk_rules_next(UK_RESOURCE_CALL, &subject, &at);
	ck_assert_ptr_nonnull(found);
	ck_assert_str_eq(found->name, rule);
	ck_assert_int_eq(found->verdict, verdict);
}

START_TEST(the_call_that_it_sleeps_in_is_judged)
{
	struct child child = {};
	ck_assert(child_start(&child, NULL, calls[_i].then, -1));
	child_await(&child, calls[_i].number);
	judge_child(&child, calls[_i].tree, calls[_i].tree_verdict);
	judge_as_unit(&child, calls[_i].unit, calls[_i].unit_verdict);
	child_stop(&child);
	semctl(semget(0x75706b31, 1, 0), 0, IPC_RMID);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_calls");
	TCase *tcase = tcase_create("calls");
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, the_call_that_it_sleeps_in_is_judged, 0, UK_ARRAY_SIZE(calls));
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
