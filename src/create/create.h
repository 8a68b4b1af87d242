/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source and patch in, a signed update out: what `upkeep create` does. */
#ifndef UPKEEP_CREATE_CREATE_H
#define UPKEEP_CREATE_CREATE_H

#include "base/error.h"
#include "base/progress.h"
#include "base/vec.h"
#include "bundle/bundle.h"
#include "bundle/update.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Everything is borrowed; what is not needed is NULL or 0. */
struct uk_create_options {
	/* The kernel: one of the distribution, or a tree of one's own. */
	const char *release;
	const char *source, *config;

	/* What changes: exactly one of these three. */
	const char *const *patches; /* files, applied one after the other */
	size_t nr_patches;
	const char *patched; /* an edited tree beside the original (--source, or the release's) */
	const char *git_dir, *git_range; /* what `git diff RANGE` says in that repository */

	const char *const *after; /* bundles that are applied before, oldest first */
	size_t nr_after;
	const struct uk_trust_policy *trust; /* for those */

	const char *const *accepted; /* names of findings that the user takes */
	size_t nr_accepted;
	const char *const *cves;
	size_t nr_cves;
	const char *description;

	const char *key;    /* path of the secret key; NULL: the update stays unsigned */
	const char *output; /* path of the .upk file; NULL: "<id>.upk" in the current folder */

	const char *cache;   /* root of the cache; NULL: the usual one */
	const char *kmod;    /* folder of the core module's source */
	const char *include; /* folder of <upkeep/abi.h> */
	unsigned int jobs;   /* 0: as many as there are processors */
	bool keep;	     /* leave the work folder and name it in the report */
	const struct uk_sink *sink;
};

/* A step and what it took. */
struct uk_create_phase {
	const char *name; /* static */
	uint64_t ns;
};

/* Filled as far as things went, also when an error is returned. */
struct uk_create_report {
	char *output;		  /* path of the bundle, when it was written */
	char *work;		  /* path of the work folder, when it was kept */
	struct uk_update *update; /* the model, with all findings */
	size_t units;		  /* compilation units that the patch can affect */
	size_t changed_units;	  /* of them, those whose code or data differs */
	UK_VEC(struct uk_create_phase) phases;
};

void uk_create_report_deinit(struct uk_create_report *report);
#define uk_auto_create_report uk_cleanup(uk_create_report_deinit)

/*
 * Makes an update. UK_ERR_REFUSED when it cannot be made of this patch or when findings
 * were not accepted (all are in report->update->findings); UK_ERR_NOTHING when the patch
 * changes neither code nor data of this kernel; UK_ERR_INVALID for a patch that does not
 * parse or does not compile. The report is zeroed by the caller before.
 */
struct uk_error *uk_create(const struct uk_create_options *options,
			   struct uk_create_report *report) uk_must_check;

#endif
