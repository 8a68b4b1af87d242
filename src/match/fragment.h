/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the comparison: a piece of an object's code against bytes of memory. Pieces nest,
 * for an alternative's replacement is compared where it was copied to.
 */
#ifndef UPKEEP_MATCH_FRAGMENT_H
#define UPKEEP_MATCH_FRAGMENT_H

#include "match/compare.h"

struct uk_walk {
	const struct uk_run *run;
	const struct uk_sites *sites;
	const struct uk_section *section; /* the compared section; fragments may lie in others */
	uint64_t base;
	struct uk_comparison *out;
	bool no_memory;
};

struct uk_fragment {
	const struct uk_section *section;
	uint64_t start, end;   /* of the object's code */
	uint64_t addr;	       /* where its first byte is in memory */
	const uint8_t *memory; /* the bytes there: end - start + padding */
	uint64_t padding;      /* nops behind it */
	bool patched;	       /* by the kernel's patching of alternatives: nops and jumps
				* may have been rewritten */
	size_t next_site;      /* index of the first site to look at */
	uint64_t use_offset;   /* what uses say as their offset: that of the outermost site */
	bool top;	       /* offsets are those of the compared section itself */
	uint64_t failed_at;    /* where it failed, if it did */
	const struct uk_site *failed_site;
};

bool uk_fragment_walk(struct uk_walk *walk, struct uk_fragment *fragment);

/* Bytes and relocations of [from, to), without sites. */
bool uk_fragment_bytes(struct uk_walk *walk, struct uk_fragment *fragment, uint64_t from,
		       uint64_t to);

/* One site; @index is its place among its section's sites. */
bool uk_fragment_site(struct uk_walk *walk, struct uk_fragment *fragment,
		      const struct uk_site *site, size_t index);
bool uk_fragment_alternative(struct uk_walk *walk, struct uk_fragment *fragment,
			     const struct uk_site *site, size_t index);

/* Memory and address of the byte that stands for an offset. */
static inline const uint8_t *uk_fragment_memory(const struct uk_fragment *fragment, uint64_t offset)
{
	return fragment->memory + (offset - fragment->start);
}

static inline uint64_t uk_fragment_addr(const struct uk_fragment *fragment, uint64_t offset)
{
	return fragment->addr + (offset - fragment->start);
}

bool uk_walk_use(struct uk_walk *walk, const struct uk_fragment *fragment, struct uk_use use);

static inline bool uk_walk_explain(struct uk_walk *walk, enum uk_site_class class)
{
	walk->out->explained[class]++;
	return true;
}

#endif
