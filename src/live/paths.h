/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of the running kernel and of our own state. Private to this room. */
#ifndef UPKEEP_LIVE_PATHS_H
#define UPKEEP_LIVE_PATHS_H

#include "base/error.h"
#include "live/live.h"

/* @paths, or the usual ones for NULL. */
const struct uk_live_paths *uk_live_paths_get(const struct uk_live_paths *paths);

/* A small file as text without the newline at its end. */
struct uk_error *uk_live_read_line(char **ret, const char *fmt, ...) uk_printf(2, 3) uk_must_check;

#endif
