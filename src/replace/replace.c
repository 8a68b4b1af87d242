// SPDX-License-Identifier: GPL-2.0-or-later
/* What the old kernel does of a replacement. */
#include "replace/replace.h"

#include "replace/apart.h"
#include "replace/gate.h"
#include "replace/home.h"
#include "replace/history.h"
#include "replace/hooks.h"
#include "replace/jump.h"
#include "replace/keep.h"
#include "replace/memory.h"
#include "replace/network.h"
#include "replace/paths.h"
#include "replace/seat.h"
#include "replace/swap.h"
#include "replace/sysctl.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Who only looks (upkeep status) has it for a moment. */
enum { LOCK_WAIT_MS = 200 };

void uk_swap_deinit(struct uk_swap *swap)
{
	sodium_memzero(&swap->key, sizeof(swap->key));
	uk_plan_deinit(&swap->plan);
	uk_sockets_destroy(swap->sockets);
	uk_ktasks_destroy(swap->ktasks);
	uk_mounts_deinit(&swap->mounts);
	uk_disks_deinit(&swap->disks);
	uk_memory_paths_deinit(&swap->in_memory);
	uk_swap_deinit_ahead(swap);
	uk_swap_end_criu(swap);
	free(swap->folder);
	uk_store_close(&swap->store);
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
	bool own;
	struct uk_error *err = uk_apart_is_kept(swap->options->keep, swap->options->nr_keep, &own);
	if (!err && own)
		err = uk_error_create(UK_ERR_REFUSED, "the process that would freeze what is kept "
						      "is part of it");
	return err;
}

struct uk_error *uk_swap_take_lock(int *ret)
{
	struct uk_error *err = uk_lock_take("/run", LOCK_WAIT_MS, ret);
	if (!err && uk_file_exists(UK_SWAP_ID))
		err = uk_error_create(UK_ERR_BUSY,
				      "the last swap is not over: upkeep-adopt.service "
				      "still hands services back to systemd");
	return err;
}

static struct uk_error *take_lock(struct uk_swap *swap)
{
	struct uk_error *err = uk_swap_take_lock(&swap->lock);
	if (err)
		return err;
	/* Of a swap that ended, or of a start that went around it. */
	err = uk_home_is_open() ? uk_home_close() : NULL;
	if (err)
		return err;
	if (uk_jump_is_loaded())
		return uk_error_create(UK_ERR_BUSY, "a kernel is loaded for kexec already, by "
						    "somebody else; `kexec -u' unloads it");
	return NULL;
}

/* Programs of the administrator's may say no. */
static struct uk_error *ask_hooks(struct uk_swap *swap)
{
	swap->told = true;
	return uk_hooks_ask(UK_HOOKS, &swap->plan);
}

static struct uk_error *list_memory(struct uk_swap *swap)
{
	return uk_memory_list(&swap->plan, swap->keep, swap->sockets, &swap->in_memory);
}

struct uk_error *uk_swap_open_tasks(struct uk_swap *swap)
{
	uk_remark_error(swap->options->sink,
			uk_error_wrap(uk_ktasks_open(&swap->ktasks), "until when threads sleep"));
	return NULL;
}

static struct uk_error *save_network(struct uk_swap *swap)
{
	struct uk_error *err = uk_network_save(&swap->plan, swap->store.dir, swap->options->sink);
	return err ? err : uk_sysctl_save(NULL, swap->store.dir);
}

/* --- frozen -------------------------------------------------------------------------- */

/* What these do to services is seen by the look that follows. */
static struct uk_error *announce(struct uk_swap *swap)
{
	uk_remark(swap->options->sink, UK_LEVEL_INFO,
		  "services will be frozen, and this terminal with the machine; `upkeep history' "
		  "tells "
		  "in %s how it went",
		  swap->plan.new_release);
	uk_hooks_tell(UK_HOOKS, "freeze", &swap->plan, swap->options->sink);
	return NULL;
}

static struct uk_error *freeze(struct uk_swap *swap)
{
	struct uk_error *err = uk_swap_begin_freeze(swap);
	swap->plan.last_start_ns = uk_home_last_start();
	if (!err)
		err = uk_gate_shut(&swap->plan);
	return err ? err : uk_swap_freeze_services(swap);
}

static struct uk_error *save_memory(struct uk_swap *swap)
{
	struct uk_error *err = uk_memory_save(&swap->in_memory, swap->store.dir);
	return err ? err : uk_plan_mark(&swap->plan, "files in memory");
}

static struct uk_error *save_seat(struct uk_swap *swap)
{
	return uk_seat_save(swap->keep, swap->store.dir);
}

static struct uk_error *hash(struct uk_swap *swap)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(one, &swap->ahead) {
		if (!err && one->ahead)
			err = uk_ahead_list(one->ahead, one->images, &swap->plan);
	}
	if (!err)
		err = uk_plan_list_files(&swap->plan, swap->store.dir);
	return err ? err : uk_plan_mark(&swap->plan, "hash");
}

/* Whatever resets the machine from now on leads to the restore, if it comes to a seal. */
static struct uk_error *open_way_home(struct uk_swap *swap)
{
	return uk_swap_has_way_home(swap) ? uk_home_open() : NULL;
}

/* Also what others wrote: file systems are not unmounted. */
static struct uk_error *write_all(struct uk_swap *swap)
{
	/* Should nobody come back, this tells that there was a swap: the plan is lost then. */
	struct uk_error *err = swap->store.fd < 0 ? NULL
						  : uk_history_write(&swap->plan, UK_SWAP_OPEN,
								     NULL, swap->folder);
	if (err)
		return err;
	sync();
	return uk_plan_mark(&swap->plan, "write to the disk");
}

/* Last of all, for the plan tells when the jump began. */
static struct uk_error *seal(struct uk_swap *swap)
{
	swap->plan.clock = uk_clock_note(&swap->clock);
	struct uk_error *err = uk_plan_write(&swap->plan, &swap->key, swap->store.dir);
	if (err)
		return err;
	uk_auto_close int dir = open(swap->store.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) < 0)
		return uk_error_errno(errno, "%s", swap->store.dir);
	return NULL;
}

static struct uk_error *jump(struct uk_swap *swap)
{
	return uk_jump_go();
}

/* --- the phases ---------------------------------------------------------------------- */

struct phase {
	const char *name;
	struct uk_error *(*run)(struct uk_swap *swap);
	bool changes; /* something that has to be taken back */
	bool real;    /* not of a dry run */
};

static const struct phase phases[] = {
	{ "user", check_user },
	{ "lock", take_lock },
	{ "preflight", uk_swap_look },
	{ "plan", uk_swap_make_plan },
	{ "ask", ask_hooks },
	{ "load modules", uk_swap_load_modules },
	{ "post a guardian", uk_swap_post_guardian },
	{ "load the kernel", uk_swap_load_kernel, true },
	{ "plan the way home", uk_swap_plan_way_home, true },
	{ "list files in memory", list_memory },
	{ "look into the kernel", uk_swap_open_tasks },
	{ "note the network", save_network, true },
	{ "copy memory", uk_swap_copy_memory, false, true },
	{ "announce", announce, false, true },
	{ "look again", uk_swap_look_again },
	{ "copy what changed", uk_swap_copy_again, false, true },
	{ "start criu", uk_swap_start_criu, false, true },
	{ "freeze", freeze, true, true },
	{ "save System V IPC", uk_swap_save_sysv, true, true },
	{ "dump", uk_swap_dump_services, true, true },
	{ "save files in memory", save_memory, true, true },
	{ "save the seat", save_seat, false, true },
	{ "hash", hash, false, true },
	{ "open the way home", open_way_home, true, true },
	{ "write to the disk", write_all, false, true },
	{ "seal", seal, true, true },
	{ "jump", jump, true, true },
};

static struct uk_error *run_phases(struct uk_swap *swap)
{
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(phases); i++) {
		if (phases[i].real && swap->options->dry_run)
			continue;
		uk_progress(swap->options->sink, phases[i].name, 0, 0);
		if (phases[i].changes)
			uk_fault_step(&swap->fault);
		uint64_t from = uk_clock_ns();
		err = uk_error_wrap(phases[i].run(swap), "%s", phases[i].name);
		struct uk_replace_phase done = { phases[i].name, uk_clock_ns() - from };
		if (!uk_vec_push(&swap->report->phases, done) && !err)
			err = uk_error_nomem();
	}
	return err;
}

struct uk_error *uk_replace_run(const struct uk_replace_options *options,
				struct uk_replace_report *report)
{
	uk_cleanup(uk_swap_deinit) struct uk_swap swap = {
		.options = options, .report = report, .lock = -1, .guard = -1, .store = { .fd = -1 }
	};
	uk_fault_init(&swap.fault);
	struct uk_error *err = run_phases(&swap);
	swap.why = err ? uk_error_message(err) : NULL;
	uk_swap_go_back(&swap);
	uk_swap_dismiss_guardian(&swap);
	uk_swap_wipe_store(&swap);
	return err;
}
