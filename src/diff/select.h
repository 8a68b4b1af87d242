/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to be carried: stretches of the patched object's sections. */
#ifndef UPKEEP_DIFF_SELECT_H
#define UPKEEP_DIFF_SELECT_H

#include "diff/job.h"

/*
 * The whole section where a function or datum has one to itself. A slice of it where
 * several share one: with its call padding, and with those neighbours that a short branch,
 * which cannot be made longer, leads to.
 */
struct uk_chunk {
	struct uk_section *section; /* of the patched object */
	struct uk_entity *entity;   /* for whose sake */
	uint64_t start, end;
	struct uk_section *out; /* in the carried object */
};

struct uk_selection {
	UK_VEC(struct uk_chunk *) chunks; /* owned; in order of the patched object */
};

void uk_selection_deinit(struct uk_selection *selection);

/* A stretch that is carried by content: a literal, or code of an alternative. */
struct uk_piece {
	const struct uk_entity *entity;
	uint64_t start, len; /* from the entity */
};

bool uk_target_is_piece(const struct uk_target *target);
struct uk_piece uk_piece_of(const struct uk_target *target);
/* The replacement of an entry of .altinstructions; refuses a malformed one. */
struct uk_error *uk_piece_of_alternative(const struct uk_diff_job *job,
					 const struct uk_entity *user, const struct uk_entry *entry,
					 struct uk_piece *ret) uk_must_check;
bool uk_entry_is_alternative(const struct uk_entry *entry);

/* Changed and new functions, new data and moved data, and what they need in turn. */
struct uk_error *uk_select(const struct uk_diff_job *job, struct uk_selection *ret) uk_must_check;

#endif
