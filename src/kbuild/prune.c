// SPDX-License-Identifier: GPL-2.0-or-later
/* Reachability among the entities of a preprocessed source. */
#include "kbuild/prune.h"

#include "base/map.h"
#include "kbuild/entity.h"

#include <string.h>

struct link {
	size_t entity;
	size_t next; /* index + 1 of the next entity of the same name */
};

struct pruner {
	struct uk_entities entities;
	struct uk_map definers; /* name -> index + 1 into links */
	UK_VEC(struct link) links;
	UK_VEC(size_t) queue; /* reached, in the order in which they were */
	bool *reached;
	bool failed;
};

static void pruner_deinit(struct pruner *pruner)
{
	uk_entities_deinit(&pruner->entities);
	uk_map_deinit(&pruner->definers);
	uk_vec_deinit(&pruner->links);
	uk_vec_deinit(&pruner->queue);
	free(pruner->reached);
}

static const struct uk_token *at(const struct pruner *pruner, size_t i)
{
	return &pruner->entities.tokens.all.data[i];
}

static void define(struct pruner *pruner, size_t token, size_t entity)
{
	const struct uk_token *name = at(pruner, token);
	struct uk_map_entry *entry = uk_map_insert(&pruner->definers, name->text, name->len, NULL);
	struct link link = { .entity = entity, .next = entry ? entry->num : 0 };
	if (!entry || !uk_vec_push(&pruner->links, link))
		pruner->failed = true;
	else
		entry->num = pruner->links.len;
}

/* Words of C that stand in types and name none. */
static bool is_keyword(const struct uk_token *token)
{
	static const char *const words[] = {
		"struct",	 "union",  "enum",	    "typedef", "const",	     "volatile",
		"unsigned",	 "signed", "int",	    "char",    "short",	     "long",
		"void",		 "float",  "double",	    "_Bool",   "extern",     "static",
		"__extension__", "inline", "__attribute__", "__const", "__signed__", "__int128",
		"__typeof__",	 "typeof",
	};
	for (size_t i = 0; i < UK_ARRAY_SIZE(words); i++) {
		if (uk_token_is(token, words[i]))
			return true;
	}
	return false;
}

/* The index behind the brace that closes the one at @open. */
static size_t skip_braces(const struct pruner *pruner, size_t open, size_t end)
{
	int depth = 0;
	for (size_t i = open; i < end; i++) {
		if (uk_token_is(at(pruner, i), "{"))
			depth++;
		else if (uk_token_is(at(pruner, i), "}") && !--depth)
			return i + 1;
	}
	return end;
}

/*
 * What a type brings with it: tags that it defines, at any depth, enumerators, and what a
 * typedef names. Names of members are reached through the type only.
 */
static void define_type(struct pruner *pruner, size_t index)
{
	const struct uk_entity *entity = &pruner->entities.all.data[index];
	size_t end = entity->first + entity->nr;
	int braces = 0;
	for (size_t i = entity->first; i < end; i++) {
		const struct uk_token *token = at(pruner, i);
		braces += uk_token_is(token, "{") ? 1 : uk_token_is(token, "}") ? -1 : 0;
		if (token->kind != UK_TOKEN_NAME)
			continue;
		bool tag = i > entity->first && uk_token_is_tag_word(at(pruner, i - 1));
		if ((!braces || tag) && !is_keyword(token))
			define(pruner, i, index);
		if (!uk_token_is(token, "enum"))
			continue;
		size_t open = i + 1;
		while (open < end && at(pruner, open)->kind == UK_TOKEN_NAME)
			open++;
		if (open == end || !uk_token_is(at(pruner, open), "{"))
			continue;
		size_t close = skip_braces(pruner, open, end);
		for (size_t e = open; e < close; e++) {
			if (at(pruner, e)->kind == UK_TOKEN_NAME)
				define(pruner, e, index);
		}
	}
}

static void reach(struct pruner *pruner, size_t index)
{
	if (pruner->reached[index])
		return;
	pruner->reached[index] = true;
	if (!uk_vec_push(&pruner->queue, index))
		pruner->failed = true;
}

/* Whether an attribute may make something of a declaration or function that nobody uses. */
static bool is_kept(const struct pruner *pruner, const struct uk_entity *entity)
{
	static const char *const words[] = {
		"used", "__used__", "alias", "__alias__", "constructor", "__constructor__",
	};
	for (size_t i = entity->first; i < entity->first + entity->nr; i++) {
		for (size_t w = 0; w < UK_ARRAY_SIZE(words); w++) {
			if (uk_token_is(at(pruner, i), words[w]))
				return true;
		}
	}
	return false;
}

static void take_entity(struct pruner *pruner, size_t index, bool whole)
{
	const struct uk_entity *entity = &pruner->entities.all.data[index];
	switch (entity->kind) {
	case UK_ENTITY_INLINE:
	case UK_ENTITY_PROTOTYPE:
	case UK_ENTITY_EXTERN:
		define(pruner, entity->name, index);
		whole |= is_kept(pruner, entity);
		break;
	case UK_ENTITY_ENUM:
	case UK_ENTITY_TYPE:
		define_type(pruner, index);
		break;
	case UK_ENTITY_FORWARD:
		break;
	default:
		reach(pruner, index);
	}
	if (whole)
		reach(pruner, index);
}

static bool reach_definers(void *ctx, const struct uk_token *token)
{
	struct pruner *pruner = ctx;
	const struct uk_map_entry *entry = uk_map_find(&pruner->definers, token->text, token->len);
	for (size_t link = entry ? entry->num : 0; link;) {
		const struct link *definer = &pruner->links.data[link - 1];
		reach(pruner, definer->entity);
		link = definer->next;
	}
	return !pruner->failed;
}

static void hash_entity(const struct pruner *pruner, size_t index, struct uk_hash *hash)
{
	const struct uk_entity *entity = &pruner->entities.all.data[index];
	for (size_t i = entity->first; i < entity->first + entity->nr; i++) {
		uk_hash_add(hash, at(pruner, i)->text, at(pruner, i)->len);
		uk_hash_add(hash, "", 1);
	}
}

struct uk_error *uk_prune_hash(const char *text, bool whole, char ret[UK_HASH_HEX_LEN + 1])
{
	uk_cleanup(pruner_deinit) struct pruner pruner = {};
	struct uk_error *err = uk_entities_scan(text, &pruner.entities);
	if (err)
		return err;
	size_t nr = pruner.entities.all.len;
	pruner.reached = calloc(nr + 1, sizeof(*pruner.reached));
	if (!pruner.reached)
		return uk_error_nomem();
	for (size_t i = 0; i < nr; i++)
		take_entity(&pruner, i, whole || pruner.entities.odd);
	for (size_t i = 0; i < pruner.queue.len && !pruner.failed; i++)
		uk_entity_names(&pruner.entities, &pruner.entities.all.data[pruner.queue.data[i]],
				reach_definers, &pruner);
	if (pruner.failed)
		return uk_error_nomem();
	struct uk_hash hash;
	uk_hash_init(&hash);
	for (size_t i = 0; i < nr; i++) {
		if (pruner.reached[i])
			hash_entity(&pruner, i, &hash);
	}
	uk_hash_hex(&hash, ret);
	return NULL;
}
