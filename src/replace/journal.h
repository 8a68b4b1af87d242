/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What services write to their standard output goes to journald, over a socket of each. No
 * journal runs yet when a service is restored: it gets a stand-in, and later the real one.
 *
 * A stand-in is one end of a pair of connected stream sockets; the other end is kept in the
 * first one's own receive queue, as a descriptor in flight (unix(7), SCM_RIGHTS). So it lives as
 * long as the service has its end, nobody else has to keep it, and what is written in between
 * waits in it.
 */
#ifndef UPKEEP_REPLACE_JOURNAL_H
#define UPKEEP_REPLACE_JOURNAL_H

#include "base/error.h"
#include "replace/socket.h"

#include <stdbool.h>

/* Whether the other end of socket @ino is journald's. */
bool uk_journal_is_ours(const struct uk_sockets *sockets, uint64_t ino);

/* The caller closes it when the service has it. */
struct uk_error *uk_journal_stand_in(int *ret) uk_must_check;

#endif
