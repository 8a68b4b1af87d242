/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For what fills a symbol table: its indices, once all symbols are in. */
#ifndef UPKEEP_MATCH_KALLSYMS_BUILD_H
#define UPKEEP_MATCH_KALLSYMS_BUILD_H

#include "match/kallsyms.h"

struct uk_error *uk_kallsyms_build(struct uk_kallsyms *kallsyms) uk_must_check;

#endif
