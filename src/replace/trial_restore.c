// SPDX-License-Identifier: GPL-2.0-or-later
/* Trial of a replacement: a copy of a service is restored on a stage, where it does not run. */
#include "replace/trial.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "replace/cgroup.h"
#include "replace/criu.h"
#include "replace/image.h"
#include "replace/journal.h"
#include "replace/receiver.h"
#include "replace/stage.h"
#include "replace/swap.h"
#include "replace/untried.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	SECONDS_MAX = 300,
	NUMBERS_LEFT = 300, /* between those that are restored and those of ours */
};

/* What the process on the stage is given, and gives back in memory that is shared. */
struct play {
	struct uk_swap *swap;
	const uk_likenesses *before;
	struct uk_fault *fault;
	uint64_t *took_ns;
};

/* As in a kernel that has just started: nobody is there yet under these names. */
static struct uk_error *make_others(struct uk_swap *swap, struct uk_stand_in **stand_ins_ret,
				    uk_receiver_fds *receivers)
{
	if (unlink(UK_JOURNAL_SOCKET) < 0 && errno != ENOENT)
		return uk_error_errno(errno, "unlink " UK_JOURNAL_SOCKET);
	struct uk_error *err = uk_receivers_stand_in(&swap->plan, receivers);
	return err ? err : uk_stand_ins_make(&swap->plan.services.data[0], stand_ins_ret);
}

static struct uk_error *restore(void *arg)
{
	struct play *play = arg;
	struct uk_plan_service *service = &play->swap->plan.services.data[0];
	struct uk_stand_in *stand_ins = NULL;
	uk_cleanup(uk_receiver_fds_deinit) uk_receiver_fds receivers = {};
	free(service->cgroup);
	struct uk_error *err = uk_strdup(UK_STAGE_COPY, &service->cgroup);
	if (!err)
		err = make_others(play->swap, &stand_ins, &receivers);
	uint64_t from = uk_clock_ns();
	if (!err)
		err = uk_criu_restore(service, play->swap->store.dir, stand_ins, true);
	*play->took_ns = uk_clock_ns() - from;
	/* It is under way: criu has let go of them. */
	if (!err)
		err = uk_cgroup_freeze(service->cgroup);
	uk_fault_step(play->fault);
	if (!err)
		err = uk_likenesses_check(play->before);
	uk_stand_ins_destroy(service, stand_ins);
	return err;
}

static pid_t highest_of(const struct uk_service *kept)
{
	pid_t highest = 0;
	uk_vec_for_each(task, &kept->tasks) {
		pid_t number = uk_task_highest(task);
		highest = number > highest ? number : highest;
	}
	return highest;
}

struct uk_error *uk_trial_restore(struct uk_swap *swap, const uk_likenesses *before,
				  struct uk_fault *fault, uint64_t *took_ns)
{
	uk_auto_free char *images = NULL, *at = NULL;
	const struct uk_service *kept = &swap->keep->services.data[0];
	struct uk_error *err =
		uk_asprintf(&images, "%s/%s", swap->store.dir, swap->plan.services.data[0].images);
	if (!err)
		err = uk_image_forget_sizes(images);
	if (!err)
		err = uk_asprintf(&at, "%s/stage", swap->store.dir);
	if (!err)
		err = uk_dir_make(at, 0700);
	if (err)
		return err;
	uint64_t *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return uk_error_errno(errno, "mmap");
	struct play play = { swap, before, fault, shared };
	const struct uk_stage stage = { .plan = &swap->plan,
					.mounts = &swap->mounts,
					.dir = swap->store.dir,
					.at = at,
					.numbers = highest_of(kept) + NUMBERS_LEFT,
					.memory = 2 * uk_untried_memory(kept),
					.seconds = SECONDS_MAX };
	err = uk_stage_play(&stage, restore, &play);
	*took_ns = *shared;
	munmap(shared, sizeof(*shared));
	return err;
}
