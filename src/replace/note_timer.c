// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timers of a process that criu's image of it tells of. decode_itimer() of criu 3.17.1's
 * criu/cr-restore.c drops those of setitimer(2) that have no interval. All are noted by what
 * remained when criu looked at them (criu/pie/parasite.c), and start with that when the clocks go
 * on, which were read when all of a service had been dumped: they are late by what lies between.
 * And one for a time of day is late by the swap; which are such is told by the kernel's list of
 * timers.
 */
#include "replace/note.h"

#include "base/clock.h"
#include "base/strbuf.h"
#include "replace/image.h"

#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

enum {
	US = 1000,
	TICK_NS = 10000000,
	/* images/core.proto: core_entry, task_core_entry; images/timer.proto: the others */
	FIELD_TC = 3,
	FIELD_TIMERS = 7,
	FIELD_POSIX = 4,
	FIELD_ISEC = 1,
	FIELD_IUSEC = 2,
	FIELD_VSEC = 3,
	FIELD_VUSEC = 4,
	FIELD_IT_ID = 1,
	FIELD_CLOCK = 2,
	FIELD_SIGNAL = 3,
	FIELD_P_ISEC = 7,
	FIELD_P_INSEC = 8,
	FIELD_P_VSEC = 9,
	FIELD_P_VNSEC = 10,
};

/*
 * Seconds and parts of them as nanoseconds; false where they are not there, or no time. The kernel
 * itself knows no longer time than INT64_MAX (KTIME_MAX).
 */
static bool get_ns(const struct uk_pb *from, uint32_t sec_field, uint32_t part_field, uint64_t part,
		   uint64_t *ret)
{
	uint64_t sec, parts;
	if (!uk_pb_get(from, sec_field, &sec) || !uk_pb_get(from, part_field, &parts) ||
	    parts >= UK_SECOND_NS / part)
		return false;
	*ret = sec > INT64_MAX / UK_SECOND_NS - 1 ? INT64_MAX : sec * UK_SECOND_NS + parts * part;
	return true;
}

/* What is known of a process. */
struct view {
	pid_t pid;
	const struct uk_note_clocks *clocks;
	const uk_timerlist *list;
	const struct uk_sink *sink;
	struct uk_timerlist_window window; /* in which criu looked at its timers */
	int64_t looked;			   /* at the latest then, by its own CLOCK_MONOTONIC */
};

static int64_t after(int64_t moment, uint64_t left)
{
	int64_t then;
	bool never = left > INT64_MAX || __builtin_add_overflow(moment, (int64_t)left, &then);
	return never ? INT64_MAX : then > 1 ? then : 1;
}

/* criu carries those that count the time of a processor and have an interval. */
static struct uk_error *note_itimer(const struct uk_image *image, const struct uk_pb *timers,
				    uint64_t which, const struct view *view, uk_notes *to)
{
	uk_auto_pb struct uk_pb entry = {};
	uint64_t interval, left;
	struct uk_error *err = uk_pb_get_message(timers, (uint32_t)which + 1, &entry);
	if (!err && (!get_ns(&entry, FIELD_ISEC, FIELD_IUSEC, US, &interval) ||
		     !get_ns(&entry, FIELD_VSEC, FIELD_VUSEC, US, &left)))
		err = uk_image_unexpected(image, "a timer has no times");
	if (err || !left || (interval && which != ITIMER_REAL))
		return err;
	int64_t when = which == ITIMER_REAL ? after(view->looked, left) : (int64_t)left;
	const struct uk_note note = { .kind = UK_NOTE_ITIMER,
				      .pid = view->pid,
				      .numbers = { which, (uint64_t)when, interval } };
	return uk_vec_push(to, note) ? NULL : uk_error_nomem();
}

/* What a POSIX timer is set for. */
struct aim {
	clockid_t clock;
	bool own; /* it is its own clock, else a duration of CLOCK_REALTIME */
	int64_t when;
};

/* To the nanosecond if the kernel's list has one timer that it can be. */
static void aim_at_duration(const struct view *view, clockid_t clock, uint64_t left,
			    struct aim *ret)
{
	const struct uk_note_clocks *clocks = view->clocks;
	uint64_t exact;
	*ret = (struct aim){ clock == CLOCK_BOOTTIME ? CLOCK_BOOTTIME : CLOCK_MONOTONIC,
			     clock != CLOCK_REALTIME, after(view->looked, left) };
	if (uk_timerlist_find_duration(view->list, left, &view->window, &exact) == UK_TIMERLIST_ONE)
		ret->when = after(clocks->monotonic_ahead, exact);
	if (clock == CLOCK_BOOTTIME && ret->when < INT64_MAX)
		ret->when += clocks->boottime_ahead - clocks->monotonic_ahead;
}

/* False where that is not clear: it stays as criu has it. */
static bool aim_of(const struct view *view, uint64_t number, uint64_t clock, uint64_t left,
		   struct aim *ret)
{
	uint64_t when;
	enum uk_timerlist_match wall =
		clock == CLOCK_REALTIME ? uk_timerlist_find(view->list, left, &view->window, &when)
					: UK_TIMERLIST_NONE;
	switch (wall) {
	case UK_TIMERLIST_NONE:
		aim_at_duration(view, (clockid_t)clock, left, ret);
		return true;
	case UK_TIMERLIST_ONE:
		*ret = (struct aim){ CLOCK_REALTIME, true, (int64_t)when };
		return true;
	default:
		uk_remark(view->sink, UK_LEVEL_WARNING,
			  "process %d: its POSIX timer %d cannot be told from others that expire "
			  "about then: if it is set for a time of day, it is late by the swap",
			  view->pid, (int)number);
		return false;
	}
}

static struct uk_error *note_posix(const struct uk_image *image, const struct uk_pb_field *field,
				   const struct view *view, uk_notes *to)
{
	uk_auto_pb struct uk_pb entry = {};
	struct aim aim;
	uint64_t clock, number, signal, interval, left;
	struct uk_error *err = uk_pb_parse(field->data, field->len, &entry);
	if (!err &&
	    (!uk_pb_get(&entry, FIELD_CLOCK, &clock) || !uk_pb_get(&entry, FIELD_IT_ID, &number) ||
	     !uk_pb_get(&entry, FIELD_SIGNAL, &signal) || signal > 64 ||
	     !get_ns(&entry, FIELD_P_ISEC, FIELD_P_INSEC, 1, &interval) ||
	     !get_ns(&entry, FIELD_P_VSEC, FIELD_P_VNSEC, 1, &left)))
		err = uk_image_unexpected(image, "a POSIX timer lacks a field");
	bool ours =
		!err && left &&
		(clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME);
	if (!ours || !aim_of(view, number, clock, left, &aim))
		return err;
	const struct uk_note note = { .kind = UK_NOTE_TIMER,
				      .pid = view->pid,
				      .numbers = { number, (uint64_t)aim.clock, aim.own,
						   (uint64_t)aim.when, interval, signal } };
	return uk_vec_push(to, note) ? NULL : uk_error_nomem();
}

static struct uk_error *note_timers(const struct uk_image *image, const struct uk_pb *timers,
				    const struct view *view, uk_notes *to)
{
	struct uk_error *err = NULL;
	for (uint64_t which = ITIMER_REAL; !err && which <= ITIMER_PROF; which++)
		err = note_itimer(image, timers, which, view, to);
	uk_vec_for_each(field, &timers->fields) {
		if (!err && field->number == FIELD_POSIX && field->wire == UK_PB_BYTES)
			err = note_posix(image, field, view, to);
	}
	return err;
}

/* --- when criu looked ---------------------------------------------------------------- */

/* When an image was written; 0 if it is not there. */
static uint64_t written(const char *images, const char *name, pid_t pid)
{
	struct stat st;
	uk_auto_free char *path = NULL;
	uk_auto_error struct uk_error *err = uk_asprintf(&path, "%s/%s-%d.img", images, name, pid);
	return err || stat(path, &st) < 0 ? 0 : uk_clock_of(&st.st_mtim);
}

/*
 * After the memory of a process was written, and before its core was: dump_one_task() in criu
 * 3.17.1's criu/cr-dump.c. The times of files are those of the last tick (kernel:
 * current_time()).
 */
static void narrow(const char *images, pid_t pid, struct uk_timerlist_window *window)
{
	uint64_t from = written(images, "pagemap", pid);
	uint64_t to = written(images, "core", pid) + TICK_NS;
	if (from > window->wall_from && from <= to && from < window->wall_to) {
		window->monotonic_from += from - window->wall_from;
		window->wall_from = from;
	}
	if (to >= window->wall_from && to < window->wall_to) {
		window->monotonic_to -= window->wall_to - to;
		window->wall_to = to;
	}
}

/* A zombie has no timers. */
struct uk_error *uk_note_timers(const char *images, pid_t pid, const struct uk_note_clocks *clocks,
				const uk_timerlist *list, const struct uk_timerlist_window *window,
				const struct uk_sink *sink, uk_notes *to)
{
	char name[32];
	uk_auto_image struct uk_image image = {};
	uk_auto_pb struct uk_pb core = {}, timers = {};
	snprintf(name, sizeof(name), "core-%d.img", pid);
	struct uk_error *err = uk_image_read(images, name, UK_IMAGE_CORE, &image);
	if (!err && image.messages.len != 1)
		err = uk_image_unexpected(&image, "it has not one message");
	if (!err)
		err = uk_pb_get_message(&image.messages.data[0], FIELD_TC, &core);
	if (err || !uk_pb_find(&core, FIELD_TIMERS, UK_PB_BYTES))
		return err;
	err = uk_pb_get_message(&core, FIELD_TIMERS, &timers);
	if (err)
		return err;
	struct view view = { pid, clocks, list, sink, *window, clocks->monotonic };
	narrow(images, pid, &view.window);
	/* All its clocks were read when all was dumped. */
	int64_t latest = (int64_t)view.window.monotonic_to + clocks->monotonic_ahead;
	view.looked = latest < view.looked ? latest : view.looked;
	return note_timers(&image, &timers, &view, to);
}
