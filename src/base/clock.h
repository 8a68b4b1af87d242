/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks, in nanoseconds. */
#ifndef UPKEEP_BASE_CLOCK_H
#define UPKEEP_BASE_CLOCK_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

enum {
	UK_MS_NS = 1000000,
	UK_SECOND_NS = 1000000000,
};

static inline uint64_t uk_clock_of(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * UK_SECOND_NS + (uint64_t)time->tv_nsec;
}

static inline struct timespec uk_clock_spec(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / UK_SECOND_NS),
				  .tv_nsec = (long)(ns % UK_SECOND_NS) };
}

/* Not earlier, and by a microsecond at most later. */
static inline struct timeval uk_clock_val(uint64_t ns)
{
	uint64_t us = ns / 1000 + (ns % 1000 != 0);
	return (struct timeval){ .tv_sec = (time_t)(us / 1000000),
				 .tv_usec = (suseconds_t)(us % 1000000) };
}

static inline uint64_t uk_clock_read(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return uk_clock_of(&now);
}

/* Time that only goes forward. */
static inline uint64_t uk_clock_ns(void)
{
	return uk_clock_read(CLOCK_MONOTONIC);
}

static inline void uk_clock_sleep(uint64_t ns)
{
	const struct timespec time = uk_clock_spec(ns);
	nanosleep(&time, NULL);
}

#endif
