/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the cases of processes asleep in a system call have in common. A run has one case of one
 * file, so each file has its own of these.
 */
#ifndef ZOO_SLEEP_H
#define ZOO_SLEEP_H

#include "zoo.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static int ends[2], fd = -1;
static double began;

/* What the call gave, and that it did not before .go; no other wake-up is wanted. */
static inline void woke(long wanted, long found)
{
	const int error = errno;

	if (found < 0 && wanted != found)
		zoo_fail("the call failed: %s", strerror(error));
	zoo_want(zoo.page->woken, "the call returned %ld before anybody woke it", found);
	zoo_same("returned", wanted, found);
}

/* A call that ends by its own time. */
static inline void start_clock(void)
{
	began = zoo_now(CLOCK_MONOTONIC);
}

static inline void timed_out(long wanted, int wanted_errno, long found)
{
	const int error = errno;
	const double took = zoo_now(CLOCK_MONOTONIC) - began;

	if (found < 0 && error != wanted_errno)
		zoo_fail("the call failed after %.2f s of %.2f: %s", took, zoo_lasts(),
			 strerror(error));
	zoo_same("returned", wanted, found);
	zoo_near("seconds asleep", zoo_lasts(), took, ZOO_EARLY_BY, ZOO_LATE_BY);
	zoo_pause(100); /* the waker looks at the clocks meanwhile */
	zoo_over_at(began + took);
}

/* The step may come much later than the deadline of other steps. */
static inline void await_wake(void)
{
	while (zoo.page->steps[0] < 2)
		zoo_idle();
}

static inline struct timespec spec(double seconds)
{
	return (struct timespec){ (time_t)seconds, (long)((seconds - floor(seconds)) * 1e9) };
}

static inline void pipe_setup(void)
{
	zoo_sys(pipe(ends));
}

static inline void pipe_wake(void)
{
	zoo_write(ends[1], "w");
}

/* Exactly what the waker wrote is there. */
static inline void pipe_done(void)
{
	zoo_read(ends[0], "w");
	zoo_empty(ends[0]);
}

static inline void step_wake(void)
{
	zoo_step(0, 2);
}

/* A case by the hooks that it has; @number: of the system call. */
#define SLEEPER(name, setup_hook, sleep_hook, wake_hook, number, ...)                              \
	{                                                                                          \
		"sleep-" name, .setup = setup_hook, .sleep = sleep_hook, .wake = wake_hook,        \
			       .nr = number, ##__VA_ARGS__                                         \
	}

#endif
