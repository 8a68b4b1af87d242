/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether what a comparison learned agrees: its uses with each other, with the places that are
 * known, with kallsyms and with the content of merged strings and constants.
 */
#ifndef UPKEEP_MATCH_AGREE_H
#define UPKEEP_MATCH_AGREE_H

#include "match/place.h"

/* A use that says something else than the rest. */
struct uk_dissent {
	const struct uk_use *use; /* NULL: all agree */
	uint64_t expected;	  /* address of its symbol, or 0 if that is not known */
	const char *why;
};

/*
 * Checks the uses of a section compared at @base. @bases (one per section of the object) gets
 * the base of each section that they lead to.
 */
struct uk_error *uk_agree_check(const struct uk_placement *placement,
				const struct uk_section *section, uint64_t base,
				const struct uk_comparison *comparison, uint64_t *bases,
				struct uk_dissent *ret) uk_must_check;

/* Makes the checked uses known: places, names, merged symbols. */
struct uk_error *uk_agree_commit(struct uk_placement *placement, const struct uk_section *section,
				 const struct uk_comparison *comparison,
				 const uint64_t *bases) uk_must_check;

#endif
