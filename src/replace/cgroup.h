/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control groups, version 2, below /sys/fs/cgroup. Paths are those of /proc/PID/cgroup. */
#ifndef UPKEEP_REPLACE_CGROUP_H
#define UPKEEP_REPLACE_CGROUP_H

#include "base/error.h"
#include "replace/task.h"

#include <stdbool.h>

/* Mounts cgroup2 as systemd does, unless something is mounted there. */
struct uk_error *uk_cgroup_mount(void) uk_must_check;

/* Makes it and those above; it may be there. */
struct uk_error *uk_cgroup_make(const char *path) uk_must_check;

/* Moves the calling process. Safe between fork and exec. */
bool uk_cgroup_enter(const char *path) uk_must_check;
/* If nobody is in it. */
void uk_cgroup_remove(const char *path);
/* Puts process @pid into it. */
struct uk_error *uk_cgroup_put(const char *path, pid_t pid) uk_must_check;

/* Opens the cgroup's folder (O_DIRECTORY in @flags and "" for @file), or a file in it. */
struct uk_error *uk_cgroup_open(const char *path, const char *file, int flags,
				int *ret) uk_must_check;

/* Sends a signal to each process in it and below; those that ended meanwhile are no error. */
struct uk_error *uk_cgroup_signal(const char *path, int signal) uk_must_check;

/* systemd removes the group of a unit that has ended. */
struct uk_error *uk_cgroup_is_there(const char *path, bool *ret) uk_must_check;

/*
 * Appends the processes in it and below to @ret, which needs uk_vec_deinit(), also on error. A
 * group that is not there has none.
 */
struct uk_error *uk_cgroup_list(const char *path, uk_pids *ret) uk_must_check;

/*
 * The freezer (cgroup.freeze in cgroups' admin-guide/cgroup-v2.rst). A frozen task runs no
 * instruction of its own; its system call is interrupted, and restarted where the kernel restarts
 * it after a signal without handler. Returns when the last one is frozen; UK_ERR_REFUSED if the
 * group is removed meanwhile, UK_ERR_SYSTEM if that
 * takes longer than ten seconds. It stays frozen then, as it does when this process ends.
 */
struct uk_error *uk_cgroup_freeze(const char *path) uk_must_check;
/* One that is gone has nobody to thaw. */
struct uk_error *uk_cgroup_thaw(const char *path) uk_must_check;

/* Whether that was asked for; of this cgroup itself, not of one above. */
struct uk_error *uk_cgroup_is_frozen(const char *path, bool *ret) uk_must_check;
/*
 * Kills all that is in it and below, and waits until it is empty. A group that is not there is
 * empty. UK_ERR_SYSTEM if something does not end.
 */
struct uk_error *uk_cgroup_kill(const char *path) uk_must_check;

#endif
