/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The payload of a bundle: a deterministic tar in zstd. Private to this room. */
#ifndef UPKEEP_BUNDLE_ARCHIVE_H
#define UPKEEP_BUNDLE_ARCHIVE_H

#include "base/error.h"
#include "base/vec.h"
#include "bundle/bundle.h"

struct uk_archive {
	UK_VEC(struct uk_member) members; /* in order of the tar; owned */
};

/* More than this is refused when a payload is unpacked. */
enum {
	UK_ARCHIVE_MEMBERS_MAX = 1 << 16,
	UK_ARCHIVE_MEMBER_MAX = 256 << 20,
	UK_ARCHIVE_TOTAL_MAX = 1 << 30,
};

/* Packs members in the given order; borrowed. Caller frees. */
struct uk_error *uk_archive_pack(const struct uk_member *const *members, size_t nr, void **ret,
				 size_t *len_ret) uk_must_check;

/* Unpacks and checks: plain files only, names well formed, no name twice, limits kept. */
struct uk_error *uk_archive_unpack(const void *data, size_t len,
				   struct uk_archive *ret) uk_must_check;

void uk_archive_deinit(struct uk_archive *archive);
#define uk_auto_archive uk_cleanup(uk_archive_deinit)

#endif
