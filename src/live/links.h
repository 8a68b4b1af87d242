/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * To what the loaded modules of an update were linked, in <run>/upkeep/ID.links:
 *
 *	a hash over every address, so that after an undo they are taken again only while
 *	all of them still hold;
 *	a line "MODULE NUMBER" for each target module with whose jump labels or static calls
 *	the kernel has entangled the new code: once that module has gone, unloading the new
 *	code would follow pointers into freed memory.
 *
 * Private to this room.
 */
#ifndef UPKEEP_LIVE_LINKS_H
#define UPKEEP_LIVE_LINKS_H

#include "base/error.h"
#include "live/live.h"
#include "match/match.h"

#include <stdbool.h>

struct uk_parts;

struct uk_error *uk_links_save(const struct uk_parts *parts,
			       const struct uk_match *match) uk_must_check;
/* Whether they are linked to the addresses of this match. False also when nothing is known. */
struct uk_error *uk_links_compare(const struct uk_parts *parts, const struct uk_match *match,
				  bool *same_ret) uk_must_check;
/* UK_ERR_REFUSED when they can never be unloaded. */
struct uk_error *uk_links_check_purge(const struct uk_live_paths *paths,
				      const char *id) uk_must_check;
struct uk_error *uk_links_remove(const struct uk_live_paths *paths, const char *id) uk_must_check;

#endif
