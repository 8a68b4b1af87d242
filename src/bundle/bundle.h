/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The .upk file: an update with everything that applying it needs, signed.
 *
 * Format 1, little-endian, a header of 128 bytes and the payload:
 *
 *	  0  8  magic "\177UPKEEP\n"
 *	  8  4  format version
 *	 12  4  flags: bit 0 is set when it is signed; no other is defined
 *	 16  8  length of the payload
 *	 24  8  id of the key: the first 8 bytes of SHA-256 of the public key (unsigned: 0)
 *	 32 32  SHA-256 of the payload
 *	 64 64  ed25519 signature of bytes 0 to 63 (unsigned: 0)
 *	128     payload: tar (ustar, with pax headers where names are long) in zstd
 *
 * The tar has manifest.json first, then the members in order of their names: plain files
 * of owner 0, mode 0644, time 0. Every member is named in the manifest and the other way
 * round. The signature and the hash are checked before the payload is looked at.
 */
#ifndef UPKEEP_BUNDLE_BUNDLE_H
#define UPKEEP_BUNDLE_BUNDLE_H

#include "base/error.h"
#include "bundle/keys.h"
#include "bundle/update.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	UK_BUNDLE_FORMAT = 1,
	UK_BUNDLE_HEADER_LEN = 128,
};

/* A file in the bundle. */
struct uk_member {
	char *name;
	void *data; /* NUL-terminated behind its length in an opened bundle */
	size_t len;
};

/* Whose updates are taken. */
struct uk_trust_policy {
	const char *trusted_dir; /* NULL: UK_TRUSTED_DIR */
	/* Take also what is unsigned or signed by a key that is not in the folder. A
	 * signature by a trusted key that does not fit is refused in any case. */
	bool allow_untrusted;
};

enum uk_verdict {
	UK_VERDICT_TRUSTED, /* signed by a key of the folder */
	UK_VERDICT_UNKNOWN, /* signed by a key that is not in it: nothing was verified */
	UK_VERDICT_UNSIGNED,
};

struct uk_bundle;

/*
 * Writes a bundle. @members are exactly those that @update names, in any order; borrowed.
 * @key NULL leaves it unsigned. The same update and members give the same bytes.
 */
struct uk_error *uk_bundle_pack(const struct uk_update *update, const struct uk_member *members,
				size_t nr, const struct uk_secret_key *key,
				const char *path) uk_must_check;

/* Reads, verifies and unpacks a bundle. @policy NULL: trusted only, in the default folder. */
struct uk_error *uk_bundle_open(const char *path, const struct uk_trust_policy *policy,
				struct uk_bundle **ret) uk_must_check;
/* The same from memory; @name is for messages. @data is not needed afterwards. */
struct uk_error *uk_bundle_parse(const void *data, size_t len, const char *name,
				 const struct uk_trust_policy *policy,
				 struct uk_bundle **ret) uk_must_check;
void uk_bundle_destroy(struct uk_bundle *bundle);
UK_DEFINE_CLEANUP(bundle, struct uk_bundle *, uk_bundle_destroy)
#define uk_auto_bundle uk_cleanup(uk_cleanup_bundle)

/* All borrowed from the bundle. */
const char *uk_bundle_name(const struct uk_bundle *bundle);
const struct uk_update *uk_bundle_update(const struct uk_bundle *bundle);
enum uk_verdict uk_bundle_verdict(const struct uk_bundle *bundle);
/* 16 hex digits, or NULL when it is unsigned. */
const char *uk_bundle_key_id(const struct uk_bundle *bundle);
/* The whole file, to keep a copy of it. */
const void *uk_bundle_bytes(const struct uk_bundle *bundle, size_t *len_ret);
/* A member by its name, or NULL. One that the update names is always there. */
const struct uk_member *uk_bundle_member(const struct uk_bundle *bundle, const char *name);

#endif
