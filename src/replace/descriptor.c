// SPDX-License-Identifier: GPL-2.0-or-later
/* One open file descriptor: its link, what it is, its fdinfo. */
#include "replace/descriptor.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/major.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define FDINFO_LIMIT (4 << 20) /* an epoll with 50,000 descriptors */

void uk_fd_deinit(struct uk_fd *fd)
{
	free(fd->link);
	uk_vec_deinit(&fd->locks);
}

static const struct {
	const char *link;
	enum uk_fd_kind kind;
} anonymous[] = {
	{ "anon_inode:[eventfd]", UK_FD_EVENTFD },
	{ "anon_inode:[eventpoll]", UK_FD_EPOLL },
	{ "anon_inode:[signalfd]", UK_FD_SIGNALFD },
	{ "anon_inode:[timerfd]", UK_FD_TIMERFD },
	{ "anon_inode:inotify", UK_FD_INOTIFY },
	{ "anon_inode:[fanotify]", UK_FD_FANOTIFY },
	{ "anon_inode:[pidfd]", UK_FD_PIDFD },
	{ "pidfd:", UK_FD_PIDFD }, /* pidfs, from 6.9 on */
	{ "anon_inode:[io_uring]", UK_FD_IO_URING },
	{ "anon_inode:bpf", UK_FD_BPF },
	{ "anon_inode:[perf_event]", UK_FD_PERF },
	{ "anon_inode:[userfaultfd]", UK_FD_USERFAULTFD },
	{ "mnt:[", UK_FD_NAMESPACE },
	{ "pid:[", UK_FD_NAMESPACE },
	{ "net:[", UK_FD_NAMESPACE },
	{ "ipc:[", UK_FD_NAMESPACE },
	{ "uts:[", UK_FD_NAMESPACE },
	{ "user:[", UK_FD_NAMESPACE },
	{ "cgroup:[", UK_FD_NAMESPACE },
	{ "time:[", UK_FD_NAMESPACE },
	{ "socket:[", UK_FD_SOCKET },
	{ "pipe:[", UK_FD_PIPE },
	{ "/memfd:", UK_FD_MEMFD },
};

/* The kinds that the link alone tells. */
static bool kind_by_link(const char *link, enum uk_fd_kind *ret)
{
	for (size_t i = 0; i < UK_ARRAY_SIZE(anonymous); i++) {
		if (uk_str_starts(link, anonymous[i].link)) {
			*ret = anonymous[i].kind;
			return true;
		}
	}
	*ret = UK_FD_ANON;
	return uk_str_starts(link, "anon_inode:");
}

/* Numbers of Documentation/admin-guide/devices.txt in the kernel's source. */
static enum uk_fd_kind kind_of_device(dev_t rdev)
{
	unsigned int number = major(rdev);
	if (number == TTYAUX_MAJOR)
		return minor(rdev) == 0	  ? UK_FD_OWN_TTY
		       : minor(rdev) == 2 ? UK_FD_PTY_MASTER
					  : UK_FD_TERMINAL;
	if (number >= UNIX98_PTY_SLAVE_MAJOR &&
	    number < UNIX98_PTY_SLAVE_MAJOR + UNIX98_PTY_MAJOR_COUNT)
		return UK_FD_PTY;
	if (number >= UNIX98_PTY_MASTER_MAJOR && number < UNIX98_PTY_SLAVE_MAJOR)
		return UK_FD_PTY_MASTER;
	if (number == TTY_MAJOR || (number >= 204 && number <= 208) || number == 229 ||
	    number == 188 || number == 166)
		return UK_FD_TERMINAL;
	return UK_FD_DEVICE;
}

static enum uk_fd_kind kind_by_mode(const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return UK_FD_FILE;
	case S_IFDIR:
		return UK_FD_FOLDER;
	case S_IFLNK:
		return UK_FD_LINK;
	case S_IFCHR:
		return kind_of_device(st->st_rdev);
	case S_IFBLK:
		return UK_FD_BLOCK;
	case S_IFIFO:
		return UK_FD_FIFO;
	case S_IFSOCK: /* an O_PATH descriptor of a socket's file */
		return UK_FD_FILE;
	}
	return UK_FD_ANON;
}

static void take_stat(const struct stat *st, struct uk_fd *fd)
{
	fd->stat_ok = true;
	fd->dev = st->st_dev;
	fd->rdev = st->st_rdev;
	fd->ino = st->st_ino;
	fd->size = (uint64_t)st->st_size;
	fd->deleted = st->st_nlink == 0 &&
		      (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) || S_ISFIFO(st->st_mode));
}

/* "socket:[31337]": the number, when the link is of that form. */
static uint64_t number_in_link(const char *link)
{
	uint64_t number = 0;
	const char *at = strstr(link, ":[");
	if (!at || (at += 2, !uk_proc_number(&at, 10, &number)))
		return 0;
	return number;
}

static struct uk_error *read_link(int proc, const char *name, struct uk_fd *fd)
{
	char link[PATH_MAX + 1];
	ssize_t len = readlinkat(proc, name, link, sizeof(link) - 1);
	if (len < 0)
		return uk_error_errno(errno, "%s", name);
	link[len] = '\0';
	return uk_strdup(link, &fd->link);
}

/* A server that is gone must not hold us: what the kernel remembers will do. */
static void find_kind(int proc, const char *name, struct uk_fd *fd)
{
	struct stat st;
	bool known = kind_by_link(fd->link, &fd->kind);
	if (!known && fstatat(proc, name, &st, AT_NO_AUTOMOUNT) == 0) {
		take_stat(&st, fd);
		fd->kind = kind_by_mode(&st);
	} else if (fd->kind == UK_FD_MEMFD && fstatat(proc, name, &st, 0) == 0) {
		take_stat(&st, fd);
		fd->deleted = false;
	} else if (known) {
		fd->ino = number_in_link(fd->link);
	}
}

/* The name of the protocol, which the kernel's sockfs gives as an attribute. */
static void read_protocol(int proc, const char *name, struct uk_fd *fd)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", proc, name);
	ssize_t len =
		getxattr(path, "system.sockprotoname", fd->protocol, sizeof(fd->protocol) - 1);
	fd->protocol[len > 0 ? len : 0] = '\0';
}

static void read_fs(int proc, const char *name, struct uk_fd *fd)
{
	char path[64];
	struct statfs fs;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", proc, name);
	if (!statfs(path, &fs))
		fd->fs = (uint32_t)fs.f_type;
}

static struct uk_error *read_fdinfo(int proc, int number, struct uk_fd *fd)
{
	char path[64];
	uk_auto_free char *text = NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/fdinfo/%d", proc, number);
	struct uk_error *err = uk_file_read(path, FDINFO_LIMIT, &text, NULL);
	return err ? err : uk_proc_parse_fdinfo(text, fd);
}

struct uk_error *uk_fd_read(int proc, int number, struct uk_fd *ret)
{
	char name[32];
	struct uk_fd fd = { .number = number, .mount = -1, .tty = -1, .pidfd = -1 };
	snprintf(name, sizeof(name), "fd/%d", number);
	struct uk_error *err = read_link(proc, name, &fd);
	if (!err) {
		find_kind(proc, name, &fd);
		if (fd.kind == UK_FD_SOCKET)
			read_protocol(proc, name, &fd);
		if (fd.kind == UK_FD_FILE)
			read_fs(proc, name, &fd);
		err = read_fdinfo(proc, number, &fd);
	}
	if (err) {
		uk_fd_deinit(&fd);
		return err;
	}
	*ret = fd;
	return NULL;
}

const char *uk_fd_kind_name(enum uk_fd_kind kind)
{
	static const char *const names[UK_FD_NR_KINDS] = {
		[UK_FD_FILE] = "file",
		[UK_FD_FOLDER] = "folder",
		[UK_FD_LINK] = "symbolic link",
		[UK_FD_DEVICE] = "device",
		[UK_FD_BLOCK] = "block device",
		[UK_FD_TERMINAL] = "terminal",
		[UK_FD_PTY] = "pty",
		[UK_FD_PTY_MASTER] = "pty master",
		[UK_FD_OWN_TTY] = "/dev/tty",
		[UK_FD_PIPE] = "pipe",
		[UK_FD_FIFO] = "FIFO",
		[UK_FD_SOCKET] = "socket",
		[UK_FD_MEMFD] = "memfd",
		[UK_FD_EVENTFD] = "eventfd",
		[UK_FD_EPOLL] = "epoll",
		[UK_FD_SIGNALFD] = "signalfd",
		[UK_FD_TIMERFD] = "timerfd",
		[UK_FD_INOTIFY] = "inotify",
		[UK_FD_FANOTIFY] = "fanotify",
		[UK_FD_PIDFD] = "pidfd",
		[UK_FD_IO_URING] = "io_uring",
		[UK_FD_BPF] = "BPF object",
		[UK_FD_PERF] = "perf event",
		[UK_FD_USERFAULTFD] = "userfaultfd",
		[UK_FD_NAMESPACE] = "namespace",
		[UK_FD_ANON] = "anonymous inode",
	};
	return names[kind];
}
