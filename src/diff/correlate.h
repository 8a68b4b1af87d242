/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entity of the one object is which of the other. */
#ifndef UPKEEP_DIFF_CORRELATE_H
#define UPKEEP_DIFF_CORRELATE_H

#include "diff/model.h"

/*
 * Gives entities of both models their twins: by name, and where the compiler numbers its
 * names (foo.isra.0, count.7, __UNIQUE_ID_x12) by the name without numbers, the content and
 * the order in which twin functions use them. An entity whose twin cannot be told is not
 * settled and names its rival.
 */
struct uk_error *uk_correlate(struct uk_model *orig, struct uk_model *patched) uk_must_check;

/* The name without the numbers that the compiler puts in; caller frees. */
struct uk_error *uk_name_base(const char *name, char **ret) uk_must_check;

#endif
