/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that are held: each of their threads is traced and stopped on its way back from the
 * kernel to its program, so that none executes an instruction of its own while it is looked at
 * and worked on (inject.h, loan.h).
 *
 * The stop lies before the kernel looks for signals and before it restarts a system call that was
 * interrupted (get_signal() in kernel/signal.c: a trap of ptrace comes before the one of the
 * freezer, and both before any signal). So nobody can tell that it was held, beside of what being
 * interrupted means for its system call.
 *
 * ptrace(2) binds a thread to the thread that traces it: take, work and release in the same one.
 * When that ends, all that it holds runs on.
 */
#ifndef UPKEEP_REPLACE_HOLD_H
#define UPKEEP_REPLACE_HOLD_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct uk_held {
	pid_t pid, tid; /* of the process, of the thread */
	uint64_t gate;	/* where inject.h has it enter the kernel; 0: not looked for yet */
	int signal;	/* it stands before this one, and gets it when it is let go; or 0 */
	bool asleep;	/* it sleeps in a call that it was started in: see start.h */
};

struct uk_hold {
	char *cgroup; /* NULL: a tree of processes */
	UK_VEC(struct uk_held) threads;
};

/* Of a hold that was released, or never taken. */
void uk_hold_deinit(struct uk_hold *hold);
#define uk_auto_hold uk_cleanup(uk_hold_deinit)

/*
 * Holds all processes in @cgroup and below, frozen or not; afterwards its freezer is off, for what
 * is frozen cannot be made to call. @ret needs uk_hold_deinit(). After an error nobody is held, and
 * the cgroup is frozen if it was before.
 */
struct uk_error *uk_hold_take_cgroup(const char *cgroup, struct uk_hold *ret) uk_must_check;

/* The same of process @root and all below it: threads are caught one after the other. */
struct uk_error *uk_hold_take_tree(pid_t root, struct uk_hold *ret) uk_must_check;

/*
 * Lets them go: they run on, or, with @frozen, are in the freezer of their cgroup from then on and
 * have executed nothing in between. All are let go, also when this tells an error; those that
 * sleep when the calling thread ends.
 */
struct uk_error *uk_hold_release(struct uk_hold *hold, bool frozen) uk_must_check;

/* A held thread by its number; the first of a process by that of the process. NULL for none. */
struct uk_held *uk_hold_find(struct uk_hold *hold, pid_t tid);

#endif
