// SPDX-License-Identifier: GPL-2.0-or-later
/* Hash maps: open addressing over an array of entries. */
#include "base/map.h"

#include "base/vec.h"

#include <string.h>

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ (offset basis and prime). */
static uint64_t hash_bytes(const void *key, size_t len)
{
	const unsigned char *bytes = key;
	uint64_t hash = 0xcbf29ce484222325;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	return hash ^ hash >> 32;
}

static size_t find_slot(const struct uk_map *map, const void *key, size_t len)
{
	size_t mask = map->nr_slots - 1;
	size_t slot = hash_bytes(key, len) & mask;
	for (; map->slots[slot]; slot = (slot + 1) & mask) {
		const struct uk_map_entry *entry = &map->entries[map->slots[slot] - 1];
		if (entry->key_len == len && !memcmp(entry->key, key, len))
			break;
	}
	return slot;
}

static bool rehash(struct uk_map *map)
{
	size_t nr_slots = map->nr_slots ? map->nr_slots * 2 : 16;
	uint32_t *slots = calloc(nr_slots, sizeof(*slots));
	if (!slots)
		return false;
	free(map->slots);
	map->slots = slots;
	map->nr_slots = nr_slots;
	for (size_t i = 0; i < map->len; i++)
		slots[find_slot(map, map->entries[i].key, map->entries[i].key_len)] =
			(uint32_t)(i + 1);
	return true;
}

struct uk_map_entry *uk_map_find(const struct uk_map *map, const void *key, size_t len)
{
	if (!map->nr_slots)
		return NULL;
	uint32_t index = map->slots[find_slot(map, key, len)];
	return index ? &map->entries[index - 1] : NULL;
}

struct uk_map_entry *uk_map_insert(struct uk_map *map, const void *key, size_t len, bool *added_ret)
{
	struct uk_map_entry *entry = uk_map_find(map, key, len);
	if (added_ret)
		*added_ret = !entry;
	if (entry)
		return entry;
	if (map->len >= UINT32_MAX - 1 || (map->len + 1) * 4 > map->nr_slots * 3) {
		if (map->len >= UINT32_MAX - 1 || !rehash(map))
			return NULL;
	}
	if (!uk_vec_grow((void **)&map->entries, &map->cap, map->len, 1, sizeof(*entry)))
		return NULL;
	char *copy = malloc(len + 1);
	if (!copy)
		return NULL;
	memcpy(copy, key, len);
	copy[len] = '\0';
	map->slots[find_slot(map, key, len)] = (uint32_t)(map->len + 1);
	entry = &map->entries[map->len++];
	*entry = (struct uk_map_entry){ .key = copy, .key_len = len };
	return entry;
}

struct uk_map_entry *uk_map_insert_str(struct uk_map *map, const char *key, bool *added_ret)
{
	return uk_map_insert(map, key, strlen(key), added_ret);
}

struct uk_map_entry *uk_map_find_str(const struct uk_map *map, const char *key)
{
	return uk_map_find(map, key, strlen(key));
}

struct uk_map_entry *uk_map_insert_num(struct uk_map *map, uint64_t key, bool *added_ret)
{
	return uk_map_insert(map, &key, sizeof(key), added_ret);
}

struct uk_map_entry *uk_map_find_num(const struct uk_map *map, uint64_t key)
{
	return uk_map_find(map, &key, sizeof(key));
}

void uk_map_deinit(struct uk_map *map)
{
	for (size_t i = 0; i < map->len; i++)
		free(map->entries[i].key);
	free(map->entries);
	free(map->slots);
	*map = (struct uk_map){};
}
