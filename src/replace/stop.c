// SPDX-License-Identifier: GPL-2.0-or-later
/* Stops of a thread that the caller traces. */
#include "replace/stop.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum {
	PATIENCE_MS = 10000,
	PAUSE_NS = 100000, /* between two looks, at first; then longer */
	PAUSE_MAX_NS = 5000000,
};

static struct uk_stop stop_of(int status)
{
	if (!WIFSTOPPED(status))
		return (struct uk_stop){ .kind = UK_STOP_GONE };
	int event = status >> 16;
	if (event == PTRACE_EVENT_STOP)
		return (struct uk_stop){ .kind = UK_STOP_TRAP };
	if (WSTOPSIG(status) == (SIGTRAP | 0x80)) /* PTRACE_O_TRACESYSGOOD */
		return (struct uk_stop){ .kind = UK_STOP_CALL };
	return (struct uk_stop){ .kind = UK_STOP_SIGNAL, .signal = event ? 0 : WSTOPSIG(status) };
}

struct uk_error *uk_stop_await(pid_t tid, struct uk_stop *ret)
{
	int status;
	uint64_t pause = PAUSE_NS, end = uk_clock_ns() + (uint64_t)PATIENCE_MS * UK_MS_NS;
	while (uk_clock_ns() < end) {
		pid_t got = waitpid(tid, &status, __WALL | WNOHANG);
		if (got == tid) {
			*ret = stop_of(status);
			return NULL;
		}
		if (got < 0 && errno == ECHILD) {
			*ret = (struct uk_stop){ .kind = UK_STOP_GONE };
			return NULL;
		}
		if (got < 0 && errno != EINTR)
			return uk_error_errno(errno, "wait for thread %d", tid);
		uk_clock_sleep(pause);
		if (pause < PAUSE_MAX_NS)
			pause *= 2;
	}
	return uk_error_create(UK_ERR_SYSTEM, "thread %d does not stop", tid);
}

/* A thread that was killed meanwhile is no error here: waiting tells. */
struct uk_error *uk_stop_leave(pid_t tid, int request, int signal)
{
	if (ptrace(request, tid, NULL, (long)signal) < 0 && errno != ESRCH)
		return uk_error_errno(errno, "let thread %d run", tid);
	return NULL;
}

static struct uk_error *interrupt(pid_t tid)
{
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 && errno != ESRCH)
		return uk_error_errno(errno, "interrupt thread %d", tid);
	return NULL;
}

/* Any stop takes the interruption back, so before each is left, it is asked for anew. */
static struct uk_error *leave_for_trap(pid_t tid, struct uk_stop *stop)
{
	struct uk_error *err = interrupt(tid);
	if (!err)
		err = uk_stop_leave(tid, PTRACE_CONT, stop->signal);
	return err ? err : uk_stop_await(tid, stop);
}

static struct uk_error *go_to_trap(pid_t tid, struct uk_stop *stop)
{
	struct uk_error *err = NULL;
	while (!err && stop->kind != UK_STOP_TRAP && stop->kind != UK_STOP_GONE)
		err = leave_for_trap(tid, stop);
	return err;
}

struct uk_error *uk_stop_trap(pid_t tid, struct uk_stop *ret)
{
	struct uk_error *err = interrupt(tid);
	if (!err)
		err = uk_stop_await(tid, ret);
	return err ? err : go_to_trap(tid, ret);
}

struct uk_error *uk_stop_trap_again(pid_t tid, struct uk_stop *ret)
{
	*ret = (struct uk_stop){};
	struct uk_error *err = leave_for_trap(tid, ret);
	return err ? err : go_to_trap(tid, ret);
}
