// SPDX-License-Identifier: GPL-2.0-or-later
/* One apply, check or undo on its way: what they share. */
#include "live/job.h"

#include "base/file.h"
#include "base/clock.h"
#include "base/lock.h"
#include "live/paths.h"
#include "live/status.h"

#include <string.h>

void uk_job_init(struct uk_job *job, const struct uk_live_options *options,
		 struct uk_live_report *report)
{
	static const struct uk_live_options defaults = { .wait_ms = UK_LIVE_WAIT_DEFAULT_MS };
	*job = (struct uk_job){
		.options = options ? *options : defaults,
		.report = report,
		.halted = "",
		.lock = -1,
		.device = -1,
	};
	job->paths = uk_live_paths_get(job->options.paths);
	uk_fault_init(&job->fault);
}

void uk_job_begin(struct uk_job *job, const struct uk_bundle *bundle,
		  const struct uk_live_options *options, struct uk_live_report *report)
{
	uk_job_init(job, options, report);
	job->bundle = bundle;
	job->update = uk_bundle_update(bundle);
	job->id = job->update->id;
	snprintf(report->id, sizeof(report->id), "%s", job->id);
}

void uk_job_deinit(struct uk_job *job)
{
	uk_request_deinit(&job->request);
	uk_parts_deinit(&job->parts);
	uk_match_destroy(job->match);
	uk_subject_destroy(job->subject);
	uk_stack_deinit(&job->stack);
	uk_holders_destroy(job->holders);
	uk_kallsyms_destroy(job->kallsyms);
	uk_memory_destroy(job->memory);
	uk_live_status_destroy(job->status);
	uk_cleanup_close(&job->device);
	uk_cleanup_close(&job->lock);
}

static struct uk_error *run_phase(struct uk_job *job, const struct uk_phase *phase)
{
	uint64_t begin = uk_clock_ns();
	struct uk_error *err = phase->run(job);
	struct uk_live_phase took = { phase->name, uk_clock_ns() - begin };
	if (!uk_vec_push(&job->report->phases, took) && !err)
		err = uk_error_nomem();
	return err;
}

struct uk_error *uk_job_run(struct uk_job *job, const struct uk_phase *phases)
{
	size_t nr = 0;
	while (phases[nr].name)
		nr++;
	for (size_t i = 0; i < nr; i++) {
		uk_progress(job->options.sink, phases[i].name, i, nr);
		struct uk_error *err = run_phase(job, &phases[i]);
		if (err)
			return err;
	}
	return NULL;
}

struct uk_error *uk_job_lock(struct uk_job *job)
{
	return uk_lock_take(job->paths->run, job->options.wait_ms, &job->lock);
}

static struct uk_error *read_status(struct uk_job *job)
{
	uk_live_status_destroy(uk_take(job->status));
	return uk_live_status_read(job->paths, &job->status);
}

/* Nothing of it was ever in use. */
static struct uk_error *clean_leftover(struct uk_job *job, const struct uk_live_update *update)
{
	uk_remark(job->options.sink, UK_LEVEL_INFO,
		  "unloading the modules of update %s, whose apply was interrupted", update->id);
	struct uk_error *err =
		uk_parts_purge(job->paths, update->id, update->modules.data, update->modules.len);
	return err ? uk_error_wrap(err, "update %s, whose apply was interrupted", update->id)
		   : NULL;
}

/* Brings the stage of a copy in line with what the kernel says. */
static struct uk_error *settle_copy(struct uk_job *job, const char *id)
{
	const struct uk_live_update *update = uk_live_status_get(job->status, id);
	enum uk_kept_stage stage = uk_kept_stage(job->paths, id);
	if (update && update->state == UK_LIVE_APPLIED)
		return uk_kept_move(job->paths, id, UK_KEPT_APPLIED);
	if (update && update->state == UK_LIVE_UNDONE)
		return uk_kept_move(job->paths, id, UK_KEPT_UNDONE);
	/* Applied before the machine was booted again: it stays, to be applied again. */
	if (stage == UK_KEPT_APPLIED)
		return NULL;
	return uk_kept_move(job->paths, id, UK_KEPT_NONE);
}

static struct uk_error *settle_copies(struct uk_job *job)
{
	char **ids;
	size_t nr;
	struct uk_error *err = uk_kept_list(job->paths, &ids, &nr);
	if (err)
		return err;
	for (size_t i = 0; !err && i < nr; i++)
		err = settle_copy(job, ids[i]);
	uk_strv_destroy(ids, nr);
	return err;
}

struct uk_error *uk_job_settle(struct uk_job *job)
{
	bool cleaned = false;
	struct uk_error *err = read_status(job);
	for (size_t i = 0; !err && i < job->status->updates.len; i++) {
		const struct uk_live_update *update = &job->status->updates.data[i];
		if (update->state != UK_LIVE_LEFTOVER)
			continue;
		err = clean_leftover(job, update);
		cleaned = true;
	}
	if (!err && cleaned)
		err = read_status(job);
	return err ? err : settle_copies(job);
}
