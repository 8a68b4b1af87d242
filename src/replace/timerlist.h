/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POSIX timers in /proc/timer_list (kernel: kernel/time/timer_list.c), which tells when each of the
 * kernel's timers expires, to the nanosecond, but not whose it is. Timers that are set for a time
 * of day are among those of CLOCK_REALTIME, all others, also durations of CLOCK_REALTIME, are among
 * those of CLOCK_MONOTONIC (kernel/time/hrtimer.c: __hrtimer_init()).
 */
#ifndef UPKEEP_REPLACE_TIMERLIST_H
#define UPKEEP_REPLACE_TIMERLIST_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct uk_timerlist_entry {
	bool wall; /* of CLOCK_REALTIME, else of CLOCK_MONOTONIC */
	uint64_t expires;
};

typedef UK_VEC(struct uk_timerlist_entry) uk_timerlist;

/* Appends the POSIX timers of those two clocks. Lines of another form are skipped. */
struct uk_error *uk_timerlist_parse(const char *text, uk_timerlist *ret) uk_must_check;

/*
 * When a timer for a time of day expires of which @left_ns remained at a moment between
 * @wall_from and @wall_to, which were @monotonic_from and @monotonic_to of the other clock.
 */
struct uk_timerlist_window {
	uint64_t wall_from, wall_to, monotonic_from, monotonic_to;
};
enum uk_timerlist_match {
	UK_TIMERLIST_NONE, /* there is no such timer */
	UK_TIMERLIST_ONE,  /* *@ret is when it expires */
	UK_TIMERLIST_MANY, /* it could be another one, too */
};
enum uk_timerlist_match uk_timerlist_find(const uk_timerlist *list, uint64_t left_ns,
					  const struct uk_timerlist_window *window, uint64_t *ret);

/*
 * The same of a duration: of those of CLOCK_MONOTONIC alone. *@ret of its clock.
 */
enum uk_timerlist_match uk_timerlist_find_duration(const uk_timerlist *list, uint64_t left_ns,
						   const struct uk_timerlist_window *window,
						   uint64_t *ret);

#endif
