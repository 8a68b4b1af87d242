// SPDX-License-Identifier: GPL-2.0-or-later
/* The wall clock over the jump. */
#include "replace/clock.h"

#include "base/clock.h"

#include <errno.h>
#include <time.h>

/* @value * @times / @by without an overflow in between. */
static uint64_t scale(uint64_t value, uint64_t times, uint64_t by)
{
	return (uint64_t)((unsigned __int128)value * times / by);
}

struct uk_clock_start uk_clock_begin(void)
{
	return (struct uk_clock_start){ __builtin_ia32_rdtsc(), uk_clock_read(CLOCK_MONOTONIC) };
}

struct uk_clock uk_clock_note(const struct uk_clock_start *since)
{
	const struct uk_clock_start now = uk_clock_begin();
	if (now.ns < since->ns + UK_SECOND_NS / 10 || now.ticks <= since->ticks)
		return (struct uk_clock){};
	uint64_t rate = scale(now.ticks - since->ticks, UK_SECOND_NS, now.ns - since->ns);
	return (struct uk_clock){ __builtin_ia32_rdtsc(), uk_clock_read(CLOCK_REALTIME), rate };
}

struct uk_error *uk_clock_now(const struct uk_clock *clock, uint64_t *ns_ret)
{
	uint64_t ticks = __builtin_ia32_rdtsc(), now = uk_clock_read(CLOCK_REALTIME);
	uint64_t told = clock->ns + scale(ticks - clock->ticks, UK_SECOND_NS, clock->per_second);
	uint64_t off = told > now ? told - now : now - told;
	if (ticks < clock->ticks || off > 2ULL * UK_SECOND_NS)
		return uk_error_create(UK_ERR_INVALID,
				       "the processor's counter did not go on with the time; the "
				       "wall clock stays as the kernel set it");
	*ns_ret = told;
	return NULL;
}

struct uk_error *uk_clock_continue(const struct uk_clock *clock)
{
	uint64_t ns = 0;
	struct uk_error *err = clock->per_second ? uk_clock_now(clock, &ns) : NULL;
	if (err || !ns)
		return err;
	const struct timespec time = uk_clock_spec(ns);
	return clock_settime(CLOCK_REALTIME, &time) < 0 ? uk_error_errno(errno, "set the clock")
							: NULL;
}
