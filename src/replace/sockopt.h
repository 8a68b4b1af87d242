/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of a socket that criu 3.17.1 does not carry, by a copy of the descriptor: pidfd_getfd(2)
 * lends it to us for the time of a call. The process need not be stopped.
 */
#ifndef UPKEEP_REPLACE_SOCKOPT_H
#define UPKEEP_REPLACE_SOCKOPT_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct uk_sockopt {
	const char *text; /* "TCP_DEFER_ACCEPT"; static */
	int level, name;
	bool set;	/* by the program; else it comes by itself, or along with another */
	char value[16]; /* as getsockopt(2) gives it */
	size_t len;
};

typedef UK_VEC(struct uk_sockopt) uk_sockopts;

/*
 * Appends the options of socket @fd of process @pid that would be lost: those that are not as in a
 * new socket of its kind; all of them when the process has another network namespace than we. What
 * is gone meanwhile, or is no socket, has none; no permission is an error.
 */
struct uk_error *uk_sockopt_read_lost(pid_t pid, int fd, uk_sockopts *ret) uk_must_check;

/* Whether it is one that the above knows. */
bool uk_sockopt_is_known(int level, int name);

/* Sets one as it was read. It is right only if it reads the same afterwards. */
struct uk_error *uk_sockopt_set(pid_t pid, int fd, const struct uk_sockopt *option) uk_must_check;

#endif
