/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What services write to their standard output goes to journald, over a connection of each.
 * Over a swap it goes on, and no line is lost:
 *
 * 1. On the old kernel the plan takes along what journald has noted of the connection
 *    (identifier, unit, priority): a file beside its sockets.
 * 2. On the new one a service is restored before any journald runs. Its connection gets a
 *    stand-in: a pair of connected sockets, of which the service has one end. The other one is
 *    named like journald's, and keeps what is written, and by whom (SO_PASSCRED), until somebody
 *    reads it. A process of ours holds it, so that also the last words of who ends meanwhile are
 *    kept; and it is in flight (unix(7), SCM_RIGHTS) in the receive queue of the service's own
 *    end, so that it lives as long as the service has that, whatever becomes of ours.
 * 3. When the system has started, that other end itself becomes journald's. It goes into
 *    journald's file descriptor store in systemd, what was noted into its folder of
 *    streams; and journald, started again, goes on reading there, as it does with all
 *    connections of services whenever it is restarted.
 *
 * The service is not stopped, and nothing of it is changed: no descriptor, no order of lines.
 * For whoever looks (unix_diag, the next swap) the connection is as any other to the journal.
 */
#ifndef UPKEEP_REPLACE_JOURNAL_H
#define UPKEEP_REPLACE_JOURNAL_H

#include "base/error.h"
#include "replace/descriptor.h"
#include "replace/plan.h"
#include "replace/socket.h"

#include <stdbool.h>

/* Where journald is connected to. */
#define UK_JOURNAL_SOCKET "/run/systemd/journal/stdout"

struct uk_journal_paths {
	const char *socket;  /* /run/systemd/journal/stdout */
	const char *streams; /* /run/systemd/journal/streams */
	const char *notify;  /* /run/systemd/notify */
};

/* Whether the other end of socket @ino is journald's. */
bool uk_journal_is_ours(const struct uk_sockets *sockets, uint64_t ino);

/*
 * What the plan has to know of descriptor @fd, for which uk_journal_is_ours(). @paths may be
 * NULL for the usual ones. The caller owns ret->state.
 */
struct uk_error *uk_journal_note(const struct uk_journal_paths *paths,
				 const struct uk_sockets *sockets, const struct uk_fd *fd,
				 struct uk_plan_stream *ret) uk_must_check;

/* Descriptors of a stand-in; -1 for none. */
struct uk_stand_in {
	int service, journal;
};

void uk_stand_in_close(struct uk_stand_in *stand_in);

/*
 * Makes one, and notes the inodes of both ends in @stream. Not from two threads at once. No file
 * may be at paths->socket, and none is there afterwards. @paths may be NULL.
 */
struct uk_error *uk_journal_stand_in(const struct uk_journal_paths *paths,
				     struct uk_plan_stream *stream,
				     struct uk_stand_in *ret) uk_must_check;

/*
 * One for each stream of a service, in their order, by the usual paths. To be destroyed in any
 * case; what was made before an error is in there.
 */
struct uk_error *uk_stand_ins_make(struct uk_plan_service *service,
				   struct uk_stand_in **ret) uk_must_check;
void uk_stand_ins_destroy(const struct uk_plan_service *service, struct uk_stand_in *stand_ins);

/*
 * Starts a process that holds these descriptors, and nothing else, until the file @until is gone.
 * The calling process may have no other thread.
 */
struct uk_error *uk_journal_keep(const int *fds, size_t nr, const char *until) uk_must_check;

/*
 * Hands the journal's end of all stand-ins of the plan to journald, which is restarted if there
 * are any. After an error nothing is lost: the stand-ins that journald did not take stay what
 * they are, and what is written waits in them. @paths may be NULL.
 */
struct uk_error *uk_journal_hand_over(const struct uk_journal_paths *paths,
				      const struct uk_plan *plan) uk_must_check;

#endif
