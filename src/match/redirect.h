/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a redirect can stand in a function: UK_REDIRECT_LEN bytes behind the ftrace site, or at
 * the entry of a function without one, that nothing rewrites later, nobody else holds and
 * nothing jumps into.
 */
#ifndef UPKEEP_MATCH_REDIRECT_H
#define UPKEEP_MATCH_REDIRECT_H

#include "match/match.h"
#include "match/place.h"

/*
 * @function is defined in a compared section of the placement. Fills address, bytes and who
 * shares the site (ret->address and ret->size are set by the caller before).
 */
struct uk_error *uk_redirect_find(struct uk_placement *placement, const struct uk_symbol *function,
				  struct uk_match_function *ret) uk_must_check;

#endif
