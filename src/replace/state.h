/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far the new kernel's side of a swap is, in memory (UK_RESUME_STATE): for whoever goes on if
 * the program that restores dies or overruns its time.
 *
 *	plan.json	the plan, with what is not in the sealed one: sockets of stand-ins, troubles
 *	begun		from now on a kept process may have run again, or left traces on a disk
 *	restored/NAME	the service with that folder of images is restored and runs
 */
#ifndef UPKEEP_REPLACE_STATE_H
#define UPKEEP_REPLACE_STATE_H

#include "base/error.h"
#include "replace/plan.h"

#include <stdbool.h>

/* Also again, in the place of an earlier one. */
struct uk_error *uk_state_write_plan(const struct uk_plan *plan) uk_must_check;
/* An error where none was written. @ret needs uk_plan_deinit(), also after an error. */
struct uk_error *uk_state_read_plan(struct uk_plan *ret) uk_must_check;

/* Where no plan holds: that nothing was restored is all that there is to report. */
struct uk_error *uk_state_empty_plan(const char *id, struct uk_plan *ret) uk_must_check;

struct uk_error *uk_state_begin(void) uk_must_check;
bool uk_state_has_begun(void);

/* May be called from several threads. */
struct uk_error *uk_state_note_restored(const struct uk_plan_service *service) uk_must_check;
bool uk_state_is_restored(const struct uk_plan_service *service);

/* The swap is over. */
void uk_state_remove(void);

#endif
