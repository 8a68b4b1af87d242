// SPDX-License-Identifier: GPL-2.0-or-later
/* Names that macros put together with ##. */
#include "kbuild/paste.h"

#include "base/map.h"
#include "base/strbuf.h"
#include "kbuild/call.h"

#include <ctype.h>
#include <string.h>

/* Stands for a parameter in a pattern. */
#define ANY '*'

struct macro {
	char *name, *text; /* text is what the tokens lie in */
	struct uk_tokens tokens; /* "( params ) body" or "body" */
	struct uk_call_params params;
	size_t body;   /* first token of the body */
	bool *pasting; /* per parameter */
	size_t next;   /* index + 1 of the next definition of the name, or 0 */
};

struct pattern {
	char *text;
	size_t macro; /* index */
};

struct uk_paste {
	UK_VEC(struct macro) macros;
	struct uk_map by_name; /* -> index + 1 of a definition */
	UK_VEC(struct pattern) patterns;
	struct uk_map pattern_keys; /* "macro pattern": each but once */
	struct uk_map pieces;	    /* what is given to parameters that are pasted */
	bool changed;		    /* while solving */
};

void uk_paste_destroy(struct uk_paste *paste)
{
	if (!paste)
		return;
	uk_vec_for_each(macro, &paste->macros) {
		free(macro->name);
		free(macro->text);
		free(macro->pasting);
		uk_tokens_deinit(&macro->tokens);
	}
	uk_vec_for_each(pattern, &paste->patterns)
		free(pattern->text);
	uk_vec_deinit(&paste->macros);
	uk_vec_deinit(&paste->patterns);
	uk_map_deinit(&paste->by_name);
	uk_map_deinit(&paste->pattern_keys);
	uk_map_deinit(&paste->pieces);
	free(paste);
}

struct uk_error *uk_paste_create(struct uk_paste **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? NULL : uk_error_nomem();
}

static const struct macro *find_macro(const struct uk_paste *paste, const struct uk_token *name)
{
	const struct uk_map_entry *entry = uk_map_find(&paste->by_name, name->text, name->len);
	return entry && entry->num ? &paste->macros.data[entry->num - 1] : NULL;
}

static const struct macro *next_macro(const struct uk_paste *paste, const struct macro *macro)
{
	return macro->next ? &paste->macros.data[macro->next - 1] : NULL;
}

static int param_of(const struct macro *macro, const struct uk_token *token)
{
	return token->kind == UK_TOKEN_NAME
		       ? uk_call_param(&macro->tokens, &macro->params, token)
		       : -1;
}

static void add_piece_text(const struct macro *macro, const struct uk_token *token,
			   struct uk_strbuf *pattern)
{
	if (param_of(macro, token) >= 0)
		uk_strbuf_add(pattern, &(char){ ANY }, 1);
	else
		uk_strbuf_add(pattern, token->text, token->len);
}

static void mark_pasting(struct macro *macro, const struct uk_token *token)
{
	int param = param_of(macro, token);
	if (param >= 0)
		macro->pasting[param] = true;
}

static struct uk_error *add_pattern(struct uk_paste *paste, size_t index, struct uk_strbuf *text)
{
	struct pattern pattern = { .macro = index };
	uk_auto_free char *key = NULL;
	bool added = false;
	struct uk_error *err = uk_strbuf_finish(text, &pattern.text);
	if (!err)
		err = uk_asprintf(&key, "%s %s", paste->macros.data[index].name, pattern.text);
	if (!err && !uk_map_insert_str(&paste->pattern_keys, key, &added))
		err = uk_error_nomem();
	if (!err && added && !uk_vec_push(&paste->patterns, pattern))
		err = uk_error_nomem();
	if (err || !added)
		free(pattern.text);
	return err;
}

/* Every chain a##b##c of a macro's body. */
static struct uk_error *find_patterns(struct uk_paste *paste, size_t index)
{
	struct macro *macro = &paste->macros.data[index];
	const struct uk_token *all = macro->tokens.all.data;
	size_t end = macro->tokens.all.len;
	for (size_t i = macro->body; i + 2 < end; i++) {
		if (!uk_token_is(&all[i + 1], "##"))
			continue;
		uk_auto_strbuf struct uk_strbuf text = {};
		add_piece_text(macro, &all[i], &text);
		mark_pasting(macro, &all[i]);
		while (i + 2 < end && uk_token_is(&all[i + 1], "##")) {
			add_piece_text(macro, &all[i + 2], &text);
			mark_pasting(macro, &all[i + 2]);
			i += 2;
		}
		struct uk_error *err = add_pattern(paste, index, &text);
		if (err)
			return err;
	}
	return NULL;
}

/* A macro matters if it pastes, calls something, or stands for one word. */
static bool matters(const struct macro *macro)
{
	for (size_t i = macro->body; i < macro->tokens.all.len; i++) {
		const struct uk_token *token = &macro->tokens.all.data[i];
		if (uk_token_is(token, "##") || uk_token_is(token, "("))
			return true;
	}
	return macro->tokens.all.len > macro->body &&
	       macro->tokens.all.data[macro->body].kind == UK_TOKEN_NAME;
}

static void macro_deinit(struct macro *macro)
{
	free(macro->name);
	free(macro->text);
	free(macro->pasting);
	uk_tokens_deinit(&macro->tokens);
}

/* # define NAME ( params ) body NEWLINE; the bracket directly behind the name. */
static struct uk_error *macro_init(struct macro *macro, const struct uk_entities *entities,
				   const struct uk_entity *entity)
{
	const struct uk_token *all = entities->tokens.all.data;
	const struct uk_token *name = &all[entity->first + 2];
	const struct uk_token *end = &all[entity->first + entity->nr - 1];
	const char *start = name->text + name->len;
	*macro = (struct macro){ .name = strndup(name->text, name->len) };
	macro->text = strndup(start, (size_t)(end->text - start));
	if (!macro->name || !macro->text)
		return uk_error_nomem();
	struct uk_error *err = uk_tokens_scan(macro->text, &macro->tokens);
	if (err)
		return err;
	if (*macro->text == '(')
		macro->body = uk_call_read_params(&macro->tokens, &macro->params);
	macro->pasting = calloc(macro->params.nr + 1, sizeof(bool));
	return macro->pasting ? NULL : uk_error_nomem();
}

static struct uk_error *add_macro(struct uk_paste *paste, const struct uk_entities *entities,
				  const struct uk_entity *entity)
{
	struct macro macro = {};
	struct uk_error *err = macro_init(&macro, entities, entity);
	if (err || !matters(&macro)) {
		macro_deinit(&macro);
		return err;
	}
	struct uk_map_entry *entry = uk_map_insert_str(&paste->by_name, macro.name, NULL);
	macro.next = entry ? entry->num : 0;
	if (!entry || !uk_vec_push(&paste->macros, macro)) {
		macro_deinit(&macro);
		return uk_error_nomem();
	}
	entry->num = paste->macros.len;
	return find_patterns(paste, paste->macros.len - 1);
}

struct uk_error *uk_paste_add_macros(struct uk_paste *paste, const struct uk_entities *entities)
{
	uk_vec_for_each(entity, &entities->all) {
		if (entity->kind != UK_ENTITY_MACRO)
			continue;
		struct uk_error *err = add_macro(paste, entities, entity);
		if (err)
			return err;
	}
	return NULL;
}

/* What a call may mean. */
struct callee {
	const struct macro *macro;
	bool unknown; /* a parameter is called: it may be any macro */
};

/* Follows `#define A B`, as far as it goes. */
static const struct macro *follow_alias(const struct uk_paste *paste, const struct macro *macro)
{
	for (int depth = 0; macro && depth < 8; depth++) {
		if (macro->params.is_function || macro->tokens.all.len != macro->body + 1)
			return macro;
		const struct macro *next =
			find_macro(paste, &macro->tokens.all.data[macro->body]);
		if (!next)
			return macro;
		macro = next;
	}
	return macro;
}

static bool is_pasted(const struct uk_paste *paste, const struct callee *callee, size_t arg)
{
	if (callee->unknown)
		return true;
	const struct macro *macro = follow_alias(paste, callee->macro);
	for (; macro; macro = next_macro(paste, macro)) {
		size_t nr = macro->params.nr;
		if (!nr)
			continue;
		size_t param = arg < nr ? arg : nr - 1;
		if (macro->pasting[param])
			return true;
	}
	return false;
}

static struct callee callee_of(const struct uk_paste *paste, const struct macro *inside,
			       const struct uk_token *name)
{
	struct callee callee = { .macro = find_macro(paste, name) };
	callee.unknown = inside && param_of(inside, name) >= 0;
	return callee;
}

struct walk {
	struct uk_paste *paste;
	struct macro *inside; /* the macro whose body is walked, or NULL */
	bool failed;
};

/* While solving: a parameter that is handed on to one that is pasted is pasted. */
static void solve_call(void *ctx, const struct uk_tokens *tokens, const struct uk_call *call)
{
	struct walk *walk = ctx;
	struct callee callee =
		callee_of(walk->paste, walk->inside, &tokens->all.data[call->name]);
	if (!callee.macro && !callee.unknown)
		return;
	for (size_t arg = 0; arg < call->nr; arg++) {
		if (!is_pasted(walk->paste, &callee, arg))
			continue;
		for (size_t i = call->args[arg].first; i < call->args[arg].end; i++) {
			int param = param_of(walk->inside, &tokens->all.data[i]);
			if (param < 0 || walk->inside->pasting[param])
				continue;
			walk->inside->pasting[param] = true;
			walk->paste->changed = true;
		}
	}
}

struct uk_error *uk_paste_solve(struct uk_paste *paste)
{
	do {
		paste->changed = false;
		uk_vec_for_each(macro, &paste->macros) {
			struct walk walk = { .paste = paste, .inside = macro };
			if (macro->params.nr)
				uk_call_each(&macro->tokens, macro->body, macro->tokens.all.len,
					     solve_call, &walk);
		}
	} while (paste->changed);
	return NULL;
}

static void add_piece(struct walk *walk, const struct uk_token *token, int depth)
{
	if (token->kind != UK_TOKEN_NAME && token->kind != UK_TOKEN_NUMBER)
		return;
	if (walk->inside && param_of(walk->inside, token) >= 0)
		return;
	bool added = false;
	if (!uk_map_insert(&walk->paste->pieces, token->text, token->len, &added))
		walk->failed = true;
	/* What is given may be a macro, whose value is then pasted. */
	const struct macro *macro = added && depth < 8 ? find_macro(walk->paste, token) : NULL;
	for (; macro; macro = next_macro(walk->paste, macro)) {
		size_t end = macro->tokens.all.len;
		struct walk inner = { .paste = walk->paste, .inside = NULL };
		if (macro->params.is_function || macro->body >= end)
			continue;
		add_piece(&inner, &macro->tokens.all.data[macro->body], depth + 1);
		add_piece(&inner, &macro->tokens.all.data[end - 1], depth + 1);
		walk->failed |= inner.failed;
	}
}

/* Only the ends of an argument can be pasted to something. */
static void use_call(void *ctx, const struct uk_tokens *tokens, const struct uk_call *call)
{
	struct walk *walk = ctx;
	struct callee callee =
		callee_of(walk->paste, walk->inside, &tokens->all.data[call->name]);
	if (!callee.macro && !callee.unknown)
		return;
	for (size_t arg = 0; arg < call->nr; arg++) {
		const struct uk_call_arg *range = &call->args[arg];
		if (range->first == range->end || !is_pasted(walk->paste, &callee, arg))
			continue;
		add_piece(walk, &tokens->all.data[range->first], 0);
		add_piece(walk, &tokens->all.data[range->end - 1], 0);
	}
}

static bool macro_uses(struct uk_paste *paste, const struct uk_entities *entities,
		       const struct uk_entity *entity)
{
	struct macro macro = {};
	struct uk_error *err = macro_init(&macro, entities, entity);
	struct walk walk = { .paste = paste, .inside = &macro };
	if (!err)
		uk_call_each(&macro.tokens, macro.body, macro.tokens.all.len, use_call, &walk);
	macro_deinit(&macro);
	bool ok = !err && !walk.failed;
	uk_error_destroy(err);
	return ok;
}

struct uk_error *uk_paste_add_uses(struct uk_paste *paste, const struct uk_entities *entities)
{
	struct walk walk = { .paste = paste };
	uk_vec_for_each(entity, &entities->all) {
		if (entity->kind != UK_ENTITY_MACRO)
			uk_call_each(&entities->tokens, entity->first, entity->first + entity->nr,
				     use_call, &walk);
		else if (!macro_uses(paste, entities, entity))
			walk.failed = true;
	}
	return walk.failed ? uk_error_nomem() : NULL;
}

static bool is_known(const struct uk_paste *paste, const char *text, size_t len)
{
	size_t digits = 0;
	while (digits < len && isdigit((unsigned char)text[digits]))
		digits++;
	return digits == len || uk_map_find(&paste->pieces, text, len);
}

/* What is pasted may have been pasted itself: up to three known pieces. */
static bool composes(const struct uk_paste *paste, const char *text, size_t len, int pieces)
{
	if (is_known(paste, text, len))
		return true;
	for (size_t first = 1; pieces > 1 && first < len; first++) {
		if (is_known(paste, text, first) &&
		    composes(paste, text + first, len - first, pieces - 1))
			return true;
	}
	return false;
}

static bool matches(const struct uk_paste *paste, const char *pattern, const char *name)
{
	if (!*pattern)
		return !*name;
	if (*pattern != ANY)
		return *pattern == *name && matches(paste, pattern + 1, name + 1);
	for (size_t len = 0;; len++) {
		if (matches(paste, pattern + 1, name + len) && composes(paste, name, len, 2))
			return true;
		if (!name[len])
			return false;
	}
}

struct uk_error *uk_paste_makers(const struct uk_paste *paste, const char *name,
				 struct uk_error *(*each)(void *ctx, const char *macro),
				 void *ctx)
{
	uk_vec_for_each(pattern, &paste->patterns) {
		if (!matches(paste, pattern->text, name))
			continue;
		struct uk_error *err = each(ctx, paste->macros.data[pattern->macro].name);
		if (err)
			return err;
	}
	return NULL;
}
