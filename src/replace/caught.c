// SPDX-License-Identifier: GPL-2.0-or-later
/* Services that are restored and have not run yet. */
#include "replace/caught.h"

#include "replace/attach.h"
#include "replace/cgroup.h"
#include "replace/hold.h"
#include "replace/mend.h"
#include "replace/note.h"
#include "replace/seat.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

static bool is_within(const char *cgroup, const char *above)
{
	size_t len = strlen(above);
	return !strncmp(cgroup, above, len) && (!cgroup[len] || cgroup[len] == '/');
}

bool uk_caught_is_possible(const struct uk_plan *plan, const struct uk_plan_service *service)
{
	if (!strcmp(service->cgroup, "/"))
		return false;
	uk_vec_for_each(other, &plan->services) {
		if (other != service && (is_within(other->cgroup, service->cgroup) ||
					 is_within(service->cgroup, other->cgroup)))
			return false;
	}
	return true;
}

struct work {
	const struct uk_plan_service *service;
	const struct uk_sysv *sysv;
	const char *dir;
	bool caught;
	const struct uk_sink *sink;
	uk_nudges *nudges;
	struct uk_error *err;
};

/* What is not mended is told; the service goes on. */
static void tell(const struct work *work, struct uk_error *err)
{
	const char *how = work->dir ? "is restored, but not as it was" : "goes on";
	uk_remark_error(work->sink, uk_error_wrap(err, "%s %s", work->service->name, how));
}

static void mend_calls(const struct work *work, struct uk_hold *hold)
{
	uk_vec_for_each(call, &work->service->calls)
		tell(work, uk_mend_call(hold, call));
}

static struct uk_error *take(const struct work *work, struct uk_hold *ret)
{
	return work->caught ? uk_hold_take_cgroup(work->service->cgroup, ret)
			    : uk_hold_take_tree(work->service->main_pid, ret);
}

/* Threads that sleep again are let go when this one ends (start.h), so it is one of its own. */
static void *work_on_held(void *arg)
{
	struct work *work = arg;
	uk_auto_hold struct uk_hold hold = {};
	work->err = take(work, &hold);
	/* A tree of processes that could not be caught has no such memory (attach.h). */
	if (!work->err && work->caught)
		work->err = uk_attach_put_back(&hold, work->sysv);
	if (!work->err)
		tell(work, uk_notes_apply(work->service, work->dir, &hold));
	if (!work->err)
		tell(work, uk_nudge_note(&hold, work->nudges));
	if (!work->err)
		work->err = uk_seat_claim(work->dir, &hold);
	if (!work->err && work->caught)
		mend_calls(work, &hold);
	if (work->err && work->caught)
		uk_error_destroy(uk_cgroup_signal(work->service->cgroup, SIGKILL));
	struct uk_error *err = uk_hold_release(&hold, false);
	if (work->err)
		uk_error_destroy(err);
	else
		work->err = err;
	return NULL;
}

static void *run_on(void *arg)
{
	struct work *work = arg;
	uk_auto_hold struct uk_hold hold = {};
	work->err = take(work, &hold);
	if (work->err)
		return NULL;
	mend_calls(work, &hold);
	work->err = uk_hold_release(&hold, false);
	return NULL;
}

static struct uk_error *in_a_thread(void *(*function)(void *), struct work *work)
{
	pthread_t thread;
	int failed = pthread_create(&thread, NULL, function, work);
	if (failed)
		return uk_error_errno(failed, "start a thread");
	pthread_join(thread, NULL);
	return work->err;
}

struct uk_error *uk_caught_go_on(const struct uk_plan_service *service, const struct uk_sysv *sysv,
				 const char *dir, bool caught, const struct uk_sink *sink,
				 uk_nudges *nudges)
{
	struct work work = { service, sysv, dir, caught, sink, nudges, NULL };
	struct uk_error *err = in_a_thread(work_on_held, &work);
	/* If the thread could not be had, nobody was killed yet. */
	if (err && !work.err && caught)
		uk_error_destroy(uk_cgroup_signal(service->cgroup, SIGKILL));
	if (err && caught)
		uk_error_destroy(uk_cgroup_thaw(service->cgroup));
	return err;
}

struct uk_error *uk_caught_run_on(const struct uk_plan_service *service, const struct uk_sink *sink)
{
	struct work work = { .service = service, .caught = true, .sink = sink };
	return in_a_thread(run_on, &work);
}
