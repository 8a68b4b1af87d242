/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes a cgroup has, or a tree of processes. Private to this room. */
#ifndef UPKEEP_REPLACE_MEMBERS_H
#define UPKEEP_REPLACE_MEMBERS_H

#include "base/error.h"
#include "replace/task.h"

/* Where cgroup2 is mounted; UK_ERR_REFUSED if it is not. */
struct uk_error *uk_members_find_top(const struct uk_host_paths *paths, char **ret) uk_must_check;

/* The cgroup of a unit by its folder's name, below @top; NULL when it has none. */
struct uk_error *uk_members_find_cgroup(const char *top, const char *unit,
					char **ret) uk_must_check;

/* All processes of a cgroup and of those below it; of @root and all below it. In no order. */
struct uk_error *uk_members_of_cgroup(const struct uk_host_paths *paths, const char *cgroup,
				      uk_pids *ret) uk_must_check;
struct uk_error *uk_members_of_tree(const struct uk_host_paths *paths, pid_t root,
				    uk_pids *ret) uk_must_check;

#endif
