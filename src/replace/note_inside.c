// SPDX-License-Identifier: GPL-2.0-or-later
/* What is set again by system calls inside of a thread. */
#include "replace/note.h"

#include "base/clock.h"
#include "base/file.h"
#include "replace/inject.h"
#include "replace/loan.h"
#include "replace/procfs.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static struct uk_error *call(struct uk_held *thread, const char *name, const struct uk_call *what)
{
	int64_t result = 0;
	if (!thread)
		return uk_error_create(UK_ERR_SYSTEM, "the thread is not held");
	struct uk_error *err = uk_inject_call(thread, what, &result);
	if (!err && result < 0)
		err = uk_error_errno((int)-result, "%s inside of it", name);
	return err;
}

/* With the address of @data as the argument @arg. */
static struct uk_error *call_with(struct uk_held *thread, const char *name, struct uk_call what,
				  int arg, const void *data, size_t len)
{
	struct uk_loan loan = {};
	if (!thread)
		return uk_error_create(UK_ERR_SYSTEM, "the thread is not held");
	struct uk_error *err = uk_loan_take(thread, data, len, &loan);
	if (err)
		return err;
	what.args[arg] = loan.at;
	err = call(thread, name, &what);
	struct uk_error *second = uk_loan_return(&loan);
	if (!err)
		return second;
	uk_error_destroy(second);
	return err;
}

struct uk_error *uk_note_set_no_new_privs(const struct uk_note *note, struct uk_held *thread)
{
	return call(thread, "PR_SET_NO_NEW_PRIVS",
		    &(struct uk_call){ SYS_prctl, { PR_SET_NO_NEW_PRIVS, 1 } });
}

struct uk_error *uk_note_set_no_huge(const struct uk_note *note, struct uk_held *thread)
{
	return call(thread, "PR_SET_THP_DISABLE",
		    &(struct uk_call){ SYS_prctl, { PR_SET_THP_DISABLE, 1 } });
}

struct uk_error *uk_note_set_wipe_on_fork(const struct uk_note *note, struct uk_held *thread)
{
	const struct uk_call advise = { SYS_madvise,
					{ note->numbers[0], note->numbers[1], MADV_WIPEONFORK } };
	return call(thread, "MADV_WIPEONFORK", &advise);
}

struct uk_error *uk_note_set_personality(const struct uk_note *note, struct uk_held *thread)
{
	return call(thread, "personality",
		    &(struct uk_call){ SYS_personality, { note->numbers[0] } });
}

struct uk_error *uk_note_set_ambient(const struct uk_note *note, struct uk_held *thread)
{
	struct uk_error *err = NULL;
	for (uint64_t bit = 0; !err && bit < 64; bit++) {
		const struct uk_call raise = { SYS_prctl,
					       { PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit } };
		if (note->numbers[0] >> bit & 1)
			err = call(thread, "PR_CAP_AMBIENT_RAISE", &raise);
	}
	return err;
}

struct uk_error *uk_note_set_listener(const struct uk_note *note, struct uk_held *thread)
{
	return call(thread, "listen",
		    &(struct uk_call){ SYS_listen, { note->numbers[0], note->numbers[1] } });
}

/* --- timers -------------------------------------------------------------------------- */

struct uk_error *uk_note_set_itimer(const struct uk_note *note, struct uk_held *thread)
{
	int64_t left = (int64_t)note->numbers[1], offset = 0;
	if (note->numbers[0] == ITIMER_REAL) {
		struct uk_error *err = uk_note_clock_offset(note->pid, CLOCK_MONOTONIC, &offset);
		if (err)
			return err;
		left -= (int64_t)uk_clock_read(CLOCK_MONOTONIC) + offset;
	}
	/* What is over fires at once; 0 would stop it. */
	left = left < 1000 ? 1000 : left;
	const struct itimerval value = { .it_value = { left / UK_SECOND_NS,
						       left % UK_SECOND_NS / 1000 },
					 .it_interval = uk_clock_val(note->numbers[2]) };
	return call_with(thread, "setitimer",
			 (struct uk_call){ SYS_setitimer, { note->numbers[0] } }, 1, &value,
			 sizeof(value));
}

/* Restored by criu, as it was when the process was dumped. */
static bool is_pending(pid_t pid, uint64_t number)
{
	char path[64];
	uk_auto_free char *text = NULL;
	struct uk_proc_status status = {};
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	uk_auto_error struct uk_error *err = uk_file_read(path, 1 << 16, &text, NULL);
	if (!err)
		err = uk_proc_parse_status(text, &status);
	return !err && number && status.pending >> (number - 1) & 1;
}

/* The first moment of a repeating timer behind @now, by the same clock. */
static int64_t next_after(int64_t when, int64_t interval, int64_t now)
{
	return interval && when <= now ? when + ((now - when) / interval + 1) * interval : when;
}

struct uk_error *uk_note_set_timer(const struct uk_note *note, struct uk_held *thread)
{
	enum number { NUMBER, CLOCK, OWN, WHEN, INTERVAL, SIGNAL };
	clockid_t clock = (clockid_t)note->numbers[CLOCK];
	int64_t when = (int64_t)note->numbers[WHEN], offset = 0;
	bool own = note->numbers[OWN];
	struct uk_error *err = uk_note_clock_offset(note->pid, clock, &offset);
	if (err)
		return err;
	int64_t now = (int64_t)uk_clock_read(clock) + offset;
	/* A signal that waits to be taken stands for all ticks until now. */
	if (is_pending(note->pid, note->numbers[SIGNAL]))
		when = next_after(when, (int64_t)note->numbers[INTERVAL], now);
	if (!own)
		when -= now;
	const struct itimerspec value = { uk_clock_spec(note->numbers[INTERVAL]),
					  uk_clock_spec(when > 0 ? (uint64_t)when : 1) };
	const struct uk_call what = { SYS_timer_settime,
				      { note->numbers[NUMBER], own ? TIMER_ABSTIME : 0 } };
	return call_with(thread, "timer_settime", what, 2, &value, sizeof(value));
}
