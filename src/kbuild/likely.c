// SPDX-License-Identifier: GPL-2.0-or-later
/* Guessing by the sources' own words. */
#include "kbuild/likely.h"

#include "kbuild/token.h"

#include <string.h>

enum {
	MENTIONS_THAT_COUNT = 7,
	WORTH_OF_HIT = 8,
	WORTH_OF_VALUE = 16, /* its size is in the code */
};

struct rank {
	struct uk_touched unit;
	unsigned int worth;
	size_t len; /* of its source */
};

static int compare_ranks(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;
	if (x->worth != y->worth)
		return x->worth < y->worth ? 1 : -1;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return strcmp(x->unit.patched->object, y->unit.patched->object);
}

/* `struct foo bar`, `sizeof(struct foo)`: neither `struct foo *bar` nor `struct foo;`. */
static bool is_value(const struct uk_tokens *tokens, size_t i)
{
	const struct uk_token *next = i + 1 < tokens->all.len ? &tokens->all.data[i + 1] : NULL;
	return next && (next->kind == UK_TOKEN_NAME || uk_token_is(next, ")"));
}

static unsigned int worth_of_types(const struct uk_taint *taint, const struct uk_tokens *tokens)
{
	unsigned int mentions = 0;
	bool value = false;
	for (size_t i = 0; i < tokens->all.len; i++) {
		const struct uk_token *token = &tokens->all.data[i];
		bool tag = i && uk_token_is_tag_word(token - 1);
		if (token->kind != UK_TOKEN_NAME || !uk_taint_is_type(taint, token, tag))
			continue;
		mentions += mentions < MENTIONS_THAT_COUNT;
		value |= is_value(tokens, i);
	}
	return mentions + (value ? WORTH_OF_VALUE : 0);
}

static struct uk_error *find_rank(const struct uk_view *view, struct uk_taint *taint,
				  struct rank *rank)
{
	uk_auto_free char *text = NULL;
	uk_auto_tokens struct uk_tokens tokens = {};
	const char *source = rank->unit.patched->source, *reason;
	bool hit;
	struct uk_error *err = uk_view_read(view, source, &text, &rank->len);
	if (err || !text)
		return err;
	err = uk_tokens_scan(text, &tokens);
	if (!err)
		err = uk_taint_hits_source(taint, source, &hit, &reason);
	if (!err)
		rank->worth = worth_of_types(taint, &tokens) + (hit ? WORTH_OF_HIT : 0);
	return err;
}

struct uk_error *uk_likely_sort(const struct uk_view *view, struct uk_taint *taint,
				struct uk_touched *units, size_t *nr)
{
	uk_auto_free struct rank *ranks = calloc(*nr + 1, sizeof(*ranks));
	if (!ranks)
		return uk_error_nomem();
	for (size_t i = 0; i < *nr; i++) {
		ranks[i].unit = units[i];
		struct uk_error *err = find_rank(view, taint, &ranks[i]);
		if (err)
			return err;
	}
	if (*nr)
		qsort(ranks, *nr, sizeof(*ranks), compare_ranks);
	size_t kept = 0;
	for (size_t i = 0; i < *nr; i++) {
		units[i] = ranks[i].unit;
		kept += ranks[i].worth > 0;
	}
	*nr = kept;
	return NULL;
}
