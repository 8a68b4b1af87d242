// SPDX-License-Identifier: GPL-2.0-or-later
/* Applying an update, and whether it would apply. */
#include "live/core.h"
#include "live/device.h"
#include "live/job.h"
#include "live/module.h"
#include "live/status.h"

#include <string.h>

/* The phases, in order */

static struct uk_error *check_identity(struct uk_job *job)
{
	struct uk_error *err = uk_memory_open_live(&job->memory);
	if (!err)
		err = uk_match_identity(job->update, job->memory);
	return err ? err : uk_module_may_load(job->paths);
}

static struct uk_error *read_status(struct uk_job *job)
{
	return uk_live_status_read(job->paths, &job->status);
}

static struct uk_error *check_after(const struct uk_job *job)
{
	uk_vec_for_each (after, &job->update->after) {
		const struct uk_live_update *other = uk_live_status_get(job->status, *after);
		if (!other || other->state != UK_LIVE_APPLIED)
			return uk_error_create(UK_ERR_REFUSED,
					       "it was built on top of update %s, which is not "
					       "applied: apply that first",
					       *after);
	}
	return NULL;
}

static struct uk_error *check_targets(const struct uk_job *job)
{
	uk_vec_for_each (part, &job->update->parts) {
		enum uk_module_state state;
		if (!strcmp(part->target, "vmlinux"))
			continue;
		struct uk_error *err = uk_module_state(job->paths, part->target, &state);
		if (err)
			return err;
		if (state == UK_MODULE_ABSENT)
			return uk_error_create(UK_ERR_BUSY,
					       "module %s, which it changes, is not loaded: load "
					       "it first, or have the update applied as it comes "
					       "in with --when-loaded",
					       part->target);
		if (state != UK_MODULE_LIVE)
			return uk_error_create(UK_ERR_BUSY,
					       "module %s, which it changes, is just being loaded "
					       "or unloaded; try again",
					       part->target);
	}
	return NULL;
}

static struct uk_error *check_state(struct uk_job *job)
{
	const struct uk_live_update *known = uk_live_status_get(job->status, job->id);
	if (known && known->state == UK_LIVE_APPLIED)
		return uk_error_create(UK_ERR_NOTHING, "update %s is applied already", job->id);
	job->reuse = known != NULL;
	struct uk_error *err = check_after(job);
	return err ? err : check_targets(job);
}

static struct uk_error *read_kernel(struct uk_job *job)
{
	struct uk_error *err = uk_kallsyms_open(job->memory, &job->kallsyms);
	if (!err)
		err = uk_holders_load("", &job->holders);
	if (!err)
		err = uk_stack_load(job->paths, job->status, &job->stack);
	return err;
}

static struct uk_error *read_bundle(struct uk_job *job)
{
	struct uk_error *err = uk_subject_load(job->bundle, NULL, &job->subject);
	return err ? err : uk_parts_init(job->paths, job->bundle, job->subject, &job->parts);
}

static struct uk_error *run_match(struct uk_job *job)
{
	struct uk_match_request request = {
		.memory = job->memory,
		.kallsyms = job->kallsyms,
		.holders = job->holders,
		.replaced = job->stack.replaced.data,
		.nr_replaced = job->stack.replaced.len,
		.written = job->stack.written.data,
		.nr_written = job->stack.written.len,
	};
	uk_subject_fill(job->subject, &request);
	return uk_match_run(&request, &job->match);
}

static struct uk_error *load_core(struct uk_job *job)
{
	bool loaded;
	struct uk_error *err = uk_core_is_loaded(job->paths, &loaded);
	if (!err && !loaded) {
		uk_fault_step(&job->fault);
		err = uk_core_load(job->bundle, job->kallsyms);
		job->core_ours = !err;
	}
	if (!err)
		err = uk_device_open(job->paths, &job->device, &job->limits);
	return err;
}

/* A copy from before an undo stays as it is: it says that its modules may be in use. */
static struct uk_error *keep_copy(struct uk_job *job)
{
	job->stage = uk_kept_stage(job->paths, job->id);
	if (job->reuse)
		return NULL;
	uk_fault_step(&job->fault);
	job->saved = true;
	return uk_kept_save(job->paths, job->bundle);
}

static struct uk_error *load_parts(struct uk_job *job)
{
	if (job->reuse)
		return uk_parts_reuse(&job->parts, job->match);
	return uk_parts_load(&job->parts, job->match, &job->fault);
}

static struct uk_error *write_redirects(struct uk_job *job)
{
	uk_fault_step(&job->fault);
	return uk_device_apply(job->device, job->id, &job->request, &job->options, job->report);
}

/* It is applied, whatever becomes of the copy's name: the next change puts that right. */
static struct uk_error *mark_applied(struct uk_job *job)
{
	uk_fault_step(&job->fault);
	struct uk_error *err = uk_kept_move(job->paths, job->id, UK_KEPT_APPLIED);
	if (err)
		uk_remark(job->options.sink, UK_LEVEL_WARNING, "%s", uk_error_message(err));
	uk_error_destroy(err);
	return NULL;
}

static const struct uk_phase apply_phases[] = {
	{ "lock", uk_job_lock },
	{ "identity", check_identity },
	{ "state", uk_job_settle },
	{ "preconditions", check_state },
	{ "read the kernel", read_kernel },
	{ "read the update", read_bundle },
	{ "match", run_match },
	{ "load the core", load_core },
	{ "keep a copy", keep_copy },
	{ "load the new code", load_parts },
	{ "prepare the writes", uk_job_fill_request },
	{ "write", write_redirects },
	{ "mark", mark_applied },
	{},
};

static const struct uk_phase check_phases[] = {
	{ "identity", check_identity },
	{ "state", read_status },
	{ "preconditions", check_state },
	{ "read the kernel", read_kernel },
	{ "read the update", read_bundle },
	{ "match", run_match },
	{},
};

/* Back to where things stood; what cannot be taken back is a remark beside the error. */
static void roll_back(struct uk_job *job)
{
	struct uk_error *errors[] = { NULL, NULL, NULL };
	errors[0] = uk_parts_unload(&job->parts);
	if (job->saved && !errors[0])
		errors[1] = uk_kept_move(job->paths, job->id, job->stage);
	uk_cleanup_close(&job->device);
	job->device = -1;
	if (job->core_ours)
		errors[2] = uk_module_unload(UK_CORE_MODULE);
	for (size_t i = 0; i < UK_ARRAY_SIZE(errors); i++) {
		if (errors[i])
			uk_remark(job->options.sink, UK_LEVEL_WARNING, "roll back: %s",
				  uk_error_message(errors[i]));
		uk_error_destroy(errors[i]);
	}
}

static void begin(struct uk_job *job, const struct uk_bundle *bundle,
		  const struct uk_live_options *options, struct uk_live_report *report)
{
	uk_job_init(job, options, report);
	job->bundle = bundle;
	job->update = uk_bundle_update(bundle);
	job->id = job->update->id;
	snprintf(report->id, sizeof(report->id), "%s", job->id);
}

struct uk_error *uk_live_apply(const struct uk_bundle *bundle,
			       const struct uk_live_options *options, struct uk_live_report *report)
{
	uk_auto_job struct uk_job job;
	begin(&job, bundle, options, report);
	struct uk_error *err = uk_job_run(&job, apply_phases);
	if (!err)
		return NULL;
	roll_back(&job);
	return uk_error_wrap(err, "apply %s", job.id);
}

struct uk_error *uk_live_check(const struct uk_bundle *bundle,
			       const struct uk_live_options *options, struct uk_live_report *report)
{
	uk_auto_job struct uk_job job;
	begin(&job, bundle, options, report);
	return uk_error_wrap(uk_job_run(&job, check_phases), "check %s", job.id);
}
