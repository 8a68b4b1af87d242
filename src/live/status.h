/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a status. Private to this room. */
#ifndef UPKEEP_LIVE_STATUS_H
#define UPKEEP_LIVE_STATUS_H

#include "live/live.h"

void uk_live_function_deinit(struct uk_live_function *function);
void uk_live_update_deinit(struct uk_live_update *update);

/* The update of exactly that id, or NULL. Borrowed. */
const struct uk_live_update *uk_live_status_get(const struct uk_live_status *status,
						const char *id);

#endif
