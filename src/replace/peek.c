// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptors of others, asked by a copy. */
#include "replace/peek.h"

#include "base/file.h"
#include "base/memory.h"
#include "replace/borrow.h"
#include "replace/multicast.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { STATUS_MAX = 1 << 16 };

static short events_of(int fd, short asked)
{
	struct pollfd about = { .fd = fd, .events = asked };
	return poll(&about, 1, 0) > 0 ? about.revents : 0;
}

bool uk_peek_urgent(pid_t pid, int fd)
{
	uk_auto_close int copy = uk_borrow_fd(pid, fd);
	return copy >= 0 && events_of(copy, POLLPRI) & POLLPRI;
}

bool uk_peek_time_limit(pid_t pid, int fd)
{
	static const int names[] = { SO_RCVTIMEO, SO_SNDTIMEO };
	uk_auto_close int copy = uk_borrow_fd(pid, fd);
	for (size_t i = 0; i < UK_ARRAY_SIZE(names) && copy >= 0; i++) {
		struct timeval limit = {};
		socklen_t len = sizeof(limit);
		if (!getsockopt(copy, SOL_SOCKET, names[i], &limit, &len) &&
		    (limit.tv_sec || limit.tv_usec))
			return true;
	}
	return false;
}

bool uk_peek_credentials(pid_t pid, int fd, struct ucred *ret)
{
	struct ucred found = {};
	socklen_t len = sizeof(found);
	uk_auto_close int copy = uk_borrow_fd(pid, fd);
	if (copy < 0 || getsockopt(copy, SOL_SOCKET, SO_PEERCRED, &found, &len) ||
	    found.uid == (uid_t)-1)
		return false;
	*ret = found;
	return true;
}

static bool has_effective(const char *status, const char *name, unsigned int wanted)
{
	unsigned int found;
	const char *line = strstr(status, name);
	return line && sscanf(line + strlen(name), "%*u %u", &found) == 1 && found == wanted;
}

bool uk_peek_is_itself(pid_t pid, const struct ucred *who)
{
	char path[64];
	uk_auto_free char *status = NULL;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	struct uk_error *err = uk_file_read(path, STATUS_MAX, &status, NULL);
	if (err) {
		uk_error_destroy(err);
		return false;
	}
	return who->pid == pid && has_effective(status, "\nUid:", who->uid) &&
	       has_effective(status, "\nGid:", who->gid);
}

bool uk_peek_exclusive(pid_t pid, int fd)
{
	int on = 0;
	uk_auto_close int copy = uk_borrow_fd(pid, fd);
	return copy >= 0 && !ioctl(copy, TIOCGEXCL, &on) && on;
}

bool uk_peek_hung_up(pid_t pid, int fd, bool *unread_ret)
{
	uk_auto_close int copy = uk_borrow_fd(pid, fd);
	short events = copy < 0 ? 0 : events_of(copy, POLLIN);
	int unread = 0;
	if (!(events & POLLHUP))
		return false;
	*unread_ret = !ioctl(copy, FIONREAD, &unread) && unread > 0;
	return true;
}

/* --- multicast ----------------------------------------------------------------------- */

static void add_group(const struct uk_membership *one, bool first, struct uk_strbuf *names)
{
	char text[INET6_ADDRSTRLEN];
	inet_ntop(one->family, one->group.address, text, sizeof(text));
	uk_strbuf_addf(names, "%s%s on %s", first ? "" : ", ", text, one->group.device);
}

void uk_peek_groups(pid_t pid, int fd, const char *igmp, const char *igmp6, bool by_source,
		    struct uk_strbuf *names)
{
	uk_auto_close int copy = uk_borrow_fd(pid, fd);
	uk_memberships all = {};
	size_t before = names->len;
	if (copy < 0)
		return;
	struct uk_error *err = uk_multicast_list(copy, igmp, igmp6, &all);
	uk_vec_for_each(one, &all) {
		if (one->by_source == by_source)
			add_group(one, names->len == before, names);
	}
	names->failed |= err != NULL;
	uk_error_destroy(err);
	uk_vec_deinit(&all);
}
