// SPDX-License-Identifier: GPL-2.0-or-later
/* C source as tokens. */
#include "kbuild/token.h"

#include <ctype.h>
#include <string.h>

struct scanner {
	const char *at;
	bool line_start; /* only blanks since the beginning of the line */
	bool in_directive;
	struct uk_tokens tokens;
};

void uk_tokens_deinit(struct uk_tokens *tokens)
{
	uk_vec_deinit(&tokens->all);
}

bool uk_token_is(const struct uk_token *token, const char *text)
{
	return strlen(text) == token->len && !memcmp(token->text, text, token->len);
}

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' || c == '$';
}

static bool is_name_part(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static size_t splice_len(const char *at)
{
	if (at[0] != '\\')
		return 0;
	return at[1] == '\n' ? 2 : at[1] == '\r' && at[2] == '\n' ? 3 : 0;
}

static const char *skip_line_comment(const char *at)
{
	while (*at && *at != '\n') {
		size_t splice = splice_len(at);
		at += splice ? splice : 1;
	}
	return at;
}

static const char *skip_block_comment(const char *at)
{
	const char *end = strstr(at + 2, "*/");
	return end ? end + 2 : at + strlen(at);
}

/* Blanks, comments and spliced lines; stops at a newline. */
static const char *skip_blanks(const char *at)
{
	for (;;) {
		size_t splice = splice_len(at);
		if (splice)
			at += splice;
		else if (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\f' || *at == '\v')
			at++;
		else if (at[0] == '/' && at[1] == '*')
			at = skip_block_comment(at);
		else if (at[0] == '/' && at[1] == '/')
			at = skip_line_comment(at);
		else
			return at;
	}
}

/* A constant in quotes; an open one ends with its line (text of #error, assembly). */
static const char *skip_quoted(const char *at)
{
	char quote = *at++;
	while (*at && *at != quote && *at != '\n')
		at += *at == '\\' && at[1] ? 2 : 1;
	return *at == quote ? at + 1 : at;
}

/* A preprocessing number: 0x1fUL, 1.5e+3. */
static const char *skip_number(const char *at)
{
	while (is_name_part(*at) || *at == '.' ||
	       ((*at == '+' || *at == '-') && strchr("eEpP", at[-1])))
		at++;
	return at;
}

static bool push(struct scanner *scanner, enum uk_token_kind kind, const char *end)
{
	struct uk_token token = {
		.kind = kind,
		.text = scanner->at,
		.len = (uint32_t)(end - scanner->at),
	};
	scanner->at = end;
	scanner->line_start = false;
	return uk_vec_push(&scanner->tokens.all, token);
}

static bool take_newline(struct scanner *scanner)
{
	bool ok = true;
	if (scanner->in_directive)
		ok = push(scanner, UK_TOKEN_NEWLINE, scanner->at + 1);
	else
		scanner->at++;
	scanner->in_directive = false;
	scanner->line_start = true;
	return ok;
}

static bool take_token(struct scanner *scanner)
{
	const char *at = scanner->at;
	if (*at == '\n')
		return take_newline(scanner);
	if (*at == '#' && scanner->line_start) {
		scanner->in_directive = true;
		return push(scanner, UK_TOKEN_HASH, at + 1);
	}
	if (is_name_start(*at)) {
		while (is_name_part(*at))
			at++;
		return push(scanner, UK_TOKEN_NAME, at);
	}
	if (isdigit((unsigned char)*at) || (*at == '.' && isdigit((unsigned char)at[1])))
		return push(scanner, UK_TOKEN_NUMBER, skip_number(at + 1));
	if (*at == '"' || *at == '\'')
		return push(scanner, UK_TOKEN_STRING, skip_quoted(at));
	return push(scanner, UK_TOKEN_PUNCT, at + (at[0] == '#' && at[1] == '#' ? 2 : 1));
}

struct uk_error *uk_tokens_scan(const char *text, struct uk_tokens *ret)
{
	struct scanner scanner = { .at = text, .line_start = true };
	bool ok = true;
	while (ok) {
		scanner.at = skip_blanks(scanner.at);
		if (!*scanner.at)
			break;
		ok = take_token(&scanner);
	}
	/* A directive in the last line ends too. */
	if (ok && scanner.in_directive)
		ok = push(&scanner, UK_TOKEN_NEWLINE, scanner.at);
	if (!ok) {
		uk_tokens_deinit(&scanner.tokens);
		return uk_error_nomem();
	}
	*ret = scanner.tokens;
	return NULL;
}

bool uk_token_is_tag_word(const struct uk_token *token)
{
	return uk_token_is(token, "struct") || uk_token_is(token, "union") ||
	       uk_token_is(token, "enum");
}
