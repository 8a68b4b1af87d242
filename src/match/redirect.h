/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a redirect can stand in a function: UK_REDIRECT_LEN bytes behind the ftrace site, or at
 * the entry of a function without one, that nothing rewrites later, nobody else holds and
 * nothing jumps into.
 *
 * If the code there begins with a jump label, the kernel makes it a nop or a jump as it
 * likes. Then the redirect is two jumps, behind the nop and where the label's jump leads to: the
 * state is that of the entry in both places, and who enters the function comes to one of them.
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
