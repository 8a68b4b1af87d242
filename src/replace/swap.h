/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One replacement on its way, in the old kernel. Private to this room. */
#ifndef UPKEEP_REPLACE_SWAP_H
#define UPKEEP_REPLACE_SWAP_H

#include "base/fault.h"
#include "replace/plan.h"
#include "replace/procfs.h"
#include "replace/replace.h"
#include "replace/socket.h"

#include <stdbool.h>
#include <sys/types.h>

struct uk_swap {
	const struct uk_replace_options *options;
	struct uk_replace_report *report;
	struct uk_swap_key key;
	const struct uk_keep *keep; /* the report's */
	struct uk_plan plan;
	struct uk_sockets *sockets;
	uk_mounts mounts; /* of the host */
	char *dir;
	struct uk_fault fault;
	int lock, guard; /* guard: of the pipe to the guardian, which criu has open, too; or -1 */
	pid_t guardian;
	bool told, loaded, frozen; /* what a way back has to undo; told: programs of the admin's */
};

/* Phase "plan": names the swap, makes its folder, writes down what the new kernel has to know. */
struct uk_error *uk_swap_make_plan(struct uk_swap *swap) uk_must_check;

/* Phases "load modules" and "load the kernel": of this kernel; the new one with its initramfs. */
struct uk_error *uk_swap_load_modules(struct uk_swap *swap) uk_must_check;
struct uk_error *uk_swap_load_kernel(struct uk_swap *swap) uk_must_check;

/* Everything runs on as before. Of what was not begun, nothing has to be taken back. */
void uk_swap_go_back(struct uk_swap *swap);

/*
 * Phase "post a guardian": a process that waits for the end of this one. If that comes before it
 * is dismissed (a kill, a crash), it takes everything back once criu has ended too, so that no
 * service stays frozen behind a shut gate.
 */
struct uk_error *uk_swap_post_guardian(struct uk_swap *swap) uk_must_check;
void uk_swap_dismiss_guardian(struct uk_swap *swap);

#endif
