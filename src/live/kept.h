/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of bundles under <state>, readable for root alone, so that what is applied can be
 * described, stacked on, and applied again. The suffix says how far things went:
 *
 *	ID.pending  about to be applied: nothing of it was ever in use
 *	ID.upk      applied (or it was, when the machine went down)
 *	ID.undone   was applied: pointers into its modules may have escaped
 *
 * Private to this room.
 */
#ifndef UPKEEP_LIVE_KEPT_H
#define UPKEEP_LIVE_KEPT_H

#include "base/error.h"
#include "live/live.h"

enum uk_kept_stage {
	UK_KEPT_NONE,
	UK_KEPT_PENDING,
	UK_KEPT_APPLIED,
	UK_KEPT_UNDONE,
};

enum uk_kept_stage uk_kept_stage(const struct uk_live_paths *paths, const char *id);

/* Writes a copy, pending, over whatever stage there is. */
struct uk_error *uk_kept_save(const struct uk_live_paths *paths,
			      const struct uk_bundle *bundle) uk_must_check;
/* Moves the copy to another stage; UK_KEPT_NONE removes it. Without a copy: nothing. */
struct uk_error *uk_kept_move(const struct uk_live_paths *paths, const char *id,
			      enum uk_kept_stage to) uk_must_check;
/* Opens the copy, whatever its stage. */
struct uk_error *uk_kept_open(const struct uk_live_paths *paths, const char *id,
			      struct uk_bundle **ret) uk_must_check;
/* Ids that have a copy, sorted, each once. uk_strv_destroy() them. */
struct uk_error *uk_kept_list(const struct uk_live_paths *paths, char ***ret,
			      size_t *nr_ret) uk_must_check;

#endif
