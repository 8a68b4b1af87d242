/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys that sign updates: ed25519 by libsodium.
 *
 * Both files are two lines of text: a header that says what it is, and base64. A secret
 * key file belongs to its owner alone (mode 0600 or stricter), or it is refused. A public
 * key is trusted when its file, named *.pub, lies in the folder of trusted keys.
 */
#ifndef UPKEEP_BUNDLE_KEYS_H
#define UPKEEP_BUNDLE_KEYS_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UK_TRUSTED_DIR UPKEEP_SYSCONFDIR "/trusted.d"

enum {
	UK_KEY_ID_LEN = 16, /* hex digits: the first 8 bytes of SHA-256 of the public key */
	UK_PUBLIC_KEY_LEN = 32,
	UK_SIGNATURE_LEN = 64,
};

struct uk_public_key {
	uint8_t bytes[UK_PUBLIC_KEY_LEN];
	char id[UK_KEY_ID_LEN + 1];
	char *path; /* the file that it came from */
};

/* The keys of one folder. */
struct uk_trust {
	UK_VEC(struct uk_public_key) keys; /* in order of file names */
};

struct uk_secret_key;

/*
 * Makes a pair of keys and writes both files; neither may exist. @id_ret (may be NULL)
 * gets the id.
 */
struct uk_error *uk_key_generate(const char *secret_path, const char *public_path,
				 char id_ret[UK_KEY_ID_LEN + 1]) uk_must_check;

/* Reads a secret key; refuses a file that others than its owner may read or write. */
struct uk_error *uk_secret_key_load(const char *path, struct uk_secret_key **ret) uk_must_check;
const char *uk_secret_key_id(const struct uk_secret_key *key);
/* Signs. The same message gives the same signature. */
void uk_secret_key_sign(const struct uk_secret_key *key, const void *message, size_t len,
			uint8_t ret[UK_SIGNATURE_LEN]);
/* Wipes and frees. */
void uk_secret_key_destroy(struct uk_secret_key *key);
UK_DEFINE_CLEANUP(secret_key, struct uk_secret_key *, uk_secret_key_destroy)
#define uk_auto_secret_key uk_cleanup(uk_cleanup_secret_key)

/* Reads one public key file. Release it with uk_public_key_deinit(). */
struct uk_error *uk_public_key_load(const char *path, struct uk_public_key *ret) uk_must_check;
void uk_public_key_deinit(struct uk_public_key *key);
bool uk_public_key_verify(const struct uk_public_key *key, const void *message, size_t len,
			  const uint8_t signature[UK_SIGNATURE_LEN]);

/*
 * Reads every *.pub of a folder (NULL: UK_TRUSTED_DIR). A missing folder holds no keys; a
 * file that is not a key, or that others than root and its owner may write, is an error.
 */
struct uk_error *uk_trust_load(const char *dir, struct uk_trust *ret) uk_must_check;
const struct uk_public_key *uk_trust_find(const struct uk_trust *trust, const char *id);
void uk_trust_deinit(struct uk_trust *trust);
#define uk_auto_trust uk_cleanup(uk_trust_deinit)

#endif
