/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types that a patch changes: what objects that already exist, and code that stays as it is,
 * would see differently.
 *
 * A finding is made of each struct, union or enum that both objects define and whose layout
 * differs, of each given global symbol whose type differs, and more:
 *
 *	struct-layout:NAME	size, alignment; members added, removed, renamed, moved,
 *	union-layout:NAME	resized or retyped. NAME is the tag (or the typedef of a type
 *				without one), "FUNCTION.NAME" for one defined in a function
 *	enum-values:NAME	a value that changed or is gone; size. NAME of an enum without
 *				a tag is its first enumerator. Added enumerators alone are none
 *	prototype:NAME		return type, parameters, or the type of a variable
 *
 *	table-copies:OBJ:NAME	of each given datum that is written in place: the source
 *				knows something that may hold a copy of it (see copies.h)
 *
 * Typedefs and qualifiers do not count, nor do types that only one of the objects has: a
 * compiler tells only of those that the source uses.
 */
#ifndef UPKEEP_DIFF_TYPES_H
#define UPKEEP_DIFF_TYPES_H

#include "bundle/update.h"

struct uk_types_input {
	const char *object;	     /* for places: "net/ipv4/tcp_input.o" */
	const char *orig, *patched;  /* paths of the objects, compiled with -g */
	const char *const *exported; /* symbols whose prototype others rely on; or NULL */
	size_t nr_exported;
	const char *const *written; /* data that are written in place; or NULL */
	size_t nr_written;
	const char *const *empty; /* writable data that begin empty; or NULL */
	size_t nr_empty;
};

/*
 * Findings in order of their names. The caller frees each (uk_finding_deinit()) and the
 * array. An object without debug information is an error (UK_ERR_INVALID).
 */
struct uk_error *uk_types_compare(const struct uk_types_input *input, struct uk_finding **ret,
				  size_t *nr_ret) uk_must_check;

#endif
