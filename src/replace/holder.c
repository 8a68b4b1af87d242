// SPDX-License-Identifier: GPL-2.0-or-later
/* Sockets that other processes hold. */
#include "replace/holder.h"

#include "replace/borrow.h"
#include "replace/task.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The number of the first descriptor of @pid that is the socket; -1 for none. */
static int find_number(pid_t pid, uint64_t ino)
{
	char folder[32], wanted[32], link[32];
	snprintf(folder, sizeof(folder), "/proc/%d/fd", pid);
	int len = snprintf(wanted, sizeof(wanted), "socket:[%ju]", (uintmax_t)ino);
	uk_auto_closedir DIR *dir = opendir(folder);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		if (readlinkat(dirfd(dir), entry->d_name, link, sizeof(link)) == len &&
		    !memcmp(link, wanted, (size_t)len))
			return (int)strtol(entry->d_name, NULL, 10);
	}
	return -1;
}

bool uk_holder_has(pid_t pid, uint64_t ino)
{
	return find_number(pid, ino) >= 0;
}

/* -1 with errno; ESRCH, EBADF: it has ended or closed it meanwhile. */
static int take_from(pid_t pid, int number, uint64_t ino)
{
	struct stat st;
	uk_auto_close int taken = uk_borrow_fd(pid, number);
	if (taken < 0)
		return -1;
	if (fstat(taken, &st) < 0 || st.st_ino != ino) {
		errno = EBADF;
		return -1;
	}
	return uk_take_fd(taken);
}

struct uk_error *uk_holder_take(uint64_t ino, int *ret)
{
	uk_pids pids = {};
	struct uk_error *err = uk_task_list(NULL, &pids);
	int taken = -1;
	for (size_t i = 0; !err && taken < 0 && i < pids.len; i++) {
		int number = find_number(pids.data[i], ino);
		if (number < 0)
			continue;
		taken = take_from(pids.data[i], number, ino);
		if (taken < 0 && errno != ESRCH && errno != EBADF)
			err = uk_error_errno(errno, "take descriptor %d of process %d", number,
					     pids.data[i]);
	}
	uk_vec_deinit(&pids);
	if (!err)
		*ret = taken;
	return err;
}
