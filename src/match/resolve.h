/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run-time addresses of the names that an update's new code refers to. */
#ifndef UPKEEP_MATCH_RESOLVE_H
#define UPKEEP_MATCH_RESOLVE_H

#include "match/match.h"
#include "match/place.h"

/* The placements of an update's objects; entries are NULL where objects were left out. */
struct uk_placements {
	struct uk_placement **plain, **prev; /* by number of object */
	size_t nr;
	struct uk_learned learned;
};

struct uk_error *uk_resolve_symbol(const struct uk_match_request *request,
				   const struct uk_placements *placements, const char *name,
				   struct uk_match_symbol *ret) uk_must_check;

/* A symbol of object @number by its name in the plain (or prev) object. */
struct uk_error *uk_resolve_local(const struct uk_match_request *request,
				  const struct uk_placements *placements, size_t number,
				  const char *name, uint64_t *ret) uk_must_check;

#endif
