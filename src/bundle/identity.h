/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The id of an update: a number over everything that decides what it contains. */
#ifndef UPKEEP_BUNDLE_IDENTITY_H
#define UPKEEP_BUNDLE_IDENTITY_H

#include "base/error.h"

#include <stddef.h>

enum { UK_UPDATE_ID_LEN = 16 };

/* Everything is borrowed; strings may be NULL, which differs from "". */
struct uk_update_identity {
	const char *release, *version, *build_id, *compiler;
	const char *const *patches; /* texts, in the order in which they are applied */
	size_t nr_patches;
	const char *const *after; /* ids, oldest first */
	size_t nr_after;
	const char *const *accepted; /* names of findings, in any order */
	size_t nr_accepted;
};

/*
 * The first 16 hex digits of SHA-256 over the identity and this version of upkeep. It is
 * known before anything is compiled, for the names of the part modules contain it.
 */
struct uk_error *uk_update_id(const struct uk_update_identity *identity,
			      char ret[UK_UPDATE_ID_LEN + 1]) uk_must_check;

#endif
