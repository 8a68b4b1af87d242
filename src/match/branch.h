/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who branches to where inside an object's code: every branch and every pointer into code,
 * gathered once, for an update may ask about a thousand functions.
 */
#ifndef UPKEEP_MATCH_BRANCH_H
#define UPKEEP_MATCH_BRANCH_H

#include "elf/object.h"

struct uk_branch {
	const struct uk_section *section; /* where the branch or the table entry is */
	uint64_t offset;
	const struct uk_section *into;
	uint64_t target; /* offset in @into */
};

struct uk_branches;

/* All of an object, which must outlive them. */
struct uk_error *uk_branches_collect(const struct uk_object *object,
				     struct uk_branches **ret) uk_must_check;
void uk_branches_destroy(struct uk_branches *branches);

/*
 * The first branch into [from, to) of @function's section, or NULL: from the code of the
 * section itself, or through a relocation of code, of its tables or of read-only data (jump
 * tables). Refuses a function whose own instructions cannot be decoded.
 */
struct uk_error *uk_branches_into(const struct uk_branches *branches,
				  const struct uk_symbol *function, uint64_t from, uint64_t to,
				  const struct uk_branch **ret) uk_must_check;

#endif
