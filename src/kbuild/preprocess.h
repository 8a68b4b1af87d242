/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing what units are after preprocessing: a quarter of the cost of compiling them. */
#ifndef UPKEEP_KBUILD_PREPROCESS_H
#define UPKEEP_KBUILD_PREPROCESS_H

#include "kbuild/touched.h"

/*
 * Keeps, of @nr units, those whose code (see prune.h) differs between the views, and those
 * for which that cannot be told. *nr is how many are left, in the same order; the reasons
 * of the others are freed. On an error none is.
 */
struct uk_error *uk_preprocess_filter(const struct uk_view *orig, const struct uk_view *patched,
				      struct uk_touched *units, size_t *nr) uk_must_check;

#endif
