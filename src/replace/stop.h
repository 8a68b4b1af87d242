/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stops of a thread that the caller traces: see ptrace(2), "Stopped states". */
#ifndef UPKEEP_REPLACE_STOP_H
#define UPKEEP_REPLACE_STOP_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

enum uk_stop_kind {
	UK_STOP_TRAP,	/* PTRACE_EVENT_STOP: after PTRACE_INTERRUPT, or in a group stop */
	UK_STOP_CALL,	/* at the begin or the end of a system call */
	UK_STOP_SIGNAL, /* before a signal is delivered; also other events */
	UK_STOP_GONE,	/* no stop: the thread has ended */
};

struct uk_stop {
	enum uk_stop_kind kind;
	int signal; /* of UK_STOP_SIGNAL */
};

/* Waits for the next one. UK_ERR_SYSTEM if none comes in ten seconds. */
struct uk_error *uk_stop_await(pid_t tid, struct uk_stop *ret) uk_must_check;

/*
 * Has a thread that runs, or is in any stop, come to UK_STOP_TRAP (or to its end) without executing
 * an instruction of its own, unless it runs already. Signals that come first are delivered.
 */
struct uk_error *uk_stop_trap(pid_t tid, struct uk_stop *ret) uk_must_check;

/* The same of a thread that is in a stop, of which the caller knows. */
struct uk_error *uk_stop_trap_again(pid_t tid, struct uk_stop *ret) uk_must_check;

/* Lets it run on from a stop: PTRACE_CONT, PTRACE_SYSCALL. */
struct uk_error *uk_stop_leave(pid_t tid, int request, int signal) uk_must_check;

#endif
