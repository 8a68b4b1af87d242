// SPDX-License-Identifier: GPL-2.0-or-later
/* Headers as entities. */
#include "kbuild/entity.h"

#include "kbuild/shape.h"

#include <string.h>

struct splitter {
	struct uk_entities entities;
	size_t context; /* index + 1 of the innermost one */
	size_t start;	/* first token of the entity at hand */
	bool open;	/* it has begun */
	int depth;	/* of brackets of all kinds inside it */
	size_t inner;	/* #ifs that opened inside it */
	bool failed;
};

void uk_entities_deinit(struct uk_entities *entities)
{
	uk_tokens_deinit(&entities->tokens);
	uk_vec_deinit(&entities->all);
	uk_vec_deinit(&entities->contexts);
}

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 0x100000001b3;
	return hash;
}

static uint64_t hash_tokens(const struct splitter *splitter, uint64_t hash, size_t first, size_t nr)
{
	hash = hash_bytes(hash ^ 0xcbf29ce484222325, "", 1);
	for (size_t i = first; i < first + nr; i++) {
		const struct uk_token *token = &splitter->entities.tokens.all.data[i];
		hash = hash_bytes(hash, token->text, token->len);
		hash = hash_bytes(hash, "", 1);
	}
	return hash;
}

static const struct uk_token *token_at(const struct splitter *splitter, size_t i)
{
	return &splitter->entities.tokens.all.data[i];
}

static uint64_t context_hash(const struct splitter *splitter, size_t context)
{
	return context ? splitter->entities.contexts.data[context - 1].hash : 0;
}

static void add_entity(struct splitter *splitter, size_t first, size_t nr)
{
	struct uk_entity entity = {
		.first = first,
		.nr = nr,
		.context = splitter->context,
		.name = (size_t)-1,
		.hash = hash_tokens(splitter, context_hash(splitter, splitter->context), first, nr),
	};
	uk_shape_classify(&splitter->entities.tokens, &entity);
	if (!uk_vec_push(&splitter->entities.all, entity))
		splitter->failed = true;
}

/* The index behind the end of the directive that begins at @first. */
static size_t directive_end(const struct splitter *splitter, size_t first)
{
	size_t end = first;
	while (token_at(splitter, end)->kind != UK_TOKEN_NEWLINE)
		end++;
	return end + 1;
}

static void push_context(struct splitter *splitter, size_t parent, size_t before, size_t first,
			 size_t nr)
{
	uint64_t hash = context_hash(splitter, parent) * 31 + context_hash(splitter, before);
	struct uk_entity_context context = {
		.parent = parent,
		.before = before,
		.first = first,
		.nr = nr,
		.hash = hash_tokens(splitter, hash, first, nr),
	};
	if (!uk_vec_push(&splitter->entities.contexts, context))
		splitter->failed = true;
	else
		splitter->context = splitter->entities.contexts.len;
}

/* #if, #elif, #else, #endif between entities. */
static void take_conditional(struct splitter *splitter, const struct uk_token *word, size_t first,
			     size_t nr)
{
	size_t top = splitter->context;
	if (uk_shape_is_if(word)) {
		push_context(splitter, top, 0, first, nr);
		return;
	}
	if (!top) {
		splitter->entities.odd = true;
		return;
	}
	size_t parent = splitter->entities.contexts.data[top - 1].parent;
	if (uk_token_is(word, "endif"))
		splitter->context = parent;
	else
		push_context(splitter, parent, top, first, nr);
}

/* Inside an entity only whole #if groups may stand. */
static void take_inner_conditional(struct splitter *splitter, const struct uk_token *word)
{
	if (uk_shape_is_if(word))
		splitter->inner++;
	else if (!splitter->inner)
		splitter->entities.odd = true;
	else if (uk_token_is(word, "endif"))
		splitter->inner--;
}

static size_t take_directive(struct splitter *splitter, size_t first)
{
	size_t end = directive_end(splitter, first);
	const struct uk_token *word = token_at(splitter, first + 1);
	bool conditional = uk_shape_is_conditional(word);
	if (splitter->open && conditional)
		take_inner_conditional(splitter, word);
	else if (conditional)
		take_conditional(splitter, word, first, end - first);
	else if (!splitter->open && word->kind == UK_TOKEN_NAME)
		add_entity(splitter, first, end - first);
	return end;
}

/* Whether the entity ends with the closing brace at @at, as a function does. */
static bool ends_with_brace(const struct splitter *splitter, size_t at)
{
	return uk_shape_is_body(&splitter->entities.tokens, splitter->start, at);
}

static void take_plain(struct splitter *splitter, size_t at)
{
	const struct uk_token *token = token_at(splitter, at);
	char c = token->kind == UK_TOKEN_PUNCT ? *token->text : '\0';
	if (!splitter->open) {
		if (c == ';')
			return;
		splitter->open = true;
		splitter->start = at;
		splitter->depth = 0;
		splitter->inner = 0;
	}
	if (c && strchr("({[", c))
		splitter->depth++;
	if (c && strchr(")}]", c) && --splitter->depth < 0)
		splitter->entities.odd = true;
	bool ends = !splitter->depth && (c == ';' || (c == '}' && ends_with_brace(splitter, at)));
	if (!ends)
		return;
	if (splitter->inner)
		splitter->entities.odd = true;
	add_entity(splitter, splitter->start, at + 1 - splitter->start);
	splitter->open = false;
}

struct uk_error *uk_entities_scan(const char *text, struct uk_entities *ret)
{
	struct splitter splitter = {};
	struct uk_error *err = uk_tokens_scan(text, &splitter.entities.tokens);
	if (err)
		return err;
	size_t nr = splitter.entities.tokens.all.len;
	for (size_t i = 0; i < nr && !splitter.failed;) {
		if (token_at(&splitter, i)->kind == UK_TOKEN_HASH)
			i = take_directive(&splitter, i);
		else
			take_plain(&splitter, i++);
	}
	if (splitter.open) {
		splitter.entities.odd = true;
		add_entity(&splitter, splitter.start, nr - splitter.start);
	}
	splitter.entities.odd |= splitter.context != 0;
	if (splitter.failed) {
		uk_entities_deinit(&splitter.entities);
		return uk_error_nomem();
	}
	*ret = splitter.entities;
	return NULL;
}

static bool walk(const struct uk_entities *entities, size_t first, size_t nr,
		 bool (*each)(void *ctx, const struct uk_token *token), void *ctx)
{
	for (size_t i = first; i < first + nr; i++) {
		const struct uk_token *token = &entities->tokens.all.data[i];
		bool word = i && token[-1].kind == UK_TOKEN_HASH;
		if (token->kind == UK_TOKEN_NAME && !word && !each(ctx, token))
			return false;
	}
	return true;
}

void uk_entity_names(const struct uk_entities *entities, const struct uk_entity *entity,
		     bool (*each)(void *ctx, const struct uk_token *token), void *ctx)
{
	if (!walk(entities, entity->first, entity->nr, each, ctx))
		return;
	for (size_t outer = entity->context; outer;) {
		const struct uk_entity_context *context = &entities->contexts.data[outer - 1];
		for (size_t branch = outer; branch;) {
			const struct uk_entity_context *at = &entities->contexts.data[branch - 1];
			if (!walk(entities, at->first, at->nr, each, ctx))
				return;
			branch = at->before;
		}
		outer = context->parent;
	}
}

bool uk_entity_is_enumerator(const struct uk_entities *entities, const struct uk_entity *entity,
			     size_t i)
{
	const struct uk_token *token = &entities->tokens.all.data[i];
	if (i == entity->first || token->kind != UK_TOKEN_NAME)
		return false;
	/* Behind a directive inside the braces too. */
	return uk_token_is(token - 1, "{") || uk_token_is(token - 1, ",") ||
	       token[-1].kind == UK_TOKEN_NEWLINE;
}
