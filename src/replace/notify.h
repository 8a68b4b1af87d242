/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What systemd is told over its notification socket: sd_notify(3), FDSTORE=1, BARRIER=1.
 *
 * Messages count as those of the process that they name. Naming another one takes
 * CAP_SYS_ADMIN, which is also how sd_pid_notify(3) does it.
 */
#ifndef UPKEEP_REPLACE_NOTIFY_H
#define UPKEEP_REPLACE_NOTIFY_H

#include "base/error.h"

#include <stddef.h>
#include <sys/types.h>

#define UK_NOTIFY_SOCKET "/run/systemd/notify"

/* @fds are borrowed: the receiver gets descriptors of its own. At most 16. */
struct uk_error *uk_notify_send(const char *path, pid_t sender, const char *text, const int *fds,
				size_t nr) uk_must_check;

/* Returns when all that was sent before has been dealt with; UK_ERR_SYSTEM after @seconds. */
struct uk_error *uk_notify_wait(const char *path, pid_t sender, unsigned int seconds) uk_must_check;

#endif
