// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TCP and UDP over IPv4 and IPv6. The cases' argument is the family; the peer is a process of the
 * same tree on the loopback interface, or one outside that never reconnects (zoo_peer.py).
 */
#include "zoo.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int listener = -1, ours = -1, theirs = -1;
static union address bound;
static pid_t child;

static socklen_t size_of(const union address *address)
{
	return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

static union address loopback(void)
{
	union address address = { 0 };

	address.any.sa_family = (sa_family_t)zoo.arg;
	if (zoo.arg == AF_INET)
		address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		address.v6.sin6_addr = in6addr_loopback;
	return address;
}

static int make(int type)
{
	const int fd = socket((int)zoo.arg, type, 0);

	if (fd < 0 && errno == EAFNOSUPPORT)
		zoo_skip("no IPv6 here");
	return (int)zoo_sys(fd);
}

static void bind_to_loopback(int fd)
{
	socklen_t size = sizeof(bound);

	bound = loopback();
	if (bind(fd, &bound.any, size_of(&bound))) {
		if (errno == EADDRNOTAVAIL)
			zoo_skip("the loopback interface has no such address");
		zoo_fail("bind: %s", strerror(errno));
	}
	zoo_sys(getsockname(fd, &bound.any, &size));
}

static void set(int fd, int level, int name, int value)
{
	zoo_sys(setsockopt(fd, level, name, &value, sizeof(value)));
}

static int get(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	zoo_sys(getsockopt(fd, level, name, &value, &size));
	return value;
}

static void listen_setup(void)
{
	listener = make(SOCK_STREAM);
	set(listener, SOL_SOCKET, SO_REUSEADDR, 1);
	bind_to_loopback(listener);
	zoo_sys(listen(listener, 9));
}

static int dial(void)
{
	const int fd = make(SOCK_STREAM);

	zoo_sys(connect(fd, &bound.any, size_of(&bound)));
	return fd;
}

static int state_of(int fd)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	zoo_sys(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size));
	return info.tcpi_state;
}

static void listen_check(void)
{
	union address found = { 0 };
	socklen_t size = sizeof(found);

	zoo_same("state", TCP_LISTEN, state_of(listener));
	zoo_sys(getsockname(listener, &found.any, &size));
	zoo_bytes("address", &bound, &found, size_of(&bound));
	zoo_same("SO_REUSEADDR", 1, get(listener, SOL_SOCKET, SO_REUSEADDR));
}

static void listen_verify(void)
{
	ours = dial();
	theirs = (int)zoo_sys(accept(listener, NULL, NULL));
	zoo_send(ours, "hello");
	zoo_read(theirs, "hello");
}

static void listen_sabotage(void)
{
	zoo_sys(shutdown(listener, SHUT_RDWR));
}

static void connect_both(void)
{
	listen_setup();
	ours = dial();
	theirs = (int)zoo_sys(accept(listener, NULL, NULL));
}

/* --- established: what is unread on either side, with the peer in another process ------------ */

static void talk_body(void)
{
	close(ours);
	zoo_step(0, 1);
	zoo_await_go();
	zoo_await_step(0, 2);
	zoo_read(theirs, "unread");
	zoo_send(theirs, "answer");
	zoo_read(theirs, " and more");
	close(theirs);
}

static void talk_setup(void)
{
	connect_both();
	child = zoo_fork(talk_body);
	close(theirs);
	zoo_await_step(0, 1);
	zoo_send(ours, "unread");
}

static void talk_check(void)
{
	union address found = { 0 };
	socklen_t size = sizeof(found);

	zoo_same("state", TCP_ESTABLISHED, state_of(ours));
	zoo_sys(getpeername(ours, &found.any, &size));
	zoo_bytes("address of the peer", &bound, &found, size_of(&bound));
	zoo_same("SO_ERROR", 0, get(ours, SOL_SOCKET, SO_ERROR));
}

static void talk_verify(void)
{
	char byte;

	zoo_step(0, 2);
	zoo_read(ours, "answer");
	zoo_send(ours, " and more");
	zoo_join(child);
	zoo_same("read at the end", 0, read(ours, &byte, 1));
}

static void talk_sabotage(void)
{
	zoo_send(ours, "x");
}

/* --- what is unsent: more than the peer takes --------------------------------------------------
 */

static void unsent_setup(void)
{
	static uint8_t block[65536];
	size_t total = 0;

	listen_setup();
	set(listener, SOL_SOCKET, SO_RCVBUF, 16384);
	ours = dial();
	theirs = (int)zoo_sys(accept(listener, NULL, NULL));
	zoo_sys(fcntl(ours, F_SETFL, O_NONBLOCK));
	for (;;) {
		ssize_t sent;

		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = zoo_byte(total + i);
		sent = send(ours, block, sizeof(block), MSG_NOSIGNAL);
		if (sent < 0)
			break;
		total += (size_t)sent;
	}
	zoo_same("errno of the last send", EAGAIN, errno);
	zoo.page->numbers[0] = (int)total;
}

static void unsent_check(void)
{
	int unsent, unread;

	zoo_sys(ioctl(ours, TIOCOUTQ, &unsent));
	zoo_sys(ioctl(theirs, FIONREAD, &unread));
	zoo_want(unsent > 0, "nothing is unsent");
	zoo_want(unread > 0, "nothing is unread");
	/* More, where what came was not acknowledged yet. */
	zoo_want(unsent + unread >= zoo.page->numbers[0], "%d bytes unsent and %d unread of %d",
		 unsent, unread, zoo.page->numbers[0]);
}

static void unsent_verify(void)
{
	const size_t total = (size_t)zoo.page->numbers[0];
	static uint8_t block[65536];
	size_t have = 0;

	zoo_sys(shutdown(ours, SHUT_WR));
	for (;;) {
		struct pollfd about = { .fd = theirs, .events = POLLIN };
		ssize_t got;

		zoo_want(poll(&about, 1, ZOO_DEADLINE * 1000) == 1, "%zu of %zu bytes came", have,
			 total);
		got = zoo_sys(read(theirs, block, sizeof(block)));
		if (got == 0)
			break;
		for (ssize_t i = 0; i < got; i++)
			zoo_want(block[i] == zoo_byte(have + (size_t)i),
				 "byte %zu of %zu: wanted %#x, found %#x", have + (size_t)i, total,
				 zoo_byte(have + (size_t)i), block[i]);
		have += (size_t)got;
	}
	zoo_same("bytes that came", total, have);
}

static void unsent_sabotage(void)
{
	static char much[65536];

	while (recv(theirs, much, sizeof(much), MSG_DONTWAIT) > 0)
		;
}

/* --- half closed
 * ---------------------------------------------------------------------------------- */

static void half_setup(void)
{
	connect_both();
	zoo_send(ours, "last words");
	zoo_sys(shutdown(ours, SHUT_WR));
	for (int i = 0; i < 100 && state_of(ours) != TCP_FIN_WAIT2; i++)
		zoo_pause(20);
}

static void half_check(void)
{
	zoo_same("state of who closed", TCP_FIN_WAIT2, state_of(ours));
	zoo_same("state of the other", TCP_CLOSE_WAIT, state_of(theirs));
}

static void half_verify(void)
{
	char byte;

	zoo_errno(EPIPE, send(ours, "x", 1, MSG_NOSIGNAL));
	zoo_read(theirs, "last words");
	zoo_same("read at the end", 0, read(theirs, &byte, 1));
	zoo_send(theirs, "other way");
	zoo_read(ours, "other way");
	zoo_sys(close(theirs));
	zoo_same("read at the end", 0, read(ours, &byte, 1));
}

static void half_sabotage(void)
{
	zoo_sys(shutdown(theirs, SHUT_WR));
}

/* Closed by the peer, who left something that is unread. */
static void left_setup(void)
{
	connect_both();
	zoo_send(theirs, "left behind");
	close(theirs);
	zoo_pause(50);
}

static void left_verify(void)
{
	char byte;

	zoo_same("state", TCP_CLOSE_WAIT, state_of(ours));
	zoo_read(ours, "left behind");
	zoo_same("read at the end", 0, read(ours, &byte, 1));
}

static void left_sabotage(void)
{
	char byte;

	zoo_same("read", 1, read(ours, &byte, 1));
}

/* Accepted by the kernel, not by the program. */
static void backlog_setup(void)
{
	listen_setup();
	ours = dial();
	zoo_send(ours, "early");
	zoo_pause(50);
}

static void backlog_verify(void)
{
	zoo_sys(fcntl(listener, F_SETFL, O_NONBLOCK));
	theirs = (int)zoo_sys(accept(listener, NULL, NULL));
	zoo_read(theirs, "early");
	zoo_send(theirs, "welcome");
	zoo_read(ours, "welcome");
}

static void backlog_sabotage(void)
{
	close((int)zoo_sys(accept(listener, NULL, NULL)));
}

/* Urgent data that is unread. */
static void urgent_setup(void)
{
	connect_both();
	zoo_send(ours, "before");
	zoo_same("send", 1, send(ours, "!", 1, MSG_OOB));
	zoo_send(ours, "after");
	zoo_pause(50);
}

static void urgent_verify(void)
{
	char byte;

	zoo_same("recv of urgent data", 1, recv(theirs, &byte, 1, MSG_OOB | MSG_DONTWAIT));
	zoo_same("urgent byte", '!', byte);
	zoo_read(theirs, "before");
	zoo_read(theirs, "after");
}

static void urgent_sabotage(void)
{
	char byte;

	zoo_same("recv", 1, recv(theirs, &byte, 1, MSG_OOB));
}

/* --- options
 * ------------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	int level, option, value, found;
} options[] = {
	{ "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1, 1 },
	{ "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 77, 77 },
	{ "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 13, 13 },
	{ "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 5, 5 },
	{ "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1, 1 },
	{ "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, 50000, 100000 },
	{ "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, 60000, 120000 },
	{ "SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1, 1 },
	{ "SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1, 1 },
	{ "SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, 4, 4 },
	{ "SO_MARK", SOL_SOCKET, SO_MARK, 99, 99 },
	{ "SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 3, 3 },
	{ "SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1, 1 },
	{ "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 54321, 54321 },
	{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 7, 7 },
	{ "TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, 3, 3 },
	{ "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, 17, 17 },
	{ "TCP_QUICKACK", IPPROTO_TCP, TCP_QUICKACK, 0, 0 },
	{ "TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384, 16384 },
	{ "SO_LINGER", SOL_SOCKET, SO_LINGER, 1, 1 },
	{ "IP_TOS", IPPROTO_IP, IP_TOS, 16, 16 },
	{ "IP_TTL", IPPROTO_IP, IP_TTL, 33, 33 },
	{ "IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS, 32, 32 },
	{ "IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, 34, 34 },
	{ "IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, 1, 1 },
};

static int option; /* the case's argument; the family follows from it */

static void set_option(int fd, int value)
{
	const struct linger linger = { value, 5 };

	if (options[option].level == SOL_SOCKET && options[option].option == SO_LINGER)
		zoo_sys(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	else
		set(fd, options[option].level, options[option].option, value);
}

/* On a socket that listens and on one that is connected. */
static void option_setup(void)
{
	option = (int)zoo.arg;
	zoo.arg = options[option].level == IPPROTO_IPV6 ? AF_INET6 : AF_INET;
	listener = make(SOCK_STREAM);
	set_option(listener, options[option].value);
	bind_to_loopback(listener);
	zoo_sys(listen(listener, 9));
	ours = make(SOCK_STREAM);
	set_option(ours, options[option].value);
	zoo_sys(connect(ours, &bound.any, size_of(&bound)));
	theirs = (int)zoo_sys(accept(listener, NULL, NULL));
	if (options[option].option == TCP_QUICKACK && options[option].level == IPPROTO_TCP)
		set_option(ours, options[option].value);
}

static void option_check(void)
{
	const int wanted = options[option].found;
	const bool both =
		options[option].level != IPPROTO_TCP || options[option].option != TCP_QUICKACK;
	const int of_listener =
		both ? get(listener, options[option].level, options[option].option) : wanted;
	const int of_connection = get(ours, options[option].level, options[option].option);

	zoo_want(of_listener == wanted && of_connection == wanted,
		 "%s: wanted %d, found %d of the listener, %d of the connection",
		 options[option].name, wanted, of_listener, of_connection);
}

static void option_sabotage(void)
{
	if (options[option].option == IPV6_V6ONLY && options[option].level == IPPROTO_IPV6) {
		close(listener);
		listener = make(SOCK_STREAM);
		return;
	}
	set_option(ours,
		   options[option].value > 1 ? options[option].value * 2 : !options[option].value);
}

static void congestion_check(void)
{
	char name[32] = "";
	socklen_t size = sizeof(name);

	zoo_sys(getsockopt(ours, IPPROTO_TCP, TCP_CONGESTION, name, &size));
	zoo_text("TCP_CONGESTION", "reno", name);
}

static void congestion_setup(void)
{
	connect_both();
	zoo_sys(setsockopt(ours, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
}

static void congestion_sabotage(void)
{
	zoo_sys(setsockopt(ours, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5));
}

/* TCP_CORK holds back what is less than a segment, till it is taken off. */
static void cork_setup(void)
{
	connect_both();
	set(ours, IPPROTO_TCP, TCP_CORK, 1);
	zoo_send(theirs, "x");
	zoo_read(ours, "x");
}

static void cork_check(void)
{
	zoo_same("TCP_CORK", 1, get(ours, IPPROTO_TCP, TCP_CORK));
}

static void cork_verify(void)
{
	zoo_send(ours, "held");
	zoo_empty(theirs);
	set(ours, IPPROTO_TCP, TCP_CORK, 0);
	zoo_read(theirs, "held");
}

static void cork_sabotage(void)
{
	set(ours, IPPROTO_TCP, TCP_CORK, 0);
}

/* A socket without any address, and one that is bound only. */
static void fresh_setup(void)
{
	ours = make(SOCK_STREAM);
	theirs = make(SOCK_STREAM);
	bind_to_loopback(theirs);
}

static void fresh_check(void)
{
	union address found = { 0 };
	socklen_t size = sizeof(found);

	zoo_sys(getsockname(theirs, &found.any, &size));
	zoo_bytes("address", &bound, &found, size_of(&bound));
	zoo_same("state of the unbound one", TCP_CLOSE, state_of(ours));
}

static void fresh_verify(void)
{
	zoo_sys(listen(theirs, 1));
	zoo_sys(connect(ours, &bound.any, size_of(&bound)));
}

static void fresh_sabotage(void)
{
	close(theirs);
	theirs = make(SOCK_STREAM);
}

/* --- UDP
 * --------------------------------------------------------------------------------------------- */

static void udp_setup(void)
{
	theirs = make(SOCK_DGRAM);
	bind_to_loopback(theirs);
	ours = make(SOCK_DGRAM);
	set(ours, SOL_SOCKET, SO_BROADCAST, 1);
	zoo_sys(connect(ours, &bound.any, size_of(&bound)));
}

static void udp_check(void)
{
	union address found = { 0 };
	socklen_t size = sizeof(found);

	zoo_sys(getpeername(ours, &found.any, &size));
	zoo_bytes("address of the peer", &bound, &found, size_of(&bound));
	size = sizeof(found);
	memset(&found, 0, sizeof(found));
	zoo_sys(getsockname(theirs, &found.any, &size));
	zoo_bytes("address", &bound, &found, size_of(&bound));
	zoo_same("SO_BROADCAST", 1, get(ours, SOL_SOCKET, SO_BROADCAST));
}

static void udp_verify(void)
{
	zoo_send(ours, "datagram");
	zoo_read(theirs, "datagram");
}

static void udp_sabotage(void)
{
	close(theirs);
	theirs = make(SOCK_DGRAM);
}

static void udp_queued_setup(void)
{
	udp_setup();
	zoo_send(ours, "first");
	zoo_send(ours, "second one");
}

static void udp_queued_verify(void)
{
	char text[64] = "";

	zoo_same("recv", 5, recv(theirs, text, sizeof(text), MSG_DONTWAIT));
	zoo_bytes("datagram", "first", text, 5);
	zoo_same("recv", 10, recv(theirs, text, sizeof(text), MSG_DONTWAIT));
	zoo_bytes("datagram", "second one", text, 10);
	zoo_empty(theirs);
}

static void udp_queued_sabotage(void)
{
	zoo_send(ours, "third");
}

/* Corked: the parts of one datagram that has not been sent. */
static void udp_cork_setup(void)
{
	udp_setup();
	zoo_same("send", 5, send(ours, "part ", 5, MSG_MORE));
}

static void udp_cork_verify(void)
{
	zoo_empty(theirs);
	zoo_send(ours, "rest");
	zoo_read(theirs, "part rest");
}

static void udp_cork_sabotage(void)
{
	zoo_send(ours, "y");
}

/* A member of a multicast group gets what is sent there; others do not, without IP_MULTICAST_ALL.
 */
static struct ip_mreqn group;

static void multicast_setup(void)
{
	socklen_t size = sizeof(bound);

	group.imr_address.s_addr = htonl(INADDR_LOOPBACK);
	inet_pton(AF_INET, "239.1.2.3", &group.imr_multiaddr);
	theirs = make(SOCK_DGRAM);
	bound.v4 = (struct sockaddr_in){ AF_INET, htons(0), { htonl(INADDR_ANY) } };
	zoo_sys(bind(theirs, &bound.any, sizeof(bound.v4)));
	zoo_sys(getsockname(theirs, &bound.any, &size));
	set(theirs, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	if (setsockopt(theirs, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)))
		zoo_skip("IP_ADD_MEMBERSHIP: %s", strerror(errno));
	ours = make(SOCK_DGRAM);
	bound.v4.sin_addr = group.imr_multiaddr;
}

static void multicast_verify(void)
{
	struct pollfd about = { .fd = theirs, .events = POLLIN };

	zoo_sys(setsockopt(ours, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof(group)));
	zoo_sys(sendto(ours, "group", 5, 0, &bound.any, sizeof(bound.v4)));
	zoo_same("poll for what was sent to the group", 1, poll(&about, 1, 2000));
}

static void multicast_sabotage(void)
{
	zoo_sys(setsockopt(theirs, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof(group)));
}

/* --- other families
 * ------------------------------------------------------------------------------------ */

static void raw_setup(void)
{
	ours = (int)zoo_sys(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	set(ours, SOL_SOCKET, SO_RCVBUF, 30000);
}

static void raw_check(void)
{
	zoo_same("SO_PROTOCOL", IPPROTO_ICMP, get(ours, SOL_SOCKET, SO_PROTOCOL));
	zoo_same("SO_RCVBUF", 60000, get(ours, SOL_SOCKET, SO_RCVBUF));
}

static void close_sabotage(void)
{
	close(ours);
}

static void packet_setup(void)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET,
				    .sll_protocol = htons(ETH_P_IP),
				    .sll_ifindex = 1 };

	ours = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
	if (ours < 0)
		zoo_skip("AF_PACKET: %s", strerror(errno));
	zoo_sys(bind(ours, (struct sockaddr *)&name, sizeof(name)));
}

static void packet_check(void)
{
	struct sockaddr_ll name = { 0 };
	socklen_t size = sizeof(name);

	zoo_sys(getsockname(ours, (struct sockaddr *)&name, &size));
	zoo_same("interface", 1, name.sll_ifindex);
	zoo_same("protocol", htons(ETH_P_IP), name.sll_protocol);
}

static void netlink_setup(void)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	ours = (int)zoo_sys(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	zoo_sys(bind(ours, (struct sockaddr *)&name, sizeof(name)));
}

static void netlink_check(void)
{
	struct sockaddr_nl name = { 0 };
	socklen_t size = sizeof(name);
	char text[32];

	zoo_sys(getsockname(ours, (struct sockaddr *)&name, &size));
	snprintf(text, sizeof(text), "%u", name.nl_pid);
	zoo_kept("port", text);
	zoo_same("groups", RTMGRP_LINK, name.nl_groups);
}

static void netlink_verify(void)
{
	struct {
		struct nlmsghdr head;
		struct rtgenmsg body;
	} request = { { sizeof(request), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { 0 } };
	char answer[16384];

	zoo_sys(send(ours, &request, sizeof(request), 0));
	zoo_want(recv(ours, answer, sizeof(answer), 0) > 0, "no answer");
}

/* --- a peer outside, which never reconnects
 * ---------------------------------------------------------- */

static int ticks; /* the peer's lines that came by themselves, numbered from 1 */

static void read_line(char *line, size_t size)
{
	size_t have = 0;

	do {
		struct pollfd about = { .fd = ours, .events = POLLIN };

		zoo_want(have < size - 1, "too long a line");
		zoo_want(poll(&about, 1, 4 * ZOO_DEADLINE * 1000) == 1, "the peer says nothing");
		zoo_same("read from the peer", 1, zoo_sys(read(ours, line + have, 1)));
	} while (line[have++] != '\n');
	line[have - 1] = '\0';
}

/* Reads till a line that is no tick; each tick must be the one after the last. */
static void read_answer(const char *wanted)
{
	char line[128];
	int number;

	for (;;) {
		read_line(line, sizeof(line));
		if (sscanf(line, "tick %d", &number) != 1)
			break;
		zoo_same("number of the peer's line", ++ticks, number);
	}
	zoo_text("answer of the peer", wanted, line);
}

static void ask(int number)
{
	char text[32], wanted[32];

	snprintf(text, sizeof(text), "ask %d\n", number);
	zoo_send(ours, text);
	snprintf(wanted, sizeof(wanted), "got %d", number);
	read_answer(wanted);
}

static void peer_setup(void)
{
	const char *where = getenv(zoo.arg == AF_INET ? "ZOO_PEER4" : "ZOO_PEER6");
	union address peer = { 0 };
	char host[64];
	int port;

	if (!where || sscanf(where, "%63s %d", host, &port) != 2)
		zoo_skip("no peer: set ZOO_PEER%d to its address and port",
			 zoo.arg == AF_INET ? 4 : 6);
	peer.any.sa_family = (sa_family_t)zoo.arg;
	if (zoo.arg == AF_INET) {
		peer.v4.sin_port = htons((uint16_t)port);
		zoo_same("inet_pton", 1, inet_pton(AF_INET, host, &peer.v4.sin_addr));
	} else {
		peer.v6.sin6_port = htons((uint16_t)port);
		zoo_same("inet_pton", 1, inet_pton(AF_INET6, host, &peer.v6.sin6_addr));
	}
	ours = make(SOCK_STREAM);
	zoo_sys(connect(ours, &peer.any, size_of(&peer)));
	for (int i = 1; i <= 20; i++)
		ask(i);
}

static void peer_verify(void)
{
	for (int i = 21; i <= 200; i++)
		ask(i);
	zoo_send(ours, "bye\n");
	read_answer("bye");
}

static void peer_sabotage(void)
{
	char byte;

	zoo_same("read", 1, read(ours, &byte, 1));
}

#define BOTH(name, ...)                                                                            \
	{ "tcp4-" name, __VA_ARGS__, .arg = AF_INET },                                             \
	{                                                                                          \
		"tcp6-" name, __VA_ARGS__, .arg = AF_INET6                                         \
	}
#define UDP(name, ...)                                                                             \
	{ "udp4-" name, __VA_ARGS__, .arg = AF_INET },                                             \
	{                                                                                          \
		"udp6-" name, __VA_ARGS__, .arg = AF_INET6                                         \
	}
#define OPTION(name, number)                                                                       \
	{                                                                                          \
		"tcp-option-" name, option_setup, option_check, NULL, option_sabotage,             \
			.arg = number                                                              \
	}

const struct zoo_case zoo_inet[] = {
	BOTH("listen", listen_setup, listen_check, listen_verify, listen_sabotage),
	BOTH("established", talk_setup, talk_check, talk_verify, talk_sabotage),
	BOTH("unsent", unsent_setup, unsent_check, unsent_verify, unsent_sabotage),
	BOTH("half-closed", half_setup, half_check, half_verify, half_sabotage),
	BOTH("peer-closed", left_setup, NULL, left_verify, left_sabotage),
	BOTH("backlog", backlog_setup, NULL, backlog_verify, backlog_sabotage),
	BOTH("fresh", fresh_setup, fresh_check, fresh_verify, fresh_sabotage),
	BOTH("peer", peer_setup, NULL, peer_verify, peer_sabotage),
	{ "tcp4-urgent", urgent_setup, NULL, urgent_verify, urgent_sabotage, .arg = AF_INET },
	{ "tcp4-cork", cork_setup, cork_check, cork_verify, cork_sabotage, .arg = AF_INET },
	{ "tcp4-congestion", congestion_setup, congestion_check, NULL, congestion_sabotage,
	  .arg = AF_INET },
	OPTION("tcp-nodelay", 0),
	OPTION("tcp-keepidle", 1),
	OPTION("tcp-keepintvl", 2),
	OPTION("tcp-keepcnt", 3),
	OPTION("so-keepalive", 4),
	OPTION("so-sndbuf", 5),
	OPTION("so-rcvbuf", 6),
	OPTION("so-reuseaddr", 7),
	OPTION("so-reuseport", 8),
	OPTION("so-priority", 9),
	OPTION("so-mark", 10),
	OPTION("so-rcvlowat", 11),
	OPTION("so-oobinline", 12),
	OPTION("tcp-user-timeout", 13),
	OPTION("tcp-defer-accept", 14),
	OPTION("tcp-syncnt", 15),
	OPTION("tcp-linger2", 16),
	OPTION("tcp-quickack", 17),
	OPTION("tcp-notsent-lowat", 18),
	OPTION("so-linger", 19),
	OPTION("ip-tos", 20),
	OPTION("ip-ttl", 21),
	OPTION("ipv6-tclass", 22),
	OPTION("ipv6-unicast-hops", 23),
	OPTION("ipv6-v6only", 24),
	UDP("connected", udp_setup, udp_check, udp_verify, udp_sabotage),
	UDP("queued", udp_queued_setup, udp_check, udp_queued_verify, udp_queued_sabotage),
	UDP("cork", udp_cork_setup, udp_check, udp_cork_verify, udp_cork_sabotage),
	{ "udp4-multicast", multicast_setup, NULL, multicast_verify, multicast_sabotage,
	  .arg = AF_INET },
	{ "raw4", raw_setup, raw_check, NULL, close_sabotage, .arg = AF_INET },
	{ "packet", packet_setup, packet_check, NULL, close_sabotage },
	{ "netlink", netlink_setup, netlink_check, netlink_verify, close_sabotage },
	{ NULL },
};
