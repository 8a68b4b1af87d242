/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /dev/upkeep: requests to the core (upkeep/abi.h). Private to this room. */
#ifndef UPKEEP_LIVE_DEVICE_H
#define UPKEEP_LIVE_DEVICE_H

#include "base/error.h"
#include "live/live.h"
#include "live/request.h"

#include <upkeep/abi.h>

/* Opens the device and makes sure that the core speaks our language. */
struct uk_error *uk_device_open(const struct uk_live_paths *paths, int *fd_ret,
				struct upkeep_info *info_ret) uk_must_check;

/*
 * Each tries until it is done, refused for good, or tasks still block after
 * options->wait_ms; figures and blockers go to the report.
 */
struct uk_error *uk_device_apply(int fd, const char *id, const struct uk_request *request,
				 const struct uk_live_options *options,
				 struct uk_live_report *report) uk_must_check;
struct uk_error *uk_device_undo(int fd, const char *id, const struct uk_live_options *options,
				struct uk_live_report *report) uk_must_check;

#endif
