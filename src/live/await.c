// SPDX-License-Identifier: GPL-2.0-or-later
/* Waiting for target modules to be loaded. */
#include "live/await.h"

#include "live/job.h"
#include "live/module.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

/* A module may also come in unseen: it was on its way when we began to wait. */
enum { LOOK_AGAIN_MS = 500 };

static const struct uk_phase phases[] = {
	{ "user", uk_job_check_user },
	{ "lock", uk_job_lock },
	{ "identity", uk_job_identify },
	{ "state", uk_job_settle },
	{ "preconditions", uk_job_check_state },
	{ "loading", uk_job_check_loading },
	{ "read the kernel", uk_job_read_kernel },
	{ "load the core", uk_job_load_core },
	{},
};

static bool is_module(const struct uk_update_part *part)
{
	return strcmp(part->target, "vmlinux") != 0;
}

static struct uk_error *wait_for(int device, const char *module)
{
	struct upkeep_wait wait = {
		.header = { .abi = UPKEEP_ABI, .size = sizeof(wait) },
		.timeout_ms = UK_AWAIT_HALT_MS,
	};
	snprintf(wait.module, sizeof(wait.module), "%s", module);
	if (!ioctl(device, UPKEEP_WAIT, &wait))
		return NULL;
	if (errno == EEXIST)
		return uk_error_create(UK_ERR_BUSY, "another process waits for module %s already",
				       module);
	return uk_error_errno(errno, "wait for module %s", module);
}

static struct uk_error *wait_for_all(const struct uk_update *update, int device)
{
	uk_vec_for_each(part, &update->parts) {
		struct uk_error *err = is_module(part) ? wait_for(device, part->target) : NULL;
		if (err)
			return err;
	}
	return NULL;
}

/* The first target that is not there, @but aside; NULL when all are. */
static struct uk_error *find_absent(const struct uk_job *job, const char *but, const char **ret)
{
	*ret = NULL;
	uk_vec_for_each(part, &job->update->parts) {
		enum uk_module_state state;
		if (!is_module(part) || !strcmp(part->target, but))
			continue;
		struct uk_error *err = uk_module_state(job->paths, part->target, &state);
		if (err)
			return err;
		if (state != UK_MODULE_LIVE) {
			*ret = part->target;
			return NULL;
		}
	}
	return NULL;
}

static struct uk_error *read_event(struct uk_await *await)
{
	struct upkeep_event event;
	ssize_t got = read(await->device, &event, sizeof(event));
	if (got < 0)
		return errno == EINTR ? NULL : uk_error_errno(errno, "wait for a module");
	if (got != sizeof(event))
		return uk_error_create(UK_ERR_INVALID, "upkeep.ko gave an event of %zd bytes", got);
	event.module[sizeof(event.module) - 1] = '\0';
	strcpy(await->halted, event.module);
	return NULL;
}

static struct uk_error *wait_for_event(struct uk_await *await)
{
	struct pollfd poll_fd = { .fd = await->device, .events = POLLIN };
	int ready = poll(&poll_fd, 1, LOOK_AGAIN_MS);
	if (ready < 0 && errno != EINTR)
		return uk_error_errno(errno, "wait for a module");
	return ready > 0 ? read_event(await) : NULL;
}

static struct uk_error *wait_until_there(const struct uk_job *job, struct uk_await *await)
{
	for (;;) {
		const char *absent;
		struct uk_error *err = find_absent(job, await->halted, &absent);
		if (err || !absent)
			return err;
		/* The whole update waits for the last of its modules. */
		err = uk_await_answer(await);
		uk_progress(job->options.sink, "wait for a module to be loaded", 0, 0);
		if (!err)
			err = wait_for_event(await);
		if (err)
			return err;
	}
}

struct uk_error *uk_await_targets(const struct uk_bundle *bundle,
				  const struct uk_live_options *options,
				  struct uk_live_report *report, struct uk_await *ret)
{
	uk_auto_job struct uk_job job;
	uk_job_begin(&job, bundle, options, report);
	struct uk_error *err = uk_job_run(&job, phases);
	if (err)
		return err;
	ret->device = uk_take_fd(job.device);
	uk_cleanup_close(&job.lock);
	job.lock = -1;
	err = wait_for_all(job.update, ret->device);
	return err ? err : wait_until_there(&job, ret);
}

struct uk_error *uk_await_answer(struct uk_await *await)
{
	struct upkeep_answer answer = { .header = { .abi = UPKEEP_ABI, .size = sizeof(answer) } };
	if (!await->halted[0])
		return NULL;
	strcpy(answer.module, await->halted);
	await->halted[0] = '\0';
	if (!ioctl(await->device, UPKEEP_ANSWER, &answer))
		return NULL;
	if (errno == ENOENT)
		return uk_error_create(UK_ERR_BUSY,
				       "the load of module %s did not wait for the update: some of "
				       "its code ran before it was applied",
				       answer.module);
	return uk_error_errno(errno, "let module %s go on", answer.module);
}

void uk_await_deinit(struct uk_await *await)
{
	uk_error_destroy(uk_await_answer(await));
	uk_cleanup_close(&await->device);
}
