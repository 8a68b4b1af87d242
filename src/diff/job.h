/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One comparison in progress: what its steps share. */
#ifndef UPKEEP_DIFF_JOB_H
#define UPKEEP_DIFF_JOB_H

#include "diff/diff.h"
#include "diff/model.h"

struct uk_diff_job {
	const struct uk_diff_input *input;
	struct uk_model *orig, *patched, *plain;
	struct uk_diff_result *result;
};

/* Adds the finding KIND:OBJ:NAME; a second one of that name is left out. */
struct uk_error *uk_job_find(struct uk_diff_job *job, const char *kind, const char *name,
			     const char *fmt, ...) uk_printf(4, 5) uk_must_check;

/* The same for what needs no judgement: it is told, and accepted by itself. */
struct uk_error *uk_job_note(struct uk_diff_job *job, const char *kind, const char *name,
			     const char *fmt, ...) uk_printf(4, 5) uk_must_check;

/* Adds an entry to the data of the result. */
struct uk_error *uk_job_add_datum(struct uk_diff_job *job, enum uk_datum_change change,
				  const struct uk_entity *entity) uk_must_check;

/* A refusal: "path: symbol[+0xoffset]: ...". @ref may be NULL. */
struct uk_error *uk_job_refuse(const struct uk_diff_job *job, const struct uk_entity *entity,
			       const struct uk_ref *ref, const char *fmt, ...)
	uk_printf(4, 5) uk_must_check;

#endif
