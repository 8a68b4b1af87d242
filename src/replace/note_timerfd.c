// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timers of timerfd_create(2). criu 3.17.1 reads what remains from fdinfo (criu/timerfd.c) and
 * starts them with it. So one that is set for a time of day is late by the swap; one that is
 * set for a moment of another clock is up to a second early, for timerfd_arm() of
 * criu/pie/restorer.c adds whole seconds; and a repeating one that had expired unread, for which
 * nothing remains until it is read (the kernel's fs/timerfd.c), never fires again. Here each one
 * that runs is set again for its very moment.
 */
#include "replace/note.h"

#include "base/clock.h"
#include "base/file.h"
#include "replace/borrow.h"
#include "replace/descriptor.h"
#include "replace/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>

#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t) /* include/uapi/linux/timerfd.h */
#endif

enum {
	TRIES = 20,
	EXACT_NS = 100000, /* no other try if a look took less */
};

enum number { FD, CLOCK, FLAGS, WHEN, INTERVAL, TICKS };

/* A duration of CLOCK_REALTIME does not follow the wall's clock (kernel: hrtimer_init()). */
static clockid_t clock_of(int clock, uint64_t flags)
{
	return clock == CLOCK_REALTIME && !(flags & TFD_TIMER_ABSTIME) ? CLOCK_MONOTONIC : clock;
}

/* "monotonic  5 0" */
struct uk_error *uk_note_clock_offset(pid_t pid, int clock, int64_t *ret)
{
	char path[64];
	uk_auto_free char *text = NULL;
	long long sec, nsec;
	*ret = 0;
	if (clock == CLOCK_REALTIME)
		return NULL;
	snprintf(path, sizeof(path), "/proc/%d/timens_offsets", pid);
	struct uk_error *err = uk_file_read(path, 4096, &text, NULL);
	if (err)
		return err;
	const char *name = clock == CLOCK_MONOTONIC ? "monotonic" : "boottime";
	const char *line = strstr(text, name);
	if (!line || sscanf(line + strlen(name), "%lld %lld", &sec, &nsec) != 2)
		return uk_error_create(UK_ERR_INVALID, "%s: it has no %s", path, name);
	*ret = sec * UK_SECOND_NS + nsec;
	return NULL;
}

/* One that is set for ever stays so. */
static int64_t sum(int64_t one, int64_t other)
{
	int64_t both;
	if (!__builtin_add_overflow(one, other, &both))
		return both;
	return other > 0 ? INT64_MAX : INT64_MIN;
}

static struct uk_error *borrow(pid_t pid, int fd, int *ret)
{
	*ret = uk_borrow_fd(pid, fd);
	return *ret < 0 ? uk_error_errno(errno, "descriptor %d", fd) : NULL;
}

/* --- note ---------------------------------------------------------------------------- */

struct look {
	struct uk_timerfd state;
	int64_t when; /* by our clock */
	int64_t took;
};

static struct uk_error *read_state(int fd, struct uk_timerfd *ret)
{
	char path[64];
	uk_auto_free char *text = NULL;
	struct uk_fd found = {};
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	struct uk_error *err = uk_file_read(path, 1 << 16, &text, NULL);
	if (!err)
		err = uk_proc_parse_fdinfo(text, &found);
	*ret = found.timer;
	uk_fd_deinit(&found);
	return err;
}

/*
 * timerfd_gettime(2) brings one that had expired up to date: it counts the ticks that came since,
 * and runs again. @clock is of the right kind already.
 */
static struct uk_error *look_once(int fd, clockid_t clock, struct look *ret)
{
	struct itimerspec left;
	int64_t before = (int64_t)uk_clock_read(clock);
	if (timerfd_gettime(fd, &left) < 0)
		return uk_error_errno(errno, "timerfd_gettime");
	ret->took = (int64_t)uk_clock_read(clock) - before;
	ret->when = sum(left.it_value.tv_sec * UK_SECOND_NS, left.it_value.tv_nsec);
	ret->when = sum(ret->when, before + ret->took / 2);
	return read_state(fd, &ret->state);
}

/* The look that took least; again where it expired in the middle of one. */
static struct uk_error *look(int fd, struct look *ret)
{
	struct look one;
	struct uk_error *err = read_state(fd, &ret->state);
	clockid_t clock = clock_of(ret->state.clock, ret->state.flags);
	ret->took = INT64_MAX;
	for (int i = 0; !err && i < TRIES && ret->took > EXACT_NS; i++) {
		err = look_once(fd, clock, &one);
		if (!err && one.took < ret->took && (one.state.left || !one.state.interval))
			*ret = one;
	}
	if (!err && ret->took == INT64_MAX)
		err = uk_error_create(UK_ERR_REFUSED, "a timerfd expires too often to be read");
	return err;
}

/* Ticks that came after the clocks had been read are still to come. */
static void step_back(struct look *look, int64_t when, int64_t dumped)
{
	struct uk_timerfd *state = &look->state;
	if (!state->interval || when <= dumped)
		return;
	uint64_t steps = (uint64_t)(when - dumped - 1) / state->interval;
	steps = steps < state->ticks ? steps : state->ticks;
	look->when -= (int64_t)(steps * state->interval);
	state->ticks -= steps;
}

struct uk_error *uk_note_timerfd(pid_t pid, int fd, const struct uk_note_clocks *clocks,
				 uk_notes *to)
{
	uk_auto_close int copy = -1;
	struct look found = {};
	int64_t offset = 0;
	struct uk_error *err = borrow(pid, fd, &copy);
	if (!err)
		err = look(copy, &found);
	/* criu carries the count of what had expired and does not run. */
	if (err || !found.state.left)
		return err;
	clockid_t clock = clock_of(found.state.clock, found.state.flags);
	err = uk_note_clock_offset(pid, clock, &offset);
	if (err)
		return err;
	if (clock != CLOCK_REALTIME)
		step_back(&found, sum(found.when, offset),
			  clock == CLOCK_MONOTONIC ? clocks->monotonic : clocks->boottime);
	const struct uk_note note = { .kind = UK_NOTE_TIMERFD,
				      .pid = pid,
				      .numbers = { [FD] = (uint64_t)fd,
						   [CLOCK] = (uint64_t)found.state.clock,
						   [FLAGS] = found.state.flags,
						   [WHEN] = (uint64_t)sum(found.when, offset),
						   [INTERVAL] = found.state.interval,
						   [TICKS] = found.state.ticks } };
	return uk_vec_push(to, note) ? NULL : uk_error_nomem();
}

/* --- set ----------------------------------------------------------------------------- */

/* The ticks of a repeating one that came while it was not set. */
static uint64_t step_forth(int64_t *when, int64_t interval, int64_t now)
{
	if (!interval || *when > now)
		return 0;
	int64_t steps = (now - *when) / interval + 1;
	*when += steps * interval;
	return (uint64_t)steps;
}

struct uk_error *uk_note_set_timerfd(const struct uk_note *note, struct uk_held *thread)
{
	uk_auto_close int copy = -1;
	int64_t offset = 0;
	uint64_t flags = note->numbers[FLAGS], ticks = note->numbers[TICKS];
	clockid_t clock = clock_of((int)note->numbers[CLOCK], flags);
	struct uk_error *err = borrow(note->pid, (int)note->numbers[FD], &copy);
	if (!err)
		err = uk_note_clock_offset(note->pid, clock, &offset);
	if (err)
		return err;
	int64_t when = sum((int64_t)note->numbers[WHEN], -offset);
	ticks += step_forth(&when, (int64_t)note->numbers[INTERVAL], (int64_t)uk_clock_read(clock));
	if (!(flags & TFD_TIMER_ABSTIME))
		when -= (int64_t)uk_clock_read(clock);
	/* What is over expires at once; 0 would stop it. */
	const struct itimerspec value = { .it_interval = uk_clock_spec(note->numbers[INTERVAL]),
					  .it_value =
						  uk_clock_spec(when > 0 ? (uint64_t)when : 1) };
	/* ECANCELED: it is set, and the clock was set meanwhile. */
	if (timerfd_settime(copy, (int)flags, &value, NULL) < 0 && errno != ECANCELED)
		return uk_error_errno(errno, "timerfd_settime");
	if (ticks && ioctl(copy, TFD_IOC_SET_TICKS, &ticks) < 0 && errno != ECANCELED)
		return uk_error_errno(errno, "TFD_IOC_SET_TICKS");
	return NULL;
}
