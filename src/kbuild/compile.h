/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiling single units of a view, straight from the compiler: objtool is not run. */
#ifndef UPKEEP_KBUILD_COMPILE_H
#define UPKEEP_KBUILD_COMPILE_H

#include "kbuild/view.h"

enum uk_variant {
	UK_VARIANT_PLAIN, /* exactly the kernel's command line: for matching */
	UK_VARIANT_SPLIT, /* + -ffunction-sections -fdata-sections: for the diff */
};

struct uk_compile_job {
	const struct uk_view *view; /* borrowed, as is unit */
	const struct uk_unit *unit; /* of that view */
	enum uk_variant variant;
	/* Results: */
	char *object;	/* path in the cache, never to be written to; owned by the caller */
	bool own_lines; /* #line directives did not compile: line numbers are the patched ones */
};

/*
 * Compiles all jobs, as many at once as the tree says, what is in the cache not again.
 * The first failure ends it, with the compiler's own words; what was compiled stays
 * cached. DWARF is there when the configuration has it.
 */
struct uk_error *uk_compile_all(struct uk_compile_job *jobs, size_t nr,
				const struct uk_sink *sink) uk_must_check;

#endif
