// SPDX-License-Identifier: GPL-2.0-or-later
/* Trial of a replacement: services are dumped, and go on; copies are restored. */
#include "replace/trial.h"

#include "base/clock.h"
#include "base/strbuf.h"
#include "replace/apart.h"
#include "replace/caught.h"
#include "replace/criu.h"
#include "replace/keep.h"
#include "replace/network.h"
#include "replace/swap.h"
#include "replace/untried.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

/* The trial of one service. */
struct work {
	struct uk_preflight *preflight;
	const struct uk_sink *sink;
	struct uk_fault *fault; /* of all trials */
	struct uk_trial *ret;
	struct uk_keep keep; /* the service alone, as it is now */
	struct uk_replace_options options;
	struct uk_replace_report report;
	struct uk_swap swap;
	uint64_t frozen_ns;   /* when it was */
	uk_likenesses before; /* what it looked like then */
};

static void work_deinit(struct work *work)
{
	uk_swap_deinit(&work->swap);
	uk_replace_report_deinit(&work->report);
	uk_keep_deinit(&work->keep);
	uk_likenesses_deinit(&work->before);
}

static struct uk_error *name_of(const struct uk_service *service, char **ret)
{
	return service->unit ? uk_strdup(service->unit, ret)
			     : uk_asprintf(ret, "pid:%d", service->main_pid);
}

/* Why a service is not tried; NULL in *@ret if it is. */
static struct uk_error *find_reason(const struct work *work, const struct uk_service *service,
				    char **ret)
{
	uk_auto_free char *name = NULL;
	bool own = false;
	*ret = NULL;
	if (uk_preflight_worst(work->preflight, service) == UK_FATE_IMPOSSIBLE)
		return uk_strdup("something of it is impossible", ret);
	struct uk_error *err = name_of(service, &name);
	const char *const names[] = { name };
	if (!err)
		err = uk_apart_is_kept(names, 1, &own);
	if (err)
		return err;
	return own ? uk_strdup("this command is part of it, and would freeze itself", ret)
		   : uk_untried_dump(service, ret);
}

/* --- the phases ------------------------------------------------------------------------ */

/* As it is now: time has gone by since the preflight. */
static struct uk_error *look(struct work *work)
{
	uk_auto_free char *name = NULL;
	struct uk_error *err = name_of(work->ret->service, &name);
	const char *const names[] = { name };
	if (!err)
		err = uk_keep_resolve(NULL, names, 1, &work->keep);
	work->swap.keep = &work->keep;
	return err;
}

static struct uk_error *plan(struct work *work)
{
	return uk_swap_make_plan(&work->swap);
}

static struct uk_error *post_guardian(struct work *work)
{
	return uk_swap_post_guardian(&work->swap);
}

static struct uk_error *open_tasks(struct work *work)
{
	return uk_swap_open_tasks(&work->swap);
}

static struct uk_error *copy_memory(struct work *work)
{
	struct uk_error *err = uk_swap_copy_memory(&work->swap);
	return err ? err : uk_swap_copy_again(&work->swap);
}

static struct uk_error *start_criu(struct work *work)
{
	return uk_swap_start_criu(&work->swap);
}

static struct uk_error *freeze(struct work *work)
{
	work->frozen_ns = uk_clock_ns();
	struct uk_error *err = uk_swap_begin_freeze(&work->swap);
	return err ? err : uk_swap_freeze_services(&work->swap);
}

/*
 * What is no cgroup runs again when criu has ended, so of that no more is noted than who it is. In
 * a PID namespace of its own it has other numbers afterwards.
 */
static struct uk_error *note(struct work *work)
{
	const struct uk_service *kept = &work->keep.services.data[0];
	const struct uk_task *task;
	uk_pids pids = {};
	if (!uk_keep_find(&work->keep, kept->main_pid, &task) || (task->own_ns & (1u << UK_NS_PID)))
		return NULL;
	if (kept->kind == UK_SERVICE_TREE)
		return uk_vec_push(&work->before, (struct uk_likeness){ .pid = kept->main_pid })
			       ? NULL
			       : uk_error_nomem();
	struct uk_error *err = uk_service_list(NULL, kept, &pids);
	if (!err)
		err = uk_likenesses_read(&pids, &work->before);
	uk_vec_deinit(&pids);
	return err;
}

static struct uk_error *dump(struct work *work)
{
	uint64_t from = uk_clock_ns();
	struct uk_error *err = uk_swap_dump_services(&work->swap);
	work->ret->dump_ns = uk_clock_ns() - from;
	/* It is in the cgroup, and nothing of ours runs with the service. */
	uk_swap_end_gatherers(&work->swap);
	return err ? err : note(work);
}

/* criu has opened its connections. What is no cgroup runs since criu has ended. */
static struct uk_error *run_on(struct work *work)
{
	struct uk_error *err = NULL;
	if (work->keep.services.data[0].kind != UK_SERVICE_TREE)
		err = uk_caught_run_on(&work->swap.plan.services.data[0], work->sink);
	work->ret->frozen_ns = uk_clock_ns() - work->frozen_ns;
	/* If it could not be held, the way back lets it run. */
	return err ? err : uk_swap_end_freeze(&work->swap);
}

static struct uk_error *restore(struct work *work)
{
	const struct uk_service *kept = &work->keep.services.data[0];
	struct uk_trial *ret = work->ret;
	struct uk_error *err = uk_untried_restore(kept, &ret->not_restored);
	if (err || ret->not_restored)
		return err;
	err = uk_network_save(&work->swap.plan, work->swap.store.dir, NULL);
	return err ? err
		   : uk_trial_restore(&work->swap, &work->before, work->fault, &ret->restore_ns);
}

struct phase {
	const char *name;
	struct uk_error *(*run)(struct work *work);
	bool changes; /* something that has to be taken back */
};

static const struct phase phases[] = {
	{ "look", look },
	{ "plan", plan, true },
	{ "post a guardian", post_guardian },
	{ "look into the kernel", open_tasks },
	{ "copy memory", copy_memory, true },
	{ "start criu", start_criu },
	{ "freeze", freeze, true },
	{ "dump", dump, true },
	{ "run on", run_on, true },
	{ "restore", restore, true },
};

static void tell_progress(const struct work *work, const char *phase)
{
	char text[128];
	snprintf(text, sizeof(text), "trial of %s: %s", work->ret->service->name, phase);
	uk_progress(work->sink, text, 0, 0);
}

static struct uk_error *run_phases(struct work *work)
{
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(phases); i++) {
		tell_progress(work, phases[i].name);
		if (phases[i].changes)
			uk_fault_step(work->fault);
		err = uk_error_wrap(phases[i].run(work), "%s", phases[i].name);
	}
	return err;
}

/* The log goes with all else. */
static void forget_log(char *why)
{
	char *see = why ? strstr(why, " (see ") : NULL;
	if (see)
		*see = '\0';
}

static void note_failure(struct work *work, struct uk_error *err)
{
	work->ret->end = UK_TRIAL_FAILED;
	if (work->frozen_ns && !work->ret->frozen_ns)
		work->ret->frozen_ns = uk_clock_ns() - work->frozen_ns;
	uk_error_destroy(uk_strdup(uk_error_message(err), &work->ret->why));
	forget_log(work->ret->why);
	uk_error_destroy(err);
}

/* Into *@ret, of which the service is known. */
static void try_service(struct uk_preflight *preflight, const char *release,
			const struct uk_sink *sink, struct uk_fault *fault, struct uk_trial *ret)
{
	uk_cleanup(work_deinit) struct work work = {
		.preflight = preflight, .sink = sink, .fault = fault, .ret = ret
	};
	work.options = (struct uk_replace_options){ .release = release, .sink = sink };
	work.report.preflight.needed = preflight->needed;
	work.swap = (struct uk_swap){ .options = &work.options,
				      .report = &work.report,
				      .trial = true,
				      .store = { .fd = -1 },
				      .lock = -1,
				      .guard = -1 };
	struct uk_error *err = find_reason(&work, ret->service, &ret->why);
	if (!err && ret->why) {
		ret->end = UK_TRIAL_SKIPPED;
		return;
	}
	if (!err)
		err = run_phases(&work);
	uk_swap_go_back(&work.swap);
	uk_swap_dismiss_guardian(&work.swap);
	if (err)
		note_failure(&work, err);
}

static const char remedy[] = "see what is named, then try again; or leave it out (--without)";

static struct uk_error *add_failure(struct uk_preflight *preflight, const struct uk_trial *trial)
{
	char *what = NULL;
	struct uk_error *err = uk_asprintf(&what, "its trial failed: %s",
					   trial->why ? trial->why : "out of memory");
	return err ? err
		   : uk_preflight_add_service(preflight, trial->service, UK_FATE_IMPOSSIBLE,
					      UK_TRIAL_RULE, what, remedy, "upkeep: --trial");
}

/* What this machine lacks for any checkpoint; what its new kernel lacks is no matter. */
static struct uk_error *check_machine(const struct uk_preflight *preflight)
{
	static const char *const rules[] = { "criu", "diag", "upkeep", "room", "store" };
	if (geteuid())
		return uk_error_create(UK_ERR_SYSTEM, "a trial takes root");
	if (sodium_init() < 0)
		return uk_error_create(UK_ERR_SYSTEM, "libsodium cannot be used here");
	uk_vec_for_each(finding, &preflight->findings) {
		for (size_t i = 0; i < UK_ARRAY_SIZE(rules); i++) {
			if (finding->verdict == UK_FATE_IMPOSSIBLE && !finding->service &&
			    !strcmp(finding->rule, rules[i]))
				return uk_error_create(UK_ERR_REFUSED, "nothing is tried: %s: %s",
						       finding->resource, finding->what);
		}
	}
	return NULL;
}

static struct uk_error *try_all(struct uk_preflight *preflight, const struct uk_sink *sink)
{
	struct uk_fault fault;
	struct uk_error *err = NULL;
	uk_fault_init(&fault);
	uk_progress(sink, "trial: load modules", 0, 0);
	err = uk_swap_load_modules(NULL);
	uk_vec_for_each(service, &preflight->keep.services) {
		struct uk_trial trial = { .service = service };
		if (err)
			break;
		try_service(preflight, preflight->running, sink, &fault, &trial);
		if (trial.end == UK_TRIAL_FAILED)
			err = add_failure(preflight, &trial);
		if (!uk_vec_push(&preflight->trials, trial)) {
			uk_trial_deinit(&trial);
			err = uk_error_first(err, uk_error_nomem());
		}
	}
	return err;
}

struct uk_error *uk_trial_run(struct uk_preflight *preflight, const struct uk_sink *sink)
{
	uk_auto_close int lock = -1;
	struct uk_error *err = check_machine(preflight);
	if (!err && preflight->keep.services.len)
		err = uk_swap_take_lock(&lock);
	if (!err && preflight->keep.services.len)
		err = try_all(preflight, sink);
	return uk_error_wrap(err, "trial");
}
