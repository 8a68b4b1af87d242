/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Placement: where in memory the sections of an object are.
 *
 * A section of a plain object stands where kallsyms has all of its symbols (weak ones aside);
 * of the places where that is so, exactly one must hold its content. Sections without symbols
 * are found through the relocations of those that were compared. Nothing is taken for placed
 * before all uses of it agree with each other and with kallsyms.
 */
#ifndef UPKEEP_MATCH_PLACE_H
#define UPKEEP_MATCH_PLACE_H

#include "base/map.h"
#include "elf/object.h"
#include "match/branch.h"
#include "match/compare.h"
#include "match/learned.h"
#include "match/run.h"
#include "match/sites.h"

#include <stdbool.h>
#include <stdint.h>

enum uk_place_kind {
	UK_PLACE_NONE,	 /* not in the running kernel, or gone after boot, or found by tables */
	UK_PLACE_MERGED, /* the linker merged equal entries: no place of its own */
	UK_PLACE_CODE,
	UK_PLACE_RODATA,
	UK_PLACE_DATA, /* has a place, but content of its own by now */
};

struct uk_place {
	enum uk_place_kind kind;
	bool known, compared, ambiguous;
	uint64_t base;
	/* The use that the place was learned from; section is NULL when it was not. */
	const struct uk_section *learned_in;
	uint64_t learned_at;
};

struct uk_placement {
	const struct uk_run *run;
	const struct uk_object *object; /* borrowed */
	const char *path;		/* of the object in the build tree; borrowed */
	const char *target;		/* "vmlinux" or the module's name; borrowed */
	bool by_votes; /* names and numbers of symbols are those that kallsyms has */
	struct uk_sites *sites;
	struct uk_branches *branches; /* gathered when the first redirect asks */
	struct uk_place *places;      /* by uk_section.index */
	struct uk_map merged;	      /* symbol's index: address, of symbols in merged sections */
	struct uk_learned *learned;   /* borrowed: shared by all objects of an update */
	struct uk_match *match;	      /* borrowed: counts and exclusions go there */
	size_t number;		      /* of the object, for the match */
};

struct uk_error *uk_placement_create(const struct uk_run *run, const struct uk_object *object,
				     const char *path, const char *target, bool by_votes,
				     struct uk_learned *learned, struct uk_match *match,
				     size_t number, struct uk_placement **ret) uk_must_check;
void uk_placement_destroy(struct uk_placement *placement);
UK_DEFINE_CLEANUP(placement, struct uk_placement *, uk_placement_destroy)
#define uk_auto_placement uk_cleanup(uk_cleanup_placement)

/* Places all sections that can be placed, and compares their content. */
struct uk_error *uk_placement_run(struct uk_placement *placement) uk_must_check;

/* Compares one section that is known to be at an address, and learns from it. */
struct uk_error *uk_placement_take(struct uk_placement *placement, const struct uk_section *section,
				   uint64_t base) uk_must_check;

/* Compares what is known to be somewhere and was not compared yet, until nothing is left. */
struct uk_error *uk_placement_settle(struct uk_placement *placement) uk_must_check;

/* Whether a symbol that the object defines has a known address. */
bool uk_placement_address(const struct uk_placement *placement, const struct uk_symbol *symbol,
			  uint64_t *ret);

/*
 * Whether all symbols of a section that kallsyms knows by name would stand in it where they
 * should if the section were at @base. Nothing is known of sections without symbols.
 */
bool uk_placement_fits_names(const struct uk_placement *placement, const struct uk_section *section,
			     uint64_t base);

/* Whether a symbol may stand in kallsyms and counts for its section's place. */
bool uk_symbol_votes(const struct uk_symbol *symbol);

#endif
