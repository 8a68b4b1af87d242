// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptors of others. */
#include "replace/borrow.h"

#include "base/memory.h"

#include <sys/syscall.h>
#include <unistd.h>

int uk_borrow_fd(pid_t pid, int fd)
{
	uk_auto_close int process = (int)syscall(SYS_pidfd_open, pid, 0);
	return process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, fd, 0);
}
