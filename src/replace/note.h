/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What criu 3.17.1 does not carry, or carries wrongly, of sockets, timers, processes and threads:
 * it is noted when a service has been dumped and is still stopped, so that nothing of it moves, and
 * set again after its restore; from outside where that can be, else by a call that a thread is made
 * to do (inject.h). The notes lie with the images, sealed like these, a line
 * each:
 *
 *	timerfd 812 5 0 1 1764480000000000000 0 0
 *	socket-option 812 7 6 18 e8030000
 *
 * kind, process or thread, as many numbers as the kind has, and bytes in hex if it has some. A
 * process with a PID namespace of its own has no notes: its number outside is not kept.
 */
#ifndef UPKEEP_REPLACE_NOTE_H
#define UPKEEP_REPLACE_NOTE_H

#include "base/error.h"
#include "base/progress.h"
#include "base/vec.h"
#include "replace/hold.h"
#include "replace/plan.h"
#include "replace/timerlist.h"

#include <stdint.h>
#include <sys/types.h>

enum uk_note_kind {
	/* descriptor, clock, flags of timerfd_settime(), next expiry of the process's clock in ns,
	 * interval in ns, expired that often and not read */
	UK_NOTE_TIMERFD,
	UK_NOTE_SOCKET_OPTION, /* descriptor, level, name; its value */
	UK_NOTE_GROUP,	       /* descriptor, family; device and group of multicast: note_group.c */
	UK_NOTE_AFFINITY,      /* of a thread: its mask */
	UK_NOTE_IO_PRIORITY,   /* of a thread: as of ioprio_get() */
	UK_NOTE_TIMER_SLACK,   /* of a thread: in ns */
	UK_NOTE_COREDUMP,      /* coredump_filter of /proc */
	/* By calls inside of a thread that is held: */
	UK_NOTE_NO_NEW_PRIVS, /* of a thread */
	UK_NOTE_AMBIENT,      /* of a thread: the set of ambient capabilities */
	UK_NOTE_PERSONALITY,  /* of a thread: as of personality() */
	UK_NOTE_NO_HUGE,      /* PR_SET_THP_DISABLE */
	UK_NOTE_WIPE_ON_FORK, /* MADV_WIPEONFORK: where, how many bytes */
	/* setitimer(): which; of ITIMER_REAL its moment of the process's CLOCK_MONOTONIC in ns, of
	 * the others what remains in ns, and only without an interval; interval in ns */
	UK_NOTE_ITIMER,
	/* timer_create(): number; the clock of the moment that it is set for; whether that is a
	 * clock of its own (a duration of CLOCK_REALTIME is of CLOCK_MONOTONIC); the process's
	 * moment, interval in ns; its signal, or 0 */
	UK_NOTE_TIMER,
	UK_NOTE_LISTENER, /* of a unix socket: descriptor, backlog of listen() */
	UK_NOTE_NR_KINDS,
};

enum {
	UK_NOTE_NUMBERS = 6,
	UK_NOTE_DATA = 128,
};

struct uk_note {
	enum uk_note_kind kind;
	pid_t pid; /* or thread */
	uint64_t numbers[UK_NOTE_NUMBERS];
	uint8_t data[UK_NOTE_DATA];
	size_t len;
};

typedef UK_VEC(struct uk_note) uk_notes;

/* The lines; free them. */
struct uk_error *uk_notes_format(const uk_notes *notes, char **ret) uk_must_check;
/*
 * Reads them. UK_ERR_INVALID for what is of no such form, of no known kind or beyond what its kind
 * may have. @ret is to be released with uk_vec_deinit(), also after an error.
 */
struct uk_error *uk_notes_parse(const char *text, uk_notes *ret) uk_must_check;

/* When a dump began, as CLOCK_MONOTONIC and CLOCK_REALTIME have it, in ns. */
struct uk_note_began {
	uint64_t monotonic, wall;
};
void uk_note_begin(struct uk_note_began *ret);

/*
 * Notes all of a service that was dumped since @began, and is stopped; @dir is the folder of the
 * swap. What is not clear is told to @sink.
 */
struct uk_error *uk_notes_take(const struct uk_plan_service *service, const char *dir,
			       const struct uk_note_began *began,
			       const struct uk_sink *sink) uk_must_check;
/*
 * Sets again what was noted. What cannot be is left, and the others are done; the error names the
 * first and how many they are. Where @hold lacks a thread, calls inside of it are among what cannot
 * be.
 */
struct uk_error *uk_notes_apply(const struct uk_plan_service *service, const char *dir,
				struct uk_hold *hold) uk_must_check;

/* The parts: each appends its notes of process @pid, which is stopped. Private to this room. */
struct uk_note_clocks {
	/* Of the dump, by the clocks of the processes, in ns: from there they go on. */
	int64_t monotonic, boottime;
	/* How much they are ahead of the host's CLOCK_MONOTONIC. */
	int64_t monotonic_ahead, boottime_ahead;
};
struct uk_error *uk_note_timerfd(pid_t pid, int fd, const struct uk_note_clocks *clocks,
				 uk_notes *to) uk_must_check;
struct uk_error *uk_note_socket(pid_t pid, int fd, uk_notes *to) uk_must_check;
struct uk_error *uk_note_group(pid_t pid, int fd, uk_notes *to) uk_must_check;
struct uk_error *uk_note_listener(pid_t pid, int fd, uk_notes *to) uk_must_check;
struct uk_error *uk_note_process(pid_t pid, uk_notes *to) uk_must_check;
struct uk_error *uk_note_thread(pid_t tid, uk_notes *to) uk_must_check;
struct uk_error *uk_note_memory(pid_t pid, uk_notes *to) uk_must_check;
/* The same from the text of its smaps; see proc(5). */
struct uk_error *uk_note_parse_smaps(const char *text, pid_t pid, uk_notes *to) uk_must_check;

/*
 * Of timers that the images tell of; @list as read when all had been dumped, within @window. Of
 * which it is not clear what they are set for is told. An image tells what remained when criu
 * looked at the process, but not when that was: between the times of two images of it.
 */
struct uk_error *uk_note_timers(const char *images, pid_t pid, const struct uk_note_clocks *clocks,
				const uk_timerlist *list, const struct uk_timerlist_window *window,
				const struct uk_sink *sink, uk_notes *to) uk_must_check;

/* @thread: the one that is held, or NULL; for calls inside of it. */
typedef struct uk_error *uk_note_set(const struct uk_note *note, struct uk_held *thread);
uk_note_set uk_note_set_timerfd, uk_note_set_socket, uk_note_set_group, uk_note_set_affinity,
	uk_note_set_io_priority, uk_note_set_slack, uk_note_set_coredump, uk_note_set_no_new_privs,
	uk_note_set_ambient, uk_note_set_personality, uk_note_set_no_huge, uk_note_set_wipe_on_fork,
	uk_note_set_itimer, uk_note_set_timer, uk_note_set_listener;

/* How much the clock of a process is ahead of ours, in ns: proc(5), timens_offsets. */
struct uk_error *uk_note_clock_offset(pid_t pid, int clock, int64_t *ret) uk_must_check;

#endif
