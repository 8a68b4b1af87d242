/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code as a list of instructions, and two such lists side by side. */
#ifndef UPKEEP_CLI_LISTING_H
#define UPKEEP_CLI_LISTING_H

#include "base/error.h"
#include "base/vec.h"
#include "elf/object.h"

/* One instruction. */
struct uk_listing_line {
	uint64_t offset; /* in the function */
	char *text;	 /* AT&T syntax, with the names that relocations put in */
	char *key;	 /* the same without what only moves: equal keys are one instruction */
};

struct uk_listing {
	UK_VEC(struct uk_listing_line) lines;
};

/*
 * Disassembles [offset, offset + size) of a section of @object; it must lie inside. A byte
 * that does not decode is shown as such.
 */
struct uk_error *uk_listing_read(const struct uk_object *object, const struct uk_section *section,
				 uint64_t offset, uint64_t size,
				 struct uk_listing *ret) uk_must_check;
void uk_listing_deinit(struct uk_listing *listing);
#define uk_auto_listing uk_cleanup(uk_listing_deinit)

/* A row of the table; NULL is an empty half. */
struct uk_listing_row {
	const struct uk_listing_line *old, *new;
	bool same;
};

struct uk_listing_table {
	UK_VEC(struct uk_listing_row) rows; /* borrow from the listings */
};

/* Lays equal instructions side by side: a longest common subsequence, unless they are huge. */
struct uk_error *uk_listing_align(const struct uk_listing *old, const struct uk_listing *new,
				  struct uk_listing_table *ret) uk_must_check;
void uk_listing_table_deinit(struct uk_listing_table *table);
#define uk_auto_listing_table uk_cleanup(uk_listing_table_deinit)

#endif
