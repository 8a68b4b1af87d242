/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of physical memory, and where in them something has room. */
#ifndef UPKEEP_REPLACE_RAM_H
#define UPKEEP_REPLACE_RAM_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

/* [start, end), in bytes. */
struct uk_ram_piece {
	uint64_t start, end;
};

/* Ascending, and none overlaps another. Released by uk_vec_deinit(). */
struct uk_ram {
	UK_VEC(struct uk_ram_piece) pieces;
};

/* A line of /proc/iomem that tells of memory of the kernel's, not of what is inside of that. */
bool uk_ram_parse_line(const char *line, struct uk_ram_piece *ret);

/* All of them. @iomem is the text of /proc/iomem. */
struct uk_error *uk_ram_parse(const char *iomem, struct uk_ram *ret) uk_must_check;

/* Only what lies in @other as well stays. */
struct uk_error *uk_ram_intersect(struct uk_ram *ram, const struct uk_ram *other) uk_must_check;

/* Puts [start, start + len) in; what of it is there already is fine. */
struct uk_error *uk_ram_add(struct uk_ram *ram, uint64_t start, uint64_t len) uk_must_check;

/* Takes [start, start + len) out of it. */
struct uk_error *uk_ram_take(struct uk_ram *ram, uint64_t start, uint64_t len) uk_must_check;

/* The highest place for @len bytes, a multiple of @align; false if there is none. */
bool uk_ram_find_high(const struct uk_ram *ram, uint64_t len, uint64_t align, uint64_t *ret);

/* How many places there are for @len bytes at multiples of @align, from address @above on. */
uint64_t uk_ram_count(const struct uk_ram *ram, uint64_t len, uint64_t align, uint64_t above);
/* The one of that number, which is less than their count; counted from below. */
uint64_t uk_ram_nth(const struct uk_ram *ram, uint64_t len, uint64_t align, uint64_t above,
		    uint64_t number);

#endif
