/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patches: unified diffs (also git's), parsed, put in one form, applied strictly. */
#ifndef UPKEEP_KBUILD_PATCH_H
#define UPKEEP_KBUILD_PATCH_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>

/* The most that a patch may have, in bytes. */
enum { UK_PATCH_LIMIT = 16 << 20 };

enum uk_patch_change {
	UK_PATCH_MODIFIED,
	UK_PATCH_CREATED,
	UK_PATCH_DELETED,
	UK_PATCH_RENAMED, /* perhaps with hunks */
};

struct uk_patch_line {
	char kind;	 /* ' ', '-' or '+' */
	char *text;	 /* without the newline */
	bool no_newline; /* the file ends behind this line without one */
};

struct uk_patch_hunk {
	size_t old_line, old_count, new_line, new_count; /* as in its @@ line */
	UK_VEC(struct uk_patch_line) lines;
};

struct uk_patch_file {
	enum uk_patch_change change;
	char *old_path; /* from the root of the tree; NULL when CREATED */
	char *path;	/* the new path; the old one when DELETED */
	UK_VEC(struct uk_patch_hunk) hunks;
};

struct uk_patch {
	char *name;			    /* for messages */
	UK_VEC(struct uk_patch_file) files; /* in the patch's order; a path may come again */
	char *text; /* canonical: the diffs alone, re-written; parses to the same patch */
};

/*
 * Parses a unified diff or what git format-patch prints, with one leading folder in its
 * paths (-p1). Refused: nothing in it, paths that leave the tree, binary changes,
 * changes of a link or of a submodule, more than 16 MiB. @name is for messages, copied.
 */
struct uk_error *uk_patch_parse(const char *text, size_t len, const char *name,
				struct uk_patch **ret) uk_must_check;

/* Several files, one after the other, as one patch. */
struct uk_error *uk_patch_load(const char *const *paths, size_t nr,
			       struct uk_patch **ret) uk_must_check;

/* The difference of two trees (only files that @orig or @patched have as source). */
struct uk_error *uk_patch_diff(const char *orig, const char *patched,
			       struct uk_patch **ret) uk_must_check;

/* What `git diff RANGE` says in the work tree or repository @dir. */
struct uk_error *uk_patch_git(const char *dir, const char *range,
			      struct uk_patch **ret) uk_must_check;

/* Leaves out the files whose path @drop says true for; UK_ERR_NOTHING if none is left. */
struct uk_error *uk_patch_drop(struct uk_patch *patch,
			       bool (*drop)(const char *path)) uk_must_check;

void uk_patch_destroy(struct uk_patch *patch);
UK_DEFINE_CLEANUP(patch, struct uk_patch *, uk_patch_destroy)
#define uk_auto_patch uk_cleanup(uk_cleanup_patch)

#endif
