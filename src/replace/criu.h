/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checkpoint and restore of one service by the program criu, one tree of processes each.
 *
 * Words that criu's log has about a failure go into the error: the lines that it calls errors.
 */
#ifndef UPKEEP_REPLACE_CRIU_H
#define UPKEEP_REPLACE_CRIU_H

#include "base/error.h"
#include "replace/journal.h"
#include "replace/keep.h"
#include "replace/plan.h"

/* Modules that criu, or the sockets that it reads, need: see criu(8) and sock_diag(7). */
extern const char *const uk_criu_modules[];

/*
 * Dumps the service into its folder of images below @dir, which is there. Its processes stay
 * stopped, also after an error that came late; uk_criu_let_go() lets them run. criu goes on to its
 * end when the caller is killed, for it works inside of the processes; it keeps descriptor @hold
 * open as long as it runs.
 */
struct uk_error *uk_criu_dump(const struct uk_plan_service *service, const char *dir,
			      int hold) uk_must_check;

/*
 * The processes of a service run on, and what criu locked of their connections is open again:
 * nothing was changed about them. Also for a service that was not dumped. @kept is the same
 * service as it was before the dump.
 */
struct uk_error *uk_criu_let_go(const struct uk_plan_service *service,
				const struct uk_service *kept) uk_must_check;

/*
 * Restores it into its cgroup, which is made. Its processes run when this returns. @stand_ins has
 * one for each of service->journal; they stay the caller's.
 */
struct uk_error *uk_criu_restore(const struct uk_plan_service *service, const char *dir,
				 const struct uk_stand_in *stand_ins) uk_must_check;

#endif
