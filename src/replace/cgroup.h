/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control groups, version 2, below /sys/fs/cgroup. Paths are those of /proc/PID/cgroup. */
#ifndef UPKEEP_REPLACE_CGROUP_H
#define UPKEEP_REPLACE_CGROUP_H

#include "base/error.h"

#include <stdbool.h>

/* Mounts cgroup2 as systemd does, unless something is mounted there. */
struct uk_error *uk_cgroup_mount(void) uk_must_check;

/* Makes it and those above; it may be there. */
struct uk_error *uk_cgroup_make(const char *path) uk_must_check;

/* Moves the calling process. Safe between fork and exec. */
bool uk_cgroup_enter(const char *path) uk_must_check;

/* Sends a signal to each process in it and below; those that ended meanwhile are no error. */
struct uk_error *uk_cgroup_signal(const char *path, int signal) uk_must_check;

#endif
