// SPDX-License-Identifier: GPL-2.0-or-later
/* Timers that an image tells of: what they are set for, by whose clock. */
/* rooms: replace base */
#include "replace/note.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "criu_sample.h"
#include "replace/image.h"
#include "tap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>

enum { NS = 1000000000 };

enum { OWNER = 354 };

/* What remains of the POSIX timer of the sample. */
#define SAMPLE_LEFT 3654591136ull

static char dir[] = "/tmp/upkeep-note.XXXXXX";

static void make_core(void)
{
	uk_auto_free char *path = NULL;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_ok(uk_asprintf(&path, "%s/core-%d.img", dir, OWNER));
	ck_ok(uk_file_write(path, sample_core, sizeof(sample_core), 0600));
}

static void remove_core(void)
{
	uk_error_destroy(uk_tree_remove(dir));
}

static const struct uk_note_clocks clocks = { 100ll * NS, 200ll * NS };
static const struct uk_timerlist_window window = { 1000ull * NS, 1002ull * NS, 99ull * NS,
						   101ull * NS };

static void note_sample(bool wall, uint64_t expires, uk_notes *to)
{
	uk_timerlist list = {};
	const struct uk_timerlist_entry entry = { wall, expires };
	ck_assert(uk_vec_push(&list, entry));
	ck_ok(uk_note_timers(dir, OWNER, &clocks, &list, &window, NULL, to));
	uk_vec_deinit(&list);
}

static void wants_timer(const struct uk_note *note, clockid_t clock, bool own, uint64_t when)
{
	ck_assert_int_eq(note->kind, UK_NOTE_TIMER);
	ck_assert_int_eq(note->pid, OWNER);
	ck_assert_uint_eq(note->numbers[0], 1);
	ck_assert_uint_eq(note->numbers[1], (uint64_t)clock);
	ck_assert_uint_eq(note->numbers[2], own);
	ck_assert_uint_eq(note->numbers[3], when);
	ck_assert_uint_eq(note->numbers[4], 0);
}

/* The sample's timer is of CLOCK_REALTIME: for a time of day, or a duration. */
START_TEST(what_a_timer_is_set_for_is_noted)
{
	uk_notes notes = {};
	note_sample(true, 1001ull * NS + SAMPLE_LEFT, &notes);
	ck_assert_uint_eq(notes.len, 1);
	wants_timer(&notes.data[0], CLOCK_REALTIME, true, 1001ull * NS + SAMPLE_LEFT);
	note_sample(false, 99500000000 + SAMPLE_LEFT, &notes);
	wants_timer(&notes.data[1], CLOCK_MONOTONIC, false, 99500000000 + SAMPLE_LEFT);
	/* The list does not have it: it is not early, and late by no more than the dump. */
	note_sample(true, 1003ull * NS + SAMPLE_LEFT, &notes);
	wants_timer(&notes.data[2], CLOCK_MONOTONIC, false, 100ull * NS + SAMPLE_LEFT);
	ck_assert_uint_eq(notes.len, 3);
	uk_vec_deinit(&notes);
}
END_TEST

static void set_time(const char *name, uint64_t ns)
{
	uk_auto_free char *path = NULL;
	const struct timespec times[] = { uk_clock_spec(ns), uk_clock_spec(ns) };
	ck_ok(uk_asprintf(&path, "%s/%s-%d.img", dir, name, OWNER));
	if (!uk_file_exists(path))
		ck_ok(uk_file_write(path, "", 0, 0600));
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Of two timers that it might be, by when criu looked: between 1000.5 and 1000.7. */
START_TEST(the_times_of_images_tell_which_it_is)
{
	uk_notes notes = {};
	uk_timerlist list = {};
	const uint64_t right = 1000600000000 + SAMPLE_LEFT, other = 1000900000000 + SAMPLE_LEFT;
	ck_assert(uk_vec_push(&list, (struct uk_timerlist_entry){ true, other }));
	ck_assert(uk_vec_push(&list, (struct uk_timerlist_entry){ true, right }));
	ck_ok(uk_note_timers(dir, OWNER, &clocks, &list, &window, NULL, &notes));
	ck_assert_uint_eq(notes.len, 0);
	set_time("pagemap", 1000500000000);
	set_time("core", 1000700000000);
	ck_ok(uk_note_timers(dir, OWNER, &clocks, &list, &window, NULL, &notes));
	ck_assert_uint_eq(notes.len, 1);
	wants_timer(&notes.data[0], CLOCK_REALTIME, true, right);
	/* A duration that the list does not have is told by them alone. */
	list.len = 0;
	ck_ok(uk_note_timers(dir, OWNER, &clocks, &list, &window, NULL, &notes));
	wants_timer(&notes.data[1], CLOCK_MONOTONIC, false, 99710000000 + SAMPLE_LEFT);
	uk_vec_deinit(&notes);
	uk_vec_deinit(&list);
}
END_TEST

/* By the clocks of a process that are not ours. */
START_TEST(a_timer_is_noted_by_the_clock_of_its_process)
{
	uk_notes notes = {};
	uk_timerlist list = {};
	const struct uk_note_clocks ahead = { 1100ll * NS, 1200ll * NS, 1000ll * NS, 1100ll * NS };
	ck_assert(uk_vec_push(&list,
			      (struct uk_timerlist_entry){ false, 99500000000 + SAMPLE_LEFT }));
	ck_ok(uk_note_timers(dir, OWNER, &ahead, &list, &window, NULL, &notes));
	wants_timer(&notes.data[0], CLOCK_MONOTONIC, false, 1099500000000 + SAMPLE_LEFT);
	uk_vec_deinit(&notes);
	uk_vec_deinit(&list);
}
END_TEST

/* Changes one itimer_entry of the sample: @which is its field. */
static void set_itimer(uint32_t which, uint64_t interval, uint64_t sec, uint64_t usec)
{
	uk_auto_image struct uk_image image = {};
	uk_auto_pb struct uk_pb core = {}, timers = {}, entry = {};
	ck_ok(uk_image_read(dir, "core-354.img", UK_IMAGE_CORE, &image));
	ck_ok(uk_pb_get_message(&image.messages.data[0], 3, &core));
	ck_ok(uk_pb_get_message(&core, 7, &timers));
	ck_ok(uk_pb_get_message(&timers, which, &entry));
	ck_ok(uk_pb_set(&entry, 1, interval));
	ck_ok(uk_pb_set(&entry, 3, sec));
	ck_ok(uk_pb_set(&entry, 4, usec));
	ck_ok(uk_pb_set_message(&timers, which, &entry));
	ck_ok(uk_pb_set_message(&core, 7, &timers));
	ck_ok(uk_pb_set_message(&image.messages.data[0], 3, &core));
	ck_ok(uk_image_write(&image));
}

START_TEST(timers_of_setitimer_are_noted)
{
	uk_notes notes = {};
	set_itimer(1, 7, 5, 269320);
	set_itimer(2, 1, 5, 0); /* criu carries it */
	set_itimer(3, 0, 0, 800000);
	note_sample(false, 1, &notes);
	ck_assert_uint_eq(notes.len, 3);
	ck_assert_int_eq(notes.data[0].kind, UK_NOTE_ITIMER);
	ck_assert_uint_eq(notes.data[0].numbers[0], ITIMER_REAL);
	ck_assert_uint_eq(notes.data[0].numbers[1], 105269320000);
	ck_assert_uint_eq(notes.data[0].numbers[2], 7000000000);
	ck_assert_uint_eq(notes.data[1].numbers[0], ITIMER_PROF);
	ck_assert_uint_eq(notes.data[1].numbers[1], 800000000);
	uk_vec_deinit(&notes);
}
END_TEST

START_TEST(what_is_no_timer_is_refused)
{
	uk_notes notes = {};
	uk_timerlist list = {};
	set_itimer(1, 0, 5, 1000000);
	ck_fails(uk_note_timers(dir, OWNER, &clocks, &list, &window, NULL, &notes), UK_ERR_REFUSED,
		 "core-354.img is not as criu 3.17 writes it: a timer has no times");
	ck_assert_uint_eq(notes.len, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_note_timer");
	TCase *tests = tcase_create("images");
	tcase_add_checked_fixture(tests, make_core, remove_core);
	tcase_add_test(tests, what_a_timer_is_set_for_is_noted);
	tcase_add_test(tests, the_times_of_images_tell_which_it_is);
	tcase_add_test(tests, a_timer_is_noted_by_the_clock_of_its_process);
	tcase_add_test(tests, timers_of_setitimer_are_noted);
	tcase_add_test(tests, what_is_no_timer_is_refused);
	suite_add_tcase(suite, tests);
	return tap_run(suite);
}
