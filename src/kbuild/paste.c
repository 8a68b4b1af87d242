// SPDX-License-Identifier: GPL-2.0-or-later
/* Names that macros put together with ##. */
#include "kbuild/paste.h"

#include "base/strbuf.h"

#include <ctype.h>
#include <string.h>

struct macro {
	const struct uk_tokens *tokens;
	size_t params, params_end; /* the tokens of the parameter list */
	size_t body, end;
};

static const struct uk_token *at(const struct macro *macro, size_t i)
{
	return &macro->tokens->all.data[i];
}

/* # define NAME ( params ) body NEWLINE; the bracket directly behind the name. */
static void macro_init(struct macro *macro, const struct uk_tokens *tokens,
		       const struct uk_entity *entity)
{
	*macro = (struct macro){
		.tokens = tokens,
		.body = entity->first + 3,
		.end = entity->first + entity->nr - 1,
	};
	macro->params = macro->params_end = macro->body;
	const struct uk_token *name = at(macro, entity->first + 2);
	if (macro->body >= macro->end || !uk_token_is(at(macro, macro->body), "(") ||
	    at(macro, macro->body)->text != name->text + name->len)
		return;
	size_t i = macro->body;
	while (i < macro->end && !uk_token_is(at(macro, i), ")"))
		i++;
	macro->params_end = i;
	macro->body = i < macro->end ? i + 1 : i;
}

static bool is_param(const struct macro *macro, const struct uk_token *token)
{
	if (uk_token_is(token, "__VA_ARGS__"))
		return true;
	for (size_t i = macro->params; i < macro->params_end; i++) {
		const struct uk_token *param = at(macro, i);
		if (param->kind == UK_TOKEN_NAME && param->len == token->len &&
		    !memcmp(param->text, token->text, token->len))
			return true;
	}
	return false;
}

static void add_piece(const struct macro *macro, const struct uk_token *token,
		      struct uk_strbuf *pattern)
{
	if (is_param(macro, token))
		uk_strbuf_add(pattern, &(char){ UK_PASTE_ANY }, 1);
	else
		uk_strbuf_add(pattern, token->text, token->len);
}

struct uk_error *uk_paste_patterns(const struct uk_entities *entities,
				   const struct uk_entity *entity,
				   struct uk_error *(*each)(void *ctx, const char *pattern),
				   void *ctx)
{
	struct macro macro;
	macro_init(&macro, &entities->tokens, entity);
	for (size_t i = macro.body; i + 2 < macro.end; i++) {
		if (!uk_token_is(at(&macro, i + 1), "##"))
			continue;
		uk_auto_strbuf struct uk_strbuf pattern = {};
		uk_auto_free char *text = NULL;
		add_piece(&macro, at(&macro, i), &pattern);
		while (i + 2 < macro.end && uk_token_is(at(&macro, i + 1), "##")) {
			add_piece(&macro, at(&macro, i + 2), &pattern);
			i += 2;
		}
		struct uk_error *err = uk_strbuf_finish(&pattern, &text);
		if (!err)
			err = each(ctx, text);
		if (err)
			return err;
	}
	return NULL;
}

bool uk_paste_is_param(const struct uk_entities *entities, const struct uk_entity *entity,
		       const struct uk_token *token)
{
	struct macro macro;
	macro_init(&macro, &entities->tokens, entity);
	return is_param(&macro, token);
}

static bool is_known(const struct uk_paste_pieces *pieces, const char *text, size_t len)
{
	size_t digits = 0;
	while (digits < len && isdigit((unsigned char)text[digits]))
		digits++;
	return digits == len || pieces->is_known(pieces->ctx, text, len);
}

static bool matches(const char *pattern, const char *name, const struct uk_paste_pieces *pieces)
{
	if (!*pattern)
		return !*name;
	if (*pattern != UK_PASTE_ANY)
		return *pattern == *name && matches(pattern + 1, name + 1, pieces);
	for (size_t len = 0;; len++) {
		if (matches(pattern + 1, name + len, pieces) && is_known(pieces, name, len))
			return true;
		if (!name[len])
			return false;
	}
}

/* Two or three known pieces. */
static bool composes(const char *name, const struct uk_paste_pieces *pieces)
{
	size_t len = strlen(name);
	for (size_t first = 1; first < len; first++) {
		if (!is_known(pieces, name, first))
			continue;
		if (is_known(pieces, name + first, len - first))
			return true;
		for (size_t second = 1; first + second < len; second++) {
			if (is_known(pieces, name + first, second) &&
			    is_known(pieces, name + first + second, len - first - second))
				return true;
		}
	}
	return false;
}

bool uk_paste_matches(const char *pattern, const char *name,
		      const struct uk_paste_pieces *pieces)
{
	bool generic = !pattern[strspn(pattern, (char[]){ UK_PASTE_ANY, '\0' })];
	return generic ? composes(name, pieces) : matches(pattern, name, pieces);
}
