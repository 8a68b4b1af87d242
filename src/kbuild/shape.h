/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kind of entity a run of tokens is, by its shape. */
#ifndef UPKEEP_KBUILD_SHAPE_H
#define UPKEEP_KBUILD_SHAPE_H

#include "kbuild/entity.h"

/* Sets kind and name of an entity whose tokens are known. */
void uk_shape_classify(const struct uk_tokens *tokens, struct uk_entity *entity);

/*
 * Whether the brace at @close ends an entity that began at @start: the body of a function
 * does; that of a struct or an initialiser is followed by more.
 */
bool uk_shape_is_body(const struct uk_tokens *tokens, size_t start, size_t close);

/* The word of a directive: one of #if, #ifdef, #ifndef; or any that belongs to a group. */
bool uk_shape_is_if(const struct uk_token *word);
bool uk_shape_is_conditional(const struct uk_token *word);

#endif
