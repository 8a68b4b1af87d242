// SPDX-License-Identifier: GPL-2.0-or-later
/* The way back: by this process, or by its guardian when it was killed. */
#include "replace/swap.h"

#include "base/clock.h"
#include "base/file.h"
#include "replace/caught.h"
#include "replace/cgroup.h"
#include "replace/criu.h"
#include "replace/gate.h"
#include "replace/history.h"
#include "replace/home.h"
#include "replace/hooks.h"
#include "replace/jump.h"
#include "replace/keep.h"
#include "replace/paths.h"
#include "replace/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the guardian is told. */
enum { DISMISSED = 'd', FREEZES = 'f', THAWED = 't' };

static void remark(struct uk_swap *swap, struct uk_error *err)
{
	uk_remark_error(swap->options->sink, uk_error_wrap(err, "on the way back"));
}

/* Nobody was left stopped. Who was not may have been stopped by somebody else: it stays so. */
static struct uk_error *run_on(struct uk_swap *swap, const struct uk_plan_service *service,
			       const struct uk_service *kept)
{
	struct uk_error *err = uk_criu_unlock(service, kept);
	if (kept->kind == UK_SERVICE_TREE)
		return err;
	remark(swap, uk_caught_run_on(service, swap->options->sink));
	return uk_error_first(err, uk_cgroup_thaw(kept->cgroup));
}

static struct uk_error *let_go(struct uk_swap *swap, const struct uk_plan_service *service)
{
	const struct uk_service *kept = uk_keep_find(swap->keep, service->main_pid, NULL);
	if (!kept)
		return NULL;
	return swap->trial ? run_on(swap, service, kept) : uk_criu_let_go(service, kept);
}

static struct uk_error *leave_report(struct uk_swap *swap)
{
	remark(swap, uk_history_strip(swap->folder));
	struct uk_error *err = uk_history_write(&swap->plan, UK_SWAP_BACK, swap->why, swap->folder);
	return err ? err : uk_history_prune(UK_SWAPS);
}

void uk_swap_go_back(struct uk_swap *swap)
{
	uk_swap_end_criu(swap);
	uk_swap_end_gatherers(swap);
	if (swap->frozen && !swap->trial)
		remark(swap, uk_swap_put_back_sysv(swap));
	if (swap->frozen) {
		uk_vec_for_each(service, &swap->plan.services)
			remark(swap, let_go(swap, service));
	}
	if (swap->trial)
		remark(swap, uk_stage_clear());
	if (swap->frozen && !swap->trial) {
		remark(swap, uk_gate_open());
		remark(swap, uk_plan_mark(&swap->plan, "open the gate"));
	}
	if (swap->loaded) {
		remark(swap, uk_home_close());
		uk_jump_unload();
	}
	swap->wipe = swap->store.fd >= 0;
	uk_store_close(&swap->store);
	if (swap->folder)
		remark(swap, swap->frozen && !swap->trial ? leave_report(swap)
							  : uk_tree_remove(swap->folder));
	if (swap->told)
		uk_hooks_tell(UK_HOOKS, "failed", &swap->plan, swap->options->sink);
}

void uk_swap_wipe_store(struct uk_swap *swap)
{
	if (swap->wipe)
		remark(swap, uk_store_wipe());
}

bool uk_swap_has_way_home(const struct uk_swap *swap)
{
	return swap->options->way_home && swap->store.fd < 0;
}

static void note_freeze(struct uk_swap *swap)
{
	swap->plan.frozen_ns = uk_clock_read(CLOCK_REALTIME);
	swap->frozen = true;
}

static struct uk_error *tell_guardian(struct uk_swap *swap, char word)
{
	return write(swap->guard, &word, 1) == 1 ? NULL
						 : uk_error_errno(errno, "tell the guardian");
}

struct uk_error *uk_swap_begin_freeze(struct uk_swap *swap)
{
	struct uk_error *err = tell_guardian(swap, FREEZES);
	if (!err)
		note_freeze(swap);
	return err;
}

struct uk_error *uk_swap_end_freeze(struct uk_swap *swap)
{
	swap->frozen = false;
	return tell_guardian(swap, THAWED);
}

/* 0 when the one that is guarded has ended. */
static char next_word(int fd)
{
	char word;
	ssize_t got;
	while ((got = read(fd, &word, 1)) < 0 && errno == EINTR)
		continue;
	return got == 1 ? word : 0;
}

static void __attribute__((noreturn)) be_guardian(struct uk_swap *swap, int fd)
{
	char word;
	static const struct uk_sink nobody = {};
	struct uk_replace_options options = *swap->options;
	options.sink = &nobody;
	swap->options = &options;
	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	while ((word = next_word(fd)) == FREEZES || word == THAWED) {
		if (word == FREEZES)
			note_freeze(swap);
		else
			swap->frozen = false;
	}
	if (!word) {
		swap->loaded = !swap->trial;
		swap->why = "upkeep was killed";
		uk_swap_go_back(swap);
		uk_swap_wipe_store(swap);
	}
	_exit(0);
}

struct uk_error *uk_swap_post_guardian(struct uk_swap *swap)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return uk_error_errno(errno, "pipe");
	swap->guardian = fork();
	if (swap->guardian < 0) {
		close(ends[0]);
		close(ends[1]);
		return uk_error_errno(errno, "fork");
	}
	if (!swap->guardian) {
		close(ends[1]);
		be_guardian(swap, ends[0]);
	}
	close(ends[0]);
	swap->guard = ends[1];
	return NULL;
}

static void dismiss(int guard, pid_t guardian)
{
	static const char word = DISMISSED;
	if (write(guard, &word, 1) == 1)
		waitpid(guardian, NULL, 0);
}

void uk_swap_dismiss_guardian(struct uk_swap *swap)
{
	if (swap->guard < 0)
		return;
	dismiss(swap->guard, swap->guardian);
}

struct uk_error *uk_swap_relieve_guardian(struct uk_swap *swap)
{
	uk_auto_close int guard = swap->guard;
	pid_t guardian = swap->guardian;
	swap->guard = -1;
	struct uk_error *err = uk_swap_post_guardian(swap);
	if (!err) {
		dismiss(guard, guardian);
		return NULL;
	}
	swap->guard = uk_take_fd(guard);
	swap->guardian = guardian;
	return err;
}
