/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One change of the running kernel at a time. Private to this room. */
#ifndef UPKEEP_LIVE_LOCK_H
#define UPKEEP_LIVE_LOCK_H

#include "base/error.h"
#include "live/live.h"

/*
 * Takes <run>/upkeep.lock, trying for @wait_ms. UK_ERR_BUSY names the process that holds it.
 * It is released by closing @ret, or by the end of the process.
 */
struct uk_error *uk_lock_take(const struct uk_live_paths *paths, unsigned int wait_ms,
			      int *ret) uk_must_check;

#endif
