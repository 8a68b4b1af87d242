/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Refusals of a match: what differs, where, what was expected and what was found. */
#ifndef UPKEEP_MATCH_REFUSE_H
#define UPKEEP_MATCH_REFUSE_H

#include "match/agree.h"

/* Content or uses at the only place that it could be at. */
struct uk_error *uk_refuse_place(const struct uk_placement *placement,
				 const struct uk_section *section, uint64_t base,
				 const struct uk_comparison *comparison,
				 const struct uk_dissent *dissent) uk_must_check;

/* The same for the first of @nr places of which none fits. */
struct uk_error *uk_refuse_places(const struct uk_placement *placement,
				  const struct uk_section *section, uint64_t base,
				  const struct uk_comparison *comparison,
				  const struct uk_dissent *dissent, size_t nr) uk_must_check;

/* kallsyms has no place with all symbols of a section. @missing may be NULL. */
struct uk_error *uk_refuse_symbols(const struct uk_placement *placement,
				   const struct uk_section *section,
				   const struct uk_symbol *missing) uk_must_check;

#endif
