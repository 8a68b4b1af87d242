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

/* One answer of the kind that SOCK_DIAG_BY_FAMILY gives for @family, checked. For tests. */
bool uk_diag_parse(const void *message, size_t len, int protocol, struct uk_socket *ret);

#endif
