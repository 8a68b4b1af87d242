// SPDX-License-Identifier: GPL-2.0-or-later
/* Progress on standard error. */
#include "cli/terminal.h"

#include "base/clock.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

enum { REDRAW_MS = 500 };

const char *uk_duration_text(uint64_t ns, char buf[32])
{
	uint64_t seconds = ns / 1000000000;
	if (seconds >= 60)
		snprintf(buf, 32, "%llu min %02llu s", (unsigned long long)seconds / 60,
			 (unsigned long long)seconds % 60);
	else if (seconds)
		snprintf(buf, 32, "%.1f s", (double)ns / 1e9);
	else
		snprintf(buf, 32, "%.2f ms", (double)ns / 1e6);
	return buf;
}

static int columns(void)
{
	struct winsize size;
	return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}

static void erase(struct uk_terminal *terminal)
{
	if (terminal->drawn)
		fputs("\r\033[K", stderr);
	terminal->drawn = false;
}

static void draw(struct uk_terminal *terminal)
{
	char amount[64] = "", line[256];
	if (terminal->total)
		snprintf(amount, sizeof(amount), " %llu/%llu", (unsigned long long)terminal->done,
			 (unsigned long long)terminal->total);
	snprintf(line, sizeof(line), "%s%s  %llu s", terminal->step, amount,
		 (unsigned long long)((uk_clock_ns() - terminal->started_ns) / 1000000000));
	erase(terminal);
	fprintf(stderr, "%.*s", columns() - 1, line);
	fflush(stderr);
	terminal->drawn = true;
}

/* A step that says nothing for a long time must not look dead. */
static void *tick(void *ctx)
{
	struct uk_terminal *terminal = ctx;
	pthread_mutex_lock(&terminal->lock);
	while (!terminal->stop) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += REDRAW_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&terminal->stopping, &terminal->lock, &until);
		if (!terminal->stop && *terminal->step)
			draw(terminal);
	}
	pthread_mutex_unlock(&terminal->lock);
	return NULL;
}

/* Signals are for the main thread. */
static void start_clock(struct uk_terminal *terminal)
{
	sigset_t all, before;
	if (terminal->ticking)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	terminal->ticking = !pthread_create(&terminal->clock, NULL, tick, terminal);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void end_step(struct uk_terminal *terminal)
{
	char time[32];
	if (!*terminal->step)
		return;
	erase(terminal);
	if (terminal->verbose)
		fprintf(stderr, "%s: %s\n", terminal->step,
			uk_duration_text(uk_clock_ns() - terminal->started_ns, time));
	*terminal->step = '\0';
}

static void show_progress(void *ctx, const char *step, uint64_t done, uint64_t total)
{
	struct uk_terminal *terminal = ctx;
	if (!terminal->draws && !terminal->verbose)
		return;
	pthread_mutex_lock(&terminal->lock);
	if (strncmp(terminal->step, step, sizeof(terminal->step) - 1)) {
		end_step(terminal);
		snprintf(terminal->step, sizeof(terminal->step), "%s", step);
		terminal->started_ns = uk_clock_ns();
	}
	terminal->done = done;
	terminal->total = total;
	if (terminal->draws) {
		start_clock(terminal);
		draw(terminal);
	}
	pthread_mutex_unlock(&terminal->lock);
}

static void show_remark(void *ctx, enum uk_level level, const char *text)
{
	struct uk_terminal *terminal = ctx;
	unsigned int needed = level == UK_LEVEL_WARNING ? 0 : level == UK_LEVEL_INFO ? 1 : 2;
	if (terminal->quiet || terminal->verbose < needed)
		return;
	pthread_mutex_lock(&terminal->lock);
	erase(terminal);
	fprintf(stderr, "%s%s\n", level == UK_LEVEL_WARNING ? "upkeep: warning: " : "", text);
	pthread_mutex_unlock(&terminal->lock);
}

void uk_terminal_init(struct uk_terminal *terminal, bool quiet, unsigned int verbose)
{
	*terminal = (struct uk_terminal){
		.sink = { show_progress, show_remark, terminal },
		.quiet = quiet,
		.draws = !quiet && isatty(STDERR_FILENO),
		.verbose = quiet ? 0 : verbose,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.stopping = PTHREAD_COND_INITIALIZER,
	};
}

void uk_terminal_keep_steps(struct uk_terminal *terminal)
{
	if (terminal->draws && !terminal->verbose)
		terminal->verbose = 1;
}

void uk_terminal_finish(struct uk_terminal *terminal)
{
	pthread_mutex_lock(&terminal->lock);
	end_step(terminal);
	erase(terminal);
	terminal->stop = true;
	pthread_cond_signal(&terminal->stopping);
	pthread_mutex_unlock(&terminal->lock);
	if (terminal->ticking)
		pthread_join(terminal->clock, NULL);
	terminal->ticking = terminal->stop = false;
	fflush(stderr);
}
