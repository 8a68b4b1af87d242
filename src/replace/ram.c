// SPDX-License-Identifier: GPL-2.0-or-later
/* Pieces of physical memory. */
#include "replace/ram.h"

#include <stdio.h>
#include <string.h>

/* "100000000-23fffffff : System RAM"; what is inside of something else is indented. */
bool uk_ram_parse_line(const char *line, struct uk_ram_piece *ret)
{
	unsigned long long start, last;
	int at = 0;
	if (*line == ' ' || sscanf(line, "%llx-%llx : System RAM%n", &start, &last, &at) < 2 ||
	    !at || (line[at] && line[at] != '\n') || last <= start || last == UINT64_MAX)
		return false;
	*ret = (struct uk_ram_piece){ start, last + 1 };
	return true;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

struct uk_error *uk_ram_intersect(struct uk_ram *ram, const struct uk_ram *other)
{
	struct uk_ram both = {};
	bool room = true;
	uk_vec_for_each(one, &ram->pieces) {
		uk_vec_for_each(two, &other->pieces) {
			struct uk_ram_piece piece = { most(one->start, two->start),
						      least(one->end, two->end) };
			if (piece.start < piece.end)
				room = room && uk_vec_push(&both.pieces, piece);
		}
	}
	uk_vec_deinit(&ram->pieces);
	*ram = both;
	return room ? NULL : uk_error_nomem();
}

struct uk_error *uk_ram_take(struct uk_ram *ram, uint64_t start, uint64_t len)
{
	struct uk_ram left = {};
	bool room = true;
	uk_vec_for_each(piece, &ram->pieces) {
		struct uk_ram_piece below = { piece->start, least(piece->end, start) };
		struct uk_ram_piece above = { most(piece->start, start + len), piece->end };
		if (below.start < below.end)
			room = room && uk_vec_push(&left.pieces, below);
		if (above.start < above.end)
			room = room && uk_vec_push(&left.pieces, above);
	}
	uk_vec_deinit(&ram->pieces);
	*ram = left;
	return room ? NULL : uk_error_nomem();
}

struct uk_error *uk_ram_add(struct uk_ram *ram, uint64_t start, uint64_t len)
{
	struct uk_ram_piece piece = { start, start + len };
	struct uk_error *err = uk_ram_take(ram, start, len);
	if (err || !len)
		return err;
	if (!uk_vec_push(&ram->pieces, piece))
		return uk_error_nomem();
	size_t at = ram->pieces.len - 1;
	for (; at && ram->pieces.data[at - 1].start > start; at--)
		ram->pieces.data[at] = ram->pieces.data[at - 1];
	ram->pieces.data[at] = piece;
	return NULL;
}

struct uk_error *uk_ram_parse(const char *iomem, struct uk_ram *ret)
{
	struct uk_ram_piece piece;
	struct uk_error *err = NULL;
	for (const char *line = iomem; !err && line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (uk_ram_parse_line(line, &piece))
			err = uk_ram_add(ret, piece.start, piece.end - piece.start);
	}
	return err;
}

bool uk_ram_find_high(const struct uk_ram *ram, uint64_t len, uint64_t align, uint64_t *ret)
{
	for (size_t i = ram->pieces.len; i-- > 0;) {
		const struct uk_ram_piece *piece = &ram->pieces.data[i];
		if (piece->end < len)
			continue;
		uint64_t start = (piece->end - len) / align * align;
		if (start < piece->start)
			continue;
		*ret = start;
		return true;
	}
	return false;
}

/* How many places of a piece; the first of them. */
static uint64_t count_in(const struct uk_ram_piece *piece, uint64_t len, uint64_t align,
			 uint64_t above, uint64_t *first_ret)
{
	uint64_t first = (most(piece->start, above) + align - 1) / align * align;
	*first_ret = first;
	if (first >= piece->end || piece->end - first < len)
		return 0;
	return (piece->end - first - len) / align + 1;
}

uint64_t uk_ram_count(const struct uk_ram *ram, uint64_t len, uint64_t align, uint64_t above)
{
	uint64_t count = 0, first;
	uk_vec_for_each(piece, &ram->pieces)
		count += count_in(piece, len, align, above, &first);
	return count;
}

uint64_t uk_ram_nth(const struct uk_ram *ram, uint64_t len, uint64_t align, uint64_t above,
		    uint64_t number)
{
	uint64_t first = 0;
	uk_vec_for_each(piece, &ram->pieces) {
		uint64_t count = count_in(piece, len, align, above, &first);
		if (number < count)
			break;
		number -= count;
	}
	return first + number * align;
}
