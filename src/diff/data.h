/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of changed data. */
#ifndef UPKEEP_DIFF_DATA_H
#define UPKEEP_DIFF_DATA_H

#include "diff/job.h"

/*
 * Before functions are compared: descriptors of dynamic debug that changed in more than
 * their line become a new one and a removed one, for they have no state worth keeping.
 */
void uk_split_descriptors(struct uk_model *orig);

/*
 * After functions are compared. Read-only data that cannot be written in place moves with
 * the functions that use it, which then count as changed; writes and findings are added to
 * the result; what can be neither is refused.
 */
struct uk_error *uk_decide_data(struct uk_diff_job *job) uk_must_check;

#endif
