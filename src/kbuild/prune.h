/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a preprocessed source can become code: the rest is left out of a comparison. */
#ifndef UPKEEP_KBUILD_PRUNE_H
#define UPKEEP_KBUILD_PRUNE_H

#include "base/error.h"
#include "base/hash.h"

#include <stdbool.h>

/*
 * A hash of the functions and variables that @text (preprocessed C, NUL-terminated)
 * defines, and of every declaration, type and inline function that those use, directly
 * or through others. Two texts with the same hash compile to the same code. With @whole
 * nothing is left out (for assembly).
 */
struct uk_error *uk_prune_hash(const char *text, bool whole,
			       char ret[UK_HASH_HEX_LEN + 1]) uk_must_check;

#endif
