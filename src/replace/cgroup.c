// SPDX-License-Identifier: GPL-2.0-or-later
/* Control groups, version 2. */
#include "replace/cgroup.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define ROOT "/sys/fs/cgroup"

enum { PROCS_MAX = 1 << 20 };

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

static struct uk_error *signal_listed(const char *folder, int signal)
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
		if (pid > 1 && kill(pid, signal) < 0 && errno != ESRCH)
			err = uk_error_errno(errno, "signal process %d", pid);
	}
	return err;
}

static struct uk_error *signal_below(const char *folder, int signal)
{
	char **names = NULL;
	size_t nr = 0;
	struct uk_error *err = signal_listed(folder, signal);
	if (!err)
		err = uk_dir_list(folder, &names, &nr);
	for (size_t i = 0; !err && i < nr; i++) {
		uk_auto_free char *path = NULL;
		struct stat st;
		err = uk_asprintf(&path, "%s/%s", folder, names[i]);
		if (!err && !lstat(path, &st) && S_ISDIR(st.st_mode))
			err = signal_below(path, signal);
	}
	uk_strv_destroy(names, nr);
	return err;
}

struct uk_error *uk_cgroup_signal(const char *path, int signal)
{
	uk_auto_free char *folder = NULL;
	struct uk_error *err = uk_asprintf(&folder, ROOT "%s", path);
	return err ? err : signal_below(folder, signal);
}
