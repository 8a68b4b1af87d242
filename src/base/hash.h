/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256 (FIPS 180-4, by libsodium) of byte strings, as lower-case hexadecimal text. */
#ifndef UPKEEP_BASE_HASH_H
#define UPKEEP_BASE_HASH_H

#include <sodium/crypto_hash_sha256.h>
#include <stddef.h>

#define UK_HASH_HEX_LEN 64

struct uk_hash {
	crypto_hash_sha256_state state;
};

void uk_hash_init(struct uk_hash *hash);
void uk_hash_add(struct uk_hash *hash, const void *bytes, size_t len);
/* Adds a C string with its terminating NUL, so that neighbours do not run together. */
void uk_hash_addstr(struct uk_hash *hash, const char *text);
void uk_hash_hex(struct uk_hash *hash, char ret[UK_HASH_HEX_LEN + 1]);

#endif
