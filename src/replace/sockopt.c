// SPDX-License-Identifier: GPL-2.0-or-later
/* Options of a socket that a checkpoint does not carry. */
#include "replace/sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum scope {
	ANY = 1,      /* IPv4 and IPv6, streams and datagrams */
	STREAM = 2,   /* TCP */
	LISTENER = 4, /* TCP that listens: of connections CRIU carries it */
	SIX = 8,      /* IPv6 */
};

/* Lost, as tried: tcp-option-* and tcp4-congestion in docs/replace-criu.md. */
static const struct {
	const char *text;
	int level, name;
	enum scope scope;
} lost[] = {
	{ "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, LISTENER },
	{ "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, STREAM },
	{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, STREAM },
	{ "TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, STREAM },
	{ "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, STREAM },
	{ "TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, STREAM },
	{ "TCP_CONGESTION", IPPROTO_TCP, TCP_CONGESTION, STREAM },
	{ "IP_TOS", IPPROTO_IP, IP_TOS, ANY },
	{ "IP_TTL", IPPROTO_IP, IP_TTL, ANY },
	{ "IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS, SIX },
	{ "IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, SIX },
};

static int get_int(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);
	return getsockopt(fd, SOL_SOCKET, name, &value, &len) ? -1 : value;
}

static bool get_value(int fd, size_t i, struct uk_sockopt *ret)
{
	socklen_t len = sizeof(ret->value);
	*ret = (struct uk_sockopt){ .text = lost[i].text,
				    .level = lost[i].level,
				    .name = lost[i].name };
	if (getsockopt(fd, lost[i].level, lost[i].name, ret->value, &len))
		return false;
	ret->len = len;
	return true;
}

static unsigned int scope_of(int fd)
{
	unsigned int scope = ANY;
	if (get_int(fd, SO_DOMAIN) == AF_INET6)
		scope |= SIX;
	if (get_int(fd, SO_PROTOCOL) == IPPROTO_TCP)
		scope |= STREAM | (get_int(fd, SO_ACCEPTCONN) == 1 ? LISTENER : 0);
	return scope;
}

static struct uk_error *compare(int fd, int fresh, uk_sockopts *ret)
{
	unsigned int scope = scope_of(fd);
	for (size_t i = 0; i < UK_ARRAY_SIZE(lost); i++) {
		struct uk_sockopt found, usual;
		if (!(lost[i].scope & scope) || !get_value(fd, i, &found) ||
		    !get_value(fresh, i, &usual))
			continue;
		bool same = found.len == usual.len && !memcmp(found.value, usual.value, found.len);
		if (!same && !uk_vec_push(ret, found))
			return uk_error_nomem();
	}
	return NULL;
}

struct uk_error *uk_sockopt_read_lost(pid_t pid, int fd, uk_sockopts *ret)
{
	uk_auto_close int process = (int)syscall(SYS_pidfd_open, pid, 0);
	uk_auto_close int copy = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	if (copy < 0 && (errno == ESRCH || errno == EBADF))
		return NULL;
	if (copy < 0)
		return uk_error_errno(errno, "fd %d of %d", fd, pid);
	int domain = get_int(copy, SO_DOMAIN);
	if (domain != AF_INET && domain != AF_INET6)
		return NULL;
	uk_auto_close int fresh =
		socket(domain, get_int(copy, SO_TYPE) | SOCK_CLOEXEC, get_int(copy, SO_PROTOCOL));
	return fresh < 0 ? NULL : compare(copy, fresh, ret);
}
