/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who on this machine has which socket and pipe open: one look at all processes. */
#ifndef UPKEEP_REPLACE_OWNERS_H
#define UPKEEP_REPLACE_OWNERS_H

#include "base/error.h"
#include "replace/keep.h"

#include <stdint.h>

struct uk_owners;

struct uk_error *uk_owners_read(const struct uk_host_paths *paths,
				struct uk_owners **ret) uk_must_check;
void uk_owners_destroy(struct uk_owners *owners);
UK_DEFINE_CLEANUP(owners, struct uk_owners *, uk_owners_destroy)
#define uk_auto_owners uk_cleanup(uk_cleanup_owners)

/*
 * The service that a process is kept with, NULL for none. All of them were listed before: one that
 * came since then is of the unit whose cgroup it is in, or of the process that it comes from.
 */
const struct uk_service *uk_owners_service(const struct uk_owners *owners,
					   const struct uk_keep *keep, pid_t pid);

/*
 * One process that has socket or pipe @ino open: the first that is in no service of @keep, or
 * in another one than @service when @service is given. 0 when there is none.
 */
pid_t uk_owners_outside(const struct uk_owners *owners, uint64_t ino, const struct uk_keep *keep,
			const struct uk_service *service);

/* Any process that has it open, 0 for none. */
pid_t uk_owners_any(const struct uk_owners *owners, uint64_t ino);

/* "dbus-daemon"; "" for a process that is not known. Borrowed. */
const char *uk_owners_name(const struct uk_owners *owners, pid_t pid);

#endif
