// SPDX-License-Identifier: GPL-2.0-or-later
/* The nops that the x86 kernel writes. */
#include "match/nops.h"

#include "base/bytes.h"

enum { NOP_MAX = 11, INT3 = 0xcc, JMP8 = 0xeb, JMP32 = 0xe9, JMP8_LEN = 2, JMP32_LEN = 5 };

/* By length; the longer ones came with 6.5. */
static const uint8_t nops[NOP_MAX + 1][NOP_MAX] = {
	[1] = { 0x90 },
	[2] = { 0x66, 0x90 },
	[3] = { 0x0f, 0x1f, 0x00 },
	[4] = { 0x0f, 0x1f, 0x40, 0x00 },
	[5] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 },
	[6] = { 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 },
	[7] = { 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00 },
	[8] = { 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
	[9] = { 0x2e, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
	[10] = { 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
	[11] = { 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
};

size_t uk_nop_len(const uint8_t *code, size_t max)
{
	for (size_t len = max < NOP_MAX ? max : NOP_MAX; len; len--)
		if (!memcmp(code, nops[len], len))
			return len;
	return 0;
}

static bool jumps_over(const uint8_t *code, size_t len)
{
	size_t used;
	if (len >= JMP8_LEN && code[0] == JMP8 && code[1] == len - JMP8_LEN && code[1] < 0x80)
		used = JMP8_LEN;
	else if (len >= JMP32_LEN && code[0] == JMP32 && uk_get_u32(code + 1) == len - JMP32_LEN)
		used = JMP32_LEN;
	else
		return false;
	for (; used < len; used++)
		if (code[used] != INT3)
			return false;
	return true;
}

bool uk_nops_fill(const uint8_t *code, size_t len, bool jump)
{
	for (size_t at = 0; at < len;) {
		size_t nop = uk_nop_len(code + at, len - at);
		if (!nop)
			return jump && jumps_over(code + at, len - at);
		at += nop;
	}
	return true;
}
