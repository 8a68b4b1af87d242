// SPDX-License-Identifier: GPL-2.0-or-later
/* Real processes are held and made to call: nobody can tell afterwards. */
/* rooms: replace seat base */
#include "replace_sample.h"

#include "replace/cgroup.h"
#include "replace/hold.h"
#include "replace/inject.h"
#include "replace/loan.h"
#include "replace/stop.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>

enum { THREADS = 4 };

/* What test and child both see. */
static struct page {
	volatile uint64_t turns[THREADS];
	volatile int64_t slept, errnum;
	volatile double took;
	volatile int handled, restored;
} * page;

static void make_page(void)
{
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(page, MAP_FAILED);
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int64_t call(struct uk_held *thread, long number, uint64_t first, uint64_t second)
{
	int64_t got = INT64_MIN;
	const struct uk_call it = { number, { first, second } };
	ck_ok(uk_inject_call(thread, &it, &got));
	return got;
}

/* All threads are made to call, so that they went to the kernel and came back. */
static void call_all(struct uk_hold *hold)
{
	uk_vec_for_each(thread, &hold->threads)
		ck_assert_int_eq(call(thread, SYS_gettid, 0, 0), thread->tid);
}

static void wait_for(const volatile int *what)
{
	for (int i = 0; i < 2000 && !*what; i++)
		usleep(5000);
	ck_assert_int_ne(*what, 0);
}

/* --- running ------------------------------------------------------------------------- */

static void *turn(void *arg)
{
	volatile uint64_t *turns = arg;
	for (;;)
		(*turns)++;
	return NULL;
}

static void turn_all(void)
{
	pthread_t thread;
	for (int i = 1; i < THREADS; i++)
		child_needs(!pthread_create(&thread, NULL, turn, (void *)&page->turns[i]));
	turn((void *)&page->turns[0]);
}

static void all_turn(void)
{
	uint64_t seen[THREADS];
	for (int i = 0; i < THREADS; i++)
		seen[i] = page->turns[i];
	for (int i = 0; i < THREADS; i++) {
		for (int n = 0; n < 2000 && page->turns[i] == seen[i]; n++)
			usleep(5000);
		ck_assert_uint_ne(page->turns[i], seen[i]);
	}
}

static void none_turns(void)
{
	uint64_t seen[THREADS];
	for (int i = 0; i < THREADS; i++)
		seen[i] = page->turns[i];
	usleep(100000);
	for (int i = 0; i < THREADS; i++)
		ck_assert_uint_eq(page->turns[i], seen[i]);
}

START_TEST(threads_that_run_are_held_and_run_on)
{
	struct child child = {};
	uk_auto_hold struct uk_hold hold = {};
	make_page();
	ck_assert(child_start(&child, NULL, turn_all, -1));
	all_turn();
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	ck_assert_uint_eq(hold.threads.len, THREADS);
	ck_assert_ptr_nonnull(uk_hold_find(&hold, child.pid));
	none_turns();
	call_all(&hold);
	none_turns();
	ck_ok(uk_hold_release(&hold, false));
	all_turn();
	child_stop(&child);
}
END_TEST

/* Children come and go while they are caught. */
static void fork_on(void)
{
	for (;;) {
		pid_t pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			page->turns[1]++;
			usleep(2000);
			_exit(0);
		}
		page->turns[0]++;
		if (page->turns[0] % 2)
			waitpid(pid, NULL, 0);
		else
			while (waitpid(-1, NULL, WNOHANG) > 0)
				continue;
	}
}

START_TEST(a_tree_that_grows_is_held_whole)
{
	struct child child = {};
	make_page();
	ck_assert(child_start(&child, NULL, fork_on, -1));
	for (int i = 0; i < 8; i++) {
		uk_auto_hold struct uk_hold hold = {};
		usleep(7000);
		ck_ok(uk_hold_take_tree(child.pid, &hold));
		none_turns();
		call_all(&hold);
		ck_ok(uk_hold_release(&hold, false));
	}
	child_stop(&child);
}
END_TEST

/* --- asleep -------------------------------------------------------------------------- */

static void note(long got, double from)
{
	page->errnum = errno;
	page->took = now() - from;
	page->slept = got;
	page->handled = 1;
}

static void sleep_briefly(void)
{
	double from = now();
	errno = 0;
	note(syscall(SYS_nanosleep, &(struct timespec){ .tv_sec = 1, .tv_nsec = 500000000 }, NULL),
	     from);
}

static void read_byte(void)
{
	char byte = 0;
	double from = now();
	errno = 0;
	note(read(3, &byte, 1), from);
}

static struct user_regs_struct registers_of(struct uk_hold *hold, pid_t tid)
{
	struct user_regs_struct registers;
	ck_ok(uk_inject_get_registers(uk_hold_find(hold, tid), &registers));
	return registers;
}

/* @code: what the kernel means to do with the call when nobody held it. */
static void hold_asleep(const struct child *child, int code)
{
	uk_auto_hold struct uk_hold hold = {};
	ck_ok(uk_hold_take_tree(child->pid, &hold));
	struct user_regs_struct before = registers_of(&hold, child->pid);
	ck_assert_int_eq((int64_t)before.rax, -code);
	ck_assert_int_eq(call(&hold.threads.data[0], SYS_getpid, 0, 0), child->pid);
	ck_assert_int_eq(call(&hold.threads.data[0], SYS_close, 77, 0), -EBADF);
	struct user_regs_struct after = registers_of(&hold, child->pid);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_ok(uk_hold_release(&hold, false));
}

START_TEST(a_sleep_goes_on)
{
	struct child child = {};
	make_page();
	ck_assert(child_start(&child, NULL, sleep_briefly, -1));
	child_await(&child, SYS_nanosleep);
	hold_asleep(&child, 516); /* ERESTART_RESTARTBLOCK */
	wait_for(&page->handled);
	ck_assert_int_eq(page->slept, 0);
	ck_assert(page->took > 1.49 && page->took < 2.5);
	child_stop(&child);
}
END_TEST

START_TEST(a_read_goes_on)
{
	struct child child = {};
	int ends[2];
	make_page();
	ck_assert(!pipe(ends));
	ck_assert(child_start(&child, NULL, read_byte, ends[0]));
	child_await(&child, SYS_read);
	hold_asleep(&child, 512); /* ERESTARTSYS */
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	wait_for(&page->handled);
	ck_assert_int_eq(page->slept, 1);
	child_stop(&child);
}
END_TEST

/* --- signals ------------------------------------------------------------------------- */

static void handle(int number)
{
	(void)number;
	page->handled++;
}

static void handle_in_pause(void)
{
	signal(SIGUSR1, handle);
	pause();
}

START_TEST(a_pending_signal_comes_once_and_only_when_let_go)
{
	struct child child = {};
	uk_auto_hold struct uk_hold hold = {};
	make_page();
	ck_assert(child_start(&child, NULL, handle_in_pause, -1));
	child_await(&child, SYS_pause);
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	ck_assert(!kill(child.pid, SIGUSR1));
	call_all(&hold);
	call_all(&hold);
	usleep(50000);
	ck_assert_int_eq(page->handled, 0);
	ck_ok(uk_hold_release(&hold, false));
	wait_for(&page->handled);
	child_await(&child, SYS_pause);
	ck_assert_int_eq(page->handled, 1);
	child_stop(&child);
}
END_TEST

static void handle_and_turn(void)
{
	signal(SIGUSR1, handle);
	turn((void *)&page->turns[0]);
}

/* It stops for the signal before it stops for us, and the one must not swallow the other. */
START_TEST(a_signal_that_comes_first_is_delivered)
{
	struct child child = {};
	struct uk_stop stop = {};
	siginfo_t seen;
	make_page();
	ck_assert(child_start(&child, NULL, handle_and_turn, -1));
	while (!page->turns[0])
		usleep(5000);
	ck_assert(!ptrace(PTRACE_SEIZE, child.pid, NULL, PTRACE_O_TRACESYSGOOD));
	ck_assert(!kill(child.pid, SIGUSR1));
	ck_assert(!waitid(P_PID, (id_t)child.pid, &seen, WSTOPPED | WNOWAIT));
	ck_ok(uk_stop_trap(child.pid, &stop));
	ck_assert_int_eq(stop.kind, UK_STOP_TRAP);
	ck_assert_int_eq(page->handled, 0); /* its handler is entered, and has done nothing */
	ck_assert(!ptrace(PTRACE_DETACH, child.pid, NULL, NULL));
	wait_for(&page->handled);
	child_stop(&child);
}
END_TEST

/* SIGUSR1 comes through only while it is suspended. */
static void suspend(void)
{
	sigset_t blocked, none, found;
	signal(SIGUSR1, handle);
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	child_needs(!sigprocmask(SIG_BLOCK, &blocked, NULL));
	sigsuspend(&none);
	child_needs(!sigprocmask(SIG_BLOCK, NULL, &found));
	page->restored = 1 + sigismember(&found, SIGUSR1) - sigismember(&found, SIGUSR2);
	pause();
}

START_TEST(the_masks_of_a_suspended_thread_stay)
{
	struct child child = {};
	uk_auto_hold struct uk_hold hold = {};
	make_page();
	ck_assert(child_start(&child, NULL, suspend, -1));
	child_await(&child, SYS_rt_sigsuspend);
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	call_all(&hold);
	ck_ok(uk_hold_release(&hold, false));
	child_await(&child, SYS_rt_sigsuspend);
	ck_assert_int_eq(page->handled, 0);
	ck_assert(!kill(child.pid, SIGUSR1));
	wait_for(&page->restored);
	ck_assert_int_eq(page->restored, 2);
	ck_assert_int_eq(page->handled, 1);
	child_stop(&child);
}
END_TEST

START_TEST(a_stop_comes_when_let_go)
{
	struct child child = {};
	int status;
	uk_auto_hold struct uk_hold hold = {};
	make_page();
	ck_assert(child_start(&child, NULL, turn_all, -1));
	all_turn();
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	ck_assert(!kill(child.pid, SIGSTOP));
	call_all(&hold);
	call_all(&hold);
	ck_ok(uk_hold_release(&hold, false));
	ck_assert_int_eq(waitpid(child.pid, &status, WUNTRACED), child.pid);
	ck_assert(WIFSTOPPED(status));
	none_turns();
	/* One that is stopped can be held, and is stopped afterwards. */
	uk_hold_deinit(&hold);
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	call_all(&hold);
	ck_ok(uk_hold_release(&hold, false));
	usleep(50000);
	none_turns();
	ck_assert(!kill(child.pid, SIGCONT));
	all_turn();
	child_stop(&child);
}
END_TEST

START_TEST(one_that_is_killed_is_told)
{
	struct child child = {};
	int64_t got;
	const struct uk_call it = { .number = SYS_getpid };
	uk_auto_hold struct uk_hold hold = {};
	make_page();
	ck_assert(child_start(&child, NULL, turn_all, -1));
	all_turn();
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	ck_assert(!kill(child.pid, SIGKILL));
	ck_assert_ptr_nonnull(uk_hold_find(&hold, child.pid));
	struct uk_error *err = uk_inject_call(&hold.threads.data[1], &it, &got);
	ck_assert_ptr_nonnull(err);
	uk_error_destroy(err);
	ck_ok(uk_hold_release(&hold, false));
	child_stop(&child);
}
END_TEST

/* --- what a call may not be hindered by, and not leave behind ------------------------ */

static void forbid(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { .len = UK_ARRAY_SIZE(code), .filter = code };
	child_needs(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	child_needs(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter));
}

static void read_then_ask(void)
{
	read_byte();
	getppid();
}

START_TEST(filters_of_the_process_hold_for_itself_alone)
{
	struct child child = {};
	int ends[2], status;
	uk_auto_hold struct uk_hold hold = {};
	make_page();
	ck_assert(!pipe(ends));
	ck_assert(child_start(&child, forbid, read_then_ask, ends[0]));
	child_await(&child, SYS_read);
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	ck_assert_int_eq(call(&hold.threads.data[0], SYS_getppid, 0, 0), getpid());
	ck_ok(uk_hold_release(&hold, false));
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}
END_TEST

/*
 * It turns in a restartable sequence for ever. When the kernel breaks it off, it is begun again.
 * struct rseq_cs: include/uapi/linux/rseq.h.
 */
static void turn_in_sequence(void)
{
	struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	child_wants(__rseq_size);
	__asm__ volatile(".pushsection .data\n\t"
			 ".balign 32\n"
			 "8:\t.long 0, 0\n\t"
			 ".quad 1f, 2f - 1f, 4f\n\t"
			 ".popsection\n"
			 "3:\tlea 8b(%%rip), %%rax\n\t"
			 "mov %%rax, %0\n"
			 "1:\tincq %1\n\t"
			 "jmp 1b\n"
			 "2:\tud2\n\t"
			 ".long 0x53053053\n"
			 "4:\tjmp 3b\n"
			 : "+m"(area->rseq_cs), "+m"(page->turns[0])
			 :
			 : "rax", "memory");
}

START_TEST(a_restartable_sequence_is_not_forgotten)
{
	struct child child = {};
	make_page();
	ck_assert(child_start(&child, NULL, turn_in_sequence, -1));
	while (!page->turns[0])
		usleep(5000);
	/* Forked from this process, so its area lies where ours does. */
	uint64_t at = (uint64_t)__builtin_thread_pointer() + (uint64_t)__rseq_offset +
		      offsetof(struct rseq, rseq_cs);
	int seen = 0;
	for (int i = 0; i < 20; i++) {
		uint64_t before = 0, after = 0;
		uk_auto_hold struct uk_hold hold = {};
		usleep(3000);
		ck_ok(uk_hold_take_tree(child.pid, &hold));
		ck_ok(uk_loan_read(child.pid, at, &before, sizeof(before)));
		call_all(&hold);
		ck_ok(uk_loan_read(child.pid, at, &after, sizeof(after)));
		ck_assert_uint_eq(before, after);
		seen += before != 0;
		ck_ok(uk_hold_release(&hold, false));
	}
	ck_assert_int_gt(seen, 0);
	child_stop(&child);
}
END_TEST

/* --- memory -------------------------------------------------------------------------- */

START_TEST(memory_is_lent_and_comes_back)
{
	struct child child = {};
	struct utsname names, ours;
	uint8_t before[4096], after[4096];
	uk_auto_hold struct uk_hold hold = {};
	struct uk_loan loan = {};
	make_page();
	ck_assert(child_start(&child, NULL, sleep_briefly, -1));
	child_await(&child, SYS_nanosleep);
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	struct uk_held *thread = &hold.threads.data[0];
	uint64_t stack = registers_of(&hold, child.pid).rsp;
	ck_ok(uk_loan_read(child.pid, stack - 2048, before, sizeof(before)));
	memset(&names, 0x55, sizeof(names));
	ck_ok(uk_loan_take(thread, &names, sizeof(names), &loan));
	ck_assert(loan.at + loan.len + 128 <= stack && loan.at % 64 == 0);
	ck_assert_int_eq(call(thread, SYS_uname, loan.at, 0), 0);
	ck_ok(uk_loan_read(child.pid, loan.at, &names, sizeof(names)));
	ck_assert(!uname(&ours));
	ck_assert_str_eq(names.release, ours.release);
	ck_ok(uk_loan_return(&loan));
	ck_ok(uk_loan_return(&loan));
	ck_ok(uk_loan_read(child.pid, stack - 2048, after, sizeof(after)));
	ck_assert_mem_eq(before, after, sizeof(before));
	ck_fails(uk_loan_take(thread, NULL, UK_LOAN_MAX + 1, &loan), UK_ERR_INVALID, "not lent");
	ck_fails(uk_loan_read(child.pid, 8, before, 8), UK_ERR_SYSTEM, "read 8 bytes at 0x8 of");
	ck_ok(uk_hold_release(&hold, false));
	child_stop(&child);
}
END_TEST

/* --- the freezer --------------------------------------------------------------------- */

#define GROUP "/upkeep-test-hold"

/* A mount namespace of this test alone, with cgroup2 where a Debian system has it. */
static void mount_cgroup(void)
{
	ck_assert(!unshare(CLONE_NEWNS));
	ck_assert(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ck_assert(!mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL));
	rmdir("/sys/fs/cgroup" GROUP);
	ck_ok(uk_cgroup_make(GROUP));
}

static void join_group(void)
{
	child_needs(uk_cgroup_enter(GROUP));
}

static bool is_frozen(void)
{
	bool frozen;
	ck_ok(uk_cgroup_is_frozen(GROUP, &frozen));
	return frozen;
}

START_TEST(a_cgroup_goes_from_the_freezer_and_back)
{
	struct child child = {};
	make_page();
	mount_cgroup();
	ck_assert(child_start(&child, join_group, turn_all, -1));
	all_turn();
	ck_ok(uk_cgroup_freeze(GROUP));
	none_turns();
	for (int i = 0; i < 3; i++) {
		uk_auto_hold struct uk_hold hold = {};
		ck_ok(uk_hold_take_cgroup(GROUP, &hold));
		ck_assert_uint_eq(hold.threads.len, THREADS);
		ck_assert(!is_frozen());
		none_turns();
		call_all(&hold);
		none_turns();
		ck_ok(uk_hold_release(&hold, i < 2));
		ck_assert(is_frozen() == (i < 2));
		if (i < 2)
			none_turns();
	}
	all_turn();
	child_stop(&child);
	ck_assert(!rmdir("/sys/fs/cgroup" GROUP));
}
END_TEST

/* Nobody but one process may trace: that is told, and nobody stays held. */
START_TEST(one_that_is_traced_is_refused)
{
	struct child child = {};
	uk_auto_hold struct uk_hold hold = {}, second = {};
	int status;
	make_page();
	mount_cgroup();
	ck_assert(child_start(&child, join_group, turn_all, -1));
	all_turn();
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	pid_t other = fork();
	if (!other) {
		struct uk_error *err = uk_hold_take_cgroup(GROUP, &second);
		_exit(err && strstr(uk_error_message(err), "trace thread") ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(other, &status, 0), other);
	ck_assert_int_eq(status, 0);
	ck_assert(!is_frozen());
	ck_ok(uk_hold_release(&hold, false));
	all_turn();
	child_stop(&child);
	ck_assert(!rmdir("/sys/fs/cgroup" GROUP));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_hold");
	TCase *tcase = tcase_create("hold");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, threads_that_run_are_held_and_run_on);
	tcase_add_test(tcase, a_tree_that_grows_is_held_whole);
	tcase_add_test(tcase, a_sleep_goes_on);
	tcase_add_test(tcase, a_read_goes_on);
	tcase_add_test(tcase, a_pending_signal_comes_once_and_only_when_let_go);
	tcase_add_test(tcase, a_signal_that_comes_first_is_delivered);
	tcase_add_test(tcase, the_masks_of_a_suspended_thread_stay);
	tcase_add_test(tcase, a_stop_comes_when_let_go);
	tcase_add_test(tcase, one_that_is_killed_is_told);
	tcase_add_test(tcase, filters_of_the_process_hold_for_itself_alone);
	tcase_add_test(tcase, a_restartable_sequence_is_not_forgotten);
	tcase_add_test(tcase, memory_is_lent_and_comes_back);
	tcase_add_test(tcase, a_cgroup_goes_from_the_freezer_and_back);
	tcase_add_test(tcase, one_that_is_traced_is_refused);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
