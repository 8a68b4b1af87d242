/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * To what the loaded modules of an update were linked: a hash in <run>/upkeep/ID.links, so
 * that after an undo they are taken again only while every address still holds. Private.
 */
#ifndef UPKEEP_LIVE_LINKS_H
#define UPKEEP_LIVE_LINKS_H

#include "base/error.h"
#include "live/live.h"
#include "match/match.h"

#include <stdbool.h>

struct uk_error *uk_links_save(const struct uk_live_paths *paths, const struct uk_update *update,
			       const struct uk_match *match) uk_must_check;
/* False also when nothing is known. */
struct uk_error *uk_links_compare(const struct uk_live_paths *paths, const struct uk_update *update,
				  const struct uk_match *match, bool *same_ret) uk_must_check;
struct uk_error *uk_links_remove(const struct uk_live_paths *paths, const char *id) uk_must_check;

#endif
