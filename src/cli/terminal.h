/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Progress on standard error. On a terminal: one line that is redrawn, with the step, how
 * much of it is done and the time it takes so far. With --verbose: a line for each step that
 * ended, wherever standard error goes.
 */
#ifndef UPKEEP_CLI_TERMINAL_H
#define UPKEEP_CLI_TERMINAL_H

#include "base/progress.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct uk_terminal {
	struct uk_sink sink; /* to hand to the library */
	bool quiet, draws;
	unsigned int verbose;
	pthread_mutex_t lock; /* all below, and what is written to standard error */
	pthread_t clock;      /* redraws while a step says nothing */
	bool ticking, stop;
	pthread_cond_t stopping;
	char step[128]; /* "" between steps */
	uint64_t done, total;
	uint64_t started_ns;
	bool drawn; /* the line is on the screen */
};

void uk_terminal_init(struct uk_terminal *terminal, bool quiet, unsigned int verbose);
/* On a terminal a line stays of each step, with its time, as with --verbose. */
void uk_terminal_keep_steps(struct uk_terminal *terminal);
/* Ends the step that is shown and takes the line away. May be called again. */
void uk_terminal_finish(struct uk_terminal *terminal);

/* Nanoseconds as a person reads them: "0.61 ms", "12.3 s", "4 min 05 s". */
const char *uk_duration_text(uint64_t ns, char buf[32]);

#endif
