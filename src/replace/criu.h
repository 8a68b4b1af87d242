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

#include <stdbool.h>

/* So many files and connections can be handed to a restore (service->outside, ->journal). */
enum { UK_CRIU_HANDED_MAX = 397 };

/*
 * Modules that criu, or the sockets that it reads, need: see criu(8) and sock_diag(7). To restore,
 * it needs fewer: what it would load to look what the kernel can do, and no filter of its own.
 */
extern const char *const uk_criu_modules[];
extern const char *const uk_criu_restore_modules[];

/*
 * Has criu look what this kernel can do: it keeps what it finds in /run/criu.kdat (kerndat_init(),
 * criu/kerndat.c), and is quick then. Done for nothing else, so that it fails is no error. With
 * @brief it may not ask iptables, which costs most of the time and which the network lock by
 * nftables does not need; uk_criu_forget() then, so that nobody else counts on it.
 */
void uk_criu_warm_up(bool brief);
void uk_criu_forget(void);

/* How a service is dumped. */
struct uk_criu_dumping {
	int hold;    /* a descriptor that criu keeps open as long as it runs, or -1 */
	bool frozen; /* the service's cgroup is in the freezer before and after */
	/* Its processes go on after the dump, or are in the freezer, and their connections are
	 * open: criu's --leave-running. Else they stay stopped. */
	bool runs_on;
};

/*
 * A dump in two halves: criu is started while the service still runs, and waits to be told what to
 * dump; without that, also if the caller is killed, it ends and has touched nothing. @service has
 * to stay where it is until then.
 */
struct uk_criu_dump;
struct uk_error *uk_criu_begin_dump(const struct uk_plan_service *service, const char *dir,
				    const struct uk_criu_dumping *how,
				    struct uk_criu_dump **ret) uk_must_check;
/* Until it waits; a second at most, for it need not. */
void uk_criu_await_dump(const struct uk_criu_dump *dump);
/* NULL: nothing to do. */
void uk_criu_abandon_dump(struct uk_criu_dump *dump);

/*
 * The second half, which destroys @dump: dumps the service into its folder of images below @dir,
 * which is there. @layered: what is the same stays in the layer in the folder (layer.h). Its
 * processes may stay stopped also after an error; uk_criu_let_go() lets them run. criu goes on to
 * its end when the caller is killed, for it works inside of the processes.
 */
struct uk_error *uk_criu_finish_dump(struct uk_criu_dump *dump, bool layered) uk_must_check;

/*
 * What criu locked of a service's connections is open again: nothing was changed about them. Also
 * for a service that was not dumped. @kept is the same service as it was before the dump.
 */
struct uk_error *uk_criu_unlock(const struct uk_plan_service *service,
				const struct uk_service *kept) uk_must_check;

/* The same, then its processes run on, which may have been left stopped. */
struct uk_error *uk_criu_let_go(const struct uk_plan_service *service,
				const struct uk_service *kept) uk_must_check;

/*
 * Restores it into its cgroup, which is made. Its processes run when this returns; with @caught
 * they are in the freezer of that cgroup, which no other service may have, and have not run yet.
 * @stand_ins has one for each of service->journal; they stay the caller's.
 */
struct uk_error *uk_criu_restore(const struct uk_plan_service *service, const char *dir,
				 const struct uk_stand_in *stand_ins, bool caught) uk_must_check;

#endif
