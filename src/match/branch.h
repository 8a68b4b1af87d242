/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who branches to where inside an object's code. */
#ifndef UPKEEP_MATCH_BRANCH_H
#define UPKEEP_MATCH_BRANCH_H

#include "elf/object.h"

struct uk_branch {
	bool found;
	const struct uk_section *section; /* where the branch or the table entry is */
	uint64_t offset;
	uint64_t target; /* offset in the function's section */
};

/*
 * A branch into [from, to) of @function's section: from the code of the section itself, or
 * through a relocation of code, of its tables or of read-only data (jump tables). Refuses a
 * function whose own instructions cannot be decoded.
 */
struct uk_error *uk_branch_find_into(const struct uk_object *object,
				     const struct uk_symbol *function, uint64_t from, uint64_t to,
				     struct uk_branch *ret) uk_must_check;

#endif
