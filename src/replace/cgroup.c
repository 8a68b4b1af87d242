// SPDX-License-Identifier: GPL-2.0-or-later
/* Control groups, version 2. */
#include "replace/cgroup.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"

enum {
	PROCS_MAX = 1 << 20,
	PATIENCE_MS = 10000, /* for the freezer, and for processes to end */
};

struct uk_error *uk_cgroup_mount(void)
{
	struct statfs fs;
	if (!statfs(ROOT, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC)
		return NULL;
	/* The options of systemd 252 (src/shared/mount-setup.c): it takes what it finds. */
	if (mount("cgroup2", ROOT, "cgroup2", MS_NOSUID | MS_NOEXEC | MS_NODEV,
		  "nsdelegate,memory_recursiveprot") < 0)
		return uk_error_errno(errno, "mount cgroup2 on " ROOT);
	return NULL;
}

struct uk_error *uk_cgroup_make(const char *path)
{
	uk_auto_free char *whole = NULL;
	struct uk_error *err = uk_asprintf(&whole, ROOT "%s", path);
	return err ? err : uk_dir_make(whole, 0755);
}

bool uk_cgroup_enter(const char *path)
{
	char procs[PATH_MAX];
	int len = snprintf(procs, sizeof(procs), ROOT "%s/cgroup.procs", path);
	if (len < 0 || len >= (int)sizeof(procs))
		return false;
	uk_auto_close int fd = open(procs, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, "0", 1) == 1;
}

struct uk_error *uk_cgroup_open(const char *path, const char *file, int flags, int *ret)
{
	uk_auto_free char *whole = NULL;
	struct uk_error *err = uk_asprintf(&whole, ROOT "%s/%s", path, file);
	if (err)
		return err;
	*ret = open(whole, flags | O_CLOEXEC);
	return *ret < 0 ? uk_error_errno(errno, "open %s", whole) : NULL;
}

void uk_cgroup_remove(const char *path)
{
	uk_auto_free char *folder = NULL;
	uk_auto_error struct uk_error *err = uk_asprintf(&folder, ROOT "%s", path);
	if (!err)
		rmdir(folder);
}

struct uk_error *uk_cgroup_put(const char *path, pid_t pid)
{
	char text[16];
	uk_auto_close int fd = -1;
	int len = snprintf(text, sizeof(text), "%d", pid);
	struct uk_error *err = uk_cgroup_open(path, "cgroup.procs", O_WRONLY, &fd);
	if (!err && write(fd, text, (size_t)len) != len)
		err = uk_error_errno(errno, "put process %d into %s", pid, path);
	return err;
}

/* --- what is in it ------------------------------------------------------------------- */

static struct uk_error *list_one(const char *folder, uk_pids *ret)
{
	uk_auto_free char *path = NULL, *text = NULL;
	size_t len;
	char *save = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/cgroup.procs", folder);
	if (!err)
		err = uk_file_read(path, PROCS_MAX, &text, &len);
	for (char *line = err ? NULL : strtok_r(text, "\n", &save); line && !err;
	     line = strtok_r(NULL, "\n", &save)) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);
		if (pid > 0 && !uk_vec_push(ret, pid)) /* 0: of another PID namespace */
			err = uk_error_nomem();
	}
	return err;
}

static struct uk_error *list_below(const char *folder, uk_pids *ret)
{
	char **names = NULL;
	size_t nr = 0;
	struct uk_error *err = list_one(folder, ret);
	if (!err)
		err = uk_dir_list(folder, &names, &nr);
	for (size_t i = 0; !err && i < nr; i++) {
		uk_auto_free char *path = NULL;
		struct stat st;
		err = uk_asprintf(&path, "%s/%s", folder, names[i]);
		if (!err && !lstat(path, &st) && S_ISDIR(st.st_mode))
			err = list_below(path, ret);
	}
	uk_strv_destroy(names, nr);
	return err;
}

struct uk_error *uk_cgroup_is_there(const char *path, bool *ret)
{
	uk_auto_free char *folder = NULL;
	struct uk_error *err = uk_asprintf(&folder, ROOT "%s", path);
	*ret = !err && uk_file_exists(folder);
	return err;
}

struct uk_error *uk_cgroup_list(const char *path, uk_pids *ret)
{
	uk_auto_free char *folder = NULL;
	struct uk_error *err = uk_asprintf(&folder, ROOT "%s", path);
	if (err || !uk_file_exists(folder))
		return err;
	return list_below(folder, ret);
}

struct uk_error *uk_cgroup_signal(const char *path, int signal)
{
	uk_pids pids = {};
	struct uk_error *err = uk_cgroup_list(path, &pids);
	uk_vec_for_each(pid, &pids) {
		if (!err && *pid > 1 && kill(*pid, signal) < 0 && errno != ESRCH)
			err = uk_error_errno(errno, "signal process %d", *pid);
	}
	uk_vec_deinit(&pids);
	return err;
}

/* --- the freezer --------------------------------------------------------------------- */

static struct uk_error *write_freeze(const char *path, const char *what)
{
	uk_auto_close int fd = -1;
	struct uk_error *err = uk_cgroup_open(path, "cgroup.freeze", O_WRONLY, &fd);
	if (!err && write(fd, what, 1) != 1)
		err = uk_error_errno(errno, "freeze or thaw %s", path);
	return err;
}

/* A line of cgroup.events: 1, 0, or -1 for a group that is gone by now. */
static int has_event(int events, const char *line)
{
	char text[256];
	ssize_t got = pread(events, text, sizeof(text) - 1, 0);
	if (got < 0)
		return -1;
	text[got] = '\0';
	return strstr(text, line) ? 1 : 0;
}

/* @trouble: what it means if that does not come. */
static struct uk_error *await_event(const char *path, const char *line, const char *trouble)
{
	uk_auto_close int events = -1;
	struct uk_error *err = uk_cgroup_open(path, "cgroup.events", O_RDONLY, &events);
	if (err)
		return err;
	/* Each change is told once, by an exception condition; who begins to look is told, too. */
	struct pollfd change = { .fd = events, .events = POLLPRI };
	int there;
	while (!(there = has_event(events, line))) {
		int seen = poll(&change, 1, PATIENCE_MS);
		if (seen < 0 && errno != EINTR)
			return uk_error_errno(errno, "poll");
		if (!seen)
			return uk_error_create(UK_ERR_SYSTEM, "%s: %s", path, trouble);
	}
	return there > 0 ? NULL : uk_error_create(UK_ERR_REFUSED, "%s has ended", path);
}

struct uk_error *uk_cgroup_freeze(const char *path)
{
	struct uk_error *err = write_freeze(path, "1");
	return err ? err : await_event(path, "frozen 1", "not all of its tasks can be frozen");
}

struct uk_error *uk_cgroup_thaw(const char *path)
{
	uk_auto_free char *folder = NULL;
	struct uk_error *err = uk_asprintf(&folder, ROOT "%s", path);
	if (err || !uk_file_exists(folder))
		return err;
	return write_freeze(path, "0");
}

struct uk_error *uk_cgroup_is_frozen(const char *path, bool *ret)
{
	uk_auto_free char *file = NULL, *text = NULL;
	size_t len;
	struct uk_error *err = uk_asprintf(&file, ROOT "%s/cgroup.freeze", path);
	if (!err)
		err = uk_file_read(file, 16, &text, &len);
	if (!err)
		*ret = *text == '1';
	return err;
}

/* cgroup.kill: Linux 5.14, commit 661ee6280931 ("cgroup: introduce cgroup.kill"). */
struct uk_error *uk_cgroup_kill(const char *path)
{
	uk_auto_free char *order = NULL;
	struct uk_error *err = uk_asprintf(&order, ROOT "%s/cgroup.kill", path);
	if (err)
		return err;
	uk_auto_close int fd = open(order, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return NULL;
	if (fd < 0 || write(fd, "1", 1) != 1)
		return uk_error_errno(errno, "%s", order);
	err = await_event(path, "populated 0", "not all of its processes end");
	if (!err || uk_error_kind(err) != UK_ERR_REFUSED)
		return err;
	uk_error_destroy(err); /* it has gone, and what was in it before */
	return NULL;
}
