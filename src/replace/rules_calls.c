// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules for the system call that a thread sleeps in, and for timers.
 *
 * To be frozen, a thread is brought out of its call. Where the kernel then asks for a plain
 * restart (-ERESTARTSYS, -ERESTARTNOHAND, -ERESTARTNOINTR), CRIU has the call made again, and
 * nobody can tell. Where the kernel would go on by restart_syscall(2), with what it remembers
 * of the call (-ERESTART_RESTARTBLOCK), CRIU gives EINTR, for the new kernel remembers nothing;
 * and some calls give EINTR to begin with. Calls like select(2) are made again for the time that
 * was left when they were interrupted. These are noted (calls.h) and mended (mend.h), where the
 * service has a cgroup that can be frozen.
 */
#include "replace/call_kind.h"
#include "replace/peek.h"
#include "replace/rules.h"

#include <linux/futex.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#define BLOCK_C                                                                                    \
	"kernel: -ERESTART_RESTARTBLOCK; CRIU 3.17.1, criu/arch/x86/crtools.c: get_task_regs(); "  \
	"tried"

#define SELECT_C                                                                                   \
	"kernel, fs/select.c: poll_select_finish(); tried: sleep-select-time in "                  \
	"docs/replace-zoo.md"

#define MENDED "src/replace/mend.h: what cannot be proved is told at the freeze, and returns early"

static bool calls(const struct uk_rule_subject *subject, long number)
{
	return subject->thread->syscall == number;
}

static bool is_sleep(const struct uk_rule_subject *subject)
{
	return calls(subject, SYS_nanosleep) ||
	       (calls(subject, SYS_clock_nanosleep) && !(subject->thread->args[1] & TIMER_ABSTIME));
}

static bool is_poll(const struct uk_rule_subject *subject)
{
	return calls(subject, SYS_poll);
}

static bool is_epoll(const struct uk_rule_subject *subject)
{
	return calls(subject, SYS_epoll_wait) || calls(subject, SYS_epoll_pwait) ||
	       calls(subject, 441); /* epoll_pwait2 */
}

/* Without a time limit the kernel makes the call again; so it does for FUTEX_LOCK_PI. */
static bool is_timed_futex(const struct uk_rule_subject *subject)
{
	uint64_t command = subject->thread->args[1] & FUTEX_CMD_MASK;
	return calls(subject, SYS_futex) && subject->thread->args[3] &&
	       (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET);
}

static bool is_continued(const struct uk_rule_subject *subject)
{
	return calls(subject, SYS_restart_syscall);
}

static bool is_never_restarted(const struct uk_rule_subject *subject)
{
	return calls(subject, SYS_rt_sigtimedwait) || calls(subject, SYS_semop) ||
	       calls(subject, SYS_semtimedop) || calls(subject, SYS_io_getevents);
}

static bool is_repeated(const struct uk_rule_subject *subject)
{
	const struct uk_thread *thread = subject->thread;
	const struct uk_call_kind *kind =
		thread->syscall < 0 ? NULL : uk_call_kind((uint64_t)thread->syscall);
	return kind && uk_call_is_repeated(kind) && uk_call_is_limited(kind, thread->args);
}

static bool is_repeated_of_tree(const struct uk_rule_subject *subject)
{
	return subject->service->kind == UK_SERVICE_TREE && is_repeated(subject);
}

/* Processes kept by their number are frozen by nobody but CRIU, one after the other. */
static bool is_of_tree(const struct uk_rule_subject *subject)
{
	return subject->service->kind == UK_SERVICE_TREE &&
	       (is_sleep(subject) || is_poll(subject) || is_epoll(subject) ||
		is_timed_futex(subject) || is_continued(subject) || is_never_restarted(subject));
}

/* recvfrom() has its flags in the fourth argument, recvmsg() in the third. */
static bool is_waiting_for_all(const struct uk_rule_subject *subject)
{
	return (calls(subject, SYS_recvfrom) && subject->thread->args[3] & MSG_WAITALL) ||
	       (calls(subject, SYS_recvmsg) && subject->thread->args[2] & MSG_WAITALL);
}

/* Of a socket that has a time limit: the kernel's sock_intr_errno() gives EINTR for it. */
static bool is_timed_socket(const struct uk_rule_subject *subject)
{
	static const long numbers[] = { SYS_read,    SYS_write,	  SYS_readv,   SYS_writev,
					SYS_accept,  SYS_accept4, SYS_connect, SYS_recvfrom,
					SYS_recvmsg, SYS_sendto,  SYS_sendmsg, SYS_recvmmsg,
					SYS_sendmmsg };
	for (size_t i = 0; i < UK_ARRAY_SIZE(numbers); i++) {
		if (calls(subject, numbers[i]))
			return uk_peek_time_limit(subject->task->pid,
						  (int)subject->thread->args[0]);
	}
	return false;
}

static bool is_vfork(const struct uk_rule_subject *subject)
{
	return calls(subject, SYS_vfork) ||
	       (subject->thread->state == 'D' &&
		(calls(subject, SYS_clone) || calls(subject, SYS_clone3)));
}

static bool is_uninterruptible(const struct uk_rule_subject *subject)
{
	return subject->thread->state == 'D';
}

static bool is_real_time(const struct uk_rule_subject *subject)
{
	return subject->timer->clock == CLOCK_REALTIME;
}

static bool is_clock(const struct uk_rule_subject *subject)
{
	return subject->timer->clock == CLOCK_MONOTONIC || subject->timer->clock == CLOCK_BOOTTIME;
}

/* Its signal waits to be taken, and counts how often the timer fired meanwhile. */
static bool is_overrun(const struct uk_rule_subject *subject)
{
	int number = subject->timer->signal;
	return number > 0 && number <= 64 && subject->task->pending & (1ull << (number - 1));
}

static const struct uk_rule rules[] = {
	{ "vfork", UK_RESOURCE_CALL, is_vfork, UK_FATE_IMPOSSIBLE,
	  "it waits in vfork() for a child that has not started a program yet", "try again",
	  "kernel: a killable wait, which ptrace(2) does not end" },
	{ "uninterruptible", UK_RESOURCE_CALL, is_uninterruptible, UK_FATE_CHANGED,
	  "it waits for a disk or the like, and the freeze waits for it", NULL,
	  "kernel: TASK_UNINTERRUPTIBLE" },
	{ "timed-socket", UK_RESOURCE_CALL, is_timed_socket, UK_FATE_CHANGED,
	  "a call to a socket with a time limit (SO_RCVTIMEO, SO_SNDTIMEO) returns early, with "
	  "EINTR",
	  NULL,
	  "kernel, include/net/sock.h: sock_intr_errno(); tried: sleep-recv-tcp-time in "
	  "docs/replace-criu.md" },
	{ "wait-for-all", UK_RESOURCE_CALL, is_waiting_for_all, UK_FATE_CHANGED,
	  "a receive with MSG_WAITALL returns early with what is there", NULL,
	  "tried: sleep-recv-waitall in docs/replace-criu.md" },
	{ "interrupted-tree", UK_RESOURCE_CALL, is_of_tree, UK_FATE_CHANGED,
	  "the call returns early, with EINTR, for the process is kept by its number",
	  "keep its unit", BLOCK_C },
	{ "repeated-tree", UK_RESOURCE_CALL, is_repeated_of_tree, UK_FATE_CHANGED,
	  "the call's time limit is late by the swap, for the process is kept by its number",
	  "keep its unit", SELECT_C },
	{ "repeated-call", UK_RESOURCE_CALL, is_repeated, UK_FATE_REPAIRED,
	  "the call's time limit does not wait for the swap", NULL, SELECT_C },
	{ "sleep", UK_RESOURCE_CALL, is_sleep, UK_FATE_REPAIRED, "the sleep ends when it would",
	  NULL, MENDED },
	{ "poll", UK_RESOURCE_CALL, is_poll, UK_FATE_REPAIRED, "poll() waits on", NULL, MENDED },
	{ "epoll", UK_RESOURCE_CALL, is_epoll, UK_FATE_REPAIRED, "epoll_wait() waits on", NULL,
	  MENDED },
	{ "timed-futex", UK_RESOURCE_CALL, is_timed_futex, UK_FATE_REPAIRED,
	  "a wait with a time limit goes on", NULL, MENDED },
	{ "continued-call", UK_RESOURCE_CALL, is_continued, UK_FATE_REPAIRED,
	  "a call that was interrupted before (a stop, a tracer) goes on", NULL, MENDED },
	{ "interrupted-call", UK_RESOURCE_CALL, is_never_restarted, UK_FATE_REPAIRED,
	  "the call goes on", NULL, MENDED },
	{ "call", UK_RESOURCE_CALL, NULL, UK_FATE_EXACT, NULL, NULL,
	  "kernel: -ERESTARTSYS, -ERESTARTNOHAND" },

	{ "posix-timer-overrun", UK_RESOURCE_TIMER, is_overrun, UK_FATE_CHANGED,
	  "the signal of a POSIX timer waits to be taken: how often it fired meanwhile is "
	  "forgotten "
	  "(timer_getoverrun)",
	  NULL, "tried: ptimer-overrun in docs/replace-criu.md" },
	{ "posix-timer-real", UK_RESOURCE_TIMER, is_real_time, UK_FATE_REPAIRED,
	  "a POSIX timer of CLOCK_REALTIME: if it is set for a time of day, it fires at that time, "
	  "or "
	  "right after the swap",
	  NULL, "ptimer-real in docs/replace-criu.md; src/replace/note_timer.c" },
	{ "posix-timer-clock", UK_RESOURCE_TIMER, is_clock, UK_FATE_REPAIRED,
	  "a POSIX timer fires at its moments; of a repeating one, what falls into the swap may "
	  "come as two signals",
	  NULL,
	  "CRIU 3.17.1 starts it late by what the dump of its service takes: "
	  "src/replace/note_timer.c" },
	{ "posix-timer", UK_RESOURCE_TIMER, NULL, UK_FATE_EXACT, NULL, NULL,
	  "CRIU 3.17.1, criu/pie/parasite.c: dump_posix_timers()" },
};

const struct uk_rule_table uk_rules_calls = { rules, UK_ARRAY_SIZE(rules) };
