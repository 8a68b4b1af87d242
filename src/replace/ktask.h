/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads as the running kernel's memory has them, read through /proc/kcore: until when a thread
 * sleeps is told by nothing else. Times are of the host's clock, not of a time namespace.
 *
 * What is read changes meanwhile. It is believed only where the reader knows that the thread it is
 * about does not run.
 */
#ifndef UPKEEP_REPLACE_KTASK_H
#define UPKEEP_REPLACE_KTASK_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct uk_ktasks;

/* UK_ERR_REFUSED if this kernel does not show what is needed (lockdown, no BTF, other structures).
 */
struct uk_error *uk_ktasks_open(struct uk_ktasks **ret) uk_must_check;

void uk_ktasks_destroy(struct uk_ktasks *ktasks);
UK_DEFINE_CLEANUP(ktasks, struct uk_ktasks *, uk_ktasks_destroy)
#define uk_auto_ktasks uk_cleanup(uk_cleanup_ktasks)

/*
 * What is asked next is about the threads that there are now: they are found by a walk from
 * init_task as soon as one is asked for.
 */
void uk_ktasks_refresh(struct uk_ktasks *ktasks);

/* How the kernel would go on with a call: task_struct.restart_block. */
enum uk_restart_kind {
	UK_RESTART_OTHER, /* or none */
	UK_RESTART_SLEEP, /* hrtimer_nanosleep_restart() */
	UK_RESTART_POLL,  /* do_restart_poll() */
	UK_RESTART_FUTEX, /* futex_wait_restart() */
};

struct uk_restart {
	enum uk_restart_kind kind;
	bool limited;	   /* by a time */
	int clock;	   /* of a sleep: CLOCK_MONOTONIC ...; of others what the call says */
	uint64_t until_ns; /* of that clock */
	uint64_t left_at;  /* of a sleep: where it puts what is left of it, or 0 */
};

/* Of a thread that is stopped after its call was interrupted. UK_ERR_NOTHING: no such thread. */
struct uk_error *uk_ktasks_restart(struct uk_ktasks *ktasks, pid_t tid,
				   struct uk_restart *ret) uk_must_check;

/*
 * When the timer goes off (CLOCK_MONOTONIC) by which a thread sleeps: the one struct
 * hrtimer_sleeper in the live part of its stack that is queued, and wakes it. UK_ERR_NOTHING if
 * there is none, or more than one.
 */
struct uk_error *uk_ktasks_alarm(struct uk_ktasks *ktasks, pid_t tid, uint64_t *ret) uk_must_check;

#endif
