/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of a service that is copied ahead of the freeze, so that the dump, when all stands still,
 * has to write only what has changed since.
 *
 * It is read from outside (pages.h), while the service runs on. Each round has the kernel note
 * writes anew, then reads everything, and writes what is not yet written down as it is into a layer
 * of its own (layer.h). When the service is frozen, the last layer tells for each page that the
 * kernel calls unwritten whether it is the very page that was read: the same frame in the same
 * place. One that is not is read again there and then, and one that was written to is criu's to
 * dump. So it is never the kernel's note alone by which a copy is used: a mapping that was moved,
 * or given back and only read since, has pages that nobody wrote to (docs/replace.md).
 *
 * A process that cannot be copied so is left out, and dumped as a whole; so are processes that
 * come later, and those that execute another program meanwhile.
 */
#ifndef UPKEEP_REPLACE_AHEAD_H
#define UPKEEP_REPLACE_AHEAD_H

#include "base/error.h"
#include "replace/keep.h"
#include "replace/plan.h"

#include <stdbool.h>
#include <stdint.h>

enum { UK_AHEAD_WORTH_KIB = 32 << 10 }; /* a service with less is quickly dumped */

struct uk_ahead;

/* Whether it has that much, and is frozen before criu comes. */
bool uk_ahead_is_worth(const struct uk_service *service, uint64_t worth_kib);

/*
 * Makes ready to copy the memory of @service below @images, its folder in that of the swap: of
 * those processes that have at least @least_kib. Nothing is written yet. @key is the plan's.
 */
struct uk_error *uk_ahead_create(const struct uk_service *service, const char *images,
				 const struct uk_digest_key *key, uint64_t least_kib,
				 struct uk_ahead **ret) uk_must_check;
/* NULL is fine. The copies stay. */
void uk_ahead_destroy(struct uk_ahead *ahead);

/*
 * One round. *@room is how many bytes may be written, and is made less by as many. After an error
 * no copies are left. @written_ret: how many bytes this round wrote.
 */
struct uk_error *uk_ahead_copy(struct uk_ahead *ahead, uint64_t *room,
			       uint64_t *written_ret) uk_must_check;

/* The service is frozen, and stays so until it is dumped: the last layer. As above after an error.
 */
struct uk_error *uk_ahead_settle(struct uk_ahead *ahead) uk_must_check;

/* How many processes are copied; 0: criu has to be told of no layer. */
size_t uk_ahead_count(const struct uk_ahead *ahead);

/* Puts the files of pages on the plan's list; @images as the plan names that folder. */
struct uk_error *uk_ahead_list(const struct uk_ahead *ahead, const char *images,
			       struct uk_plan *plan) uk_must_check;

#endif
