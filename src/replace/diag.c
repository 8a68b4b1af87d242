// SPDX-License-Identifier: GPL-2.0-or-later
/* sock_diag(7): requests, and answers checked before they are believed. */
#include "replace/diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_SIZE (64 << 10)

/* Which are asked, and the module that answers. */
static const struct {
	int family, protocol;
	const char *module;
} asked[] = {
	{ AF_UNIX, 0, "unix_diag" },	   { AF_INET, IPPROTO_TCP, "tcp_diag" },
	{ AF_INET6, IPPROTO_TCP, NULL },   { AF_INET, IPPROTO_UDP, "udp_diag" },
	{ AF_INET6, IPPROTO_UDP, NULL },   { AF_PACKET, 0, "af_packet_diag" },
	{ AF_NETLINK, 0, "netlink_diag" },
};

union request {
	struct inet_diag_req_v2 inet;
	struct unix_diag_req local;
	struct packet_diag_req packet;
	struct netlink_diag_req netlink;
};

static size_t fill_request(int family, int protocol, union request *request)
{
	switch (family) {
	case AF_UNIX:
		request->local = (struct unix_diag_req){
			.sdiag_family = AF_UNIX,
			.udiag_states = ~0u,
			.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS |
				      UDIAG_SHOW_RQLEN,
		};
		return sizeof(request->local);
	case AF_PACKET:
		request->packet = (struct packet_diag_req){ .sdiag_family = AF_PACKET };
		return sizeof(request->packet);
	case AF_NETLINK:
		request->netlink = (struct netlink_diag_req){
			.sdiag_family = AF_NETLINK,
			.sdiag_protocol = NDIAG_PROTO_ALL,
			.ndiag_show = NDIAG_SHOW_MEMINFO | NDIAG_SHOW_GROUPS,
		};
		return sizeof(request->netlink);
	}
	request->inet = (struct inet_diag_req_v2){
		.sdiag_family = (__u8)family,
		.sdiag_protocol = (__u8)protocol,
		.idiag_states = ~0u,
	};
	return sizeof(request->inet);
}

static struct uk_error *ask(int fd, int family, int protocol)
{
	struct {
		struct nlmsghdr header;
		union request body;
	} message = { .header = { .nlmsg_type = SOCK_DIAG_BY_FAMILY,
				  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	size_t len = fill_request(family, protocol, &message.body);
	message.header.nlmsg_len = (__u32)NLMSG_LENGTH(len);
	if (send(fd, &message, message.header.nlmsg_len, 0) < 0)
		return uk_error_errno(errno, "sock_diag");
	return NULL;
}

/* An IPv4 address in the clothes of IPv6 is one: both ends of a connection must look alike. */
static void address_text(int family, const __be32 *address, __be16 port, char *ret, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "";
	bool mapped =
		family == AF_INET6 && !address[0] && !address[1] && address[2] == htonl(0xffff);
	if (mapped)
		inet_ntop(AF_INET, &address[3], text, sizeof(text));
	else
		inet_ntop(family, address, text, sizeof(text));
	snprintf(ret, size, family == AF_INET || mapped ? "%s:%u" : "[%s]:%u", text, ntohs(port));
}

static bool parse_inet(const struct inet_diag_msg *from, size_t len, int protocol,
		       struct uk_socket *socket)
{
	if (len < sizeof(*from) ||
	    (from->idiag_family != AF_INET && from->idiag_family != AF_INET6))
		return false;
	socket->ino = from->idiag_inode;
	socket->family = from->idiag_family;
	socket->type = protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
	socket->protocol = protocol;
	socket->state = from->idiag_state <= UK_SOCKET_NEW_SYN_RECV
				? (enum uk_socket_state)from->idiag_state
				: UK_SOCKET_UNKNOWN;
	socket->received = from->idiag_rqueue;
	socket->sent = from->idiag_wqueue;
	address_text(socket->family, from->id.idiag_src, from->id.idiag_sport, socket->local,
		     sizeof(socket->local));
	address_text(socket->family, from->id.idiag_dst, from->id.idiag_dport, socket->remote,
		     sizeof(socket->remote));
	return true;
}

/* A path, or an abstract name whose NULs become "@" as in /proc/net/unix. */
static void take_name(const struct rtattr *attribute, struct uk_socket *socket)
{
	size_t len = RTA_PAYLOAD(attribute);
	const char *name = RTA_DATA(attribute);
	bool abstract = len && !name[0];
	if (len >= sizeof(socket->local))
		len = sizeof(socket->local) - 1;
	for (size_t i = 0; i < len; i++) {
		if (!abstract && !name[i]) {
			len = i;
			break;
		}
		socket->local[i] = name[i] ? name[i] : '@';
	}
	socket->local[len] = '\0';
}

/* The numbers of those that wait for a listener to accept them. */
static bool take_waiting(const struct rtattr *attribute, uint64_t listener,
			 uk_diag_waitings *waiting)
{
	const __u32 *inos = RTA_DATA(attribute);
	for (size_t i = 0; i < RTA_PAYLOAD(attribute) / sizeof(*inos); i++) {
		if (!uk_vec_push(waiting, (struct uk_diag_waiting){ inos[i], listener }))
			return false;
	}
	return true;
}

static bool take_attribute(const struct rtattr *attribute, struct uk_socket *socket,
			   uk_diag_waitings *waiting)
{
	const void *data = RTA_DATA(attribute);
	size_t size = RTA_PAYLOAD(attribute);
	switch (attribute->rta_type) {
	case UNIX_DIAG_NAME:
		take_name(attribute, socket);
		break;
	case UNIX_DIAG_PEER:
		if (size >= sizeof(__u32))
			socket->peer = *(const __u32 *)data;
		break;
	case UNIX_DIAG_ICONS:
		return take_waiting(attribute, socket->ino, waiting);
	case UNIX_DIAG_RQLEN:
		if (size < sizeof(struct unix_diag_rqlen))
			break;
		socket->received = ((const struct unix_diag_rqlen *)data)->udiag_rqueue;
		if (socket->state == UK_SOCKET_LISTEN)
			socket->backlog = ((const struct unix_diag_rqlen *)data)->udiag_wqueue;
		break;
	}
	return true;
}

static bool parse_unix(const struct unix_diag_msg *from, size_t len, struct uk_socket *socket,
		       uk_diag_waitings *waiting)
{
	if (len < sizeof(*from))
		return false;
	socket->ino = from->udiag_ino;
	socket->family = AF_UNIX;
	socket->type = from->udiag_type;
	socket->state = from->udiag_state <= UK_SOCKET_NEW_SYN_RECV
				? (enum uk_socket_state)from->udiag_state
				: UK_SOCKET_UNKNOWN;
	int left = (int)(len - NLMSG_ALIGN(sizeof(*from)));
	const struct rtattr *attribute =
		(const void *)((const char *)from + NLMSG_ALIGN(sizeof(*from)));
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (!take_attribute(attribute, socket, waiting))
			return false;
	}
	return true;
}

static bool parse_packet(const struct packet_diag_msg *from, size_t len, struct uk_socket *socket)
{
	if (len < sizeof(*from))
		return false;
	socket->ino = from->pdiag_ino;
	socket->family = AF_PACKET;
	socket->type = from->pdiag_type;
	return true;
}

static bool has_bits(const struct rtattr *attribute)
{
	const char *data = RTA_DATA(attribute);
	for (size_t i = 0; i < RTA_PAYLOAD(attribute); i++) {
		if (data[i])
			return true;
	}
	return false;
}

static bool parse_netlink(const struct netlink_diag_msg *from, size_t len, struct uk_socket *socket)
{
	if (len < sizeof(*from))
		return false;
	socket->ino = from->ndiag_ino;
	socket->family = AF_NETLINK;
	socket->type = from->ndiag_type;
	socket->protocol = from->ndiag_protocol;
	int left = (int)(len - NLMSG_ALIGN(sizeof(*from)));
	const struct rtattr *attribute =
		(const void *)((const char *)from + NLMSG_ALIGN(sizeof(*from)));
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type == NETLINK_DIAG_GROUPS)
			socket->groups = has_bits(attribute);
		if (attribute->rta_type == NETLINK_DIAG_MEMINFO &&
		    RTA_PAYLOAD(attribute) >= sizeof(__u32))
			socket->received = *(const __u32 *)RTA_DATA(attribute);
	}
	return true;
}

bool uk_diag_parse(const void *message, size_t len, int protocol, struct uk_socket *ret,
		   uk_diag_waitings *waiting)
{
	struct uk_socket socket = { .diag = true };
	bool good = false;
	if (!len)
		return false;
	switch (*(const __u8 *)message) {
	case AF_INET:
	case AF_INET6:
		good = parse_inet(message, len, protocol, &socket);
		break;
	case AF_UNIX:
		good = parse_unix(message, len, &socket, waiting);
		break;
	case AF_PACKET:
		good = parse_packet(message, len, &socket);
		break;
	case AF_NETLINK:
		good = parse_netlink(message, len, &socket);
		break;
	}
	if (good)
		*ret = socket;
	return good;
}

/* A dump under way. */
struct dump {
	int fd, protocol;
	uint64_t netns;
	uk_socket_list *list;
	uk_diag_waitings *waiting;
	bool end, missing; /* the answer is complete; nobody answers */
};

/* An error, at once or at the end of the dump: no module answers for this protocol. */
static bool is_failure(const struct nlmsghdr *header)
{
	int status;
	if (header->nlmsg_type != NLMSG_DONE)
		return header->nlmsg_type == NLMSG_ERROR;
	if (NLMSG_PAYLOAD(header, 0) < sizeof(status))
		return false;
	memcpy(&status, NLMSG_DATA(header), sizeof(status));
	return status < 0;
}

/* What one datagram holds. */
static struct uk_error *take_answers(const char *data, size_t len, struct dump *dump)
{
	for (const struct nlmsghdr *header = (const void *)data; NLMSG_OK(header, len);
	     header = NLMSG_NEXT(header, len)) {
		struct uk_socket socket;
		dump->missing = is_failure(header);
		dump->end = header->nlmsg_type == NLMSG_DONE || dump->missing;
		if (dump->end)
			return NULL;
		if (!uk_diag_parse(NLMSG_DATA(header), NLMSG_PAYLOAD(header, 0), dump->protocol,
				   &socket, dump->waiting))
			continue;
		socket.netns = dump->netns;
		if (socket.ino && !uk_vec_push(dump->list, socket))
			return uk_error_nomem();
	}
	return NULL;
}

static struct uk_error *receive(struct dump *dump)
{
	uk_auto_free char *data = malloc(ANSWER_SIZE);
	if (!data)
		return uk_error_nomem();
	while (!dump->end) {
		ssize_t len = recv(dump->fd, data, ANSWER_SIZE, 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return uk_error_errno(len ? errno : EPROTO, "sock_diag");
		struct uk_error *err = take_answers(data, (size_t)len, dump);
		if (err)
			return err;
	}
	return NULL;
}

/* Who waits to be accepted has no other end yet: the listener stands for it. */
static void join_waiting(const uk_diag_waitings *waiting, uk_socket_list *list)
{
	uk_vec_for_each(one, waiting) {
		uk_vec_for_each(socket, list) {
			if (socket->family == AF_UNIX && socket->ino == one->ino && !socket->peer)
				socket->peer = one->listener;
		}
	}
}

static struct uk_error *dump_all(int fd, uint64_t netns, uk_socket_list *list,
				 uk_diag_waitings *waiting, struct uk_strbuf *lacking)
{
	for (size_t i = 0; i < UK_ARRAY_SIZE(asked); i++) {
		struct dump dump = { .fd = fd,
				     .protocol = asked[i].protocol,
				     .netns = netns,
				     .list = list,
				     .waiting = waiting,
				     .missing = fd < 0 };
		struct uk_error *err = fd < 0 ? NULL : ask(fd, asked[i].family, asked[i].protocol);
		if (!err && fd >= 0)
			err = receive(&dump);
		if (err)
			return err;
		if (dump.missing && asked[i].module)
			uk_strbuf_addf(lacking, " %s", asked[i].module);
	}
	return NULL;
}

struct uk_error *uk_diag_read(uint64_t netns, uk_socket_list *list, struct uk_strbuf *lacking)
{
	uk_diag_waitings waiting = {};
	uk_auto_close int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	struct timeval patience = { .tv_sec = 10 };
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	struct uk_error *err = dump_all(fd, netns, list, &waiting, lacking);
	if (!err)
		join_waiting(&waiting, list);
	uk_vec_deinit(&waiting);
	return err;
}
