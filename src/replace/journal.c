// SPDX-License-Identifier: GPL-2.0-or-later
/* Sockets to the journal, and what stands in for them. */
#include "replace/journal.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

bool uk_journal_is_ours(const struct uk_sockets *sockets, uint64_t ino)
{
	const struct uk_socket *socket = uk_sockets_find(sockets, ino);
	const struct uk_socket *peer = socket ? uk_sockets_peer(sockets, socket) : NULL;
	return peer && peer->family == AF_UNIX &&
	       !strcmp(peer->local, "/run/systemd/journal/stdout");
}

/* Sends @fd over @socket, with one byte to carry it. */
static bool send_fd(int socket, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {};
	char byte = 0;
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.buf,
				  .msg_controllen = sizeof(control.buf) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	return sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

struct uk_error *uk_journal_stand_in(int *ret)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return uk_error_errno(errno, "socketpair");
	bool sent = send_fd(pair[1], pair[1]);
	int errnum = errno;
	close(pair[1]);
	if (!sent) {
		close(pair[0]);
		return uk_error_errno(errnum, "keep a socket in flight");
	}
	*ret = pair[0];
	return NULL;
}
