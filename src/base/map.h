/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hash maps from a byte string to a 64-bit value. Keys are copied. The value holds
 * a number or a pointer (which the map does not own).
 * Iteration is in order of insertion, so that output does not depend on hashing.
 */
#ifndef UPKEEP_BASE_MAP_H
#define UPKEEP_BASE_MAP_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uk_map_entry {
	char *key; /* NUL-terminated behind its length */
	size_t key_len;
	union {
		uint64_t num;
		void *ptr;
	};
};

struct uk_map {
	struct uk_map_entry *entries; /* in order of insertion */
	size_t len, cap;
	uint32_t *slots; /* index + 1 into entries, 0 is free */
	size_t nr_slots;
};

void uk_map_deinit(struct uk_map *map);
#define uk_auto_map uk_cleanup(uk_map_deinit)

/*
 * The entry of a key, made with value 0 when it is new; NULL without memory.
 * Valid until the next insertion. @added_ret may be NULL.
 */
struct uk_map_entry *uk_map_insert(struct uk_map *map, const void *key, size_t len,
				   bool *added_ret) uk_must_check;
struct uk_map_entry *uk_map_find(const struct uk_map *map, const void *key, size_t len);

/* The same for C strings and for numbers. */
struct uk_map_entry *uk_map_insert_str(struct uk_map *map, const char *key,
				       bool *added_ret) uk_must_check;
struct uk_map_entry *uk_map_find_str(const struct uk_map *map, const char *key);
struct uk_map_entry *uk_map_insert_num(struct uk_map *map, uint64_t key,
				       bool *added_ret) uk_must_check;
struct uk_map_entry *uk_map_find_num(const struct uk_map *map, uint64_t key);

#define uk_map_for_each(entry, map)                                                                \
	for (struct uk_map_entry *entry = (map)->entries;                                          \
	     entry && entry < (map)->entries + (map)->len; entry++)

#endif
