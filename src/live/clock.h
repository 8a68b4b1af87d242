/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time that only goes forward. Private to this room. */
#ifndef UPKEEP_LIVE_CLOCK_H
#define UPKEEP_LIVE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t uk_clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline void uk_clock_sleep(uint64_t ns)
{
	struct timespec time = { .tv_sec = (time_t)(ns / 1000000000),
				 .tv_nsec = (long)(ns % 1000000000) };
	nanosleep(&time, NULL);
}

#endif
