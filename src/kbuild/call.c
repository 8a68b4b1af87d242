// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls and parameter lists. */
#include "kbuild/call.h"

#include <string.h>

static bool is_punct(const struct uk_token *token, char c)
{
	return token->kind == UK_TOKEN_PUNCT && token->len == 1 && *token->text == c;
}

size_t uk_call_read_params(const struct uk_tokens *tokens, struct uk_call_params *ret)
{
	size_t i = 1;
	ret->is_function = true;
	ret->nr = 0;
	bool named = false;
	for (; i < tokens->all.len && !is_punct(&tokens->all.data[i], ')'); i++) {
		const struct uk_token *token = &tokens->all.data[i];
		if (is_punct(token, ',')) {
			named = false;
		} else if (!named && ret->nr < UK_CALL_ARGS) {
			/* "args..." has its dots behind the name, "..." has no name */
			ret->names[ret->nr++] = i;
			named = true;
		}
	}
	return i < tokens->all.len ? i + 1 : i;
}

int uk_call_param(const struct uk_tokens *tokens, const struct uk_call_params *params,
		  const struct uk_token *name)
{
	for (size_t i = 0; i < params->nr; i++) {
		const struct uk_token *param = &tokens->all.data[params->names[i]];
		if (param->len == name->len && !memcmp(param->text, name->text, name->len))
			return (int)i;
		if (is_punct(param, '.') && uk_token_is(name, "__VA_ARGS__"))
			return (int)i;
	}
	return -1;
}

/* Reads the arguments behind the bracket at @open; false when it is not closed. */
static bool read_args(const struct uk_tokens *tokens, size_t open, size_t end, struct uk_call *call)
{
	int depth = 0;
	call->nr = 1;
	call->args[0].first = open + 1;
	for (size_t i = open; i < end; i++) {
		const struct uk_token *token = &tokens->all.data[i];
		if (token->kind != UK_TOKEN_PUNCT || token->len != 1)
			continue;
		if (strchr("({[", *token->text)) {
			depth++;
		} else if (strchr(")}]", *token->text) && !--depth) {
			call->args[call->nr - 1].end = i;
			return true;
		} else if (*token->text == ',' && depth == 1 && call->nr < UK_CALL_ARGS) {
			call->args[call->nr - 1].end = i;
			call->args[call->nr++].first = i + 1;
		}
	}
	return false;
}

void uk_call_each(const struct uk_tokens *tokens, size_t first, size_t end,
		  void (*each)(void *ctx, const struct uk_tokens *tokens,
			       const struct uk_call *call),
		  void *ctx)
{
	for (size_t i = first; i + 1 < end; i++) {
		struct uk_call call = { .name = i };
		if (tokens->all.data[i].kind == UK_TOKEN_NAME &&
		    is_punct(&tokens->all.data[i + 1], '(') && read_args(tokens, i + 1, end, &call))
			each(ctx, tokens, &call);
	}
}
