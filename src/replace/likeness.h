/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What processes look like from outside, to tell whether those that were restored are what was
 * dumped: how many threads each has, and which descriptors, of what kind.
 */
#ifndef UPKEEP_REPLACE_LIKENESS_H
#define UPKEEP_REPLACE_LIKENESS_H

#include "base/error.h"
#include "base/vec.h"
#include "replace/task.h"

struct uk_likeness {
	pid_t pid;
	size_t threads;	   /* 0: not known */
	char *descriptors; /* NULL: not known; " 0:pipe 3:socket 4:anon_inode:[eventpoll] 5:file" */
};

typedef UK_VEC(struct uk_likeness) uk_likenesses;

void uk_likenesses_deinit(uk_likenesses *likenesses);

/* Of those @pids that are there. @ret needs uk_likenesses_deinit(), also after an error. */
struct uk_error *uk_likenesses_read(const uk_pids *pids, uk_likenesses *ret) uk_must_check;

/* UK_ERR_INVALID says what is not as it was: all processes of @before must be there now. */
struct uk_error *uk_likenesses_check(const uk_likenesses *before) uk_must_check;

#endif
