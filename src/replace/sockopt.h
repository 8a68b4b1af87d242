/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of a socket that a checkpoint does not carry, read through a copy of the descriptor. */
#ifndef UPKEEP_REPLACE_SOCKOPT_H
#define UPKEEP_REPLACE_SOCKOPT_H

#include "base/error.h"
#include "base/vec.h"

#include <stddef.h>
#include <sys/types.h>

struct uk_sockopt {
	const char *text; /* "TCP_DEFER_ACCEPT"; static */
	int level, name;
	char value[16]; /* as getsockopt(2) gives it */
	size_t len;
};

typedef UK_VEC(struct uk_sockopt) uk_sockopts;

/*
 * Appends the options of socket @fd of process @pid that CRIU 3.17.1 would lose: those that are
 * not as in a new socket of its kind. The socket must be of our network namespace. The process
 * is not stopped: pidfd_getfd(2) lends us the descriptor for the time of the call. What is gone
 * meanwhile, or is no socket, has none; no permission is an error.
 */
struct uk_error *uk_sockopt_read_lost(pid_t pid, int fd, uk_sockopts *ret) uk_must_check;

#endif
