// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loaded into criu ahead of the C library (LD_PRELOAD): one process is shown to have children that
 * are not its own, and they to have it as their parent. src/replace/gather.h tells why.
 *
 * criu reads both in /proc, by openat(2) below the folder of a process (criu/proc_parse.c:
 * parse_children(), parse_pid_status(); criu/util.c: do_open_proc()). UPKEEP_TREE is "PARENT CHILD
 * CHILD ..."; threads of a child have the same parent as it has, so status is changed where it
 * names a parent that one of the children has.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	TOPS_MAX = 1024,
	STATUS_MAX = 65536,
};

static int (*real_openat)(int dir, const char *path, int flags, ...);
static long parent, tops[TOPS_MAX], parents[TOPS_MAX];
static size_t nr_tops;

/* --- how it is -------------------------------------------------------------------------- */

static ssize_t read_file(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t got;
	while ((got = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	return got < 0 ? -1 : (ssize_t)len;
}

/* Where the number of the parent is in a status; NULL if that is none. */
static char *find_parent(char *status)
{
	static const char key[] = "\nPPid:\t";
	char *line = strstr(status, key);
	return line ? line + strlen(key) : NULL;
}

static long parent_of(long pid)
{
	char path[64], text[4096];
	snprintf(path, sizeof(path), "/proc/%ld/status", pid);
	int fd = real_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && read_file(fd, text, sizeof(text)) > 0;
	char *at = good ? find_parent(text) : NULL;
	if (fd >= 0)
		close(fd);
	return at ? strtol(at, NULL, 10) : -1;
}

/* Not for those that criu starts, by which time this file has no name any more. */
static void __attribute__((constructor)) begin(void)
{
	char *text = getenv("UPKEEP_TREE"), *end;
	real_openat = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat64");
	unsetenv("LD_PRELOAD");
	if (!real_openat || !text)
		abort();
	parent = strtol(text, &end, 10);
	while (*end == ' ' && nr_tops < TOPS_MAX) {
		tops[nr_tops] = strtol(end + 1, &end, 10);
		parents[nr_tops] = parent_of(tops[nr_tops]);
		nr_tops++;
	}
	if (*end || parent <= 0)
		abort();
}

/* --- how it is shown -------------------------------------------------------------------- */

static int make_file(const char *text, size_t len)
{
	int fd = memfd_create("tree", MFD_CLOEXEC);
	if (fd >= 0 && write(fd, text, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	int failed = errno;
	if (fd >= 0)
		close(fd);
	errno = failed;
	return -1;
}

static int show_children(void)
{
	char text[TOPS_MAX * 12];
	int len = 0;
	for (size_t i = 0; i < nr_tops; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%ld ", tops[i]);
	return make_file(text, (size_t)len);
}

static bool is_top_parent(long pid)
{
	for (size_t i = 0; i < nr_tops; i++) {
		if (parents[i] == pid)
			return true;
	}
	return false;
}

/* Takes @fd. */
static int show_status(int fd)
{
	char text[STATUS_MAX], changed[STATUS_MAX + 16], *rest;
	bool good = read_file(fd, text, sizeof(text)) > 0;
	char *at = good ? find_parent(text) : NULL;
	if (!at || !is_top_parent(strtol(at, &rest, 10))) {
		if (lseek(fd, 0, SEEK_SET) == 0)
			return fd;
		close(fd);
		return -1;
	}
	close(fd);
	*at = '\0';
	int len = snprintf(changed, sizeof(changed), "%s%ld%s", text, parent, rest);
	return make_file(changed, (size_t)len);
}

/* Whether descriptor @dir is a folder /proc/PID, of @pid if that is not 0. */
static bool is_process(int dir, long pid)
{
	char link[64], path[64], *end;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	ssize_t len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return false;
	path[len] = '\0';
	if (strncmp(path, "/proc/", strlen("/proc/")) != 0)
		return false;
	long found = strtol(path + strlen("/proc/"), &end, 10);
	return !*end && found > 0 && (!pid || found == pid);
}

int openat64(int dir, const char *path, int flags, ...)
{
	va_list args;
	char children[64];
	va_start(args, flags);
	bool makes = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
	mode_t mode = makes ? va_arg(args, mode_t) : 0;
	va_end(args);
	int fd = real_openat(dir, path, flags, mode);
	if (fd < 0)
		return fd;
	if (!strcmp(path, "status") && is_process(dir, 0))
		return show_status(fd);
	snprintf(children, sizeof(children), "task/%ld/children", parent);
	if (strcmp(path, children) != 0 || !is_process(dir, parent))
		return fd;
	close(fd);
	return show_children();
}
