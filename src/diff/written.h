/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data that is written in place: numbers as bytes, pointers slot by slot. What a
 * pointer becomes is known only when the new code is loaded, so the patched datum goes along
 * as a pattern, and the kernel's own loader fills in its pointers.
 */
#ifndef UPKEEP_DIFF_WRITTEN_H
#define UPKEEP_DIFF_WRITTEN_H

#include "diff/job.h"

/* Whether the running kernel's could take the content of @orig's twin. */
bool uk_datum_can_be_written(const struct uk_entity *orig);

/* Whether a slot that held a pointer is empty in the twin. */
bool uk_datum_loses_pointer(const struct uk_entity *orig);

/*
 * Whether all that changes of a writable datum are pointers to functions, where there was one to
 * another function or none: what the running kernel holds there may still be what it began with.
 */
bool uk_datum_gets_functions(const struct uk_diff_job *job, const struct uk_entity *orig);

/* Whether the object's own code writes to a place of a datum where a pointer changes. */
bool uk_datum_is_stored_to(const struct uk_entity *orig);

/* Adds the writes of numbers, and marks the pattern if pointers change. */
struct uk_error *uk_datum_write(struct uk_diff_job *job, struct uk_entity *orig) uk_must_check;

/* After the carried object was built: adds the pointers, which have their new values there. */
struct uk_error *uk_list_pointers(struct uk_diff_job *job) uk_must_check;

#endif
