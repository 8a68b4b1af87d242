/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A view of a tree: the tree as it is, or with patches applied. The tree is not changed:
 * what differs lies in a folder of its own and is laid over the tree, at the same path,
 * in a mount namespace that only the processes of this view see.
 *
 * So that a changed line number alone changes no code, #line directives give every
 * unchanged line of a patched .c or .h file the number that it has in the view below
 * (bug tables, might_sleep and the like keep their bytes).
 */
#ifndef UPKEEP_KBUILD_VIEW_H
#define UPKEEP_KBUILD_VIEW_H

#include "kbuild/patch.h"
#include "kbuild/tree.h"

struct uk_view;

/* The tree as it is. @tree is borrowed for the life of the view. */
struct uk_error *uk_view_plain(const struct uk_tree *tree, struct uk_view **ret) uk_must_check;

/*
 * @below with @patch applied on top. @below is borrowed for the life of the view. @work is
 * a folder for this view's files, made if need be, which the caller removes when the view
 * is closed. Refused (UK_ERR_REFUSED) when a hunk does not fit; the message names patch,
 * file, hunk and the line that was expected.
 */
struct uk_error *uk_view_patched(const struct uk_view *below, const struct uk_patch *patch,
				 const char *work, struct uk_view **ret) uk_must_check;

void uk_view_close(struct uk_view *view);
UK_DEFINE_CLEANUP(view, struct uk_view *, uk_view_close)
#define uk_auto_view uk_cleanup(uk_cleanup_view)

const struct uk_tree *uk_view_tree(const struct uk_view *view);
/* The units of the view: those of the tree unless a patch changes makefiles. */
const struct uk_units *uk_view_units(const struct uk_view *view);
/* Hash of tree and patched files: equal views give equal objects. */
const char *uk_view_id(const struct uk_view *view);

/*
 * The text of a file of the view (real text, without #line). *ret is NULL when there is
 * none; else owned by the caller.
 */
struct uk_error *uk_view_read(const struct uk_view *view, const char *path, char **ret,
			      size_t *len_ret) uk_must_check;

#endif
