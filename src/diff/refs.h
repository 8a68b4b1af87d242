/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the entities of a model refer to, and which table entries belong to them. */
#ifndef UPKEEP_DIFF_REFS_H
#define UPKEEP_DIFF_REFS_H

#include "diff/model.h"

/* Fills refs, entries, users and marks of all entities. The code is decoded. */
struct uk_error *uk_model_add_refs(struct uk_model *model) uk_must_check;

#endif
