/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of earlier swaps. Each leaves a report in its folder: one that went through, and
 * one that was taken back after services had been frozen. A replacement that was refused, or
 * ended before the freeze, changed nothing and leaves none.
 */
#ifndef UPKEEP_REPLACE_HISTORY_H
#define UPKEEP_REPLACE_HISTORY_H

#include "base/error.h"
#include "base/vec.h"
#include "replace/plan.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	UK_HISTORY_SCHEMA = 1,
	UK_HISTORY_KEPT = 20, /* reports; older ones are removed */
};

/* How a swap ended. */
enum uk_swap_end {
	UK_SWAP_OPEN, /* not at all: it is being prepared, or services are handed to systemd */
	UK_SWAP_OVER, /* the new kernel has what was restored */
	UK_SWAP_BACK, /* taken back: everything ran on under the old kernel */
	UK_SWAP_HOME, /* the new kernel restored nothing; the old one did, after a reset */
	UK_SWAP_CUT,  /* nobody wrote how: the new kernel did not get so far */
};

/* What became of a service. */
enum uk_outcome {
	UK_OUTCOME_RESTORED,
	UK_OUTCOME_STRAY,  /* restored, and systemd has another main process */
	UK_OUTCOME_AFRESH, /* started anew by its unit */
	UK_OUTCOME_RAN_ON, /* under the old kernel: the swap was taken back */
};

struct uk_history_phase {
	char *name;
	uint64_t ns; /* how long it took */
};

struct uk_history_service {
	char *name, *unit; /* unit may be NULL */
	pid_t pid;	   /* of its main process */
	enum uk_outcome outcome;
	char *why; /* it is not restored; else NULL */
};

struct uk_history_swap {
	char *id;
	char *old_release, *new_release; /* NULL when nobody wrote them down yet */
	char *why;			 /* it was taken back, or has no report; else NULL */
	char *boot;			 /* the boot_id of the kernel that wrote it, or NULL */
	enum uk_swap_end end;
	bool in_memory;	    /* the images were; else on the disk */
	uint64_t frozen_ns; /* CLOCK_REALTIME when services were frozen; 0 when not known */
	uint64_t gap_ns;    /* from then until packets go through again */
	uint64_t ahead_ns, ahead_bytes;		/* memory that was copied before that; 0 for none */
	UK_VEC(struct uk_history_phase) phases; /* of the gap, then what came after */
	UK_VEC(struct uk_history_service) services;
};

struct uk_history {
	UK_VEC(struct uk_history_swap) swaps; /* the last one first */
};

void uk_history_deinit(struct uk_history *history);
#define uk_auto_history uk_cleanup(uk_history_deinit)

/*
 * Reads all reports in @folder (NULL for the usual). @run is where replace.id and upkeep.lock are
 * ("/run"). A report that cannot be read is one of a swap that was cut short, and says why. @ret
 * needs uk_history_deinit(), also after an error: UK_ERR_NOTHING without a folder.
 */
struct uk_error *uk_history_read(const char *folder, const char *run,
				 struct uk_history *ret) uk_must_check;

/* Whether the kernel that wrote its report still runs. */
bool uk_history_is_of_this_boot(const struct uk_history_swap *swap);

/* Writes the report of a swap into its folder @dir. @why may be NULL. Private to this room. */
struct uk_error *uk_history_write(const struct uk_plan *plan, enum uk_swap_end end, const char *why,
				  const char *dir) uk_must_check;

/* Removes all of a swap's folder but its report. Private to this room. */
struct uk_error *uk_history_strip(const char *dir) uk_must_check;

/* Removes the oldest reports but UK_HISTORY_KEPT, never images. Private to this room. */
struct uk_error *uk_history_prune(const char *folder) uk_must_check;

const char *uk_swap_end_name(enum uk_swap_end end);   /* "over", "taken-back" */
const char *uk_outcome_name(enum uk_outcome outcome); /* "restored", "afresh" */

#endif
