// SPDX-License-Identifier: GPL-2.0-or-later
/* Bytes as lower-case hexadecimal text and back. */
#include "bundle/record.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

struct uk_error *uk_hex_encode(const uint8_t *bytes, size_t len, char **ret)
{
	char *text = malloc(2 * len + 1);
	if (!text)
		return uk_error_nomem();
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * len] = '\0';
	*ret = text;
	return NULL;
}

/* The value of a digit, or -1. */
static int digit_value(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

bool uk_hex_decode(const char *text, uint8_t *ret, size_t len)
{
	if (strlen(text) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = digit_value(text[2 * i]);
		int low = digit_value(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
