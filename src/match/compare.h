/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One section of an object against memory at one address: every byte, every relocation,
 * every site. What it learns is only what the bytes say; whether that agrees with anything
 * else is for its caller (match/place.h).
 */
#ifndef UPKEEP_MATCH_COMPARE_H
#define UPKEEP_MATCH_COMPARE_H

#include "base/vec.h"
#include "elf/object.h"
#include "match/run.h"
#include "match/sites.h"

#include <stdbool.h>
#include <stdint.h>

/* A relocation (or a site's target), solved for the address of its symbol. */
struct uk_use {
	const struct uk_symbol *symbol;
	int64_t addend;
	uint64_t value;	 /* run-time address of the symbol */
	uint64_t target; /* of symbol + addend, as the relocation type means it */
	uint64_t offset; /* in the compared section: of the bytes that say it */
	uint8_t len;	 /* how many these are */
	bool pcrel;
};

enum { UK_SHOWN_BYTES = 8 };

/* The first difference that nothing explains. */
struct uk_mismatch {
	bool found;
	uint64_t offset;	    /* in the compared section */
	const struct uk_site *site; /* that it lies in, or NULL */
	uint8_t expected[UK_SHOWN_BYTES], memory[UK_SHOWN_BYTES];
	size_t len;
};

struct uk_comparison {
	UK_VEC(struct uk_use) uses; /* in order of offset */
	struct uk_held_list held;   /* ranges that were left out */
	uint64_t explained[UK_SITE_CLASSES];
	struct uk_mismatch mismatch;
	uint8_t *memory; /* the section's size of it; NULL if there is none at that address */
};

/* A difference is no error but a mismatch. */
struct uk_error *uk_compare_section(const struct uk_run *run, const struct uk_sites *sites,
				    const struct uk_section *section, uint64_t base,
				    struct uk_comparison *ret) uk_must_check;
void uk_comparison_deinit(struct uk_comparison *comparison);
#define uk_auto_comparison uk_cleanup(uk_comparison_deinit)

/* Fills a mismatch from the bytes at an offset. */
void uk_comparison_differs(struct uk_comparison *comparison, const struct uk_section *section,
			   uint64_t offset, size_t len);

#endif
