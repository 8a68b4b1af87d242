/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services that are restored and have not run yet: CRIU lets their processes go into the freezer of
 * their cgroup (src/init/catch.c), they are held, what CRIU cannot do is mended, and they run on.
 */
#ifndef UPKEEP_REPLACE_CAUGHT_H
#define UPKEEP_REPLACE_CAUGHT_H

#include "base/error.h"
#include "base/progress.h"
#include "replace/nudge.h"
#include "replace/plan.h"
#include "replace/sysv.h"

#include <stdbool.h>

/* Whether its cgroup can be frozen without anybody else: without another one's criu, say. */
bool uk_caught_is_possible(const struct uk_plan *plan, const struct uk_plan_service *service);

/*
 * Does what has to be done while the processes of a restored service execute nothing, and lets them
 * run. @caught: they have not run yet, so calls can be mended; one that cannot is told to @sink and
 * is as CRIU restored it. What they had attached of @sysv is attached again. @dir is that of the
 * swap.
 * @nudges gets their connections. After an error none of those that were caught has run, and all
 * are killed: the service starts afresh.
 */
struct uk_error *uk_caught_go_on(const struct uk_plan_service *service, const struct uk_sysv *sysv,
				 const char *dir, bool caught, const struct uk_sink *sink,
				 uk_nudges *nudges) uk_must_check;

/*
 * The same of a service that was dumped and goes on here: it is in the freezer of its cgroup, and
 * has not run since it was frozen. Its calls are mended, and it runs. After an error it may still
 * be frozen.
 */
struct uk_error *uk_caught_run_on(const struct uk_plan_service *service,
				  const struct uk_sink *sink) uk_must_check;

#endif
