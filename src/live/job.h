/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One apply, check or undo on its way. Private to this room. */
#ifndef UPKEEP_LIVE_JOB_H
#define UPKEEP_LIVE_JOB_H

#include "base/error.h"
#include "base/fault.h"
#include "live/kept.h"
#include "live/live.h"
#include "live/parts.h"
#include "live/request.h"
#include "live/stack.h"
#include "match/match.h"
#include "match/subject.h"

#include <stdbool.h>

struct uk_job {
	const struct uk_bundle *bundle; /* NULL for an undo */
	const struct uk_update *update; /* of the bundle */
	const char *id;
	struct uk_live_options options;
	const struct uk_live_paths *paths;
	struct uk_live_report *report;
	struct uk_fault fault;
	const char *halted; /* the module whose load waits for us, or "" */

	int lock, device;
	struct upkeep_info limits;
	struct uk_live_status *status;
	struct uk_memory *memory;
	struct uk_kallsyms *kallsyms;
	struct uk_holders *holders;
	struct uk_subject *subject;
	struct uk_stack stack;
	struct uk_match *match;
	struct uk_parts parts;
	struct uk_request request;
	bool core_ours;		  /* loaded by this process */
	bool reuse;		  /* modules of it are loaded from before an undo */
	bool saved;		  /* its copy was written by this process */
	enum uk_kept_stage stage; /* of the copy that was there before */
};

typedef struct uk_error *(*uk_phase_fn)(struct uk_job *job);

struct uk_phase {
	const char *name;
	uk_phase_fn run;
};

/* @options NULL: the defaults. Nothing can fail yet. */
void uk_job_init(struct uk_job *job, const struct uk_live_options *options,
		 struct uk_live_report *report);
/* The same for a bundle. Everything is borrowed. */
void uk_job_begin(struct uk_job *job, const struct uk_bundle *bundle,
		  const struct uk_live_options *options, struct uk_live_report *report);
void uk_job_deinit(struct uk_job *job);
#define uk_auto_job uk_cleanup(uk_job_deinit)

/* Runs phases (the last has no name) until one fails; their times go to the report. */
struct uk_error *uk_job_run(struct uk_job *job, const struct uk_phase *phases) uk_must_check;

/* Phases that apply and undo share, in this order. */
struct uk_error *uk_job_check_user(struct uk_job *job) uk_must_check;
struct uk_error *uk_job_lock(struct uk_job *job) uk_must_check;
/* Reads what is applied, and ends what a killed process began. */
struct uk_error *uk_job_settle(struct uk_job *job) uk_must_check;

/* Phases that lead to an apply; in this order. */
struct uk_error *uk_job_identify(struct uk_job *job) uk_must_check;
struct uk_error *uk_job_read_status(struct uk_job *job) uk_must_check;
struct uk_error *uk_job_check_state(struct uk_job *job) uk_must_check;
struct uk_error *uk_job_check_loading(struct uk_job *job) uk_must_check;
struct uk_error *uk_job_read_kernel(struct uk_job *job) uk_must_check;
struct uk_error *uk_job_read_bundle(struct uk_job *job) uk_must_check;
struct uk_error *uk_job_match(struct uk_job *job) uk_must_check;
struct uk_error *uk_job_load_core(struct uk_job *job) uk_must_check;

/* The request to the core, from the match and the loaded parts. */
struct uk_error *uk_job_fill_request(struct uk_job *job) uk_must_check;
struct uk_error *uk_job_report_match(struct uk_job *job) uk_must_check;

#endif
