/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answers of sock_diag(7), for our own network namespace. Private to this room. */
#ifndef UPKEEP_REPLACE_DIAG_H
#define UPKEEP_REPLACE_DIAG_H

#include "base/error.h"
#include "base/strbuf.h"
#include "replace/socket.h"

typedef UK_VEC(struct uk_socket) uk_socket_list;

/* Appends all sockets; the modules that did not answer are named in @lacking, each after " ". */
struct uk_error *uk_diag_read(uint64_t netns, uk_socket_list *list,
			      struct uk_strbuf *lacking) uk_must_check;

/* A unix socket that waits to be accepted, and the listener in whose queue its other end is. */
struct uk_diag_waiting {
	uint64_t ino, listener;
};

typedef UK_VEC(struct uk_diag_waiting) uk_diag_waitings;

/* One answer of SOCK_DIAG_BY_FAMILY, checked; false for none. @waiting is added to. */
bool uk_diag_parse(const void *message, size_t len, int protocol, struct uk_socket *ret,
		   uk_diag_waitings *waiting);

#endif
