/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may hold a copy of a table: a type that has one like it as a member, or a variable of
 * its type that can be written. Where tables themselves are writable, another variable is as
 * likely to be one more table: only one that begins empty counts. The text of a copy is the
 * table's from before a write.
 */
#ifndef UPKEEP_DIFF_COPIES_H
#define UPKEEP_DIFF_COPIES_H

#include "diff/layout.h"

struct uk_copies_names {
	const char *const *data;
	size_t nr;
};

/*
 * Looks for such a type or variable; @name is the table's, without what the compiler added to
 * it; @empty are the writable variables that begin empty. *ret is "member ops of struct board" or
 * "variable spare", or NULL when the source that the object is compiled from knows of none; the
 * caller frees it. @place_ret is where the table is defined.
 */
struct uk_error *uk_copies_find(const struct uk_layouts *layouts, const char *name,
				const struct uk_copies_names *empty, char **ret,
				Dwarf_Die *place_ret) uk_must_check;

#endif
