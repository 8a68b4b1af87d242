/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hash of a file of a swap, under the key of that swap: who has not got the key cannot change
 * the file so that the hash still holds. It is keyed BLAKE2b (32 bytes) of the hashes of the file's
 * chunks, one behind the other; these are SipHash-2-4 with 16 bytes, a MAC as well (libsodium's
 * crypto_shorthash_siphashx24, https://www.aumasson.jp/siphash/siphash.pdf). The size, which tells
 * how many chunks there are, stands beside it in the plan.
 *
 * A whole memory goes through this before services go on: SipHash takes less time than a hash that
 * has to hold without a key, and chunks can be hashed by many processors at a time.
 */
#ifndef UPKEEP_REPLACE_DIGEST_H
#define UPKEEP_REPLACE_DIGEST_H

#include "base/error.h"

#include <sodium/crypto_generichash.h>
#include <sodium/crypto_shorthash_siphash24.h>
#include <stddef.h>
#include <stdint.h>

enum {
	UK_DIGEST_SECRET = 32, /* bytes of the swap's key */
	UK_DIGEST_LEN = 32,
	UK_DIGEST_HEX = 2 * UK_DIGEST_LEN + 1,
	UK_DIGEST_CHUNK = 16 << 10, /* bytes */
};

/* Both come from the swap's key: see uk_digest_key_derive(). */
struct uk_digest_key {
	uint8_t chunk[crypto_shorthash_siphashx24_KEYBYTES];
	uint8_t whole[crypto_generichash_KEYBYTES];
};

/* Keyed BLAKE2b of "upkeep files" under @secret, first the chunks' key, then that of the whole. */
void uk_digest_key_derive(const uint8_t secret[UK_DIGEST_SECRET], struct uk_digest_key *ret);

/* Of what is written, as it is written. */
struct uk_digest {
	uint8_t key[crypto_shorthash_siphashx24_KEYBYTES];
	crypto_generichash_state whole;
	uint8_t chunk[UK_DIGEST_CHUNK];
	size_t in_chunk;
};

void uk_digest_init(struct uk_digest *digest, const struct uk_digest_key *key);
void uk_digest_add(struct uk_digest *digest, const void *data, size_t len);
void uk_digest_finish(struct uk_digest *digest, char ret[UK_DIGEST_HEX]);

/* Of a file that is there, which no link leads to; with its size. */
struct uk_error *uk_digest_file(const char *path, const struct uk_digest_key *key,
				uint64_t *size_ret, char ret[UK_DIGEST_HEX]) uk_must_check;

#endif
