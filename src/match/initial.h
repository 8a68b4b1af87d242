/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a pointer was when the kernel, or the module, began: orig's own value with run-time
 * addresses. One that has changed since is not the update's to write.
 */
#ifndef UPKEEP_MATCH_INITIAL_H
#define UPKEEP_MATCH_INITIAL_H

#include "match/resolve.h"

/*
 * Refuses when memory holds another value (@found) at @address than the pointer's object has for
 * it. Of a pointer to a merged string in data that was compared, the comparison has told.
 */
struct uk_error *uk_initial_check(const struct uk_match_request *request,
				  const struct uk_placements *placements,
				  const struct uk_update_pointer *pointer, uint64_t address,
				  uint64_t found) uk_must_check;

/* The same where an update before this one has written a pointer. */
struct uk_error *uk_initial_check_written(const struct uk_match_request *request,
					  const struct uk_update_pointer *pointer, uint64_t address,
					  uint64_t found,
					  const struct uk_match_written *before) uk_must_check;

#endif
