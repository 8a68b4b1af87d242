/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls go on after the restore as if nothing had interrupted them: see calls.h for which.
 * Held threads are brought into the state in which the kernel itself goes on with a call that was
 * interrupted without need.
 */
#ifndef UPKEEP_REPLACE_MEND_H
#define UPKEEP_REPLACE_MEND_H

#include "base/error.h"
#include "replace/hold.h"
#include "replace/plan.h"

/*
 * Mends one call of a thread that is held in the new kernel. What is not as the plan has it is
 * refused and left alone: the call returns early then, or late.
 */
struct uk_error *uk_mend_call(struct uk_hold *hold, const struct uk_plan_call *call) uk_must_check;

#endif
