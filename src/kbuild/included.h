/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The .c files that other files include, by name. Hardly any unit is made from the .c file of
 * another one; what a tree's units include is asked once and kept beside the tree, so that a
 * patch of a .c file that nobody includes needs no look at the whole tree.
 */
#ifndef UPKEEP_KBUILD_INCLUDED_H
#define UPKEEP_KBUILD_INCLUDED_H

#include "base/map.h"
#include "kbuild/view.h"

struct uk_included {
	struct uk_map names; /* "body.c", without folders, of every #include that could be met */
	bool complete;	     /* false: some unit's source could not be read, so nothing is known */
};

/* @view is a tree as it is, without a patch. */
struct uk_error *uk_included_load(const struct uk_view *view,
				  struct uk_included *ret) uk_must_check;
void uk_included_deinit(struct uk_included *included);
#define uk_auto_included uk_cleanup(uk_included_deinit)

/* Whether some file may include a file of such a path. */
bool uk_included_has(const struct uk_included *included, const char *path);

#endif
