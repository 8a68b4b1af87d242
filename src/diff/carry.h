/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The carried object: see diff.h for its form. */
#ifndef UPKEEP_DIFF_CARRY_H
#define UPKEEP_DIFF_CARRY_H

#include "diff/job.h"
#include "diff/select.h"

/*
 * Builds the carried object from what was selected, and sets each chunk's ->out. Refuses
 * when something that the code refers to cannot be had in the running kernel, or is not
 * certain.
 */
struct uk_error *uk_carry(const struct uk_diff_job *job, const struct uk_selection *selection,
			  struct uk_object **ret) uk_must_check;

#endif
