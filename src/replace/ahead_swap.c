// SPDX-License-Identifier: GPL-2.0-or-later
/* Phases of a replacement: memory is copied while services still run. */
#include "replace/swap.h"

#include "base/clock.h"
#include "base/strbuf.h"
#include "replace/keep.h"
#include "replace/pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
	ROUNDS_MAX = 3,	   /* and one right before the freeze */
	SMALL = 32,	   /* a process with less than this part of a worthy service */
	ENOUGH = 8,	   /* no further one if this part of the first one's was written */
	MARGIN = 64 << 20, /* bytes that stay free besides what the images take at most */
};

#define TIME_MAX_NS (60ull * 1000000000) /* no further round is begun after that */

static void deinit_one(struct uk_swap_ahead *one)
{
	uk_ahead_destroy(one->ahead);
	free(one->name);
	free(one->images);
}

void uk_swap_deinit_ahead(struct uk_swap *swap)
{
	uk_vec_for_each(one, &swap->ahead)
		deinit_one(one);
	uk_vec_deinit(&swap->ahead);
}

struct uk_ahead *uk_swap_find_ahead(const struct uk_swap *swap,
				    const struct uk_plan_service *service)
{
	uk_vec_for_each(one, &swap->ahead) {
		if (!strcmp(one->images, service->images) && !strcmp(one->name, service->name))
			return one->ahead;
	}
	return NULL;
}

/* What may be written beside the images, which may still take as much as ever. */
static uint64_t find_room(const struct uk_swap *swap)
{
	struct statvfs fs;
	uint64_t taken = swap->report->preflight.needed + MARGIN;
	if (statvfs(swap->store.dir, &fs) < 0)
		return 0;
	uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
	return room > taken ? room - taken : 0;
}

/* Copies are a help and no more: without them a service is dumped as a whole. @err is taken. */
static void remark(struct uk_swap *swap, const char *name, struct uk_error *err)
{
	if (err)
		uk_remark(
			swap->options->sink, UK_LEVEL_WARNING,
			"the memory of %s is not copied ahead, and it stands still for longer: %s",
			name, uk_error_message(err));
	uk_error_destroy(err);
}

/* For tests: services that have little are copied, too. */
static uint64_t worth_kib(void)
{
	const char *text = getenv("UPKEEP_AHEAD_KIB");
	return text ? strtoull(text, NULL, 10) : UK_AHEAD_WORTH_KIB;
}

static struct uk_error *add_service(struct uk_swap *swap, const struct uk_plan_service *service)
{
	const struct uk_service *kept = uk_keep_find(swap->keep, service->main_pid, NULL);
	uk_auto_free char *path = NULL;
	struct uk_swap_ahead one = {};
	if (!kept || !uk_ahead_is_worth(kept, worth_kib()))
		return NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", swap->store.dir, service->images);
	if (!err)
		err = uk_strdup(service->name, &one.name);
	if (!err)
		err = uk_strdup(service->images, &one.images);
	if (!err)
		err = uk_ahead_create(kept, path, &swap->plan.files_key, worth_kib() / SMALL,
				      &one.ahead);
	if (!err && !uk_vec_push(&swap->ahead, one))
		err = uk_error_nomem();
	if (err)
		deinit_one(&one);
	return err;
}

/* One round of all; how much was written. */
static uint64_t copy_all(struct uk_swap *swap)
{
	uint64_t room = find_room(swap), sum = 0;
	uint64_t from = uk_clock_ns();
	uk_vec_for_each(one, &swap->ahead) {
		uint64_t written = 0;
		struct uk_error *err =
			one->ahead ? uk_ahead_copy(one->ahead, &room, &written) : NULL;
		if (err)
			uk_ahead_destroy(uk_take(one->ahead));
		remark(swap, one->name, err);
		sum += written;
	}
	swap->plan.ahead_ns += uk_clock_ns() - from;
	swap->plan.ahead_bytes += sum;
	return sum;
}

struct uk_error *uk_swap_copy_memory(struct uk_swap *swap)
{
	uint64_t from = uk_clock_ns(), first = 0, written = 0;
	struct uk_error *err = uk_pages_probe();
	uk_vec_for_each(service, &swap->plan.services) {
		if (!err)
			remark(swap, service->name, add_service(swap, service));
	}
	/* Nothing that could be done about it: so it was always. */
	uk_error_destroy(err);
	for (int round = 0; round < ROUNDS_MAX; round++) {
		uint64_t before = written;
		written = copy_all(swap);
		first = round ? first : written;
		if (written <= first / ENOUGH || (round && written > before / 2) ||
		    uk_clock_ns() - from > TIME_MAX_NS)
			break;
	}
	return NULL;
}

struct uk_error *uk_swap_copy_again(struct uk_swap *swap)
{
	copy_all(swap);
	return NULL;
}
