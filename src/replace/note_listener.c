// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who listens at a unix socket: the kernel notes it at listen(), and tells it to those who connect
 * (SO_PEERCRED). criu calls that before the process has its user again, so they would be told of
 * root. A second listen() of the process itself puts it right.
 */
#include "replace/note.h"

#include "base/memory.h"
#include "replace/borrow.h"
#include "replace/diag.h"
#include "replace/peek.h"

#include <sys/socket.h>
#include <sys/stat.h>

enum number { FD, BACKLOG };

/* Of our own network: no other one is told of. */
static struct uk_error *find_backlog(uint64_t ino, bool *found_ret, uint64_t *ret)
{
	uk_socket_list list = {};
	uk_auto_strbuf struct uk_strbuf lacking = {};
	struct uk_error *err = uk_diag_read(0, &list, &lacking);
	uk_vec_for_each(socket, &list) {
		if (err || socket->family != AF_UNIX || socket->ino != ino ||
		    socket->state != UK_SOCKET_LISTEN)
			continue;
		*found_ret = true;
		*ret = socket->backlog;
	}
	uk_vec_deinit(&list);
	return err;
}

static bool is_listening_unix(int fd)
{
	int family = 0, listens = 0;
	socklen_t len = sizeof(int);
	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) && family == AF_UNIX &&
	       !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) && listens;
}

struct uk_error *uk_note_listener(pid_t pid, int fd, uk_notes *to)
{
	struct ucred who = {};
	struct stat file;
	bool found = false;
	struct uk_note note = { .kind = UK_NOTE_LISTENER,
				.pid = pid,
				.numbers = { [FD] = (uint64_t)fd } };
	uk_auto_close int copy = uk_borrow_fd(pid, fd);
	if (copy < 0 || !is_listening_unix(copy) || fstat(copy, &file) < 0 ||
	    !uk_peek_credentials(pid, fd, &who) || !(who.uid || who.gid) ||
	    !uk_peek_is_itself(pid, &who))
		return NULL;
	struct uk_error *err = find_backlog(file.st_ino, &found, &note.numbers[BACKLOG]);
	if (!err && found && !uk_vec_push(to, note))
		err = uk_error_nomem();
	return err;
}
