/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replacing the kernel under running services: checkpoint, kexec, restore.
 *
 * This is what the old kernel does; src/init and resume.h are what the new one does.
 */
#ifndef UPKEEP_REPLACE_REPLACE_H
#define UPKEEP_REPLACE_REPLACE_H

#include "base/error.h"
#include "base/progress.h"
#include "base/vec.h"
#include "replace/jump.h"
#include "replace/preflight.h"

#include <stdbool.h>
#include <stdint.h>

struct uk_replace_options {
	const char *release;	 /* of the new kernel, which is installed: "6.12.107+deb12-amd64" */
	const char *const *keep; /* see keep.h */
	size_t nr_keep;
	const char *const *without; /* of those: what is left out, and starts afresh */
	size_t nr_without;
	const char *const *accept; /* findings of the preflight: ids, or rules for all of theirs */
	size_t nr_accept;
	unsigned int limit; /* seconds that the new kernel has to restore services */
	bool way_home;	    /* the next boot restores them if the new kernel does not */
	enum uk_store_kind store;
	enum uk_jump_unpack unpack;
	bool dry_run; /* everything up to the freeze, and back */
	const struct uk_sink *sink;
};

struct uk_replace_phase {
	const char *name; /* static */
	uint64_t ns;
};

struct uk_replace_report {
	char *id;
	struct uk_preflight preflight;
	UK_VEC(struct uk_replace_phase) phases; /* also those before an error */
};

void uk_replace_report_deinit(struct uk_replace_report *report);
#define uk_auto_replace_report uk_cleanup(uk_replace_report_deinit)

/*
 * Does not return if it goes well, but for a dry run. UK_ERR_REFUSED while the preflight finds
 * something impossible that is not accepted. After an error everything runs on as before: services
 * thaw, the gate is open, nothing is loaded, nothing is left on the disk.
 * @report needs uk_replace_report_deinit(), also after an error.
 */
struct uk_error *uk_replace_run(const struct uk_replace_options *options,
				struct uk_replace_report *report) uk_must_check;

#endif
