/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same work on many things, several at once. */
#ifndef UPKEEP_KBUILD_POOL_H
#define UPKEEP_KBUILD_POOL_H

#include "base/error.h"
#include "base/progress.h"

#include <stddef.h>

/*
 * Calls @work(@ctx, i) for each i below @nr, in @jobs threads. The first error ends it
 * (what is running is waited for) and is returned; of several, the one of the lowest i.
 * Progress is reported as @step, by one thread at a time.
 */
struct uk_error *uk_pool_run(size_t nr, unsigned int jobs,
			     struct uk_error *(*work)(void *ctx, size_t i), void *ctx,
			     const struct uk_sink *sink, const char *step) uk_must_check;

#endif
