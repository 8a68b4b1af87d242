/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Placing references, table entries and pieces in the carried object. */
#ifndef UPKEEP_DIFF_PLACE_H
#define UPKEEP_DIFF_PLACE_H

#include "diff/job.h"
#include "diff/select.h"

struct uk_place {
	const struct uk_diff_job *job;
	struct uk_object *out;
	struct uk_map pieces;	 /* entity and start -> offset in its section of out */
	struct uk_map undefined; /* name -> symbol of out */
	unsigned int depth;
};

void uk_place_deinit(struct uk_place *place);

/* Where bytes of the patched object's section went: the same place plus @shift. */
struct uk_spot {
	const struct uk_entity *user; /* for messages */
	struct uk_section *section;
	int64_t shift;
	bool table; /* an entry of a table: it speaks of the carried code itself */
};

struct uk_error *uk_place_ref(struct uk_place *place, const struct uk_spot *spot,
			      const struct uk_ref *ref) uk_must_check;

/*
 * The table entries that belong to an entity's code: to all of it, or (@piece) to a
 * stretch of it that was put at @piece_offset of the section of its kind.
 */
struct uk_error *uk_place_entries(struct uk_place *place, const struct uk_entity *entity,
				  const struct uk_piece *piece,
				  uint64_t piece_offset) uk_must_check;

#endif
