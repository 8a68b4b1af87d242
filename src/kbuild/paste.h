/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that macros put together with ##. */
#ifndef UPKEEP_KBUILD_PASTE_H
#define UPKEEP_KBUILD_PASTE_H

#include "base/map.h"
#include "kbuild/entity.h"

/* Stands for a parameter in a pattern. */
#define UK_PASTE_ANY '*'

/*
 * Calls @each(@ctx, pattern) for every chain of ## in a macro, as a pattern: what is fixed
 * as it is, UK_PASTE_ANY for a parameter. `Set##name##Page` gives "Set*Page".
 */
struct uk_error *uk_paste_patterns(const struct uk_entities *entities,
				   const struct uk_entity *macro,
				   struct uk_error *(*each)(void *ctx, const char *pattern),
				   void *ctx) uk_must_check;

/* What a parameter may stand for: pieces of names that are arguments somewhere. */
struct uk_paste_pieces {
	bool (*is_known)(void *ctx, const char *text, size_t len);
	void *ctx;
};

/*
 * Whether the pattern can give this name with pieces that are known; digits always are.
 * Where nothing is fixed, two or three pieces, for such macros are used on each other.
 */
bool uk_paste_matches(const char *pattern, const char *name,
		      const struct uk_paste_pieces *pieces);

/* Whether @token is a parameter of the macro. */
bool uk_paste_is_param(const struct uk_entities *entities, const struct uk_entity *macro,
		       const struct uk_token *token);

#endif
