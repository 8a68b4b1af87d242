/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a status. Private to this room. */
#ifndef UPKEEP_LIVE_STATUS_H
#define UPKEEP_LIVE_STATUS_H

#include "live/live.h"

void uk_live_function_deinit(struct uk_live_function *function);
void uk_live_update_deinit(struct uk_live_update *update);

/* Adds a function to a report; its strings are copied. */
struct uk_error *uk_report_add_function(struct uk_live_report *report,
					const struct uk_live_function *function) uk_must_check;

/* The update of exactly that id, or NULL. Borrowed. */
const struct uk_live_update *uk_live_status_get(const struct uk_live_status *status,
						const char *id);

#endif
