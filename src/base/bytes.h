/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Little-endian numbers in byte strings, and whether a range lies in another. */
#ifndef UPKEEP_BASE_BYTES_H
#define UPKEEP_BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t uk_get_u16(const void *at)
{
	uint16_t value;
	memcpy(&value, at, sizeof(value));
	return le16toh(value);
}

static inline uint32_t uk_get_u32(const void *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static inline int32_t uk_get_s32(const void *at)
{
	return (int32_t)uk_get_u32(at);
}

static inline uint64_t uk_get_u64(const void *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

static inline void uk_put_u32(void *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static inline void uk_put_u64(void *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

/* Whether [offset, offset + len) lies within [0, size), without overflow. */
static inline bool uk_range_ok(uint64_t offset, uint64_t len, uint64_t size)
{
	return offset <= size && len <= size - offset;
}

#endif
