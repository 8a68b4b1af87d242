// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The demo's observer for CVE-2026-53249: may somebody without privileges choose the route of a
 * packet? As the user nobody it asks for a loose source route on a UDP socket and, when that is
 * taken, sends one packet and looks for the route in the header that goes over the loopback.
 *
 * Prints one line. Exit: 0 the route was taken, 1 it was refused with EPERM, 2 anything else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { NOBODY = 65534, PORT = 4711 };

/* No operation, then: loose route, 7 bytes, pointer to the first of one hop: 127.0.0.1. */
static const unsigned char source_route[] = { IPOPT_NOP, IPOPT_LSRR, 7, IPOPT_MINOFF,
					      127,	 0,	     0, 1 };

static int cannot(const char *what)
{
	printf("cannot tell: %s: %s\n", what, strerror(errno));
	return 2;
}

/* A socket that sees every UDP packet of the machine as it is on the wire. */
static int open_tap(void)
{
	/* Only UDP: what else goes on here must not fill the buffer before our packet comes. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offsetof(struct iphdr, protocol)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 2048),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog filter = { .len = sizeof(code) / sizeof(*code), .filter = code };
	struct timeval limit = { .tv_sec = 5 };
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0);

	/* It hears nothing before it is bound, so the filter is there first. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    bind(fd, (struct sockaddr *)&all, sizeof(all)))
		return -1;
	return fd;
}

static bool is_ours(const unsigned char *packet, ssize_t len)
{
	struct iphdr ip;
	unsigned char port[2];

	if (len < (ssize_t)sizeof(ip))
		return false;
	memcpy(&ip, packet, sizeof(ip));
	if (ip.protocol != IPPROTO_UDP || len < ip.ihl * 4 + 4)
		return false;
	memcpy(port, packet + ip.ihl * 4 + 2, sizeof(port));
	return (port[0] << 8 | port[1]) == PORT;
}

/* The option's kind in the header of our packet: 0 for none, -1 when no packet came. */
static int option_on_the_wire(int tap)
{
	unsigned char packet[2048];

	for (;;) {
		ssize_t len = recv(tap, packet, sizeof(packet), 0);

		if (len < 0)
			return -1;
		if (!is_ours(packet, len))
			continue;
		return (packet[0] & 15) > 5 && packet[20] == IPOPT_NOP ? packet[21] : 0;
	}
}

int main(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int tap = open_tap();
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (tap < 0 || fd < 0)
		return cannot("opening sockets");
	if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
		return cannot("becoming nobody");
	if (setsockopt(fd, IPPROTO_IP, IP_OPTIONS, source_route, sizeof(source_route))) {
		if (errno != EPERM)
			return cannot("asking for a source route");
		puts("uid 65534 asks for a source route: refused (EPERM)");
		return 1;
	}
	if (sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) != 1)
		return cannot("sending along the source route");
	int kind = option_on_the_wire(tap);
	if (kind != IPOPT_LSRR)
		return cannot(kind < 0 ? "seeing the packet" : "finding the route in the packet");
	puts("uid 65534 asks for a source route: taken, and a packet with it went out");
	return 0;
}
