/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeping who asks: `upkeep replace --keep session:3', typed in session 3.
 *
 * The process that freezes a service cannot be part of it. So a child goes apart and does the work:
 * it is nobody's child, in a cgroup and a session of its own, and what it writes goes into memory
 * that both have open. The one that was called stays in the service, shows what the child writes,
 * and ends as it does. It is carried over with the rest, and sees on the new kernel how it went.
 */
#ifndef UPKEEP_REPLACE_APART_H
#define UPKEEP_REPLACE_APART_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct uk_apart {
	int out, errout, end; /* what the child wrote; how it ended */
	pid_t pid;	      /* of the child, as long as this kernel runs */
	char *boot;	      /* the boot_id of this kernel */
	off_t shown[2];	      /* of out and errout */
};

enum uk_apart_state {
	UK_APART_WORKS,
	UK_APART_ENDED, /* nothing was replaced: see uk_apart_status() */
	UK_APART_SWAPPED,
};

/* Whether the calling process is part of what these names mean; false of names that mean nothing.
 */
struct uk_error *uk_apart_is_kept(const char *const *names, size_t nr, bool *ret) uk_must_check;

/*
 * Goes apart. In the child *@child_ret is true: it goes on with whatever is to be done, and when it
 * ends, by exit(3), its status is told. @ret needs uk_apart_deinit(), also after an error.
 */
struct uk_error *uk_apart_go(struct uk_apart *ret, bool *child_ret) uk_must_check;
void uk_apart_deinit(struct uk_apart *apart);
#define uk_auto_apart uk_cleanup(uk_apart_deinit)

/* Writes what came since to standard output and standard error, and says how far the child is. */
enum uk_apart_state uk_apart_look(struct uk_apart *apart);

/* Of a child that has ended: its exit status; 128 and more if it was killed. */
int uk_apart_status(const struct uk_apart *apart);

#endif
