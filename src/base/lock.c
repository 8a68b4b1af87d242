// SPDX-License-Identifier: GPL-2.0-or-later
/* The lock on changing the running kernel. */
#include "base/lock.h"

#include "base/clock.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

enum { POLL_NS = 50 * 1000 * 1000 };

static struct uk_error *say_busy(int fd, const char *path)
{
	char pid[32] = "";
	ssize_t got = pread(fd, pid, sizeof(pid) - 1, 0);
	pid[got > 0 ? got : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	return uk_error_create(UK_ERR_BUSY,
			       "%s: another upkeep (process %s) is changing the kernel; try again "
			       "when it is done",
			       path, pid[0] ? pid : "unknown");
}

/* For whoever has to wait. It is not what locks, so a failure to write it is none. */
static void sign(int fd)
{
	char pid[32];
	int len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (!ftruncate(fd, 0))
		(void)!pwrite(fd, pid, (size_t)len, 0);
}

struct uk_error *uk_lock_take(const char *run, unsigned int wait_ms, int *ret)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/upkeep.lock", run);
	if (err)
		return err;
	uk_auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return uk_error_errno(errno, "open %s", path);
	uint64_t end = uk_clock_ns() + (uint64_t)wait_ms * 1000000;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return uk_error_errno(errno, "lock %s", path);
		if (uk_clock_ns() >= end)
			return say_busy(fd, path);
		uk_clock_sleep(POLL_NS);
	}
	sign(fd);
	*ret = uk_take_fd(fd);
	return NULL;
}

bool uk_lock_is_held(const char *run)
{
	uk_auto_free char *path = NULL;
	uk_auto_error struct uk_error *err = uk_asprintf(&path, "%s/upkeep.lock", run);
	uk_auto_close int fd = err ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}
