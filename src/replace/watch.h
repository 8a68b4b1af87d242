/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Until when threads sleep in calls of which nothing is left once they are interrupted: looked at
 * before that, by the timer on their stacks, with a witness that they do not leave the call between
 * this look and the freeze.
 */
#ifndef UPKEEP_REPLACE_WATCH_H
#define UPKEEP_REPLACE_WATCH_H

#include "base/error.h"
#include "base/vec.h"
#include "replace/ktask.h"

#include <stdint.h>
#include <sys/types.h>

struct uk_watch {
	pid_t tid;
	uint64_t number, args[6], ip, sp;
	uint64_t until_ns; /* of the host's CLOCK_MONOTONIC */
	int witness;
};

typedef UK_VEC(struct uk_watch) uk_watches;

void uk_watches_deinit(uk_watches *watches);

/*
 * Looks at all threads of a cgroup. Those of which it cannot be told are left out. @ret needs
 * uk_watches_deinit(), also after an error.
 */
struct uk_error *uk_watch_cgroup(const char *cgroup, struct uk_ktasks *ktasks,
				 uk_watches *ret) uk_must_check;

/* The one of a thread, if it has been in that call ever since; else NULL. */
const struct uk_watch *uk_watch_find(const uk_watches *watches, pid_t tid);

#endif
