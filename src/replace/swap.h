/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One replacement on its way, in the old kernel. Private to this room. */
#ifndef UPKEEP_REPLACE_SWAP_H
#define UPKEEP_REPLACE_SWAP_H

#include "base/fault.h"
#include "replace/ahead.h"
#include "replace/criu.h"
#include "replace/disk.h"
#include "replace/ktask.h"
#include "replace/memory.h"
#include "replace/plan.h"
#include "replace/procfs.h"
#include "replace/replace.h"
#include "replace/socket.h"
#include "replace/store.h"

#include <stdbool.h>
#include <sys/types.h>

/* Memory of one service that is copied ahead. */
struct uk_swap_ahead {
	char *name, *images;	/* as in the plan */
	struct uk_ahead *ahead; /* NULL: it could not be */
};

struct uk_swap {
	const struct uk_replace_options *options;
	struct uk_replace_report *report;
	struct uk_swap_key key;
	const struct uk_keep *keep; /* the report's */
	struct uk_plan plan;
	struct uk_sockets *sockets;
	struct uk_ktasks *ktasks; /* NULL: this kernel does not show them */
	uk_mounts mounts;	  /* of the host */
	uk_disks disks;		  /* what of them lies on disks */
	uk_memory_paths in_memory;
	UK_VEC(struct uk_swap_ahead) ahead;
	UK_VEC(struct uk_criu_dump *) dumps; /* one for each service of the plan, see criu.h */
	char *folder; /* on the disk: the report, and the images unless they are in memory */
	struct uk_store store;
	struct uk_clock_start clock;
	struct uk_fault fault;
	int lock, guard; /* guard: of the pipe to the guardian, which criu has open, too; or -1 */
	pid_t guardian;
	pid_t pids_above; /* the new kernel gives no numbers up to this to anybody */
	const char *why;  /* it is taken back: borrowed from the error; NULL if it is not */
	bool trial; /* of a preflight: services run on, and nothing of the machine is changed */
	bool told, loaded, frozen; /* what a way back has to undo; told: programs of the admin's */
	bool wipe;		   /* the images were in memory */
};

/* Phase "preflight": all of it; what is impossible must have been accepted. */
struct uk_error *uk_swap_look(struct uk_swap *swap) uk_must_check;

/*
 * Phase "look again": time has gone by. The preflight is run and the plan made once more, so that
 * processes and descriptors that came since then are known, or refused. Whoever is not yet told of
 * them is: the guardian. UK_ERR_BUSY when the new kernel, which is loaded, was told less.
 */
struct uk_error *uk_swap_look_again(struct uk_swap *swap) uk_must_check;

/* Phase "plan": names the swap, makes its folder, writes down what the new kernel has to know. */
struct uk_error *uk_swap_make_plan(struct uk_swap *swap) uk_must_check;
/* The part of it that is about what runs now; whatever it was before is forgotten. */
struct uk_error *uk_swap_plan_services(struct uk_swap *swap) uk_must_check;

/* Those who stand above processes that are no tree (gather.h), if they are this process's. */
void uk_swap_end_gatherers(struct uk_swap *swap);

/* Phase "plan the way home": writes down what it has to do; nothing leads there yet. */
struct uk_error *uk_swap_plan_way_home(struct uk_swap *swap) uk_must_check;

/* Phases "load modules" and "load the kernel": of this kernel; the new one with its initramfs. */
struct uk_error *uk_swap_load_modules(struct uk_swap *swap) uk_must_check;
struct uk_error *uk_swap_load_kernel(struct uk_swap *swap) uk_must_check;

/*
 * Phases "copy memory" and "copy what changed": what is worth it is copied while services run, as
 * far as there is room beside the images. What fails of it is a remark.
 */
struct uk_error *uk_swap_copy_memory(struct uk_swap *swap) uk_must_check;
struct uk_error *uk_swap_copy_again(struct uk_swap *swap) uk_must_check;
/* NULL: nothing of it was copied. */
struct uk_ahead *uk_swap_find_ahead(const struct uk_swap *swap,
				    const struct uk_plan_service *service);
void uk_swap_deinit_ahead(struct uk_swap *swap);

/*
 * Phase "start criu": for each service one that waits to be told to dump it. Behind the last plan.
 * uk_swap_end_criu() ends those that still wait.
 */
struct uk_error *uk_swap_start_criu(struct uk_swap *swap) uk_must_check;
void uk_swap_end_criu(struct uk_swap *swap);

/*
 * Of phase "freeze": all services that have a cgroup of their own, before System V IPC is noted or
 * one is dumped: they may share it. The calls that sleep are noted right here, before a thread is
 * made to do anything else.
 */
struct uk_error *uk_swap_freeze_services(struct uk_swap *swap) uk_must_check;
/* Phase "dump": waits for all, also when one fails. */
struct uk_error *uk_swap_dump_services(struct uk_swap *swap) uk_must_check;

/*
 * Phase "save System V IPC": notes of what there is, and of who has shared memory attached, which
 * is taken off for the checkpoint. On the way back, when nobody has been let go yet, it is put
 * back.
 */
struct uk_error *uk_swap_save_sysv(struct uk_swap *swap) uk_must_check;
struct uk_error *uk_swap_put_back_sysv(struct uk_swap *swap) uk_must_check;

/*
 * Everything runs on as before. Of what was not begun, nothing has to be taken back. Of a swap
 * that had frozen services a report stays, with swap->why.
 */
void uk_swap_go_back(struct uk_swap *swap);

/*
 * Phase "post a guardian": a process that waits for the end of this one. If that comes before it
 * is dismissed (a kill, a crash), it takes everything back once criu has ended too, so that no
 * service stays frozen behind a shut gate.
 */
struct uk_error *uk_swap_post_guardian(struct uk_swap *swap) uk_must_check;
void uk_swap_dismiss_guardian(struct uk_swap *swap);
/* Posts another one, who has the plan as it is now, and dismisses the first. */
struct uk_error *uk_swap_relieve_guardian(struct uk_swap *swap) uk_must_check;

/* Behind the way back, when nobody has the images open any more: none is left in memory. */
void uk_swap_wipe_store(struct uk_swap *swap);

/* Whether the next boot is to restore what a new kernel does not: images outlive a reset. */
bool uk_swap_has_way_home(const struct uk_swap *swap);

/* Services will be frozen now: the guardian is told, and swap->frozen set. */
struct uk_error *uk_swap_begin_freeze(struct uk_swap *swap) uk_must_check;
/* They run again. */
struct uk_error *uk_swap_end_freeze(struct uk_swap *swap) uk_must_check;

/*
 * One change of this machine's kernel at a time, hot updates and trials among them. UK_ERR_BUSY
 * while the last swap is not over.
 */
struct uk_error *uk_swap_take_lock(int *ret) uk_must_check;
/* Without it some system calls that sleep return early, and are told one by one. */
struct uk_error *uk_swap_open_tasks(struct uk_swap *swap) uk_must_check;
void uk_swap_deinit(struct uk_swap *swap);

#endif
