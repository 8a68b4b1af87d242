/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A descriptor of another process, shared with it: pidfd_getfd(2). */
#ifndef UPKEEP_REPLACE_BORROW_H
#define UPKEEP_REPLACE_BORROW_H

#include <sys/types.h>

/* Close it. -1 with errno if it cannot be had. */
int uk_borrow_fd(pid_t pid, int fd);

#endif
