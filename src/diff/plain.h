/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an entity of orig is called in the plain object, which is what the kernel runs. */
#ifndef UPKEEP_DIFF_PLAIN_H
#define UPKEEP_DIFF_PLAIN_H

#include "diff/job.h"

/*
 * Finds @orig in the plain object. Refuses when it is not there once, when a datum's size
 * differs, or when the compiler numbered the name and the functions that use it do not
 * prove that it is numbered the same way there.
 */
struct uk_error *uk_plain_find(const struct uk_diff_job *job, const struct uk_entity *orig,
			       struct uk_entity **ret) uk_must_check;

#endif
