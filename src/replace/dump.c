// SPDX-License-Identifier: GPL-2.0-or-later
/* Phases "start criu", "freeze" and "dump": services are frozen, then dumped by criu. */
#include "replace/swap.h"

#include "replace/calls.h"
#include "replace/cgroup.h"
#include "replace/criu.h"
#include "replace/image.h"
#include "replace/keep.h"
#include "replace/mapped.h"
#include "replace/note.h"
#include "replace/side.h"
#include "replace/view.h"

#include <stdlib.h>

/* Those that have a cgroup of their own. */
static bool is_frozen(const struct uk_swap *swap, const struct uk_plan_service *service)
{
	const struct uk_service *kept = uk_keep_find(swap->keep, service->main_pid, NULL);
	return kept && kept->kind != UK_SERVICE_TREE;
}

/* --- started ahead --------------------------------------------------------------------- */

static struct uk_error *start(struct uk_swap *swap, const struct uk_plan_service *service,
			      struct uk_criu_dump **ret)
{
	const struct uk_criu_dumping how = { .hold = swap->guard,
					     .frozen = is_frozen(swap, service),
					     .runs_on = swap->trial };
	return uk_error_wrap(uk_criu_begin_dump(service, swap->store.dir, &how, ret), "%s",
			     service->name);
}

struct uk_error *uk_swap_start_criu(struct uk_swap *swap)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(service, &swap->plan.services) {
		struct uk_criu_dump *dump;
		if (!err)
			err = start(swap, service, &dump);
		if (!err && !uk_vec_push(&swap->dumps, dump)) {
			uk_criu_abandon_dump(dump);
			err = uk_error_nomem();
		}
	}
	for (size_t i = 0; !err && i < swap->dumps.len; i++)
		uk_criu_await_dump(swap->dumps.data[i]);
	return err;
}

void uk_swap_end_criu(struct uk_swap *swap)
{
	uk_vec_for_each(dump, &swap->dumps)
		uk_criu_abandon_dump(*dump);
	uk_vec_deinit(&swap->dumps);
}

/* --- frozen ---------------------------------------------------------------------------- */

static struct uk_error *freeze_service(struct uk_swap *swap, struct uk_plan_service *service)
{
	bool there;
	struct uk_error *err = uk_cgroup_is_there(service->cgroup, &there);
	if (!err && !there)
		err = uk_error_create(UK_ERR_REFUSED, "it has ended since it was looked at; leave "
						      "it out, or try again when it runs");
	return err ? err : uk_calls_freeze(service, swap->ktasks, swap->options->sink);
}

struct uk_error *uk_swap_freeze_services(struct uk_swap *swap)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(service, &swap->plan.services) {
		if (!err && is_frozen(swap, service))
			err = uk_error_wrap(freeze_service(swap, service), "%s", service->name);
	}
	return err;
}

/* --- dumped ---------------------------------------------------------------------------- */

/* A repair of the images: see image.h for what this costs, which the preflight has told. */
static struct uk_error *leave_users(struct uk_swap *swap, const struct uk_plan_service *service)
{
	uk_auto_free char *images = NULL;
	const struct uk_task *task;
	if (!uk_keep_find(swap->keep, service->main_pid, &task) || !task->plain_users ||
	    !(task->own_ns & (1u << UK_NS_USER)))
		return NULL;
	struct uk_error *err = uk_asprintf(&images, "%s/%s", swap->store.dir, service->images);
	return err ? err : uk_image_leave_users(images);
}

static struct uk_error *note_mapped(struct uk_swap *swap, struct uk_plan_service *service)
{
	const struct uk_service *kept = uk_keep_find(swap->keep, service->main_pid, NULL);
	uk_pids pids = {};
	/* Now that it stands still: one may have come since it was looked at. */
	struct uk_error *err = kept ? uk_service_list(NULL, kept, &pids) : NULL;
	for (size_t i = 0; !err && i < pids.len; i++)
		err = uk_mapped_note(pids.data[i], service);
	uk_vec_deinit(&pids);
	return err;
}

/* What was copied of it counts from now on, or not. @copied_ret: of how many processes it does. */
static struct uk_error *settle_ahead(struct uk_swap *swap, const struct uk_plan_service *service,
				     size_t *copied_ret)
{
	struct uk_ahead *ahead = uk_swap_find_ahead(swap, service);
	struct uk_error *err = ahead ? uk_ahead_settle(ahead) : NULL;
	*copied_ret = ahead && !err ? uk_ahead_count(ahead) : 0;
	return err;
}

struct dump {
	struct uk_swap *swap;
	struct uk_plan_service *service;
	struct uk_criu_dump **criu; /* NULL as soon as it was told what to do */
	struct uk_error *err;
};

static struct uk_error *dump_service(const struct dump *dump)
{
	struct uk_swap *swap = dump->swap;
	struct uk_plan_service *service = dump->service;
	struct uk_note_began began;
	size_t copied = 0;
	struct uk_error *err = settle_ahead(swap, service, &copied);
	uk_note_begin(&began);
	if (!err)
		err = uk_criu_finish_dump(uk_take(*dump->criu), copied);
	if (!err)
		err = note_mapped(swap, service);
	if (!err)
		err = leave_users(swap, service);
	if (!err)
		err = uk_view_pack(&service->view, service->main_pid, swap->store.dir);
	if (!err)
		err = uk_notes_take(service, swap->store.dir, &began, swap->options->sink);
	return uk_error_wrap(err, "%s", service->name);
}

static void dump_one(void *item)
{
	struct dump *dump = item;
	dump->err = dump_service(dump);
}

/* Waits for all, also when one fails: what they do cannot be left half way. */
struct uk_error *uk_swap_dump_services(struct uk_swap *swap)
{
	size_t nr = swap->plan.services.len;
	struct uk_side side;
	struct uk_error *err = NULL;
	struct dump *dumps = calloc(nr + 1, sizeof(*dumps));
	if (!dumps)
		return uk_error_nomem();
	for (size_t i = 0; i < nr; i++)
		dumps[i] = (struct dump){ swap, &swap->plan.services.data[i], &swap->dumps.data[i],
					  NULL };
	uk_side_begin(&side, dumps, nr, sizeof(*dumps), dump_one);
	uk_side_end(&side);
	for (size_t i = 0; i < nr; i++) {
		if (err)
			uk_error_destroy(dumps[i].err);
		else
			err = dumps[i].err;
	}
	free(dumps);
	return err ? err : uk_plan_mark(&swap->plan, "dump");
}
