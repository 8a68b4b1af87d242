/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether twins are the same. */
#ifndef UPKEEP_DIFF_COMPARE_H
#define UPKEEP_DIFF_COMPARE_H

#include "diff/model.h"

/* The same bytes outside references, and references at the same places of the same type. */
bool uk_entity_same_shape(const struct uk_entity *orig, const struct uk_entity *patched);

/* Whether two references mean the same: twins at the same distance, literals by content. */
bool uk_target_same(const struct uk_target *orig, const struct uk_target *patched);

/* Initial content and references of two data are the same (@orig, @patched: any two). */
bool uk_datum_same(const struct uk_entity *orig, const struct uk_entity *patched);

/*
 * Sets ->changed of the functions that differ from their twins, and of .cold pieces with
 * their parents, on both sides. Twins are settled before.
 */
struct uk_error *uk_compare_functions(struct uk_model *orig,
				      struct uk_model *patched) uk_must_check;

/* A function and its .cold piece jump into each other: they change together. */
struct uk_error *uk_spread_to_cold(struct uk_model *orig, struct uk_model *patched) uk_must_check;

/* Gives a function and its twin a reason to count as changed (a static text). */
void uk_mark_changed(struct uk_entity *entity, const char *reason);

/* Whether a function is a piece that only its parent enters: "foo.cold", "foo.cold.1". */
bool uk_entity_is_cold(const struct uk_entity *entity);

#endif
