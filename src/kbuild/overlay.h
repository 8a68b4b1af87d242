/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folders laid over a tree, at the tree's own path, seen by one process and its children
 * only; where overlays cannot be had, a copy out of hard links stands in.
 */
#ifndef UPKEEP_KBUILD_OVERLAY_H
#define UPKEEP_KBUILD_OVERLAY_H

#include "base/error.h"

#include <stdbool.h>

struct uk_overlay {
	char *dir;     /* where a process that entered it works */
	char *options; /* of the overlay mount; NULL: a copy, or nothing is laid over */
	bool own_user; /* with a user namespace, for who is not root */
};

/*
 * Lays @upper over @tree. With @work NULL what the processes see is not to be written to;
 * else what they write goes to WORK/upper. @copy is the folder for the copy when overlays
 * cannot be had; it is made then only.
 */
struct uk_error *uk_overlay_init(struct uk_overlay *overlay, const char *tree, const char *upper,
				 const char *work, const char *copy) uk_must_check;
/* The tree as it is. */
struct uk_error *uk_overlay_none(struct uk_overlay *overlay, const char *tree) uk_must_check;
void uk_overlay_deinit(struct uk_overlay *overlay);

/*
 * For uk_process.in_child, with the overlay as its argument: enters it and its folder. On
 * failure says why on standard error and ends the child with status 126.
 */
void uk_overlay_enter(void *overlay);

/* A file that is deleted in the upper folder: a character device 0:0. */
struct uk_error *uk_overlay_whiteout(const char *path) uk_must_check;
bool uk_overlay_is_whiteout(const char *path);

#endif
