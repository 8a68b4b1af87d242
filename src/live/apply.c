// SPDX-License-Identifier: GPL-2.0-or-later
/* Applying an update, and whether it would apply. */
#include "live/await.h"
#include "live/core.h"
#include "live/device.h"
#include "live/job.h"
#include "live/module.h"

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
	return uk_parts_load(&job->parts, job->match, job->options.signer, &job->fault);
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
	{ "user", uk_job_check_user },
	{ "lock", uk_job_lock },
	{ "identity", uk_job_identify },
	{ "state", uk_job_settle },
	{ "preconditions", uk_job_check_state },
	{ "loading", uk_job_check_loading },
	{ "read the kernel", uk_job_read_kernel },
	{ "read the update", uk_job_read_bundle },
	{ "match", uk_job_match },
	{ "load the core", uk_job_load_core },
	{ "keep a copy", keep_copy },
	{ "load the new code", load_parts },
	{ "prepare the writes", uk_job_fill_request },
	{ "write", write_redirects },
	{ "mark", mark_applied },
	{},
};

static const struct uk_phase check_phases[] = {
	{ "user", uk_job_check_user },
	{ "identity", uk_job_identify },
	{ "state", uk_job_read_status },
	{ "preconditions", uk_job_check_state },
	{ "loading", uk_job_check_loading },
	{ "read the kernel", uk_job_read_kernel },
	{ "read the update", uk_job_read_bundle },
	{ "match", uk_job_match },
	{ "report", uk_job_report_match },
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

static struct uk_error *apply_now(const struct uk_bundle *bundle,
				  const struct uk_live_options *options, const char *halted,
				  struct uk_live_report *report)
{
	uk_auto_job struct uk_job job;
	uk_job_begin(&job, bundle, options, report);
	job.halted = halted;
	struct uk_error *err = uk_job_run(&job, apply_phases);
	if (err)
		roll_back(&job);
	return err;
}

static struct uk_error *apply_when_loaded(const struct uk_bundle *bundle,
					  const struct uk_live_options *options,
					  struct uk_live_report *report)
{
	uk_cleanup(uk_await_deinit) struct uk_await await = { .device = -1 };
	struct uk_live_options now = *options;
	now.when_loaded = false;
	struct uk_error *err = uk_await_targets(bundle, options, report, &await);
	if (!err)
		err = apply_now(bundle, &now, await.halted, report);
	/* Applied or not: a module that is needed comes in. */
	struct uk_error *answer = uk_await_answer(&await);
	if (answer)
		uk_remark(now.sink, UK_LEVEL_WARNING, "%s", uk_error_message(answer));
	uk_error_destroy(answer);
	return err;
}

struct uk_error *uk_live_apply(const struct uk_bundle *bundle,
			       const struct uk_live_options *options, struct uk_live_report *report)
{
	struct uk_error *err = options && options->when_loaded
				       ? apply_when_loaded(bundle, options, report)
				       : apply_now(bundle, options, "", report);
	return uk_error_wrap(err, "%s", uk_bundle_update(bundle)->id);
}

struct uk_error *uk_live_check(const struct uk_bundle *bundle,
			       const struct uk_live_options *options, struct uk_live_report *report)
{
	uk_auto_job struct uk_job job;
	uk_job_begin(&job, bundle, options, report);
	job.options.when_loaded = false;
	return uk_error_wrap(uk_job_run(&job, check_phases), "%s", job.id);
}
