// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules for the system call that a thread sleeps in, and for timers.
 *
 * To be frozen, a thread is brought out of its call. Where the kernel then asks for a plain
 * restart (-ERESTARTSYS, -ERESTARTNOHAND, -ERESTARTNOINTR), CRIU has the call made again, and
 * nobody can tell. Where the kernel would go on by restart_syscall(2), with what it remembers
 * of the call (-ERESTART_RESTARTBLOCK), CRIU gives EINTR, for the new kernel remembers nothing;
 * and some calls give EINTR to begin with.
 */
#include "replace/rules.h"

#include <linux/futex.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#define BLOCK_C                                                                                    \
	"kernel: -ERESTART_RESTARTBLOCK; CRIU 3.17.1, criu/arch/x86/crtools.c: get_task_regs(); "  \
	"tried"

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

static bool is_host_semaphore(const struct uk_rule_subject *subject)
{
	return (calls(subject, SYS_semop) || calls(subject, SYS_semtimedop)) &&
	       !(subject->task->own_ns & (1u << UK_NS_IPC));
}

static bool is_never_restarted(const struct uk_rule_subject *subject)
{
	return calls(subject, SYS_rt_sigtimedwait) || calls(subject, SYS_semop) ||
	       calls(subject, SYS_semtimedop) || calls(subject, SYS_io_getevents);
}

/* recvfrom() has its flags in the fourth argument, recvmsg() in the third. */
static bool is_waiting_for_all(const struct uk_rule_subject *subject)
{
	return (calls(subject, SYS_recvfrom) && subject->thread->args[3] & MSG_WAITALL) ||
	       (calls(subject, SYS_recvmsg) && subject->thread->args[2] & MSG_WAITALL);
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

static const struct uk_rule rules[] = {
	{ "vfork", UK_RESOURCE_CALL, is_vfork, UK_FATE_IMPOSSIBLE,
	  "it waits in vfork() for a child that has not started a program yet", "try again",
	  "kernel: a killable wait, which ptrace(2) does not end" },
	{ "uninterruptible", UK_RESOURCE_CALL, is_uninterruptible, UK_FATE_CHANGED,
	  "it waits for a disk or the like, and the freeze waits for it", NULL,
	  "kernel: TASK_UNINTERRUPTIBLE" },
	{ "sleep", UK_RESOURCE_CALL, is_sleep, UK_FATE_CHANGED,
	  "the sleep returns early, with EINTR and the time that remains", NULL, BLOCK_C },
	{ "poll", UK_RESOURCE_CALL, is_poll, UK_FATE_CHANGED, "poll() returns early, with EINTR",
	  NULL, BLOCK_C },
	{ "epoll", UK_RESOURCE_CALL, is_epoll, UK_FATE_CHANGED,
	  "epoll_wait() returns early, with EINTR: event loops call it again", NULL,
	  "kernel, fs/eventpoll.c: ep_poll() gives EINTR itself; tried" },
	{ "timed-futex", UK_RESOURCE_CALL, is_timed_futex, UK_FATE_CHANGED,
	  "a wait with a time limit returns early, with EINTR: pthread_cond_timedwait() wakes "
	  "without a reason, sem_timedwait() fails with EINTR",
	  NULL, BLOCK_C },
	{ "wait-for-all", UK_RESOURCE_CALL, is_waiting_for_all, UK_FATE_CHANGED,
	  "a receive with MSG_WAITALL returns early with what is there", NULL,
	  "tried: sleep-recv-waitall in docs/replace-criu.md" },
	{ "continued-call", UK_RESOURCE_CALL, is_continued, UK_FATE_CHANGED,
	  "a call that was interrupted before (a stop, a tracer) returns early, with EINTR", NULL,
	  BLOCK_C },
	{ "sysv-semaphore", UK_RESOURCE_CALL, is_host_semaphore, UK_FATE_IMPOSSIBLE,
	  "it waits for a semaphore of SysV in the host's IPC namespace, which ends with the "
	  "kernel",
	  "give the service an IPC namespace of its own (PrivateIPC=yes in its unit) and restart "
	  "it",
	  "CRIU 3.17.1, criu/ipc_ns.c: only with the namespace" },
	{ "interrupted-call", UK_RESOURCE_CALL, is_never_restarted, UK_FATE_CHANGED,
	  "the call returns early, with EINTR", NULL, "signal(7): never restarted" },
	{ "call", UK_RESOURCE_CALL, NULL, UK_FATE_EXACT, NULL, NULL,
	  "kernel: -ERESTARTSYS, -ERESTARTNOHAND" },

	{ "posix-timer-real", UK_RESOURCE_TIMER, is_real_time, UK_FATE_CHANGED,
	  "a POSIX timer of CLOCK_REALTIME: if it is set for a time of day, it fires late by the "
	  "time of the swap",
	  NULL, "CRIU 3.17.1, criu/cr-dump.c stores timer_gettime(2): what remains, not when" },
	{ "posix-timer", UK_RESOURCE_TIMER, NULL, UK_FATE_EXACT, NULL, NULL,
	  "CRIU 3.17.1, criu/pie/parasite.c: dump_posix_timers()" },
};

const struct uk_rule_table uk_rules_calls = { rules, UK_ARRAY_SIZE(rules) };
