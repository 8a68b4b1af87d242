/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sites: the places of an object that the kernel is known to rewrite, at boot or later.
 *
 * The objects are raw compiler output (not run through objtool), so sites come from the
 * sections that the assembler code itself makes (.altinstructions, __jump_table, ...) and
 * from the symbols of relocations (returns, retpolines, static calls, fentry).
 */
#ifndef UPKEEP_MATCH_SITES_H
#define UPKEEP_MATCH_SITES_H

#include "base/error.h"
#include "base/vec.h"
#include "elf/object.h"

#include <stdbool.h>
#include <stdint.h>

enum uk_site_class {
	UK_SITE_FENTRY,
	UK_SITE_RETURN,
	UK_SITE_RETPOLINE,
	UK_SITE_ALTERNATIVE,
	UK_SITE_PARAVIRT,
	UK_SITE_JUMP_LABEL,
	UK_SITE_STATIC_CALL,
	UK_SITE_TRAMPOLINE, /* of a static call */
	UK_SITE_LOCK,
	UK_SITE_ENDBR,
	UK_SITE_RUNTIME_PTR,
	UK_SITE_RUNTIME_SHIFT,
	UK_SITE_CALL_PADDING, /* call depth: nops before a function */
	UK_SITE_CALL,	      /* call depth: a direct call that enters through the padding */
	UK_SITE_FTRACE_CALL,  /* ftrace's own call to the tracer */
	UK_SITE_CLASSES,
};

const char *uk_site_class_name(enum uk_site_class class);

#endif
