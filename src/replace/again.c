// SPDX-License-Identifier: GPL-2.0-or-later
/* Looking at what is kept: before anything is done, and once more right before the freeze. */
#include "replace/swap.h"

#include "replace/paths.h"
#include "replace/preflight.h"

#include <string.h>

static struct uk_error *judge(struct uk_swap *swap, struct uk_preflight *ret)
{
	const struct uk_replace_options *options = swap->options;
	const struct uk_preflight_options look = { .keep = options->keep,
						   .nr_keep = options->nr_keep,
						   .without = options->without,
						   .nr_without = options->nr_without,
						   .kernel = options->release,
						   .store = UK_SWAPS,
						   .where = options->store,
						   .sink = options->sink };
	return uk_preflight_run(&look, ret);
}

struct uk_error *uk_swap_look(struct uk_swap *swap)
{
	const struct uk_replace_options *options = swap->options;
	struct uk_preflight *preflight = &swap->report->preflight;
	struct uk_error *err = judge(swap, preflight);
	for (size_t i = 0; !err && i < options->nr_accept; i++) {
		if (!uk_preflight_accept(preflight, options->accept[i]))
			err = uk_error_create(UK_ERR_USAGE, "--accept %s: there is no such finding",
					      options->accept[i]);
	}
	swap->keep = &preflight->keep;
	return err ? err : uk_preflight_verdict(preflight);
}

/* What was accepted may be gone by now. */
static struct uk_error *judge_again(struct uk_swap *swap)
{
	struct uk_preflight *preflight = &swap->report->preflight;
	struct uk_preflight fresh = {};
	struct uk_error *err = judge(swap, &fresh);
	if (err) {
		uk_preflight_deinit(&fresh);
		return err;
	}
	for (size_t i = 0; i < swap->options->nr_accept; i++)
		uk_preflight_accept(&fresh, swap->options->accept[i]);
	uk_preflight_deinit(preflight);
	*preflight = fresh;
	return uk_preflight_verdict(preflight);
}

/* The initramfs is packed: it leaves the numbers up to some to what is kept. */
static struct uk_error *check_numbers(const struct uk_swap *swap)
{
	uk_vec_for_each(service, &swap->plan.services) {
		if (service->gatherer > swap->pids_above)
			return uk_error_create(
				UK_ERR_BUSY,
				"%s: the numbers of processes have gone on further than "
				"the new kernel was told; try again",
				service->name);
	}
	uk_vec_for_each(service, &swap->keep->services) {
		uk_vec_for_each(task, &service->tasks) {
			pid_t highest = uk_task_highest(task);
			if (highest > swap->pids_above)
				return uk_error_create(
					UK_ERR_BUSY,
					"%s has process %d, whose number is higher than the new "
					"kernel was told; try again",
					service->name, highest);
		}
	}
	return NULL;
}

/* It has the modules for what was mounted then. */
static struct uk_error *check_mounts(const uk_plan_mounts *before, const uk_plan_mounts *now)
{
	uk_vec_for_each(mount, now) {
		bool known = false;
		uk_vec_for_each(other, before)
			known |= !strcmp(other->type, mount->type);
		if (!known)
			return uk_error_create(UK_ERR_BUSY,
					       "%s (%s) was mounted meanwhile; try again",
					       mount->point, mount->type);
	}
	return NULL;
}

/* It was told of the disks that were mounted then. */
static struct uk_error *check_disks(const uk_disks *before, const uk_disks *now)
{
	uk_vec_for_each(disk, now) {
		if (disk->needed && !uk_disks_find(before, disk->dev))
			return uk_error_create(UK_ERR_BUSY, "%s was mounted meanwhile; try again",
					       disk->point);
	}
	return NULL;
}

struct uk_error *uk_swap_look_again(struct uk_swap *swap)
{
	struct uk_error *err = judge_again(swap);
	uk_plan_mounts before = swap->plan.mounts;
	uk_auto_disks uk_disks disks = swap->disks;
	swap->plan.mounts = (uk_plan_mounts){};
	swap->disks = (uk_disks){};
	if (!err)
		err = uk_swap_plan_services(swap);
	if (!err)
		err = check_numbers(swap);
	if (!err)
		err = check_mounts(&before, &swap->plan.mounts);
	if (!err)
		err = check_disks(&disks, &swap->disks);
	uk_plan_mounts_deinit(&before);
	/* The guardian has the plan as it was when it was posted. */
	return err ? err : uk_swap_relieve_guardian(swap);
}
