// SPDX-License-Identifier: GPL-2.0-or-later
/* The way back: by this process, or by its guardian when it was killed. */
#include "replace/swap.h"

#include "base/file.h"
#include "replace/criu.h"
#include "replace/hooks.h"
#include "replace/jump.h"
#include "replace/keep.h"
#include "replace/network.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void remark(struct uk_swap *swap, struct uk_error *err)
{
	if (err)
		uk_remark(swap->options->sink, UK_LEVEL_WARNING, "on the way back: %s",
			  uk_error_message(err));
	uk_error_destroy(err);
}

static struct uk_error *let_go(struct uk_swap *swap, const struct uk_plan_service *service)
{
	const struct uk_service *kept = uk_keep_find(swap->keep, service->main_pid, NULL);
	return kept ? uk_criu_let_go(service, kept) : NULL;
}

void uk_swap_go_back(struct uk_swap *swap)
{
	if (swap->frozen) {
		uk_vec_for_each(service, &swap->plan.services)
			remark(swap, let_go(swap, service));
		remark(swap, uk_gate_open());
	}
	if (swap->loaded)
		uk_jump_unload();
	if (swap->dir)
		remark(swap, uk_tree_remove(swap->dir));
	if (swap->told)
		uk_hooks_tell(UK_HOOKS, "failed", &swap->plan, swap->options->sink);
}

static void __attribute__((noreturn)) be_guardian(struct uk_swap *swap, int fd)
{
	char byte;
	ssize_t got;
	static const struct uk_sink nobody = {};
	struct uk_replace_options options = *swap->options;
	options.sink = &nobody;
	swap->options = &options;
	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	while ((got = read(fd, &byte, 1)) < 0 && errno == EINTR)
		continue;
	if (!got) {
		swap->frozen = swap->loaded = true;
		uk_swap_go_back(swap);
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

void uk_swap_dismiss_guardian(struct uk_swap *swap)
{
	if (swap->guard < 0)
		return;
	if (write(swap->guard, "", 1) == 1)
		waitpid(swap->guardian, NULL, 0);
}
