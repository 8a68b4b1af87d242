/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room know of a view. */
#ifndef UPKEEP_KBUILD_VIEW_PRIVATE_H
#define UPKEEP_KBUILD_VIEW_PRIVATE_H

#include "base/hash.h"
#include "kbuild/overlay.h"
#include "kbuild/text.h"
#include "kbuild/view.h"

struct uk_view_file {
	struct uk_text *text; /* NULL: there is no such file in the view */
	bool generated;	      /* by the build, out of patched files */
};

struct uk_view {
	const struct uk_tree *tree;
	const struct uk_view *below; /* NULL: this is the tree as it is */
	struct uk_map files;	     /* path -> struct uk_view_file *, those unlike the tree's */
	char *work;
	struct uk_overlay numbered, plain;
	struct uk_units *units; /* when they are unlike those below */
	char id[UK_HASH_HEX_LEN + 1];
};

/* The view's own idea of a file, or NULL when it is the tree's. */
const struct uk_view_file *uk_view_file(const struct uk_view *view, const char *path);

/* Puts a file (NULL: its absence) into a view that is being made. Takes @text. */
struct uk_error *uk_view_set(struct uk_view *view, const char *path, struct uk_text *text,
			     bool generated) uk_must_check;

/* Writes the view's files to WORK/@name; *dir_ret is that folder, owned by the caller. */
struct uk_error *uk_view_write(const struct uk_view *view, const char *name, bool numbered,
			       char **dir_ret) uk_must_check;

#endif
