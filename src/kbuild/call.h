/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of macros (or functions: tokens do not tell) and the parameters of macros. */
#ifndef UPKEEP_KBUILD_CALL_H
#define UPKEEP_KBUILD_CALL_H

#include "kbuild/token.h"

enum { UK_CALL_ARGS = 64 };

/* The parameter list of a function-like macro, as tokens. */
struct uk_call_params {
	bool is_function;
	size_t nr; /* the last takes all that is over, whether it has "..." or not */
	size_t names[UK_CALL_ARGS]; /* the token of each; that of "..." for __VA_ARGS__ */
};

struct uk_call_arg {
	size_t first, end; /* tokens */
};

struct uk_call {
	size_t name; /* the token in front of the bracket */
	size_t nr;   /* of arguments; more than UK_CALL_ARGS are taken as one with the last */
	struct uk_call_arg args[UK_CALL_ARGS];
};

/* Reads "( a , b , ... )" from the first token on; the index of the token behind it. */
size_t uk_call_read_params(const struct uk_tokens *tokens, struct uk_call_params *ret);

/* The index of the parameter that a name is, or -1. */
int uk_call_param(const struct uk_tokens *tokens, const struct uk_call_params *params,
		  const struct uk_token *name);

/* Calls @each for every NAME(...) among the tokens, also for those inside arguments. */
void uk_call_each(const struct uk_tokens *tokens, size_t first, size_t end,
		  void (*each)(void *ctx, const struct uk_tokens *tokens,
			       const struct uk_call *call),
		  void *ctx);

#endif
