/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linking kernel modules the way that kbuild does. */
#ifndef UPKEEP_KBUILD_LINK_H
#define UPKEEP_KBUILD_LINK_H

#include "kbuild/tree.h"

/*
 * Links relocatable objects to module @name (letters, digits, _) at @out: objects -> one
 * object -> objtool with this kernel's flags for modules -> with struct module, modinfo
 * (license GPL, vermagic, name) and __versions -> .ko without debug info. Undefined
 * symbols stay undefined. init_module and cleanup_module are called if the objects define
 * them. __versions has module_layout alone, if the kernel has CONFIG_MODVERSIONS: the symbols
 * are given addresses before the module is loaded. The same objects give the same bytes.
 * What objtool says of the code is a refusal if it is an error; warnings go to @sink.
 */
struct uk_error *uk_link_module(const struct uk_tree *tree, const char *name,
				const char *const *objects, size_t nr, const char *out,
				const struct uk_sink *sink) uk_must_check;

/*
 * Compiles all .c files of @source as the kernel's own module upkeep and links it to @out.
 * @include is the folder of <upkeep/abi.h>. The same sources give the same bytes wherever
 * they lie.
 */
struct uk_error *uk_link_core(const struct uk_tree *tree, const char *source, const char *include,
			      const char *out, const struct uk_sink *sink) uk_must_check;

#endif
