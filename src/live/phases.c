// SPDX-License-Identifier: GPL-2.0-or-later
/* The phases that lead to an apply: everything up to the core, nothing of it changes code. */
#include "base/file.h"
#include "base/strbuf.h"
#include "live/core.h"
#include "live/device.h"
#include "live/job.h"
#include "live/module.h"
#include "live/status.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

struct uk_error *uk_job_check_user(struct uk_job *job)
{
	if (!geteuid())
		return NULL;
	return uk_error_create(UK_ERR_SYSTEM,
			       "the running kernel is read and changed by root alone, and this is "
			       "user %u: run it with sudo",
			       geteuid());
}

/* What uname says is known without a look at the kernel's memory. */
static struct uk_error *check_name(const struct uk_update *update)
{
	struct utsname name;
	if (uname(&name) < 0)
		return uk_error_errno(errno, "uname");
	if (!strcmp(update->release, name.release) && !strcmp(update->arch, name.machine))
		return NULL;
	return uk_error_create(UK_ERR_REFUSED,
			       "the update is for kernel %s (%s), and this is %s (%s): make one "
			       "for this kernel",
			       update->release, update->arch, name.release, name.machine);
}

struct uk_error *uk_job_identify(struct uk_job *job)
{
	struct uk_error *err = check_name(job->update);
	if (!err)
		err = uk_memory_open_live(&job->memory);
	return err ? err : uk_match_identity(job->update, job->memory);
}

struct uk_error *uk_job_read_status(struct uk_job *job)
{
	return uk_live_status_read(job->paths, &job->status);
}

static struct uk_error *check_after(const struct uk_job *job)
{
	uk_vec_for_each(after, &job->update->after) {
		const struct uk_live_update *other = uk_live_status_get(job->status, *after);
		if (!other || other->state != UK_LIVE_APPLIED)
			return uk_error_create(UK_ERR_REFUSED,
					       "it was built on top of update %s, which is not "
					       "applied: apply that first",
					       *after);
	}
	return NULL;
}

static struct uk_error *check_target(const struct uk_job *job, const char *target)
{
	enum uk_module_state state;
	struct uk_error *err = uk_module_state(job->paths, target, &state);
	if (err)
		return err;
	if (state == UK_MODULE_ABSENT)
		return uk_error_create(UK_ERR_BUSY,
				       "module %s, which it changes, is not loaded: load it first, "
				       "or have the update applied as it comes in with "
				       "--when-loaded",
				       target);
	if (state != UK_MODULE_LIVE)
		return uk_error_create(UK_ERR_BUSY,
				       "module %s, which it changes, is just being loaded or "
				       "unloaded; try again",
				       target);
	return NULL;
}

/* A module that is halted for us has no state in /sys yet. */
static struct uk_error *check_targets(const struct uk_job *job)
{
	uk_vec_for_each(part, &job->update->parts) {
		if (!strcmp(part->target, "vmlinux") || !strcmp(part->target, job->halted))
			continue;
		struct uk_error *err = check_target(job, part->target);
		if (err)
			return err;
	}
	return NULL;
}

struct uk_error *uk_job_check_state(struct uk_job *job)
{
	const struct uk_live_update *known = uk_live_status_get(job->status, job->id);
	if (known && known->state == UK_LIVE_APPLIED)
		return uk_error_create(UK_ERR_NOTHING, "update %s is applied already", job->id);
	job->reuse = known != NULL;
	struct uk_error *err = check_after(job);
	return err || job->options.when_loaded ? err : check_targets(job);
}

/* Of an update that was undone everything is loaded already. */
struct uk_error *uk_job_check_loading(struct uk_job *job)
{
	return job->reuse ? NULL : uk_module_may_load(job->paths, job->options.signer);
}

struct uk_error *uk_job_read_kernel(struct uk_job *job)
{
	struct uk_error *err = uk_kallsyms_open(job->memory, &job->kallsyms);
	if (!err)
		err = uk_holders_load("", &job->holders);
	if (!err)
		err = uk_stack_load(job->paths, job->status, &job->stack);
	return err;
}

struct uk_error *uk_job_read_bundle(struct uk_job *job)
{
	struct uk_error *err = uk_subject_load(job->bundle, NULL, &job->subject);
	return err ? err : uk_parts_init(job->paths, job->bundle, job->subject, &job->parts);
}

/* The kernel takes the flag away when it does not use what the processor offers. */
static struct uk_error *has_ibt(bool *ret)
{
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = uk_file_read("/proc/cpuinfo", 64 << 20, &text, &len);
	if (err)
		return err;
	char *flags = strstr(text, "\nflags");
	if (flags)
		flags[1 + strcspn(flags + 1, "\n")] = '\0';
	*ret = flags && (strstr(flags, " ibt ") || uk_str_ends(flags, " ibt"));
	return NULL;
}

struct uk_error *uk_job_match(struct uk_job *job)
{
	bool ibt = false;
	struct uk_error *err = job->update->ibt ? has_ibt(&ibt) : NULL;
	if (err)
		return err;
	struct uk_match_request request = {
		.memory = job->memory,
		.kallsyms = job->kallsyms,
		.holders = job->holders,
		.replaced = job->stack.replaced.data,
		.nr_replaced = job->stack.replaced.len,
		.written = job->stack.written.data,
		.nr_written = job->stack.written.len,
		.ibt = ibt,
	};
	uk_subject_fill(job->subject, &request);
	return uk_match_run(&request, &job->match);
}

struct uk_error *uk_job_load_core(struct uk_job *job)
{
	bool loaded;
	struct uk_error *err = uk_core_is_loaded(job->paths, &loaded);
	if (!err && !loaded) {
		uk_fault_step(&job->fault);
		err = uk_core_load(job->bundle, job->kallsyms, job->options.signer);
		job->core_ours = !err;
	}
	if (!err)
		err = uk_device_open(job->paths, &job->device, &job->limits);
	return err;
}
