// SPDX-License-Identifier: GPL-2.0-or-later
/* Following a replacement of the kernel from within what is kept. */
#include "cli/follow.h"

#include "cli/swap.h"
#include "replace/history.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum {
	PAUSE_MS = 100,
	PATIENCE_S = 900, /* for the new kernel's system to start */
};

static volatile sig_atomic_t caught;

static void note_signal(int signal)
{
	caught = signal;
}

static void catch_interrupts(void)
{
	const struct sigaction action = { .sa_handler = note_signal, .sa_flags = SA_RESTART };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static void pause_briefly(void)
{
	const struct timespec brief = { 0, PAUSE_MS * 1000000L };
	nanosleep(&brief, NULL);
}

static struct uk_error *say_end(struct uk_cli *cli, const struct uk_history_swap *swap)
{
	if (cli->json)
		uk_swap_json(cli->json, swap);
	struct uk_error *err = uk_swap_say(cli, swap, true);
	if (!err && swap->end != UK_SWAP_OVER)
		err = uk_error_create(UK_ERR_SYSTEM, "%s",
				      swap->why ? swap->why : "it did not go through");
	return err;
}

/* The last one is over when services have been handed back to systemd. */
static struct uk_error *await_end(struct uk_cli *cli)
{
	for (int i = 0; i < PATIENCE_S * 1000 / PAUSE_MS; i++) {
		uk_auto_history struct uk_history history = {};
		struct uk_error *err = uk_history_read(NULL, "/run", &history);
		if (err)
			return err;
		if (history.swaps.len && history.swaps.data[0].end != UK_SWAP_OPEN)
			return say_end(cli, &history.swaps.data[0]);
		pause_briefly();
	}
	return uk_error_create(
		UK_ERR_SYSTEM,
		"the kernel is another one, and services are not handed back to systemd "
		"yet: see `upkeep status'");
}

struct uk_error *uk_follow(struct uk_cli *cli, struct uk_apart *apart)
{
	enum uk_apart_state state;
	catch_interrupts();
	while ((state = uk_apart_look(apart)) == UK_APART_WORKS) {
		int signal = caught;
		caught = 0;
		if (signal)
			kill(apart->pid, signal);
		pause_briefly();
	}
	if (state == UK_APART_SWAPPED)
		return await_end(cli);
	/* All is said, as JSON too. */
	exit(uk_apart_status(apart));
}
