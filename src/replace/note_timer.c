// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timers of a process that criu's image of it tells of. decode_itimer() of criu 3.17.1's
 * criu/cr-restore.c drops those of setitimer(2) that have no interval. POSIX timers are noted by
 * what remains (criu/pie/parasite.c), so one for a time of day is late by the swap; which are such
 * is told by the kernel's list of timers.
 */
#include "replace/note.h"

#include "base/clock.h"
#include "replace/image.h"

#include <sys/time.h>
#include <time.h>

enum {
	US = 1000,
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

static struct uk_error *note_itimer(const struct uk_image *image, const struct uk_pb *timers,
				    uint64_t which, struct uk_note note, uk_notes *to)
{
	uk_auto_pb struct uk_pb entry = {};
	uint64_t interval, left;
	struct uk_error *err = uk_pb_get_message(timers, (uint32_t)which + 1, &entry);
	if (!err && (!get_ns(&entry, FIELD_ISEC, FIELD_IUSEC, US, &interval) ||
		     !get_ns(&entry, FIELD_VSEC, FIELD_VUSEC, US, &left)))
		err = uk_image_unexpected(image, "a timer has no times");
	if (err || interval || !left)
		return err;
	note.kind = UK_NOTE_ITIMER;
	note.numbers[0] = which;
	note.numbers[1] = left < INT64_MAX - note.numbers[1] ? note.numbers[1] + left : INT64_MAX;
	return uk_vec_push(to, note) ? NULL : uk_error_nomem();
}

static struct uk_error *note_posix(const struct uk_image *image, const struct uk_pb_field *field,
				   const uk_timerlist *list,
				   const struct uk_timerlist_window *window, struct uk_note note,
				   const struct uk_sink *sink, uk_notes *to)
{
	uk_auto_pb struct uk_pb entry = {};
	uint64_t clock, left;
	struct uk_error *err = uk_pb_parse(field->data, field->len, &entry);
	if (!err && (!uk_pb_get(&entry, FIELD_CLOCK, &clock) ||
		     !uk_pb_get(&entry, FIELD_IT_ID, &note.numbers[0]) ||
		     !get_ns(&entry, FIELD_P_ISEC, FIELD_P_INSEC, 1, &note.numbers[2]) ||
		     !get_ns(&entry, FIELD_P_VSEC, FIELD_P_VNSEC, 1, &left)))
		err = uk_image_unexpected(image, "a POSIX timer lacks a field");
	if (err || clock != CLOCK_REALTIME || !left)
		return err;
	switch (uk_timerlist_find(list, left, window, &note.numbers[1])) {
	case UK_TIMERLIST_NONE: /* a duration */
		return NULL;
	case UK_TIMERLIST_MANY:
		uk_remark(sink, UK_LEVEL_WARNING,
			  "process %d: its POSIX timer %d cannot be told from others that expire "
			  "about then: if it is set for a time of day, it is late by the swap",
			  note.pid, (int)note.numbers[0]);
		return NULL;
	case UK_TIMERLIST_ONE:
		break;
	}
	note.kind = UK_NOTE_WALL_TIMER;
	return uk_vec_push(to, note) ? NULL : uk_error_nomem();
}

static struct uk_error *note_timers(const struct uk_image *image, const struct uk_pb *timers,
				    pid_t pid, const struct uk_note_clocks *clocks,
				    const uk_timerlist *list,
				    const struct uk_timerlist_window *window,
				    const struct uk_sink *sink, uk_notes *to)
{
	const struct uk_note note = { .pid = pid };
	const struct uk_note real = { .pid = pid,
				      .numbers = { [1] = (uint64_t)clocks->monotonic } };
	struct uk_error *err = note_itimer(image, timers, ITIMER_REAL, real, to);
	if (!err)
		err = note_itimer(image, timers, ITIMER_VIRTUAL, note, to);
	if (!err)
		err = note_itimer(image, timers, ITIMER_PROF, note, to);
	uk_vec_for_each(field, &timers->fields) {
		if (!err && field->number == FIELD_POSIX && field->wire == UK_PB_BYTES)
			err = note_posix(image, field, list, window, note, sink, to);
	}
	return err;
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
	return err ? err : note_timers(&image, &timers, pid, clocks, list, window, sink, to);
}
