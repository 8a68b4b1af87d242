/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that lie in memory and would be gone with the old kernel: packed into an archive (pax,
 * by libarchive) with owners, modes, times, links and nodes.
 */
#ifndef UPKEEP_REPLACE_CARRY_H
#define UPKEEP_REPLACE_CARRY_H

#include "base/error.h"

#include <stddef.h>

/*
 * Packs @paths, relative to @root, with the folders above them (but not what else is in those)
 * and all below them on the same file system, into a new file @archive, for root alone. A path
 * that ends with a slash means that folder alone, "." all of @root. Sockets are left out: whoever
 * listens there makes them again.
 */
struct uk_error *uk_carry_pack(const char *root, const char *const *paths, size_t nr,
			       const char *archive) uk_must_check;

/* Lays it out below @root. Files that are there stay as they are; folders get owner and mode. */
struct uk_error *uk_carry_unpack(const char *archive, const char *root) uk_must_check;

#endif
