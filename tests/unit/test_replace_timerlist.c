// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace base */
/* The kernel's list of timers, and which of them is a timer for a time of day. */
#include "replace/timerlist.h"

#include "base/file.h"
#include "tap.h"

#include <signal.h>
#include <time.h>

static const char sample[] =
	"Timer List Version: v0.9\n"
	"now at 105000000000 nsecs\n"
	"\n"
	"cpu: 0\n"
	" clock 0:\n"
	"  .base:       00000000d1e6b3b5\n"
	"  .index:      0\n"
	"active timers:\n"
	" #0: <000000000b2dc0c3>, tick_sched_timer, S:01\n"
	" # expires at 105004000000-105004000000 nsecs [in 4000000 to 4000000 nsecs]\n"
	" #1: <000000000b2dc0c4>, posix_timer_fn, S:01\n"
	" # expires at 106000000000-106000050000 nsecs [in 1000000000 to 1000050000 nsecs]\n"
	" clock 1:\n"
	"  .index:      1\n"
	"active timers:\n"
	" #0: <000000000b2dc0c5>, posix_timer_fn, S:01\n"
	" # expires at 1764480000000000000-1764480000000050000 nsecs [in 1 to 2 nsecs]\n"
	" #1: <000000000b2dc0c6>, timerfd_tmrproc, S:01\n"
	" # expires at 1764480005000000000-1764480005000000000 nsecs [in 1 to 2 nsecs]\n"
	" clock 2:\n"
	" #0: <000000000b2dc0c7>, posix_timer_fn, S:01\n"
	" # expires at 107000000000-107000000000 nsecs [in 1 to 2 nsecs]\n"
	"cpu: 1\n"
	" clock 5:\n"
	" #0: <000000000b2dc0c8>, posix_timer_fn, S:01\n"
	" # expires at 1764480009000000000-1764480009000000000 nsecs [in 1 to 2 nsecs]\n";

START_TEST(posix_timers_are_found)
{
	uk_timerlist list = {};
	ck_ok(uk_timerlist_parse(sample, &list));
	ck_assert_uint_eq(list.len, 3);
	ck_assert(!list.data[0].wall && list.data[0].expires == 106000000000);
	ck_assert(list.data[1].wall && list.data[1].expires == 1764480000000000000);
	ck_assert(list.data[2].wall && list.data[2].expires == 1764480009000000000);
	uk_vec_deinit(&list);
}
END_TEST

START_TEST(odd_lists_are_empty)
{
	static const char *const texts[] = { "",
					     "\n",
					     " clock 1:",
					     " clock x:\n #0: , posix_timer_fn,",
					     " #0: <1>, posix_timer_fn, S:01\n # expires at 5-6\n",
					     " clock 1:\n #0: <1>, posix_timer_fn, S:01\n\n"
					     " # expires at 5-6 nsecs\n" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(texts); i++) {
		uk_timerlist list = {};
		ck_ok(uk_timerlist_parse(texts[i], &list));
		ck_assert_uint_eq(list.len, 0);
	}
}
END_TEST

enum { S = 1000000000 };

/* Wall and monotonic clock from 1000 and 100 on, for two seconds. */
static const struct uk_timerlist_window window = { 1000ull * S, 1002ull * S, 100ull * S,
						   102ull * S };

static enum uk_timerlist_match find(const struct uk_timerlist_entry *entries, size_t nr,
				    uint64_t *ret)
{
	uk_timerlist list = {};
	for (size_t i = 0; i < nr; i++)
		ck_assert(uk_vec_push(&list, entries[i]));
	enum uk_timerlist_match found = uk_timerlist_find(&list, 50ull * S, &window, ret);
	uk_vec_deinit(&list);
	return found;
}

START_TEST(a_timer_is_told_by_its_moment)
{
	const struct uk_timerlist_entry right = { true, 1051ull * S },
					early = { true, 1049ull * S };
	const struct uk_timerlist_entry late = { true, 1053ull * S }, also = { true, 1052ull * S };
	const struct uk_timerlist_entry other = { false, 151ull * S }, far = { false, 149ull * S };
	uint64_t when = 0;
	ck_assert_int_eq(find((struct uk_timerlist_entry[]){ early, right, late, far }, 4, &when),
			 UK_TIMERLIST_ONE);
	ck_assert_uint_eq(when, 1051ull * S);
	ck_assert_int_eq(find((struct uk_timerlist_entry[]){ right, right }, 2, &when),
			 UK_TIMERLIST_ONE);
	/* It could be another one, or none for a time of day. */
	ck_assert_int_eq(find((struct uk_timerlist_entry[]){ right, also }, 2, &when),
			 UK_TIMERLIST_MANY);
	ck_assert_int_eq(find((struct uk_timerlist_entry[]){ right, other }, 2, &when),
			 UK_TIMERLIST_MANY);
	ck_assert_int_eq(find((struct uk_timerlist_entry[]){ other, right }, 2, &when),
			 UK_TIMERLIST_MANY);
	ck_assert_int_eq(find((struct uk_timerlist_entry[]){ other }, 1, &when), UK_TIMERLIST_NONE);
	ck_assert_int_eq(find((struct uk_timerlist_entry[]){ early, late }, 2, &when),
			 UK_TIMERLIST_NONE);
	ck_assert_int_eq(find(NULL, 0, &when), UK_TIMERLIST_NONE);
}
END_TEST

static uint64_t now(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * S + (uint64_t)time.tv_nsec;
}

/* On this kernel, if it shows its list: one for a time of day, and a duration of the same clock. */
START_TEST(our_own_timers_are_told_apart)
{
	struct uk_timerlist_window span = { now(CLOCK_REALTIME), 0, now(CLOCK_MONOTONIC), 0 };
	struct sigevent none = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	const uint64_t end = span.wall_from + 4321ull * S;
	struct itimerspec spec = { .it_value = { (time_t)(end / S), (long)(end % S) } };
	timer_t wall, duration;
	ck_assert(!timer_create(CLOCK_REALTIME, &none, &wall) &&
		  !timer_create(CLOCK_REALTIME, &none, &duration));
	ck_assert(!timer_settime(wall, TIMER_ABSTIME, &spec, NULL));
	spec.it_value = (struct timespec){ 9876, 0 };
	ck_assert(!timer_settime(duration, 0, &spec, NULL));
	uk_timerlist list = {};
	uk_auto_free char *text = NULL;
	ck_ok(uk_file_read("/proc/timer_list", 64 << 20, &text, NULL));
	ck_ok(uk_timerlist_parse(text, &list));
	span.wall_to = now(CLOCK_REALTIME);
	span.monotonic_to = now(CLOCK_MONOTONIC);
	uint64_t when = 0;
	ck_assert_int_eq(uk_timerlist_find(&list, 4321ull * S, &span, &when), UK_TIMERLIST_ONE);
	ck_assert_uint_eq(when, end);
	ck_assert_int_eq(uk_timerlist_find(&list, 9876ull * S, &span, &when), UK_TIMERLIST_NONE);
	uk_vec_deinit(&list);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timerlist");
	TCase *tests = tcase_create("timerlist");
	tcase_add_test(tests, posix_timers_are_found);
	tcase_add_test(tests, odd_lists_are_empty);
	tcase_add_test(tests, a_timer_is_told_by_its_moment);
	tcase_add_test(tests, our_own_timers_are_told_apart);
	suite_add_tcase(suite, tests);
	return tap_run(suite);
}
