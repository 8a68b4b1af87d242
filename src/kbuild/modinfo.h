/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What modpost adds to a module: who it is, for which kernel, where it begins. */
#ifndef UPKEEP_KBUILD_MODINFO_H
#define UPKEEP_KBUILD_MODINFO_H

#include "kbuild/tree.h"

struct uk_modinfo {
	const char *name;	 /* the module's */
	bool has_init, has_exit; /* init_module and cleanup_module are called */
	bool has_license;	 /* it says its license itself; else GPL */
};

/*
 * Makes the object at @out; @dir is a folder for temporary files. But for its name it is the same
 * for all parts of updates of a kernel: so it is compiled once and kept in the cache with a
 * stand-in for the name.
 */
struct uk_error *uk_modinfo_make(const struct uk_tree *tree, const struct uk_modinfo *info,
				 const char *dir, const char *out) uk_must_check;

#endif
