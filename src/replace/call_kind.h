/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls that do not go on as they would by themselves: see calls.h. */
#ifndef UPKEEP_REPLACE_CALL_KIND_H
#define UPKEEP_REPLACE_CALL_KIND_H

#include "base/clock.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* What the kernel makes of a call that was interrupted: include/linux/errno.h, not for programs. */
enum {
	UK_ERESTARTNOHAND = 514,
	UK_ERESTART_RESTARTBLOCK = 516,
};

/* A limit for a call that takes milliseconds: not passed early, and by one of them at most late. */
static inline int uk_call_milliseconds(uint64_t ns)
{
	uint64_t ms = ns / UK_MS_NS + (ns % UK_MS_NS != 0);
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* Where a call that gives EINTR has its time limit. */
enum uk_limit_kind {
	UK_LIMIT_NEVER, /* it has none */
	UK_LIMIT_MS,	/* milliseconds in an argument; negative for none */
	UK_LIMIT_SPEC,	/* an argument is the address of a timespec, relative; 0 for none */
	/* The same, but the kernel writes there what is left, and makes the call again: */
	UK_LIMIT_LEFT_SPEC,
	UK_LIMIT_LEFT_VAL, /* a timeval */
};

struct uk_call_kind {
	uint64_t number;
	const char *name;
	enum uk_limit_kind limit;
	int arg;
};

/* Of a call that is interrupted in one of the last two ways; NULL for any other. */
const struct uk_call_kind *uk_call_kind(uint64_t number);

/* The call is made again by the kernel. */
bool uk_call_is_repeated(const struct uk_call_kind *kind);

/* Whether this one has a limit. */
bool uk_call_is_limited(const struct uk_call_kind *kind, const uint64_t *args);

#endif
