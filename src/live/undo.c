// SPDX-License-Identifier: GPL-2.0-or-later
/* Undoing an update, and unloading what it leaves behind. */
#include "live/device.h"
#include "live/job.h"
#include "live/status.h"

static const struct uk_live_update *known(const struct uk_job *job)
{
	return uk_live_status_get(job->status, job->id);
}

static bool is_applied(const struct uk_job *job)
{
	return known(job) && known(job)->state == UK_LIVE_APPLIED;
}

static struct uk_error *check_state(struct uk_job *job)
{
	if (!known(job))
		return uk_error_create(UK_ERR_NOTHING,
				       "update %s is not applied, and nothing of "
				       "it is loaded",
				       job->id);
	if (!is_applied(job) && !job->options.purge)
		return uk_error_create(UK_ERR_NOTHING,
				       "update %s is not applied; modules of it are still loaded, "
				       "--purge unloads them",
				       job->id);
	return uk_stack_check_free(job->paths, job->status, job->id, job->options.purge);
}

/* What is undone is what was applied. */
static struct uk_error *report_functions(struct uk_job *job)
{
	uk_vec_for_each(function, &known(job)->functions) {
		struct uk_error *err = uk_report_add_function(job->report, function);
		if (err)
			return err;
	}
	uk_vec_for_each(write, &known(job)->writes)
		job->report->data_writes += !write->text;
	return NULL;
}

static struct uk_error *write_back(struct uk_job *job)
{
	if (!is_applied(job))
		return NULL;
	struct uk_error *listed = report_functions(job);
	if (listed)
		return listed;
	struct uk_error *err = uk_device_open(job->paths, &job->device, &job->limits);
	if (err)
		return err;
	uk_fault_step(&job->fault);
	return uk_device_undo(job->device, job->id, &job->options, job->report);
}

static struct uk_error *mark_undone(struct uk_job *job)
{
	uk_fault_step(&job->fault);
	struct uk_error *err = uk_kept_move(job->paths, job->id, UK_KEPT_UNDONE);
	if (err)
		uk_remark(job->options.sink, UK_LEVEL_WARNING, "%s", uk_error_message(err));
	uk_error_destroy(err);
	return NULL;
}

static struct uk_error *purge(struct uk_job *job)
{
	if (!job->options.purge)
		return NULL;
	uk_fault_step(&job->fault);
	struct uk_error *err = uk_parts_purge(job->paths, job->id, known(job)->modules.data,
					      known(job)->modules.len);
	if (err)
		return uk_error_wrap(err, "it is undone, but not purged");
	return uk_kept_move(job->paths, job->id, UK_KEPT_NONE);
}

static const struct uk_phase phases[] = {
	{ "user", uk_job_check_user },
	{ "lock", uk_job_lock },
	{ "state", uk_job_settle },
	{ "preconditions", check_state },
	{ "write back", write_back },
	{ "mark", mark_undone },
	{ "purge", purge },
	{},
};

struct uk_error *uk_live_undo(const char *id, const struct uk_live_options *options,
			      struct uk_live_report *report)
{
	uk_auto_job struct uk_job job;
	uk_job_init(&job, options, report);
	if (!uk_update_id_ok(id))
		return uk_error_create(UK_ERR_USAGE, "'%s' is not the id of an update", id);
	job.id = id;
	snprintf(report->id, sizeof(report->id), "%s", id);
	return uk_error_wrap(uk_job_run(&job, phases), "%s", id);
}
