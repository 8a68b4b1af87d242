// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* The wall clock over the jump: what it is set to, and what is not believed. */
#include "replace/clock.h"

#include "tap.h"

#include <string.h>
#include <time.h>

static struct uk_clock noted(void)
{
	const struct timespec wait = { .tv_nsec = 200000000 };
	const struct uk_clock_start start = uk_clock_begin();
	nanosleep(&wait, NULL);
	return uk_clock_note(&start);
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

START_TEST(too_short_a_time_tells_no_rate)
{
	const struct uk_clock_start start = uk_clock_begin();
	const struct uk_clock clock = uk_clock_note(&start);
	ck_assert_uint_eq(clock.per_second, 0);
	ck_ok(uk_clock_continue(&clock)); /* nothing is done */
}
END_TEST

START_TEST(the_counter_tells_the_time)
{
	const struct timespec wait = { .tv_nsec = 300000000 };
	const struct uk_clock clock = noted();
	uint64_t told = 0;
	ck_assert_uint_gt(clock.per_second, 1000000);
	nanosleep(&wait, NULL);
	ck_ok(uk_clock_now(&clock, &told));
	int64_t off = now_ns() - (int64_t)told;
	ck_assert_msg(off > -20000000 && off < 20000000, "%lld ns off", (long long)off);
}
END_TEST

START_TEST(what_is_far_off_is_not_believed)
{
	struct uk_clock clock = noted();
	uint64_t told;
	clock.ns += 3000000000;
	ck_fails(uk_clock_now(&clock, &told), UK_ERR_INVALID, "counter did not go on");
	clock = noted();
	clock.ticks += clock.per_second; /* it was set to zero on the way */
	ck_fails(uk_clock_now(&clock, &told), UK_ERR_INVALID, "counter did not go on");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clock");
	TCase *tc = tcase_create("clock");
	tcase_add_test(tc, too_short_a_time_tells_no_rate);
	tcase_add_test(tc, the_counter_tells_the_time);
	tcase_add_test(tc, what_is_far_off_is_not_believed);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
