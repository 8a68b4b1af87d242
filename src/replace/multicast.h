/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups of multicast that a socket has joined. Nothing lists them by socket; but the host's
 * lists by device (/proc/net/igmp, igmp6), and whether a socket is in one of these groups is told
 * when it is asked for its filter of sources (kernel: ip_mc_gsfget(), ip6_mc_msfget(): an error if
 * this very socket is not).
 */
#ifndef UPKEEP_REPLACE_MULTICAST_H
#define UPKEEP_REPLACE_MULTICAST_H

#include "base/error.h"
#include "base/vec.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* By the name of the device, for its number may be another one after a swap. */
struct uk_group {
	char device[IF_NAMESIZE];
	uint8_t address[16]; /* 4 bytes of it for IPv4 */
};

struct uk_membership {
	int family; /* AF_INET, AF_INET6 */
	struct uk_group group;
	bool by_source; /* it takes what certain senders send, or all but certain ones */
};

typedef UK_VEC(struct uk_membership) uk_memberships;

/*
 * Adds those of the socket @fd to @ret, which needs uk_vec_deinit(), also on error. @igmp and
 * @igmp6 are the texts of these two files in its network namespace; what is no line of such a
 * list is passed over.
 */
struct uk_error *uk_multicast_list(int fd, const char *igmp, const char *igmp6,
				   uk_memberships *ret) uk_must_check;

/* As the calls take it. */
void uk_multicast_address(int family, const struct uk_group *group, struct sockaddr_storage *ret);
int uk_multicast_level(int family);

#endif
