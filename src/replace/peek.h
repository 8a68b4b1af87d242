/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /proc does not tell of a descriptor, asked of a copy of it (pidfd_getfd(2)). Nothing is
 * taken from it and nothing of it is changed. False also where it cannot be asked.
 */
#ifndef UPKEEP_REPLACE_PEEK_H
#define UPKEEP_REPLACE_PEEK_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <sys/types.h>

struct ucred;

/* Urgent data (MSG_OOB) of TCP waits to be read. */
bool uk_peek_urgent(pid_t pid, int fd);

/* A socket whose receiving or sending has a time limit (SO_RCVTIMEO, SO_SNDTIMEO). */
bool uk_peek_time_limit(pid_t pid, int fd);

/* Who a unix socket says is at its other end, or listens at it (SO_PEERCRED). False for nobody. */
bool uk_peek_credentials(pid_t pid, int fd, struct ucred *ret);
/* It is this process, with the effective user and group that it has now. */
bool uk_peek_is_itself(pid_t pid, const struct ucred *who);

/* A terminal is for whoever has it open alone (TIOCEXCL). */
bool uk_peek_exclusive(pid_t pid, int fd);

/* Nobody is at the other end of a terminal any more; *@unread_ret: but something was left. */
bool uk_peek_hung_up(pid_t pid, int fd, bool *unread_ret);

/*
 * Adds the multicast groups that a socket has joined to @names, "239.1.2.3 on eth0", with commas.
 * @igmp and @igmp6 are the texts of /proc/net/igmp and igmp6 of its network namespace. @by_source:
 * those that it takes by the sender, or those that it takes from all.
 */
void uk_peek_groups(pid_t pid, int fd, const char *igmp, const char *igmp6, bool by_source,
		    struct uk_strbuf *names);

#endif
