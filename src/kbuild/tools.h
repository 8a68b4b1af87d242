/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to be installed here to build with a kernel's tree. */
#ifndef UPKEEP_KBUILD_TOOLS_H
#define UPKEEP_KBUILD_TOOLS_H

#include "base/error.h"

#include <stdbool.h>

/*
 * Whether the programs and headers are there, before anything is fetched: UK_ERR_SYSTEM
 * names all that are not, each with its package. @own: for a tree of the user's own.
 */
struct uk_error *uk_tools_check(bool own) uk_must_check;

/*
 * Whether the compiler that is called @cc is the one of which --version said @wanted:
 * UK_ERR_SYSTEM names the package, with its version where @wanted tells.
 */
struct uk_error *uk_tools_check_compiler(const char *cc, const char *wanted) uk_must_check;

/* Whether @needed bytes are free where @path is: UK_ERR_SYSTEM says how many are. */
struct uk_error *uk_tools_check_space(const char *path, unsigned long long needed) uk_must_check;

#endif
