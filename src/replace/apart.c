// SPDX-License-Identifier: GPL-2.0-or-later
/* Keeping who asks. */
#include "replace/apart.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/cgroup.h"
#include "replace/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
/* systemd leaves it alone, for it has no unit of that name. */
#define CGROUP "/upkeep-replace"

enum {
	KILLED = 128 + SIGKILL,
	STATUS_AT = sizeof(pid_t), /* in the file that tells the end, behind who the child is */
};

struct uk_error *uk_apart_is_kept(const char *const *names, size_t nr, bool *ret)
{
	*ret = false;
	if (geteuid())
		return NULL; /* who is to do it says that it takes root */
	struct uk_error *err = uk_keep_has(NULL, names, nr, getpid(), ret);
	if (!err || uk_error_kind(err) != UK_ERR_USAGE)
		return err;
	uk_error_destroy(err); /* told by who looks at them in earnest */
	return NULL;
}

/* --- the child ------------------------------------------------------------------------- */

static int end_fd = -1;

static void tell_end(int status, void *arg)
{
	if (pwrite(end_fd, &status, sizeof(status), STATUS_AT) != sizeof(status))
		_exit(KILLED);
}

/* Nothing of it is left where it comes from: no terminal, no descriptor, no parent. */
static struct uk_error *leave(struct uk_apart *apart)
{
	struct uk_error *err = uk_cgroup_make(CGROUP);
	uk_auto_close int nowhere = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (err)
		return err;
	if (!uk_cgroup_enter(CGROUP))
		return uk_error_errno(errno, "enter the cgroup " CGROUP);
	if (setsid() < 0 || nowhere < 0 || dup2(nowhere, STDIN_FILENO) < 0 ||
	    dup2(apart->out, STDOUT_FILENO) < 0 || dup2(apart->errout, STDERR_FILENO) < 0)
		return uk_error_errno(errno, "leave this session");
	/* For longer than @apart has it. */
	end_fd = fcntl(apart->end, F_DUPFD_CLOEXEC, 3);
	if (end_fd < 0 || on_exit(tell_end, NULL))
		return uk_error_errno(errno, "tell the end");
	return NULL;
}

/* Of a parent that has ended at once, so that it is process 1's. */
static pid_t fork_orphan(int tell)
{
	pid_t child = fork();
	if (child != 0)
		return child;
	pid_t orphan = fork();
	if (orphan == 0)
		return 0;
	_exit(write(tell, &orphan, sizeof(orphan)) == sizeof(orphan) && orphan > 0 ? 0 : 1);
}

/* --- both ------------------------------------------------------------------------------ */

static struct uk_error *prepare(struct uk_apart *ret)
{
	*ret = (struct uk_apart){ -1, -1, -1, 0, NULL, { 0, 0 } };
	ret->out = memfd_create("upkeep", MFD_CLOEXEC);
	ret->errout = memfd_create("upkeep", MFD_CLOEXEC);
	ret->end = memfd_create("upkeep", MFD_CLOEXEC);
	if (ret->out < 0 || ret->errout < 0 || ret->end < 0)
		return uk_error_errno(errno, "memfd_create");
	return uk_file_read(BOOT_ID, 64, &ret->boot, NULL);
}

struct uk_error *uk_apart_go(struct uk_apart *ret, bool *child_ret)
{
	int status;
	*child_ret = false;
	struct uk_error *err = prepare(ret);
	if (err)
		return err;
	fflush(NULL);
	pid_t pid = fork_orphan(ret->end);
	if (pid < 0)
		return uk_error_errno(errno, "fork");
	if (!pid) {
		*child_ret = true;
		return leave(ret);
	}
	if (waitpid(pid, &status, 0) != pid || status ||
	    pread(ret->end, &ret->pid, sizeof(ret->pid), 0) != sizeof(ret->pid))
		return uk_error_create(UK_ERR_SYSTEM, "a process cannot be started");
	return NULL;
}

void uk_apart_deinit(struct uk_apart *apart)
{
	uk_cleanup_close(&apart->out);
	uk_cleanup_close(&apart->errout);
	uk_cleanup_close(&apart->end);
	free(apart->boot);
}

/* By its place, for the child goes on writing behind that. */
static void show(int from, off_t *shown, int to)
{
	char text[4096];
	ssize_t got;
	while ((got = pread(from, text, sizeof(text), *shown)) > 0) {
		ssize_t written = write(to, text, (size_t)got);
		if (written <= 0)
			return;
		*shown += written;
	}
}

static bool is_other_boot(const struct uk_apart *apart)
{
	uk_auto_free char *boot = NULL;
	uk_auto_error struct uk_error *err = uk_file_read(BOOT_ID, 64, &boot, NULL);
	return !err && strcmp(boot, apart->boot) != 0;
}

enum uk_apart_state uk_apart_look(struct uk_apart *apart)
{
	/* First: what has its number on another kernel is somebody else. */
	bool swapped = is_other_boot(apart);
	bool ended = !swapped && kill(apart->pid, 0) < 0 && errno == ESRCH;
	show(apart->out, &apart->shown[0], STDOUT_FILENO);
	show(apart->errout, &apart->shown[1], STDERR_FILENO);
	if (ended)
		uk_cgroup_remove(CGROUP);
	return swapped ? UK_APART_SWAPPED : ended ? UK_APART_ENDED : UK_APART_WORKS;
}

int uk_apart_status(const struct uk_apart *apart)
{
	int status;
	bool told = pread(apart->end, &status, sizeof(status), STATUS_AT) == sizeof(status);
	return told ? status & 0xff : KILLED;
}
