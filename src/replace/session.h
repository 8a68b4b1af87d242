/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Login sessions, and how logind gets them back.
 *
 * What logind knows of a session lies in /run/systemd/sessions/ID, a line "KEY=value" each, and
 * it reads that when it is started (session_load() in src/login/logind-session.c of systemd 252).
 * The file goes along without SCOPE=: so logind finds a session that has none yet, and has systemd
 * make it, as at a login: around the leader, and in the cgroup of that name, in which the restored
 * processes are already. That a session is not over it knows by a FIFO (FIFO=), which the leader
 * holds open; that one is a file in memory as others are. A session whose user has no file in
 * /run/systemd/users is passed over, so there is one of those, too.
 */
#ifndef UPKEEP_REPLACE_SESSION_H
#define UPKEEP_REPLACE_SESSION_H

#include "base/error.h"

/* The "3" of "session-3.scope"; NULL of no such unit. The caller frees it. */
char *uk_session_id(const char *unit);

/*
 * What logind has to know of the session whose scope is @unit: its file below @systemd
 * (/run/systemd) without what is of one boot alone. UK_ERR_REFUSED says why it could not have it
 * back: it has none, or the session is on a seat, where a login would be started beside it.
 */
struct uk_error *uk_session_note(const char *systemd, const char *unit, char **ret) uk_must_check;

/* Gives it back, before logind runs. */
struct uk_error *uk_session_put(const char *systemd, const char *unit,
				const char *text) uk_must_check;

#endif
