// SPDX-License-Identifier: GPL-2.0-or-later
/* What the old kernel does of a replacement. */
#include "replace/replace.h"

#include "replace/criu.h"
#include "replace/hooks.h"
#include "replace/image.h"
#include "replace/jump.h"
#include "replace/keep.h"
#include "replace/memory.h"
#include "replace/network.h"
#include "replace/paths.h"
#include "replace/swap.h"
#include "replace/view.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static void swap_deinit(struct uk_swap *swap)
{
	sodium_memzero(&swap->key, sizeof(swap->key));
	uk_plan_deinit(&swap->plan);
	uk_sockets_destroy(swap->sockets);
	uk_mounts_deinit(&swap->mounts);
	free(swap->dir);
	uk_cleanup_close(&swap->lock);
	uk_cleanup_close(&swap->guard);
}

void uk_replace_report_deinit(struct uk_replace_report *report)
{
	free(report->id);
	uk_preflight_deinit(&report->preflight);
	uk_vec_deinit(&report->phases);
}

/* --- what is asked for --------------------------------------------------------------- */

static struct uk_error *check_user(struct uk_swap *swap)
{
	if (geteuid())
		return uk_error_create(UK_ERR_SYSTEM, "replacing the kernel takes root");
	if (sodium_init() < 0)
		return uk_error_create(UK_ERR_SYSTEM, "libsodium cannot be used here");
	return NULL;
}

/* The same lock that hot updates take: one change of this machine's kernel at a time. */
static struct uk_error *take_lock(struct uk_swap *swap)
{
	swap->lock = open("/run/upkeep.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (swap->lock < 0)
		return uk_error_errno(errno, "/run/upkeep.lock");
	if (flock(swap->lock, LOCK_EX | LOCK_NB) < 0)
		return uk_error_create(UK_ERR_BUSY, "another upkeep is changing this machine");
	if (uk_file_exists(UK_SWAP_ID))
		return uk_error_create(UK_ERR_BUSY,
				       "the last swap is not over: upkeep-adopt.service "
				       "still hands services back to systemd");
	if (uk_jump_is_loaded())
		return uk_error_create(UK_ERR_BUSY, "a kernel is loaded for kexec already, by "
						    "somebody else; `kexec -u' unloads it");
	return NULL;
}

static struct uk_error *check_all(struct uk_swap *swap)
{
	const struct uk_replace_options *options = swap->options;
	struct uk_preflight *preflight = &swap->report->preflight;
	const struct uk_preflight_options look = { .keep = options->keep,
						   .nr_keep = options->nr_keep,
						   .kernel = options->release,
						   .store = UK_SWAPS,
						   .sink = options->sink };
	struct uk_error *err = uk_preflight_run(&look, preflight);
	for (size_t i = 0; !err && i < options->nr_accept; i++) {
		if (!uk_preflight_accept(preflight, options->accept[i]))
			err = uk_error_create(UK_ERR_USAGE, "--accept %s: there is no such finding",
					      options->accept[i]);
	}
	swap->keep = &preflight->keep;
	return err ? err : uk_preflight_verdict(preflight);
}

/* Programs of the administrator's may say no. */
static struct uk_error *ask_hooks(struct uk_swap *swap)
{
	swap->told = true;
	return uk_hooks_ask(UK_HOOKS, &swap->plan);
}

static struct uk_error *save_network(struct uk_swap *swap)
{
	return uk_network_save(&swap->plan, swap->dir, swap->options->sink);
}

/* --- frozen -------------------------------------------------------------------------- */

static struct uk_error *freeze(struct uk_swap *swap)
{
	uk_hooks_tell(UK_HOOKS, "freeze", &swap->plan, swap->options->sink);
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	swap->plan.frozen_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	swap->frozen = true;
	return uk_gate_shut(&swap->plan);
}

/* A repair of the images: see image.h for what this costs, which the preflight has told. */
static struct uk_error *leave_users(struct uk_swap *swap, const struct uk_plan_service *service)
{
	uk_auto_free char *images = NULL;
	const struct uk_task *task;
	if (!uk_keep_find(swap->keep, service->main_pid, &task) || !task->plain_users ||
	    !(task->own_ns & (1u << UK_NS_USER)))
		return NULL;
	struct uk_error *err = uk_asprintf(&images, "%s/%s", swap->dir, service->images);
	return err ? err : uk_image_leave_users(images);
}

static struct uk_error *dump_service(struct uk_swap *swap, const struct uk_plan_service *service)
{
	struct uk_error *err = uk_criu_dump(service, swap->dir, swap->guard);
	if (!err)
		err = leave_users(swap, service);
	if (!err)
		err = uk_view_pack(&service->view, service->main_pid, swap->dir);
	return uk_error_wrap(err, "%s", service->name);
}

static struct uk_error *dump_services(struct uk_swap *swap)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(service, &swap->plan.services) {
		uk_progress(swap->options->sink, "dump",
			    (uint64_t)(service - swap->plan.services.data),
			    swap->plan.services.len);
		err = dump_service(swap, service);
		if (err)
			return err;
	}
	return uk_plan_mark(&swap->plan, "dump");
}

static struct uk_error *save_memory(struct uk_swap *swap)
{
	return uk_memory_save(&swap->plan, swap->keep, swap->sockets, swap->dir);
}

static struct uk_error *seal(struct uk_swap *swap)
{
	struct uk_error *err = uk_plan_list_files(&swap->plan, swap->dir);
	if (!err)
		err = uk_plan_mark(&swap->plan, "seal");
	return err ? err : uk_plan_write(&swap->plan, &swap->key, swap->dir);
}

static struct uk_error *jump(struct uk_swap *swap)
{
	sync();
	return uk_jump_go();
}

/* --- the phases ---------------------------------------------------------------------- */

struct phase {
	const char *name;
	struct uk_error *(*run)(struct uk_swap *swap);
	bool changes; /* something that has to be taken back */
	bool frozen;  /* not of a dry run */
};

static const struct phase phases[] = {
	{ "user", check_user },
	{ "lock", take_lock },
	{ "preflight", check_all },
	{ "plan", uk_swap_make_plan },
	{ "ask", ask_hooks },
	{ "load modules", uk_swap_load_modules },
	{ "post a guardian", uk_swap_post_guardian },
	{ "load the kernel", uk_swap_load_kernel, true },
	{ "note the network", save_network, true },
	{ "freeze", freeze, true, true },
	{ "dump", dump_services, true, true },
	{ "save files in memory", save_memory, true, true },
	{ "seal", seal, true, true },
	{ "jump", jump, true, true },
};

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct uk_error *run_phases(struct uk_swap *swap)
{
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(phases); i++) {
		if (phases[i].frozen && swap->options->dry_run)
			continue;
		uk_progress(swap->options->sink, phases[i].name, 0, 0);
		if (phases[i].changes)
			uk_fault_step(&swap->fault);
		uint64_t from = now_ns();
		err = uk_error_wrap(phases[i].run(swap), "%s", phases[i].name);
		struct uk_replace_phase done = { phases[i].name, now_ns() - from };
		if (!uk_vec_push(&swap->report->phases, done) && !err)
			err = uk_error_nomem();
	}
	return err;
}

struct uk_error *uk_replace_run(const struct uk_replace_options *options,
				struct uk_replace_report *report)
{
	uk_cleanup(swap_deinit) struct uk_swap swap = {
		.options = options, .report = report, .lock = -1, .guard = -1
	};
	uk_fault_init(&swap.fault);
	struct uk_error *err = run_phases(&swap);
	uk_swap_go_back(&swap);
	uk_swap_dismiss_guardian(&swap);
	return err;
}
