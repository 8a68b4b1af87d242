// SPDX-License-Identifier: GPL-2.0-or-later
/* The GNU build id in a run of ELF notes. */
#include "match/note.h"

#include "base/bytes.h"

#include <elf.h>

static struct uk_error *to_hex(const uint8_t *bytes, size_t len, char **ret)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(len * 2 + 1);
	if (!text)
		return uk_error_nomem();
	for (size_t i = 0; i < len; i++) {
		text[i * 2] = digits[bytes[i] >> 4];
		text[i * 2 + 1] = digits[bytes[i] & 15];
	}
	text[len * 2] = '\0';
	*ret = text;
	return NULL;
}

static uint64_t align4(uint64_t value)
{
	return (value + 3) & ~(uint64_t)3;
}

struct uk_error *uk_note_build_id(const void *notes, size_t len, char **ret)
{
	*ret = NULL;
	for (uint64_t at = 0; uk_range_ok(at, 12, len);) {
		const uint8_t *note = (const uint8_t *)notes + at;
		uint64_t name_len = uk_get_u32(note), desc_len = uk_get_u32(note + 4);
		uint64_t size = 12 + align4(name_len) + desc_len;
		if (!uk_range_ok(at, size, len))
			break;
		if (uk_get_u32(note + 8) == NT_GNU_BUILD_ID && name_len == 4 && desc_len &&
		    !memcmp(note + 12, "GNU", 4))
			return to_hex(note + 16, desc_len, ret);
		at += align4(size);
	}
	return NULL;
}
