/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the applied updates made of the kernel, as the match wants to know it: from what the
 * core says and the kept bundles. Private to this room.
 */
#ifndef UPKEEP_LIVE_STACK_H
#define UPKEEP_LIVE_STACK_H

#include "base/error.h"
#include "live/live.h"
#include "match/match.h"

struct uk_stack {
	UK_VEC(struct uk_bundle *) bundles;	   /* the kept ones; they own the strings below */
	UK_VEC(struct uk_match_replaced) replaced; /* oldest first */
	UK_VEC(struct uk_match_written) written;
};

/* @status is borrowed and must outlive the stack. @ret is zeroed. */
struct uk_error *uk_stack_load(const struct uk_live_paths *paths,
			       const struct uk_live_status *status,
			       struct uk_stack *ret) uk_must_check;
void uk_stack_deinit(struct uk_stack *stack);

/*
 * UK_ERR_BUSY when an applied update was built on top of @id, and for a @purge also when one
 * is only loaded: its code refers to that of @id.
 */
struct uk_error *uk_stack_check_free(const struct uk_live_paths *paths,
				     const struct uk_live_status *status, const char *id,
				     bool purge) uk_must_check;

#endif
