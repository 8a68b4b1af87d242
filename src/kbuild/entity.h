/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The entities of a header: macros, functions, types and so on, as far as they can be
 * told from its text alone. What cannot be told for sure is OTHER.
 */
#ifndef UPKEEP_KBUILD_ENTITY_H
#define UPKEEP_KBUILD_ENTITY_H

#include "base/hash.h"
#include "kbuild/token.h"

enum uk_entity_kind {
	UK_ENTITY_MACRO,
	UK_ENTITY_UNDEF,
	UK_ENTITY_INCLUDE,
	UK_ENTITY_INLINE,    /* a static or extern inline function with its body */
	UK_ENTITY_FUNCTION,  /* any other function with its body */
	UK_ENTITY_PROTOTYPE, /* of a function */
	UK_ENTITY_EXTERN,    /* extern, of a variable */
	UK_ENTITY_ENUM,	     /* with its enumerators, defining nothing else */
	UK_ENTITY_FORWARD,   /* struct foo; */
	UK_ENTITY_TYPE,	     /* struct, union, typedef */
	UK_ENTITY_OTHER,
};

struct uk_entity {
	enum uk_entity_kind kind;
	size_t first, nr; /* of its tokens */
	size_t name;	  /* the token that names it (MACRO to EXTERN); (size_t)-1: none */
	size_t context;	  /* the #if around it: index + 1 into contexts; 0: none */
	uint64_t hash;	  /* of tokens and context: equal hashes mean the same entity */
};

/* A branch of an #if: what must hold for its entities. */
struct uk_entity_context {
	size_t parent;	  /* index + 1 of the #if around it, or 0 */
	size_t before;	  /* index + 1 of the branch before (#if of an #else), or 0 */
	size_t first, nr; /* the tokens of the directive */
	uint64_t hash;
};

struct uk_entities {
	struct uk_tokens tokens;
	UK_VEC(struct uk_entity) all;
	UK_VEC(struct uk_entity_context) contexts;
	bool odd; /* braces and #if cross each other: the list cannot be relied on */
};

/* @text is NUL-terminated and borrowed for the life of the entities. */
struct uk_error *uk_entities_scan(const char *text, struct uk_entities *ret) uk_must_check;
void uk_entities_deinit(struct uk_entities *entities);
#define uk_auto_entities uk_cleanup(uk_entities_deinit)

/*
 * Calls @each(@ctx, token) for every name in the entity and in the conditions around it,
 * until it says false. The words of directives are no names.
 */
void uk_entity_names(const struct uk_entities *entities, const struct uk_entity *entity,
		     bool (*each)(void *ctx, const struct uk_token *token), void *ctx);

/* Whether token @i of an ENUM is one of its enumerators. */
bool uk_entity_is_enumerator(const struct uk_entities *entities, const struct uk_entity *entity,
			     size_t i);

#endif
