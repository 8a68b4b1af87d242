// SPDX-License-Identifier: GPL-2.0-or-later
/* Values of /proc/sys, carried over. */
#include "replace/sysctl.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	VALUE_MAX = 1 << 16,
	VALUES_MAX = 16 << 20,
	DEPTH_MAX = 4, /* net/ipv4/conf/NAME */
};

/* A folder with all below it ("net/ipv4/"), or one value. */
static const char *const carried[] = {
	"net/ipv4/",
	"net/ipv6/",
	"net/core/",
	"vm/max_map_count",
	"vm/nr_hugepages",
	"vm/nr_overcommit_hugepages",
	"vm/overcommit_memory",
	"vm/overcommit_ratio",
	"vm/swappiness",
	"kernel/core_pattern",
	"kernel/core_uses_pid",
	"kernel/msgmax",
	"kernel/msgmnb",
	"kernel/msgmni",
	"kernel/sem",
	"kernel/shmall",
	"kernel/shmmax",
	"kernel/shmmni",
	"kernel/threads-max",
	"fs/aio-max-nr",
	"fs/file-max",
	"fs/inotify/",
	"fs/mqueue/",
	"fs/nr_open",
	"fs/pipe-max-size",
	"fs/suid_dumpable",
};

/* The same as those with _ms behind, and the kernel's log complains of who uses them. */
static bool is_old(const char *name)
{
	return !strcmp(name, "retrans_time") || !strcmp(name, "base_reachable_time");
}

static bool is_folder(const char *name)
{
	return uk_str_ends(name, "/");
}

/* Below one of the above, and nowhere else. */
static bool is_carried(const char *name)
{
	if (strstr(name, "..") || strstr(name, "//"))
		return false;
	for (size_t i = 0; i < UK_ARRAY_SIZE(carried); i++) {
		if (is_folder(carried[i]) ? uk_str_starts(name, carried[i])
					  : !strcmp(name, carried[i]))
			return true;
	}
	return false;
}

/* --- written down -------------------------------------------------------------------- */

/* The value of one, without its newline; NULL of what has none to be carried. */
static struct uk_error *read_value(const char *path, char **ret)
{
	uk_auto_free char *text = NULL;
	struct stat st;
	size_t len = 0;
	*ret = NULL;
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 0600) != 0600)
		return NULL;
	/* Some cannot be read until they were set: stable_secret. */
	uk_auto_error struct uk_error *unset = uk_file_read(path, VALUE_MAX, &text, &len);
	if (unset || !len)
		return NULL;
	if (text[len - 1] == '\n')
		text[len - 1] = '\0';
	return *text && !strchr(text, '\n') ? uk_strdup(text, ret) : NULL;
}

static struct uk_error *add_value(const char *root, const char *name, struct uk_strbuf *to)
{
	uk_auto_free char *path = NULL, *value = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", root, name);
	if (!err)
		err = read_value(path, &value);
	if (!err && value)
		uk_strbuf_addf(to, "%s\t%s\n", name, value);
	return err;
}

/* @name ends with a slash. */
static struct uk_error *add_folder(const char *root, const char *name, int depth,
				   struct uk_strbuf *to)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", root, name);
	uk_auto_closedir DIR *dir = err ? NULL : opendir(path);
	struct dirent *entry;
	while (!err && dir && (entry = readdir(dir))) {
		uk_auto_free char *below = NULL;
		bool folder = entry->d_type == DT_DIR;
		if (entry->d_name[0] == '.' || is_old(entry->d_name))
			continue;
		err = uk_asprintf(&below, "%s%s%s", name, entry->d_name, folder ? "/" : "");
		if (!err && folder && depth < DEPTH_MAX)
			err = add_folder(root, below, depth + 1, to);
		else if (!err && !folder)
			err = add_value(root, below, to);
	}
	return err;
}

struct uk_error *uk_sysctl_save(const char *root, const char *dir)
{
	uk_auto_strbuf struct uk_strbuf values = {};
	uk_auto_free char *path = NULL, *text = NULL;
	struct uk_error *err = NULL;
	root = root ? root : "/proc/sys";
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(carried); i++)
		err = is_folder(carried[i]) ? add_folder(root, carried[i], 0, &values)
					    : add_value(root, carried[i], &values);
	uk_strbuf_addstr(&values, "");
	if (!err)
		err = uk_strbuf_finish(&values, &text);
	if (!err)
		err = uk_asprintf(&path, "%s/%s", dir, UK_SYSCTL_VALUES);
	return err ? err : uk_file_write(path, text, strlen(text), 0600);
}

/* --- set again ----------------------------------------------------------------------- */

/*
 * There are hundreds, for which services wait: each is looked up once, and written only if it is
 * another one. All at the beginning of the file and in one piece, as the kernel takes it.
 */
static void set_value(int dir, const char *name, const char *value, const struct uk_sink *sink)
{
	char now[4096]; /* a longer one is written */
	size_t len = strlen(value);
	uk_auto_close int fd = openat(dir, name, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return;
	/* Some cannot be read until they were set. */
	ssize_t got = fd < 0 ? -1 : pread(fd, now, sizeof(now) - 1, 0);
	now[got > 0 ? got : 0] = '\0';
	now[strcspn(now, "\n")] = '\0';
	if (got > 0 && !strcmp(now, value))
		return;
	if (fd < 0 || pwrite(fd, value, len, 0) != (ssize_t)len)
		uk_remark(sink, UK_LEVEL_WARNING, "sysctl %s is %s, and cannot be set to %s: %s",
			  name, got > 0 ? now : "not set", value, strerror(errno));
}

struct uk_error *uk_sysctl_restore(const char *root, const char *dir, const struct uk_sink *sink)
{
	uk_auto_free char *path = NULL, *text = NULL;
	char *save = NULL;
	root = root ? root : "/proc/sys";
	uk_auto_close int folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return uk_error_errno(errno, "%s", root);
	struct uk_error *err = uk_asprintf(&path, "%s/%s", dir, UK_SYSCTL_VALUES);
	if (!err)
		err = uk_file_read(path, VALUES_MAX, &text, NULL);
	for (char *line = err ? NULL : strtok_r(text, "\n", &save); !err && line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *tab = strchr(line, '\t');
		if (tab)
			*tab = '\0';
		if (!tab || !is_carried(line))
			err = uk_error_create(UK_ERR_INVALID, "%s: %s is not carried", path, line);
		else
			set_value(folder, line, tab + 1, sink);
	}
	return err;
}
