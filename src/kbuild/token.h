/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C source as tokens, before preprocessing: comments and spliced lines are gone. */
#ifndef UPKEEP_KBUILD_TOKEN_H
#define UPKEEP_KBUILD_TOKEN_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum uk_token_kind {
	UK_TOKEN_NAME,
	UK_TOKEN_NUMBER,
	UK_TOKEN_STRING,  /* with its quotes; characters too */
	UK_TOKEN_PUNCT,	  /* one character, or ## */
	UK_TOKEN_HASH,	  /* # at the beginning of a line: a directive */
	UK_TOKEN_NEWLINE, /* the end of a directive */
};

struct uk_token {
	enum uk_token_kind kind;
	uint32_t len;
	const char *text; /* borrowed from the source */
};

struct uk_tokens {
	UK_VEC(struct uk_token) all;
};

/* @text is NUL-terminated and borrowed for the life of the tokens. */
struct uk_error *uk_tokens_scan(const char *text, struct uk_tokens *ret) uk_must_check;
void uk_tokens_deinit(struct uk_tokens *tokens);
#define uk_auto_tokens uk_cleanup(uk_tokens_deinit)

bool uk_token_is(const struct uk_token *token, const char *text);
/* struct, union or enum. */
bool uk_token_is_tag_word(const struct uk_token *token);

#endif
