/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bundle made ready for matching: its objects loaded and checked, and the names that its
 * part modules want resolved.
 */
#ifndef UPKEEP_MATCH_SUBJECT_H
#define UPKEEP_MATCH_SUBJECT_H

#include "bundle/bundle.h"
#include "match/match.h"

struct uk_subject {
	const struct uk_bundle *bundle; /* borrowed */
	const struct uk_update *update; /* of the bundle */
	/* By number of object, entries of prev may be NULL; by number of part. Owned. */
	UK_VEC(struct uk_object *) plain, prev, parts;
	UK_VEC(bool) skip;	      /* by number of part: left out, its target is not there */
	UK_VEC(const char *) symbols; /* for uk_match_request.symbols; borrowed from parts */
	UK_VEC(const char *) taken;   /* and .taken */
};

/*
 * Loads the objects and part modules of a bundle. @skip (or NULL) says by number which parts
 * are left out.
 */
struct uk_error *uk_subject_load(const struct uk_bundle *bundle, const bool *skip,
				 struct uk_subject **ret) uk_must_check;
void uk_subject_destroy(struct uk_subject *subject);
UK_DEFINE_CLEANUP(subject, struct uk_subject *, uk_subject_destroy)
#define uk_auto_subject uk_cleanup(uk_cleanup_subject)

/* Fills those fields of a request that come from the subject; the others stay as they are. */
void uk_subject_fill(const struct uk_subject *subject, struct uk_match_request *request);

/*
 * Matches against a kernel image, in which only vmlinux is to be seen: parts for modules are
 * left out (*left_out_ret, may be NULL, counts them).
 */
struct uk_error *uk_subject_match_image(const struct uk_bundle *bundle, const char *image,
					size_t *left_out_ret, struct uk_match **ret) uk_must_check;

#endif
