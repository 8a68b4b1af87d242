// SPDX-License-Identifier: GPL-2.0-or-later
/* Peers are told to send again. */
#include "replace/nudge.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	ROUNDS = 10,	   /* each takes back one doubling: of 0.2 s, more than three minutes */
	QUOTED = 8,	   /* bytes of TCP that a message quotes: ports and number (RFC 792) */
	NO_PROBE = -1,	   /* include/uapi/linux/tcp.h: TCP_REPAIR_OFF_NO_WP */
	RECEIVE_QUEUE = 1, /* TCP_RECV_QUEUE */
};

/* --- what to tell ----------------------------------------------------------------------- */

/* Of the peer's numbers the next; repair mode alone tells (do_tcp_getsockopt(), TCP_QUEUE_SEQ). */
static bool read_next(int fd, uint32_t *ret)
{
	int on = TCP_REPAIR_ON, off = NO_PROBE, queue = RECEIVE_QUEUE, none = 0, reuse = 0;
	socklen_t len = sizeof(*ret), reuse_len = sizeof(reuse);
	if (getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, &reuse_len) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) < 0)
		return false;
	bool good = !setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)) &&
		    !getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, ret, &len);
	setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &none, sizeof(none));
	setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off));
	/* Which the mode takes away. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
	return good;
}

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static bool take_address(const union address *address, sa_family_t *family, uint8_t *ret,
			 uint16_t *port)
{
	if (address->any.sa_family == AF_INET) {
		*family = AF_INET;
		memcpy(ret, &address->in.sin_addr, sizeof(address->in.sin_addr));
		*port = ntohs(address->in.sin_port);
		return true;
	}
	if (address->any.sa_family != AF_INET6)
		return false;
	*port = ntohs(address->in6.sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr)) {
		*family = AF_INET;
		memcpy(ret, address->in6.sin6_addr.s6_addr + 12, 4);
		return true;
	}
	*family = AF_INET6;
	memcpy(ret, &address->in6.sin6_addr, sizeof(address->in6.sin6_addr));
	/* A link-local one needs its link. */
	return !IN6_IS_ADDR_LINKLOCAL(&address->in6.sin6_addr);
}

static bool is_connected_tcp(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);
	struct tcp_info info = {};
	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0 || protocol != IPPROTO_TCP)
		return false;
	len = sizeof(info);
	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) &&
	       info.tcpi_state == TCP_ESTABLISHED;
}

static struct uk_error *note_socket(int fd, uk_nudges *ret)
{
	struct uk_nudge nudge = {};
	sa_family_t family;
	union address local, peer;
	socklen_t local_len = sizeof(local), peer_len = sizeof(peer);
	if (!is_connected_tcp(fd) || getsockname(fd, &local.any, &local_len) < 0 ||
	    getpeername(fd, &peer.any, &peer_len) < 0 ||
	    !take_address(&local, &family, nudge.local, &nudge.local_port) ||
	    !take_address(&peer, &nudge.family, nudge.peer, &nudge.peer_port) ||
	    !memcmp(nudge.local, nudge.peer, sizeof(nudge.local)) || !read_next(fd, &nudge.next))
		return NULL;
	return uk_vec_push(ret, nudge) ? NULL : uk_error_nomem();
}

static struct uk_error *note_process(pid_t pid, uk_nudges *ret)
{
	char folder[64];
	char **names = NULL;
	size_t nr = 0;
	snprintf(folder, sizeof(folder), "/proc/%d/fd", pid);
	uk_auto_close int process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process < 0)
		return uk_error_errno(errno, "process %d", pid);
	struct uk_error *err = uk_dir_list(folder, &names, &nr);
	for (size_t i = 0; !err && i < nr; i++) {
		uk_auto_close int fd = (int)syscall(SYS_pidfd_getfd, process, atoi(names[i]), 0);
		if (fd >= 0)
			err = note_socket(fd, ret);
	}
	uk_strv_destroy(names, nr);
	return err;
}

struct uk_error *uk_nudge_note(const struct uk_hold *hold, uk_nudges *ret)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(thread, &hold->threads) {
		if (!err && thread->tid == thread->pid)
			err = note_process(thread->pid, ret);
	}
	return err;
}

/* --- telling ---------------------------------------------------------------------------- */

/* RFC 1071. */
static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The begin of the segment that the peer had sent. */
static void quote(const struct uk_nudge *nudge, uint8_t *to)
{
	const uint16_t ports[] = { htons(nudge->peer_port), htons(nudge->local_port) };
	const uint32_t number = htonl(nudge->next);
	memcpy(to, ports, sizeof(ports));
	memcpy(to + sizeof(ports), &number, sizeof(number));
}

static bool send_to(int socket, const struct uk_nudge *nudge, const void *message, size_t len)
{
	union address from = {}, to = {};
	if (nudge->family == AF_INET) {
		from.in.sin_family = to.in.sin_family = AF_INET;
		memcpy(&from.in.sin_addr, nudge->local, sizeof(from.in.sin_addr));
		memcpy(&to.in.sin_addr, nudge->peer, sizeof(to.in.sin_addr));
	} else {
		from.in6.sin6_family = to.in6.sin6_family = AF_INET6;
		memcpy(&from.in6.sin6_addr, nudge->local, sizeof(from.in6.sin6_addr));
		memcpy(&to.in6.sin6_addr, nudge->peer, sizeof(to.in6.sin6_addr));
	}
	return !bind(socket, &from.any, sizeof(from)) &&
	       sendto(socket, message, len, 0, &to.any, sizeof(to)) == (ssize_t)len;
}

static bool tell(int socket, const struct uk_nudge *nudge)
{
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		uint8_t tcp[QUOTED];
	} message = { .icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_HOST_UNREACH },
		      .ip = { .version = 4,
			      .ihl = sizeof(message.ip) / 4,
			      .tot_len = htons(sizeof(message.ip) + sizeof(struct tcphdr)),
			      .ttl = IPDEFTTL,
			      .protocol = IPPROTO_TCP } };
	memcpy(&message.ip.saddr, nudge->peer, sizeof(message.ip.saddr));
	memcpy(&message.ip.daddr, nudge->local, sizeof(message.ip.daddr));
	quote(nudge, message.tcp);
	message.ip.check = checksum(&message.ip, sizeof(message.ip));
	message.icmp.checksum = checksum(&message, sizeof(message));
	return send_to(socket, nudge, &message, sizeof(message));
}

/* Its checksum is the kernel's work. */
static bool tell6(int socket, const struct uk_nudge *nudge)
{
	struct {
		struct icmp6_hdr icmp;
		struct ip6_hdr ip;
		uint8_t tcp[QUOTED];
	} message = { .icmp = { .icmp6_type = ICMP6_DST_UNREACH,
				.icmp6_code = ICMP6_DST_UNREACH_NOROUTE } };
	message.ip.ip6_flow = htonl(6u << 28);
	message.ip.ip6_plen = htons(sizeof(struct tcphdr));
	message.ip.ip6_nxt = IPPROTO_TCP;
	message.ip.ip6_hlim = IPDEFTTL;
	memcpy(&message.ip.ip6_src, nudge->peer, sizeof(message.ip.ip6_src));
	memcpy(&message.ip.ip6_dst, nudge->local, sizeof(message.ip.ip6_dst));
	quote(nudge, message.tcp);
	return send_to(socket, nudge, &message, sizeof(message));
}

struct uk_error *uk_nudge_send(const uk_nudges *nudges)
{
	if (!nudges->len)
		return NULL;
	uk_auto_close int socket4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	uk_auto_close int socket6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	int failed = 0;
	for (int round = 0; round < ROUNDS; round++) {
		uk_vec_for_each(nudge, nudges) {
			bool told = nudge->family == AF_INET ? tell(socket4, nudge)
							     : tell6(socket6, nudge);
			failed = told ? failed : errno;
		}
	}
	return failed ? uk_error_errno(failed, "peers cannot be told to send again at once") : NULL;
}
