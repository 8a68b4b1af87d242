/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services whose processes are no tree: a daemon that left its parent beside the one that started
 * it, as tmux in a login session does.
 *
 * criu dumps the tree below one process. So a process of ours is put beside them, in their cgroup,
 * and criu takes it for their parent: a library that is loaded into criu (src/plugin/tree.c) shows
 * it /proc/PID/task/PID/children and the line PPid: of /proc/PID/status so. criu restores it above
 * them; it ends with criu, and they are children of process 1, like any whose parent has ended.
 */
#ifndef UPKEEP_REPLACE_GATHER_H
#define UPKEEP_REPLACE_GATHER_H

#include "base/error.h"
#include "replace/keep.h"

/* The variable that tells the library: "PARENT CHILD CHILD ...". */
#define UK_GATHER_VARIABLE "UPKEEP_TREE"

/* Those of its processes that are nobody's child among them. */
struct uk_error *uk_gather_tops(const struct uk_service *service, uk_pids *ret) uk_must_check;

/* Whether it could be done: not in namespaces of its own, nor without a cgroup of its own. */
bool uk_gather_is_possible(const struct uk_service *service);

/* Starts that process, to stand beside process @beside. It ends with the thread that calls. */
struct uk_error *uk_gather_start(pid_t beside, pid_t *ret) uk_must_check;
/* Ends it and waits for that; nothing if it is not a child of the calling process, or has ended. */
void uk_gather_end(pid_t pid);

/* The text of the variable. */
struct uk_error *uk_gather_text(pid_t parent, const uk_pids *tops, char **ret) uk_must_check;

#endif
