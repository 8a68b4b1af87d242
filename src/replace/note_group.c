// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Groups of multicast that a socket has joined: criu 3.17.1 does not carry them. Those that it
 * takes by the sender (multicast.h) are left.
 */
#include "replace/note.h"

#include "base/file.h"
#include "replace/borrow.h"
#include "replace/multicast.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum number { FD, FAMILY };

enum { LIST_MAX = 16 << 20 };

_Static_assert(sizeof(struct uk_group) <= UK_NOTE_DATA, "it stands in a note's data");

static int get_int(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);
	return getsockopt(fd, SOL_SOCKET, name, &value, &len) ? -1 : value;
}

static struct uk_error *add(pid_t pid, int fd, const struct uk_membership *one, uk_notes *to)
{
	struct uk_note note = {
		.kind = UK_NOTE_GROUP,
		.pid = pid,
		.numbers = { [FD] = (uint64_t)fd, [FAMILY] = (uint64_t)one->family },
		.len = sizeof(one->group)
	};
	memcpy(note.data, &one->group, sizeof(one->group));
	return uk_vec_push(to, note) ? NULL : uk_error_nomem();
}

/* A kernel without one of these protocols has no list of it. */
static struct uk_error *read_list(const char *path, char **ret)
{
	return uk_file_exists(path) ? uk_file_read(path, LIST_MAX, ret, NULL) : NULL;
}

struct uk_error *uk_note_group(pid_t pid, int fd, uk_notes *to)
{
	uk_auto_free char *igmp = NULL, *igmp6 = NULL;
	uk_memberships all = {};
	uk_auto_close int copy = uk_borrow_fd(pid, fd);
	int family = copy < 0 ? -1 : get_int(copy, SO_DOMAIN);
	if ((family != AF_INET && family != AF_INET6) || get_int(copy, SO_TYPE) == SOCK_STREAM)
		return NULL;
	struct uk_error *err = read_list("/proc/net/igmp", &igmp);
	/* One of IPv6 may be in groups of both. */
	if (!err && family == AF_INET6)
		err = read_list("/proc/net/igmp6", &igmp6);
	if (!err)
		err = uk_multicast_list(copy, igmp, igmp6, &all);
	uk_vec_for_each(one, &all) {
		if (!err && !one->by_source)
			err = add(pid, fd, one, to);
	}
	uk_vec_deinit(&all);
	return err;
}

struct uk_error *uk_note_set_group(const struct uk_note *note, struct uk_held *thread)
{
	struct uk_group group;
	struct group_req request = {};
	int family = (int)note->numbers[FAMILY];
	if (note->len != sizeof(group) || (family != AF_INET && family != AF_INET6))
		return uk_error_create(UK_ERR_INVALID, "it is no group");
	memcpy(&group, note->data, sizeof(group));
	if (!memchr(group.device, '\0', sizeof(group.device)))
		return uk_error_create(UK_ERR_INVALID, "it has no device");
	request.gr_interface = if_nametoindex(group.device);
	if (!request.gr_interface)
		return uk_error_errno(errno, "device %s", group.device);
	uk_multicast_address(family, &group, &request.gr_group);
	uk_auto_close int copy = uk_borrow_fd(note->pid, (int)note->numbers[FD]);
	if (copy < 0)
		return uk_error_errno(errno, "descriptor %d", (int)note->numbers[FD]);
	/* EADDRINUSE: a descriptor of the same socket was there before. */
	if (setsockopt(copy, uk_multicast_level(family), MCAST_JOIN_GROUP, &request,
		       sizeof(request)) < 0 &&
	    errno != EADDRINUSE)
		return uk_error_errno(errno, "MCAST_JOIN_GROUP");
	return NULL;
}
