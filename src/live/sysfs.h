/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /sys/kernel/upkeep: what the core says. Private to this room. */
#ifndef UPKEEP_LIVE_SYSFS_H
#define UPKEEP_LIVE_SYSFS_H

#include "base/error.h"
#include "live/live.h"

/* Fills the core's fields and the applied updates, oldest first. @status is zeroed. */
struct uk_error *uk_sysfs_read(const struct uk_live_paths *paths,
			       struct uk_live_status *status) uk_must_check;

#endif
