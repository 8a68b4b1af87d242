/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiling a source of ours as part of a kernel module. */
#ifndef UPKEEP_KBUILD_MODULE_COMMAND_H
#define UPKEEP_KBUILD_MODULE_COMMAND_H

#include "kbuild/tree.h"

struct uk_module_source {
	const char *module;	       /* the module's name */
	const char *base;	       /* KBUILD_BASENAME */
	const char *source;	       /* path of the .c file */
	const char *out;	       /* path of the object */
	const char *include;	       /* one more folder of headers, or NULL */
	const char *map_from, *map_to; /* how paths below a folder are shown */
};

/* With the kernel's own flags for modules. Errors carry the compiler's words. */
struct uk_error *uk_module_compile(const struct uk_tree *tree,
				   const struct uk_module_source *source) uk_must_check;

#endif
