/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trees of the user's own: copied into the cache, so that they are never changed. */
#ifndef UPKEEP_KBUILD_OWN_H
#define UPKEEP_KBUILD_OWN_H

#include "kbuild/tree.h"

/*
 * Names (shell patterns, ended by NULL) of what a build leaves in a tree, and of its
 * history: no source. What lies in include/generated and the like is not among them.
 */
extern const char *const uk_build_leavings[];

/*
 * Gives @tree its dir in the cache, found by what its files are (names, sizes, times), and
 * the path of its configuration, owned by the caller.
 */
struct uk_error *uk_own_identify(struct uk_tree *tree, const struct uk_tree_options *options,
				 char **config_ret) uk_must_check;
/* Copies the sources (nothing that a build left there) to tree->dir. */
struct uk_error *uk_own_copy(struct uk_tree *tree, const char *source) uk_must_check;
/* Once it is configured: its release, its version, the CRCs of its symbols if known. */
struct uk_error *uk_own_describe(struct uk_tree *tree,
				 const struct uk_tree_options *options) uk_must_check;

/* The object that exports module_layout (CONFIG_MODVERSIONS), to be built with the tree. */
#define UK_CRC_OBJECT "kernel/module/version.o"
/* Takes from it the CRC of that symbol, if it was built: tree->symvers. */
struct uk_error *uk_own_find_crc(struct uk_tree *tree) uk_must_check;

#endif
