/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wall clock over the jump. A kernel begins with the time of the machine's battery clock,
 * which knows whole seconds only (mach_get_cmos_time(), arch/x86/kernel/rtc.c): after a kexec the
 * wall clock is up to a second off, and may have gone back. The time stamp counter of the
 * processor is not set anew by a kexec, so it tells how long the jump took.
 */
#ifndef UPKEEP_REPLACE_CLOCK_H
#define UPKEEP_REPLACE_CLOCK_H

#include "base/error.h"

#include <stdint.h>

/* A moment of the old kernel. All 0 where nothing is known. */
struct uk_clock {
	uint64_t ticks;	     /* of the counter */
	uint64_t ns;	     /* CLOCK_REALTIME, since the epoch */
	uint64_t per_second; /* how many ticks a second has */
};

/* Since when the counter's rate is measured. */
struct uk_clock_start {
	uint64_t ticks, ns; /* ns: CLOCK_MONOTONIC */
};

struct uk_clock_start uk_clock_begin(void);
/* Now; all 0 where it began less than a tenth of a second ago. */
struct uk_clock uk_clock_note(const struct uk_clock_start *since);

/*
 * The time by the counter, since the epoch. UK_ERR_INVALID if that is more than two seconds from
 * what this kernel takes for the time: the counter did not go on, or somebody knows better.
 */
struct uk_error *uk_clock_now(const struct uk_clock *clock, uint64_t *ns_ret) uk_must_check;

/* Sets the wall clock to that. Of a clock that is all 0 it stays as it is. */
struct uk_error *uk_clock_continue(const struct uk_clock *clock) uk_must_check;

#endif
