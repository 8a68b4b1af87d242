/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A service's view of the file tree: the mount namespace that its unit gave it (PrivateTmp=,
 * ProtectSystem=, ...). It is written down as a list of mounts and made again in the new kernel;
 * criu then runs inside of it, for the dump and for the restore, and so takes it for the
 * one that everybody has. Mounts that show parts of the host's file systems are told by
 * where the host has them, not by what they are.
 */
#ifndef UPKEEP_REPLACE_VIEW_H
#define UPKEEP_REPLACE_VIEW_H

#include "base/error.h"
#include "base/progress.h"
#include "replace/disk.h"
#include "replace/plan.h"
#include "replace/task.h"

/*
 * The host's mounts that have to be there before anything is restored and that systemd takes as it
 * finds them: kernel file systems, those in memory, parts of @disks (binds). The disks
 * themselves are left out, for init mounts them.
 */
struct uk_error *uk_view_list_host(const uk_mounts *host, const uk_disks *disks,
				   uk_plan_mounts *ret) uk_must_check;

/*
 * The view of @task, whose mounts are known; empty if it has the host's namespace. Archives are
 * named PREFIX-N.tar. UK_ERR_REFUSED where a mount cannot be made again: names it.
 */
struct uk_error *uk_view_list(const struct uk_task *task, const uk_mounts *host, const char *prefix,
			      uk_plan_mounts *ret) uk_must_check;

/*
 * Packs what is in memory, and only in this view, into its archives in @dir. Process @pid lives in
 * the view, and is stopped by now.
 */
struct uk_error *uk_view_pack(const uk_plan_mounts *view, pid_t pid, const char *dir) uk_must_check;

/* Makes the host's mounts; one that is there stays, one that cannot be is a remark. */
void uk_view_mount_host(const uk_plan_mounts *mounts, const struct uk_sink *sink);

/*
 * Puts the calling process, which is to execute something else, into a new mount namespace
 * with this view. @dir is where the archives are; @scratch an empty folder of a file system in
 * memory.
 */
struct uk_error *uk_view_enter(const uk_plan_mounts *view, const char *dir,
			       const char *scratch) uk_must_check;

/*
 * Whether a mount of @mounts lies under another one, so that nobody sees it: what was mounted on
 * the host later comes into a view where systemd has covered the folder above (ProtectHome= and
 * /run/user).
 */
bool uk_view_is_hidden(const uk_mounts *mounts, const struct uk_mount *mount);

/*
 * Of file systems by their type. What the kernel itself fills: a new mount shows the same. What is
 * in memory. What is mounted when somebody looks, or stands for something else.
 */
bool uk_view_is_kernels(const char *type);
bool uk_view_is_memory(const char *type);
bool uk_view_is_left_out(const char *type);

/* Makes mount @root the root of the calling process's mount namespace, which is its own. */
struct uk_error *uk_view_move_into(const char *root) uk_must_check;

#endif
