/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan as text. Private to this room. */
#ifndef UPKEEP_REPLACE_PLAN_JSON_H
#define UPKEEP_REPLACE_PLAN_JSON_H

#include "replace/plan.h"

/* Free the text. */
struct uk_error *uk_plan_to_json(const struct uk_plan *plan, char **ret) uk_must_check;

/*
 * UK_ERR_INVALID names the field that is missing or none. Paths stay below their folder:
 * absolute ones and ".." are refused. @ret needs uk_plan_deinit(), also after an error.
 */
struct uk_error *uk_plan_from_json(const char *text, struct uk_plan *ret) uk_must_check;

#endif
