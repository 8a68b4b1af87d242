// SPDX-License-Identifier: GPL-2.0-or-later
/* What systemd is told over its notification socket. */
#include "replace/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FDS_MAX = 16 };

static struct cmsghdr *put_control(struct cmsghdr *head, int type, const void *data, size_t len)
{
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = type;
	head->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(head), data, len);
	return head;
}

static bool set_address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return false;
	strcpy(ret->sun_path, path);
	return true;
}

struct uk_error *uk_notify_send(const char *path, pid_t sender, const char *text, const int *fds,
				size_t nr)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct sockaddr_un to;
	const struct ucred creds = { .pid = sender, .uid = getuid(), .gid = getgid() };
	struct iovec part = { .iov_base = (char *)text, .iov_len = strlen(text) };
	struct msghdr message = { .msg_name = &to,
				  .msg_namelen = sizeof(to),
				  .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.buf,
				  .msg_controllen = CMSG_SPACE(sizeof(creds)) };
	if (nr > FDS_MAX || !set_address(path, &to))
		return uk_error_errno(EINVAL, "%s: %s", path, text);
	if (nr)
		message.msg_controllen += CMSG_SPACE(nr * sizeof(int));
	struct cmsghdr *head =
		put_control(CMSG_FIRSTHDR(&message), SCM_CREDENTIALS, &creds, sizeof(creds));
	if (nr)
		put_control(CMSG_NXTHDR(&message, head), SCM_RIGHTS, fds, nr * sizeof(int));
	uk_auto_close int from = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (from < 0 || sendmsg(from, &message, MSG_NOSIGNAL) < 0)
		return uk_error_errno(errno, "%s: %s", path, text);
	return NULL;
}

/* The receiver closes what came with BARRIER=1 once it is its turn. */
struct uk_error *uk_notify_wait(const char *path, pid_t sender, unsigned int seconds)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return uk_error_errno(errno, "pipe");
	uk_auto_close int ours = ends[0];
	struct uk_error *err = uk_notify_send(path, sender, "BARRIER=1", &ends[1], 1);
	close(ends[1]);
	if (err)
		return err;
	struct pollfd wait = { .fd = ours };
	int seen = poll(&wait, 1, (int)seconds * 1000);
	if (seen < 0)
		return uk_error_errno(errno, "poll");
	return seen ? NULL
		    : uk_error_create(UK_ERR_SYSTEM, "%s: systemd does not read what it is sent",
				      path);
}
