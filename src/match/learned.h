/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What matched code says of the symbols of other objects: addresses by name. Each target has
 * names of its own, for every module has a __this_module.
 */
#ifndef UPKEEP_MATCH_LEARNED_H
#define UPKEEP_MATCH_LEARNED_H

#include "base/map.h"

struct uk_learned {
	struct uk_map names;
};

void uk_learned_deinit(struct uk_learned *learned);

/* @target is "vmlinux" or a module's name. NULL: nothing is known. */
const struct uk_map_entry *uk_learned_find(const struct uk_learned *learned, const char *target,
					   const char *name);
struct uk_error *uk_learned_set(struct uk_learned *learned, const char *target, const char *name,
				uint64_t address) uk_must_check;

#endif
