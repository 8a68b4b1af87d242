/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stage: namespaces of its own, in which a copy of a service is restored beside the one that
 * runs, and then ended. Nothing that is done there reaches the machine:
 *
 * - processes: a PID namespace, so all numbers are free. It ends with its first process, which ends
 *   with upkeep, and with that whatever is in it;
 * - files: an overlay over each file system of the host, of which the upper part is in memory. So
 *   names may be removed and bound anew, files be opened for writing, locked, made. FIFOs, sockets
 *   and locks of the copy are not those of the host's files; see fs/overlayfs of the kernel. /proc,
 *   /dev/pts and the like are instances of its own;
 * - network: a namespace without a way out. Links of the host's names, numbers and addresses are
 *   there, but lead nowhere, so that sockets can be bound and connections be made again;
 * - System V IPC, host name, cgroups: namespaces of its own, the last one below UK_STAGE_CGROUP,
 *   where memory is limited: it is the copy that ends when there is too little.
 */
#ifndef UPKEEP_REPLACE_STAGE_H
#define UPKEEP_REPLACE_STAGE_H

#include "base/error.h"
#include "replace/plan.h"
#include "replace/task.h"

#include <stdint.h>

#define UK_STAGE_CGROUP "/upkeep-trial"
/* Within: where the copy is; a path of the stage. */
#define UK_STAGE_COPY "/copy"

struct uk_stage {
	const struct uk_plan *plan; /* its links */
	const uk_mounts *mounts;    /* of the host */
	const char *dir;	    /* of the swap: has the commands of network.h */
	const char *at;		    /* an empty folder in there */
	pid_t numbers;		    /* processes of ours get numbers above this */
	uint64_t memory;	    /* bytes that may be used */
	unsigned int seconds;	    /* that it may last */
};

/*
 * Calls @play in a process on the stage, and ends all that is there. What it changes in memory is
 * not seen by the caller, if it is not shared with mmap(2).
 */
struct uk_error *uk_stage_play(const struct uk_stage *stage, struct uk_error *(*play)(void *arg),
			       void *arg) uk_must_check;

/* What is left of one whose upkeep was killed; nothing is fine. */
struct uk_error *uk_stage_clear(void) uk_must_check;

/* Private to stage*.c. On the stage, first: its files at @at, which become the root. */
struct uk_error *uk_stage_make_files(const uk_mounts *host, const char *at) uk_must_check;
/* @numbers: of the links of the plan, as the host has them. */
struct uk_error *uk_stage_make_network(const struct uk_plan *plan, const unsigned int *numbers,
				       const char *dir) uk_must_check;

#endif
