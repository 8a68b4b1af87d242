/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part modules of an update: in which order, loading, where their code is. Private. */
#ifndef UPKEEP_LIVE_PARTS_H
#define UPKEEP_LIVE_PARTS_H

#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"
#include "base/fault.h"
#include "live/live.h"
#include "match/match.h"
#include "match/subject.h"

#include <stdbool.h>
#include <stdint.h>

struct uk_part {
	unsigned int number;		    /* in update->parts */
	const struct uk_update_part *model; /* borrowed */
	const struct uk_object *object;	    /* borrowed */
	bool ours;			    /* loaded by this process */
	struct uk_map sections;		    /* of the loaded module: name -> address */
};

struct uk_parts {
	const struct uk_live_paths *paths;
	const struct uk_bundle *bundle;
	UK_VEC(struct uk_part) parts; /* in the order in which they are loaded */
	struct uk_map symbols;	      /* names that parts want -> addresses */
};

/*
 * Puts the parts in order: vmlinux first, and each behind those whose new symbols it uses.
 * A circle is UK_ERR_REFUSED. Everything is borrowed; @ret is zeroed.
 */
struct uk_error *uk_parts_init(const struct uk_live_paths *paths, const struct uk_bundle *bundle,
			       const struct uk_subject *subject,
			       struct uk_parts *ret) uk_must_check;
void uk_parts_deinit(struct uk_parts *parts);

/* Loads them, resolved by the match, signed if there is a signer, one after the other. */
struct uk_error *uk_parts_load(struct uk_parts *parts, const struct uk_match *match,
			       const struct uk_signer *signer,
			       struct uk_fault *fault) uk_must_check;
/* Takes what is loaded already, if it was linked to the very addresses of this match. */
struct uk_error *uk_parts_reuse(struct uk_parts *parts, const struct uk_match *match) uk_must_check;
/* Unloads what this process loaded. Best effort: the first error of all. */
struct uk_error *uk_parts_unload(struct uk_parts *parts) uk_must_check;

/* Where @len bytes at @offset of a part's section are. */
struct uk_error *uk_parts_address(const struct uk_parts *parts, unsigned int number,
				  const char *section, uint64_t offset, uint64_t len,
				  uint64_t *ret) uk_must_check;

/* Unloads modules of which some may use others; UK_ERR_BUSY when one stays. */
struct uk_error *uk_parts_purge(const struct uk_live_paths *paths, const char *id,
				char *const *modules, size_t nr) uk_must_check;

#endif
