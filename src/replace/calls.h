/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls in which threads sleep at the freeze, and that do not go on as they would by
 * themselves:
 *
 * - those that the kernel would go on with by restart_syscall(2), with what it remembers of them
 *   (nanosleep, poll, futex with a limit): CRIU 3.17 gives EINTR for -ERESTART_RESTARTBLOCK
 *   (criu/arch/x86/crtools.c: get_task_regs()), for the new kernel remembers nothing;
 * - those that give EINTR themselves, and are never restarted: signal(7);
 * - those that are made again for what is left of their time, which the kernel has written into
 *   their argument (fs/select.c: poll_select_finish()): they would wait for that once more, and be
 *   late by the swap.
 *
 * They are written down in the old kernel, and mended in the new one (mend.h).
 */
#ifndef UPKEEP_REPLACE_CALLS_H
#define UPKEEP_REPLACE_CALLS_H

#include "base/error.h"
#include "base/progress.h"
#include "replace/call_kind.h"
#include "replace/hold.h"
#include "replace/ktask.h"
#include "replace/plan.h"
#include "replace/watch.h"

/*
 * Freezes the service's cgroup, which stays so, and writes down the calls out of which its threads
 * were brought, into service->calls. @ktasks: of the running kernel, or NULL where it does not show
 * them. What cannot be proved is told to @sink, with what comes of it.
 */
struct uk_error *uk_calls_freeze(struct uk_plan_service *service, struct uk_ktasks *ktasks,
				 const struct uk_sink *sink) uk_must_check;

#endif
