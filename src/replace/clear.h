/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a restore that failed left of a service. */
#ifndef UPKEEP_REPLACE_CLEAR_H
#define UPKEEP_REPLACE_CLEAR_H

#include "base/error.h"
#include "replace/plan.h"

/*
 * Kills it, so that its unit can start it afresh: of a unit all of its cgroup, else its main
 * process, if that is in the cgroup it had, and all below that one.
 */
struct uk_error *uk_clear_away(const struct uk_plan_service *service) uk_must_check;

#endif
