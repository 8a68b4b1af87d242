/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls in which threads sleep at the freeze, and which end by it, with EINTR:
 *
 * - those that the kernel would go on with by restart_syscall(2), with what it remembers of them
 *   (nanosleep, poll, futex with a limit): CRIU 3.17 gives EINTR for -ERESTART_RESTARTBLOCK
 *   (criu/arch/x86/crtools.c: get_task_regs()), for the new kernel remembers nothing;
 * - those that give EINTR themselves, and are never restarted: signal(7).
 *
 * They are written down in the old kernel, and mended in the new one (mend.h).
 */
#ifndef UPKEEP_REPLACE_CALLS_H
#define UPKEEP_REPLACE_CALLS_H

#include "base/clock.h"
#include "base/error.h"
#include "base/progress.h"
#include "replace/hold.h"
#include "replace/ktask.h"
#include "replace/plan.h"
#include "replace/watch.h"

#include <limits.h>

/* What the kernel makes of a call that was interrupted: include/linux/errno.h, not for programs. */
enum {
	UK_ERESTARTNOHAND = 514,
	UK_ERESTART_RESTARTBLOCK = 516,
};

/* A limit for a call that takes milliseconds: not passed early, and by one of them at most late. */
static inline int uk_call_milliseconds(uint64_t ns)
{
	uint64_t ms = ns / UK_MS_NS + (ns % UK_MS_NS != 0);
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* Where a call that gives EINTR has its time limit. */
enum uk_limit_kind {
	UK_LIMIT_NEVER, /* it has none */
	UK_LIMIT_MS,	/* milliseconds in an argument; negative for none */
	UK_LIMIT_SPEC,	/* an argument is the address of a timespec, relative; 0 for none */
};

struct uk_call_kind {
	uint64_t number;
	const char *name;
	enum uk_limit_kind limit;
	int arg;
};

/* Of a call that gives EINTR itself when it is interrupted; NULL for any other. */
const struct uk_call_kind *uk_call_kind(uint64_t number);

/* Whether this one has a limit. */
bool uk_call_is_limited(const struct uk_call_kind *kind, const uint64_t *args);

/*
 * Freezes the service's cgroup, which stays so, and writes down the calls out of which its threads
 * were brought, into service->calls. @ktasks: of the running kernel, or NULL where it does not show
 * them. What cannot be proved is told to @sink, and returns early after the restore.
 */
struct uk_error *uk_calls_freeze(struct uk_plan_service *service, struct uk_ktasks *ktasks,
				 const struct uk_sink *sink) uk_must_check;

#endif
