/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which units a patch can affect: never one too few, and as few as can be told cheaply. */
#ifndef UPKEEP_KBUILD_TOUCHED_H
#define UPKEEP_KBUILD_TOUCHED_H

#include "kbuild/view.h"

struct uk_touched {
	const struct uk_unit *orig;    /* of the view below; NULL: a new unit */
	const struct uk_unit *patched; /* of the patched view; NULL: the patch removes it */
	char *reason; /* "fs/namei.c is patched", "uses FOO of include/linux/foo.h" */
};

struct uk_touched_list {
	UK_VEC(struct uk_touched) all; /* sorted by object */
};

/*
 * Asked when many units may be touched and finding out which ones takes long: @units, a
 * few of about @of, are touched for certain. An error ends the search.
 */
struct uk_touched_trial {
	struct uk_error *(*run)(void *ctx, const struct uk_touched *units, size_t nr, size_t of);
	void *ctx;
};

/*
 * Compares the views: units whose source is patched, whose command changes, that are new
 * or go away, and, for changed headers, those whose code can change. Units of both views
 * stay borrowed. An empty list is not an error. Refused when the patch touches a file
 * whose part in the build is not known (named in the message). @trial may be NULL.
 */
struct uk_error *uk_touched_find(const struct uk_view *orig, const struct uk_view *patched,
				 const struct uk_touched_trial *trial,
				 struct uk_touched_list **ret) uk_must_check;
void uk_touched_list_destroy(struct uk_touched_list *list);
UK_DEFINE_CLEANUP(touched_list, struct uk_touched_list *, uk_touched_list_destroy)
#define uk_auto_touched_list uk_cleanup(uk_cleanup_touched_list)

#endif
