// SPDX-License-Identifier: GPL-2.0-or-later
/* Options of a socket that a checkpoint does not carry. */
#include "replace/sockopt.h"

#include "replace/borrow.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum scope {
	ANY = 1,      /* IPv4 and IPv6, streams and datagrams */
	STREAM = 2,   /* TCP */
	LISTENER = 4, /* TCP that listens: of connections CRIU carries it */
	SIX = 8,      /* IPv6 */
	DATAGRAM = 16,
	SIX_DATAGRAM = 64, /* both */
	QUIET = 32, /* nobody sets it on purpose, or it is only to be set again behind another */
};

#define TCP_OPTION(name, scope)                                                                    \
	{                                                                                          \
#name, IPPROTO_TCP, name, scope                                                    \
	}
#define IP_OPTION(name, scope)                                                                     \
	{                                                                                          \
#name, IPPROTO_IP, name, scope                                                     \
	}
#define IPV6_OPTION(name, scope)                                                                   \
	{                                                                                          \
#name, IPPROTO_IPV6, name, scope                                                   \
	}

/*
 * Lost, as tried: tcp-option-* and tcp4-congestion in docs/replace-criu.md; the others by criu
 * 3.17.1's images/sk-opts.proto and images/sk-inet.proto, which have no field for them. The order
 * counts: IP_TOS changes SO_PRIORITY (kernel: net/ipv4/ip_sockglue.c, __ip_sock_set_tos()).
 */
static const struct {
	const char *text;
	int level, name;
	int scope;
} lost[] = {
	TCP_OPTION(TCP_NODELAY, LISTENER),
	TCP_OPTION(TCP_USER_TIMEOUT, STREAM),
	TCP_OPTION(TCP_DEFER_ACCEPT, STREAM),
	TCP_OPTION(TCP_SYNCNT, STREAM),
	TCP_OPTION(TCP_LINGER2, STREAM),
	TCP_OPTION(TCP_NOTSENT_LOWAT, STREAM),
	TCP_OPTION(TCP_CONGESTION, STREAM),
	TCP_OPTION(TCP_FASTOPEN, LISTENER),
	TCP_OPTION(TCP_QUICKACK, STREAM | QUIET),
	IP_OPTION(IP_TOS, ANY),
	{ "SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, ANY | QUIET },
	IP_OPTION(IP_TTL, ANY),
	IP_OPTION(IP_MINTTL, ANY),
	IP_OPTION(IP_MTU_DISCOVER, ANY),
	IP_OPTION(IP_RECVERR, ANY),
	IP_OPTION(IP_BIND_ADDRESS_NO_PORT, ANY),
	IP_OPTION(IP_TRANSPARENT, ANY), /* IPV6_TRANSPARENT is the same bit of a socket */
	IP_OPTION(IP_PKTINFO, DATAGRAM),
	IP_OPTION(IP_RECVTOS, DATAGRAM),
	IP_OPTION(IP_RECVTTL, DATAGRAM),
	IP_OPTION(IP_RECVORIGDSTADDR, DATAGRAM),
	IP_OPTION(IP_MULTICAST_IF, DATAGRAM),
	IP_OPTION(IP_MULTICAST_TTL, DATAGRAM),
	IP_OPTION(IP_MULTICAST_LOOP, DATAGRAM),
	IP_OPTION(IP_MULTICAST_ALL, DATAGRAM),
	IPV6_OPTION(IPV6_TCLASS, SIX),
	IPV6_OPTION(IPV6_UNICAST_HOPS, SIX),
	IPV6_OPTION(IPV6_MTU_DISCOVER, SIX),
	IPV6_OPTION(IPV6_RECVERR, SIX),
	IPV6_OPTION(IPV6_RECVPKTINFO, SIX),
	IPV6_OPTION(IPV6_RECVHOPLIMIT, SIX),
	IPV6_OPTION(IPV6_RECVTCLASS, SIX),
	IPV6_OPTION(IPV6_MULTICAST_IF, SIX_DATAGRAM),
	IPV6_OPTION(IPV6_MULTICAST_HOPS, SIX_DATAGRAM),
	IPV6_OPTION(IPV6_MULTICAST_LOOP, SIX_DATAGRAM),
	{ "SO_TIMESTAMP", SOL_SOCKET, SO_TIMESTAMP, DATAGRAM },
	{ "SO_TIMESTAMPNS", SOL_SOCKET, SO_TIMESTAMPNS, DATAGRAM },
	{ "SO_RXQ_OVFL", SOL_SOCKET, SO_RXQ_OVFL, DATAGRAM },
	{ "UDP_SEGMENT", IPPROTO_UDP, UDP_SEGMENT, DATAGRAM },
	{ "UDP_GRO", IPPROTO_UDP, UDP_GRO, DATAGRAM },
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
				    .name = lost[i].name,
				    .set = !(lost[i].scope & QUIET) };
	if (getsockopt(fd, lost[i].level, lost[i].name, ret->value, &len))
		return false;
	ret->len = len;
	return true;
}

static bool is_same(const struct uk_sockopt *a, const struct uk_sockopt *b)
{
	return a->len == b->len && !memcmp(a->value, b->value, a->len);
}

static int scope_of(int fd)
{
	int scope = ANY;
	if (get_int(fd, SO_DOMAIN) == AF_INET6)
		scope |= SIX;
	if (get_int(fd, SO_PROTOCOL) == IPPROTO_TCP)
		scope |= STREAM | (get_int(fd, SO_ACCEPTCONN) == 1 ? LISTENER : 0);
	else
		scope |= DATAGRAM | (scope & SIX ? SIX_DATAGRAM : 0);
	return scope;
}

/* Of a socket with IP_TOS the priority, too, whatever it is. */
static bool is_bound(const uk_sockopts *found, size_t i)
{
	const struct uk_sockopt *last = found->len ? &found->data[found->len - 1] : NULL;
	return last && lost[i].level == SOL_SOCKET && lost[i].name == SO_PRIORITY &&
	       last->level == IPPROTO_IP && last->name == IP_TOS;
}

/* With @fresh below 0 all. */
static struct uk_error *compare(int fd, int fresh, uk_sockopts *ret)
{
	int scope = scope_of(fd);
	for (size_t i = 0; i < UK_ARRAY_SIZE(lost); i++) {
		struct uk_sockopt found, usual;
		if (!(lost[i].scope & scope & ~QUIET) || !get_value(fd, i, &found))
			continue;
		if (fresh >= 0 && !is_bound(ret, i) &&
		    (!get_value(fresh, i, &usual) || is_same(&found, &usual)))
			continue;
		if (!uk_vec_push(ret, found))
			return uk_error_nomem();
	}
	return NULL;
}

static bool has_our_network(pid_t pid)
{
	char path[64];
	struct stat theirs, ours;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return !stat(path, &theirs) && !stat("/proc/self/ns/net", &ours) &&
	       theirs.st_ino == ours.st_ino;
}

struct uk_error *uk_sockopt_read_lost(pid_t pid, int fd, uk_sockopts *ret)
{
	uk_auto_close int copy = uk_borrow_fd(pid, fd);
	if (copy < 0 && (errno == ESRCH || errno == EBADF))
		return NULL;
	if (copy < 0)
		return uk_error_errno(errno, "fd %d of %d", fd, pid);
	int domain = get_int(copy, SO_DOMAIN);
	if (domain != AF_INET && domain != AF_INET6)
		return NULL;
	if (!has_our_network(pid))
		return compare(copy, -1, ret);
	uk_auto_close int fresh =
		socket(domain, get_int(copy, SO_TYPE) | SOCK_CLOEXEC, get_int(copy, SO_PROTOCOL));
	return fresh < 0 ? NULL : compare(copy, fresh, ret);
}

static bool find(int level, int name, size_t *ret)
{
	for (size_t i = 0; i < UK_ARRAY_SIZE(lost); i++) {
		if (lost[i].level == level && lost[i].name == name) {
			*ret = i;
			return true;
		}
	}
	return false;
}

bool uk_sockopt_is_known(int level, int name)
{
	size_t i;
	return find(level, name, &i);
}

struct uk_error *uk_sockopt_set(pid_t pid, int fd, const struct uk_sockopt *option)
{
	size_t i;
	struct uk_sockopt found;
	uk_auto_close int copy = uk_borrow_fd(pid, fd);
	if (copy < 0)
		return uk_error_errno(errno, "fd %d of %d", fd, pid);
	if (!find(option->level, option->name, &i))
		return uk_error_create(UK_ERR_INVALID, "there is no such option");
	if (get_value(copy, i, &found) && is_same(&found, option))
		return NULL;
	if (setsockopt(copy, option->level, option->name, option->value, (socklen_t)option->len))
		return uk_error_errno(errno, "%s", lost[i].text);
	if (!get_value(copy, i, &found) || !is_same(&found, option))
		return uk_error_create(UK_ERR_SYSTEM, "%s: it is set, and reads otherwise",
				       lost[i].text);
	return NULL;
}
