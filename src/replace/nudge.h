/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Peers that were not heard of for a while wait longer and longer before they send again: after a
 * gap of some seconds, as many more pass until the next try. When the gate opens they are told
 * that their segment was lost on a way that was broken: an ICMP "host unreachable" (ICMPv6 "no
 * route") that quotes it, which is what a router would have said. By RFC 6069 a peer then takes its
 * longer waits back, one for each message, and sends at once if the shorter wait is over. Linux
 * does (tcp_ld_RTO_revert() in net/ipv4/tcp_ipv4.c); who does not waits as before. Such a message
 * is no error to a connection that goes on (RFC 1122, 4.2.3.9), but to programs that ask for it
 * (IP_RECVERR).
 */
#ifndef UPKEEP_REPLACE_NUDGE_H
#define UPKEEP_REPLACE_NUDGE_H

#include "base/error.h"
#include "base/vec.h"
#include "replace/hold.h"

#include <netinet/in.h>
#include <stdint.h>

/* A connection with a peer outside of this host. */
struct uk_nudge {
	sa_family_t family; /* of what is on the wire: AF_INET or AF_INET6 */
	uint8_t local[16], peer[16];
	uint16_t local_port, peer_port;
	uint32_t next; /* what is expected from the peer next: all are in host order */
};

typedef UK_VEC(struct uk_nudge) uk_nudges;

/*
 * Adds the connections of held processes to @ret. Only while they are held: for a moment their
 * sockets are in repair mode, in which nothing is sent. Free the vector.
 */
struct uk_error *uk_nudge_note(const struct uk_hold *hold, uk_nudges *ret) uk_must_check;

/* Tells all peers. */
struct uk_error *uk_nudge_send(const uk_nudges *nudges) uk_must_check;

#endif
