/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets by their inode: sock_diag(7) for our own network namespace, /proc/PID/net for those
 * that kept processes have besides. Asking sock_diag may load its modules (unix_diag, tcp_diag,
 * udp_diag, ...), which a checkpoint needs anyway; what is not there is told.
 */
#ifndef UPKEEP_REPLACE_SOCKET_H
#define UPKEEP_REPLACE_SOCKET_H

#include "base/error.h"
#include "replace/keep.h"

#include <stdbool.h>
#include <stdint.h>

/* States of TCP, include/net/tcp_states.h; unix sockets use the first and LISTEN. */
enum uk_socket_state {
	UK_SOCKET_UNKNOWN,
	UK_SOCKET_ESTABLISHED,
	UK_SOCKET_SYN_SENT,
	UK_SOCKET_SYN_RECV,
	UK_SOCKET_FIN_WAIT1,
	UK_SOCKET_FIN_WAIT2,
	UK_SOCKET_TIME_WAIT,
	UK_SOCKET_CLOSE,
	UK_SOCKET_CLOSE_WAIT,
	UK_SOCKET_LAST_ACK,
	UK_SOCKET_LISTEN,
	UK_SOCKET_CLOSING,
	UK_SOCKET_NEW_SYN_RECV,
};

struct uk_socket {
	uint64_t ino, netns;
	int family, type, protocol; /* AF_, SOCK_, IPPROTO_; type is 0 when not known */
	enum uk_socket_state state;
	/* "127.0.0.1:80", "[::1]:80"; the name of a unix socket, an abstract one with "@" */
	char local[128], remote[128];
	uint64_t sent, received; /* queued bytes; of a listener received counts connections */
	uint64_t peer;		 /* of a unix socket: the inode of the other end, or 0 */
	uint64_t backlog;	 /* of one that listens, as listen() was told */
	bool groups;		 /* of netlink: it listens to what the kernel tells */
	bool diag;		 /* told by sock_diag: peer and groups are known */
};

struct uk_sockets;

struct uk_error *uk_sockets_read(const struct uk_host_paths *paths, const struct uk_keep *keep,
				 struct uk_sockets **ret) uk_must_check;
void uk_sockets_destroy(struct uk_sockets *sockets);
UK_DEFINE_CLEANUP(sockets, struct uk_sockets *, uk_sockets_destroy)
#define uk_auto_sockets uk_cleanup(uk_cleanup_sockets)

const struct uk_socket *uk_sockets_find(const struct uk_sockets *sockets, uint64_t ino);

/* The other end of a connection within this machine; NULL when there is none. */
const struct uk_socket *uk_sockets_peer(const struct uk_sockets *sockets,
					const struct uk_socket *socket);

/* The modules of sock_diag that did not answer, " unix_diag tcp_diag"; "" for none. */
const char *uk_sockets_lacking(const struct uk_sockets *sockets);

#endif
