/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state that the steps of uk_create() hand on; private to this room. */
#ifndef UPKEEP_CREATE_WORK_H
#define UPKEEP_CREATE_WORK_H

#include "create/create.h"

#include "diff/diff.h"
#include "kbuild/compile.h"
#include "kbuild/link.h"
#include "kbuild/patch.h"
#include "kbuild/touched.h"
#include "kbuild/tree.h"
#include "kbuild/view.h"

/* A touched unit that exists in both views or only in the patched one. */
struct uk_pair {
	const struct uk_touched *touched;
	char *orig, *patched, *plain; /* paths of compiled objects; NULL: not compiled */
	struct uk_object *carried;    /* what goes into the part, or NULL */
	UK_VEC(char *) gone;	      /* global functions and data that it no longer has */
	unsigned int number;	      /* in update->objects, once it is known to change */
};

struct uk_work {
	const struct uk_create_options *options;
	struct uk_create_report *report;
	const struct uk_sink *sink;

	struct uk_secret_key *key; /* or NULL */
	struct uk_cache *cache;
	struct uk_tree *tree;
	char *folder; /* for this run's files */
	char *packed; /* the bundle, in that folder */

	UK_VEC(struct uk_bundle *) after;
	struct uk_patch *patch;
	UK_VEC(struct uk_patch *) patches; /* of the updates before */
	UK_VEC(struct uk_view *) views;	   /* each lies on the one before it */

	struct uk_touched_list *touched;
	UK_VEC(struct uk_pair) pairs;

	struct uk_update *update; /* owned by the report */
	UK_VEC(struct uk_member) members;
};

/* source.c: the tree, the patch, the views. */
struct uk_error *uk_work_open_tree(struct uk_work *work) uk_must_check;
struct uk_error *uk_work_open_views(struct uk_work *work) uk_must_check;
/* The source as it is / with the updates before / with the patch as well. */
static inline struct uk_view *uk_work_base(const struct uk_work *work)
{
	return work->views.data[0];
}
static inline struct uk_view *uk_work_orig(const struct uk_work *work)
{
	return work->views.data[work->views.len - 2];
}
static inline struct uk_view *uk_work_patched(const struct uk_work *work)
{
	return work->views.data[work->views.len - 1];
}

/* image.c: what the kernel's own image says of itself. */
struct uk_error *uk_work_read_build_id(struct uk_work *work) uk_must_check;

/* create.c: releases what comparing units has added. */
void uk_work_drop_pairs(struct uk_work *work);

/* changes.c: what the patch touches, compiled and compared. */
struct uk_error *uk_work_find_units(struct uk_work *work) uk_must_check;
struct uk_error *uk_work_compile(struct uk_work *work) uk_must_check;
struct uk_error *uk_work_compare(struct uk_work *work) uk_must_check;

/* findings.c: what only a person can judge. */
struct uk_error *uk_work_add_finding(struct uk_work *work,
				     struct uk_finding *finding) uk_must_check;
struct uk_error *uk_work_compare_types(struct uk_work *work) uk_must_check;
/* UK_ERR_REFUSED unless all findings were accepted; @more is said at the end. */
struct uk_error *uk_work_refuse_findings(const struct uk_work *work,
					 const char *more) uk_must_check;
struct uk_error *uk_work_judge(struct uk_work *work) uk_must_check;

/* trial.c: a struct uk_touched_trial; @ctx is the work. */
struct uk_error *uk_work_try_units(void *ctx, const struct uk_touched *units, size_t nr,
				   size_t of) uk_must_check;

/* parts.c: the modules and everything else that goes into the bundle. */
struct uk_error *uk_work_link_parts(struct uk_work *work) uk_must_check;
struct uk_error *uk_work_pack(struct uk_work *work) uk_must_check;
/* Adds a member; takes @data. */
struct uk_error *uk_work_add_member(struct uk_work *work, const char *name, char *data,
				    size_t len) uk_must_check;

/* core.c: upkeep.ko for this kernel. */
struct uk_error *uk_work_link_core(struct uk_work *work) uk_must_check;

/* verify.c: the finished update against the kernel's own image, then to where it is wanted. */
struct uk_error *uk_work_verify(struct uk_work *work) uk_must_check;
struct uk_error *uk_work_deliver(struct uk_work *work) uk_must_check;

#endif
