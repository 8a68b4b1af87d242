// SPDX-License-Identifier: GPL-2.0-or-later
/* SHA-256 as text. */
#include "base/hash.h"

#include <sodium/utils.h>
#include <string.h>

void uk_hash_init(struct uk_hash *hash)
{
	crypto_hash_sha256_init(&hash->state);
}

void uk_hash_add(struct uk_hash *hash, const void *bytes, size_t len)
{
	crypto_hash_sha256_update(&hash->state, bytes, len);
}

void uk_hash_addstr(struct uk_hash *hash, const char *text)
{
	uk_hash_add(hash, text, strlen(text) + 1);
}

void uk_hash_hex(struct uk_hash *hash, char ret[UK_HASH_HEX_LEN + 1])
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_final(&hash->state, digest);
	sodium_bin2hex(ret, UK_HASH_HEX_LEN + 1, digest, sizeof(digest));
}
