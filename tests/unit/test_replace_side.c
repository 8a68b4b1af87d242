// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* Things done side by side: each once, in order begun, and never too many at a time. */
#include "replace/side.h"

#include "tap.h"

#include <stdatomic.h>
#include <unistd.h>

enum { ITEMS = 40 };

static atomic_int at_work, most, begun;

struct item {
	int turns, turn;
	bool over;
};

static void work(void *arg)
{
	struct item *item = arg;
	int now = ++at_work;
	for (int seen = most; now > seen && !atomic_compare_exchange_weak(&most, &seen, now);)
		continue;
	item->turns++;
	item->turn = begun++;
	usleep(5000);
	at_work--;
	item->over = true;
}

START_TEST(each_is_done_once)
{
	struct item items[ITEMS] = {};
	struct uk_side side;
	uk_side_begin(&side, items, ITEMS, sizeof(*items), work);
	for (size_t i = 0; i < ITEMS; i++) {
		uk_side_await(&side, i);
		ck_assert(items[i].over);
	}
	uk_side_end(&side);
	for (size_t i = 0; i < ITEMS; i++)
		ck_assert_int_eq(items[i].turns, 1);
	ck_assert_int_le(most, 2 * (int)sysconf(_SC_NPROCESSORS_ONLN));
	ck_assert_int_ge(most, 2);
}
END_TEST

START_TEST(the_end_waits_for_all)
{
	struct item items[ITEMS] = {};
	struct uk_side side;
	uk_side_begin(&side, items, ITEMS, sizeof(*items), work);
	uk_side_end(&side);
	for (size_t i = 0; i < ITEMS; i++)
		ck_assert(items[i].over);
}
END_TEST

START_TEST(nothing_is_nothing)
{
	struct uk_side side;
	uk_side_begin(&side, NULL, 0, 1, work);
	uk_side_end(&side);
	ck_assert_int_eq(begun, 0);
}
END_TEST

/* No thread is to be had: then the caller does it. */
START_TEST(without_threads)
{
	struct item items[ITEMS] = {};
	struct uk_side side;
	side = (struct uk_side){ work, (char *)items, ITEMS, sizeof(*items) };
	pthread_mutex_init(&side.lock, NULL);
	pthread_cond_init(&side.ended, NULL);
	uk_side_await(&side, 3);
	ck_assert(items[3].over && !items[4].over);
	uk_side_end(&side);
	for (size_t i = 0; i < ITEMS; i++)
		ck_assert(items[i].turns == 1 && items[i].turn == (int)i);
	ck_assert_int_eq(most, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("side");
	TCase *tests = tcase_create("side");
	tcase_add_test(tests, each_is_done_once);
	tcase_add_test(tests, the_end_waits_for_all);
	tcase_add_test(tests, nothing_is_nothing);
	tcase_add_test(tests, without_threads);
	suite_add_tcase(suite, tests);
	return tap_run(suite);
}
