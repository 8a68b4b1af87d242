/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of many units a changed header most likely changes: a guess, to look at them first. */
#ifndef UPKEEP_KBUILD_LIKELY_H
#define UPKEEP_KBUILD_LIKELY_H

#include "kbuild/taint.h"
#include "kbuild/touched.h"

/*
 * Sorts: first those that hold a changed type themselves (not a pointer to one) or use
 * what is tainted, and among equals the small ones. *nr is how many have anything in them
 * that speaks for a change. @units exist in @view; the taint was spread.
 */
struct uk_error *uk_likely_sort(const struct uk_view *view, struct uk_taint *taint,
				struct uk_touched *units, size_t *nr) uk_must_check;

#endif
