// SPDX-License-Identifier: GPL-2.0-or-later
/* Open files: offset, flags, locks, and files that have no name any more. */
#include "zoo.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int fd, other;
static pid_t child;

static void open_data(int flags)
{
	fd = (int)zoo_sys(open(zoo_path("data"), O_RDWR | O_CREAT | O_TRUNC | flags, 0640));
}

static void offset_setup(void)
{
	open_data(0);
	zoo_write(fd, "0123456789abcdef");
	zoo_sys(lseek(fd, 10, SEEK_SET));
}

static void offset_check(void)
{
	zoo_same("offset", 10, lseek(fd, 0, SEEK_CUR));
}

static void offset_verify(void)
{
	char rest[8] = "";

	zoo_same("read", 6, read(fd, rest, sizeof(rest)));
	zoo_text("rest of the file", "abcdef", rest);
}

static void offset_sabotage(void)
{
	zoo_sys(lseek(fd, 3, SEEK_SET));
}

static void append_setup(void)
{
	open_data(O_APPEND);
	zoo_write(fd, "one ");
}

/* Another one writes meanwhile; we write after it, wherever our offset is. */
static void append_verify(void)
{
	char text[64] = "";
	const int second = (int)zoo_sys(open(zoo_path("data"), O_WRONLY | O_APPEND));

	zoo_write(second, "two ");
	zoo_sys(lseek(fd, 0, SEEK_SET));
	zoo_write(fd, "three");
	zoo_sys(pread(fd, text, sizeof(text) - 1, 0));
	zoo_text("file", "one two three", text);
}

static void append_sabotage(void)
{
	zoo_sys(fcntl(fd, F_SETFL, 0));
}

static char page[4096] __attribute__((aligned(4096)));

static void direct_setup(void)
{
	fd = open(zoo_path("data"), O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0640);
	if (fd < 0)
		zoo_skip("no O_DIRECT here: %s", strerror(errno));
	memset(page, 'd', sizeof(page));
	zoo_same("write", sizeof(page), zoo_sys(write(fd, page, sizeof(page))));
}

static void direct_check(void)
{
	zoo_want(fcntl(fd, F_GETFL) & O_DIRECT, "O_DIRECT is gone");
	zoo_same("pread", sizeof(page), zoo_sys(pread(fd, page, sizeof(page), 0)));
	zoo_same("content", 'd', page[4095]);
	zoo_same("offset", 4096, lseek(fd, 0, SEEK_CUR));
}

static void flags_sabotage(void)
{
	zoo_sys(fcntl(fd, F_SETFL, 0));
	zoo_sys(fcntl(fd, F_SETFD, 0));
}

/* A name that goes: content, size, mode, owner, times stay. */
static void unlinked_setup(void)
{
	struct timespec times[2] = { { 1000000000, 5 }, { 1100000000, 7 } };

	if (zoo.arg == 1)
		fd = open(zoo.dir, O_RDWR | O_TMPFILE, 0640);
	else
		open_data(0);
	if (fd < 0)
		zoo_skip("O_TMPFILE: %s", strerror(errno));
	zoo_write(fd, "nobody finds this");
	zoo_sys(lseek(fd, 7, SEEK_SET));
	zoo_sys(fchmod(fd, 0604));
	zoo_sys(fchown(fd, 1234, 4321));
	zoo_sys(futimens(fd, times));
	if (zoo.arg == 2)
		zoo_sys(link(zoo_path("data"), zoo_path("second")));
	if (zoo.arg != 1)
		zoo_sys(unlink(zoo_path("data")));
}

static void unlinked_check(void)
{
	struct stat about;
	char text[64] = "";

	zoo_sys(fstat(fd, &about));
	zoo_same("links", zoo.arg == 2, about.st_nlink);
	zoo_same("size", 17, about.st_size);
	zoo_same("mode", 0604, about.st_mode & 07777);
	zoo_same("owner", 1234, about.st_uid);
	zoo_same("group", 4321, about.st_gid);
	zoo_same("time of the last write", 1100000000, about.st_mtime);
	zoo_same("offset", 7, lseek(fd, 0, SEEK_CUR));
	zoo_sys(pread(fd, text, sizeof(text) - 1, 0));
	zoo_text("content", "nobody finds this", text);
}

static void unlinked_verify(void)
{
	struct stat here, there;

	zoo_write(fd, "more");
	zoo_same("name", -1, access(zoo_path("data"), F_OK));
	if (zoo.arg != 2)
		return;
	zoo_sys(fstat(fd, &here));
	zoo_sys(stat(zoo_path("second"), &there));
	zoo_same("inode of the second name", there.st_ino, here.st_ino);
}

static void unlinked_sabotage(void)
{
	zoo_sys(ftruncate(fd, 3));
}

/* Descriptors of one open file share its offset, also those of another process. */
static void dup_body(void)
{
	zoo_await_go();
	zoo_await_step(0, 1);
	zoo_same("child: offset that the parent moved", 6, lseek(fd, 0, SEEK_CUR));
	zoo_sys(lseek(fd, 8, SEEK_SET));
	zoo_step(0, 2);
}

static void dup_setup(void)
{
	open_data(0);
	zoo_write(fd, "0123456789");
	zoo_sys(dup3(fd, 200, O_CLOEXEC));
	other = (int)zoo_sys(open(zoo_path("data"), O_RDONLY));
	zoo_sys(lseek(other, 1, SEEK_SET));
	child = zoo_fork(dup_body);
}

static void dup_verify(void)
{
	zoo_sys(lseek(200, 6, SEEK_SET));
	zoo_same("offset of the duplicate", 6, lseek(fd, 0, SEEK_CUR));
	zoo_same("offset of the other open file", 1, lseek(other, 0, SEEK_CUR));
	zoo_same("FD_CLOEXEC of the duplicate", FD_CLOEXEC, fcntl(200, F_GETFD));
	zoo_same("FD_CLOEXEC of the first", 0, fcntl(fd, F_GETFD));
	zoo_step(0, 1);
	zoo_await_step(0, 2);
	zoo_same("offset that the child moved", 8, lseek(fd, 0, SEEK_CUR));
	zoo_join(child);
}

static void dup_sabotage(void)
{
	close(200);
	zoo_sys(open(zoo_path("data"), O_RDWR | O_CLOEXEC));
	zoo_sys(dup3(other, 200, O_CLOEXEC));
}

static void flags_setup(void)
{
	open_data(O_NONBLOCK | O_DSYNC | O_NOATIME | O_CLOEXEC);
	zoo_sys(fcntl(fd, F_SETOWN, getpid()));
	zoo_sys(fcntl(fd, F_SETSIG, SIGUSR2));
	if (fcntl(fd, F_SET_RW_HINT, &(uint64_t){ RWH_WRITE_LIFE_SHORT }))
		return;
}

static void flags_check(void)
{
	zoo_same("F_GETFL", O_RDWR | O_NONBLOCK | O_DSYNC | O_NOATIME | 0100000,
		 fcntl(fd, F_GETFL));
	zoo_same("F_GETFD", FD_CLOEXEC, fcntl(fd, F_GETFD));
	zoo_same("F_GETOWN", getpid(), fcntl(fd, F_GETOWN));
	zoo_same("F_GETSIG", SIGUSR2, fcntl(fd, F_GETSIG));
}

static void dir_setup(void)
{
	char name[] = "a";

	zoo_sys(mkdir(zoo_path("dir"), 0755));
	other = (int)zoo_sys(open(zoo_path("dir"), O_RDONLY | O_DIRECTORY));
	for (; name[0] <= 'e'; name[0]++)
		close((int)zoo_sys(openat(other, name, O_CREAT | O_WRONLY, 0600)));
	fd = (int)zoo_sys(open(zoo_path("dir"), O_PATH | O_DIRECTORY));
}

static void dir_check(void)
{
	struct stat about;

	zoo_sys(fstatat(fd, "c", &about, 0));
	zoo_sys(faccessat(other, "d", R_OK, 0));
	zoo_want(fcntl(fd, F_GETFL) & O_PATH, "O_PATH is gone");
}

static void dir_sabotage(void)
{
	unlinkat(other, "c", 0);
}

static void devices_setup(void)
{
	fd = (int)zoo_sys(open("/dev/null", O_RDWR));
	other = (int)zoo_sys(open("/dev/zero", O_RDONLY));
	zoo_same("dup2", 300, dup2((int)zoo_sys(open("/dev/urandom", O_RDONLY)), 300));
}

static void devices_check(void)
{
	char one = 1;

	zoo_same("read of /dev/null", 0, read(fd, &one, 1));
	zoo_same("read of /dev/zero", 1, read(other, &one, 1));
	zoo_same("byte of /dev/zero", 0, one);
	zoo_same("read of /dev/urandom", 1, read(300, &one, 1));
}

static void devices_sabotage(void)
{
	close(300);
}

/* Files of /proc that a process holds: of its own and of the system. */
static void proc_setup(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", getpid());
	fd = (int)zoo_sys(open(path, O_RDONLY));
	other = (int)zoo_sys(open("/proc/loadavg", O_RDONLY));
}

static void proc_check(void)
{
	char text[512] = "";

	zoo_sys(pread(fd, text, sizeof(text) - 1, 0));
	zoo_same("pid in the open /proc file", getpid(), atoi(text));
	zoo_sys(pread(other, text, sizeof(text) - 1, 0));
}

static void close_sabotage(void)
{
	close(fd);
}

/* --- locks ----------------------------------------------------------------------------------- */

enum { FLOCK, POSIX, OFD, LEASE };

static struct flock range(short type, off_t from, off_t size)
{
	return (struct flock){ .l_type = type, .l_start = from, .l_len = size };
}

/* What another process finds: each range locked as it was, and only that one. */
static void look_at_locks(void)
{
	const int mine = (int)zoo_sys(open(zoo_path("data"), O_RDWR));
	struct flock lock;

	if (zoo.arg == FLOCK) {
		zoo_errno(EWOULDBLOCK, flock(mine, LOCK_SH | LOCK_NB));
		return;
	}
	lock = range(F_RDLCK, 100, 10);
	zoo_errno(EAGAIN, fcntl(mine, F_OFD_SETLK, &lock));
	lock = range(F_WRLCK, 200, 10);
	zoo_errno(EAGAIN, fcntl(mine, F_OFD_SETLK, &lock));
	lock = range(F_RDLCK, 200, 10);
	zoo_sys(fcntl(mine, F_OFD_SETLK, &lock));
	lock = range(F_WRLCK, 110, 90);
	zoo_sys(fcntl(mine, F_OFD_SETLK, &lock));
	close(mine);
}

static void lock_body(void)
{
	look_at_locks();
	zoo_step(0, 1);
	zoo_await_go();
	zoo_await_step(0, 2);
	look_at_locks();
	zoo_step(0, 3);
	zoo_await_step(0, 4);
	fd = (int)zoo_sys(open(zoo_path("data"), O_RDWR));
	if (zoo.arg == FLOCK)
		zoo_sys(flock(fd, LOCK_EX | LOCK_NB));
	else
		zoo_sys(fcntl(fd, F_OFD_SETLK, &(struct flock){ .l_type = F_WRLCK }));
}

static void unlock(void)
{
	if (zoo.arg == FLOCK)
		zoo_sys(flock(fd, LOCK_UN));
	else if (zoo.arg == POSIX)
		zoo_sys(fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_UNLCK }));
	else
		zoo_sys(fcntl(fd, F_OFD_SETLK, &(struct flock){ .l_type = F_UNLCK }));
}

/* The locks are ours still: what we release is free. */
static void lock_verify(void)
{
	zoo_step(0, 2);
	zoo_await_step(0, 3);
	unlock();
	zoo_step(0, 4);
	zoo_join(child);
}

static void lock_body_first(void)
{
	zoo_await_step(1, 1);
	lock_body();
}

static void lock_setup(void)
{
	child = zoo_fork(lock_body_first);
	open_data(0);
	if (zoo.arg == FLOCK) {
		zoo_sys(flock(fd, LOCK_EX));
	} else {
		const int command = zoo.arg == OFD ? F_OFD_SETLK : F_SETLK;
		struct flock lock = range(F_WRLCK, 100, 10);

		zoo_sys(fcntl(fd, command, &lock));
		lock = range(F_RDLCK, 200, 10);
		zoo_sys(fcntl(fd, command, &lock));
	}
	zoo_step(1, 1);
	zoo_await_step(0, 1);
}

/* A lease: who opens the file for writing makes the kernel send us a signal. */
static volatile int broken;

static void on_break(int number)
{
	broken = 1;
}

static void lease_setup(void)
{
	struct sigaction action = { .sa_handler = on_break };

	open_data(0);
	close(fd);
	fd = (int)zoo_sys(open(zoo_path("data"), O_RDONLY));
	zoo_sys(sigaction(SIGIO, &action, NULL));
	zoo_sys(fcntl(fd, F_SETLEASE, F_RDLCK));
}

static void lease_check(void)
{
	zoo_same("F_GETLEASE", F_RDLCK, fcntl(fd, F_GETLEASE));
}

static void lease_verify(void)
{
	zoo_errno(EWOULDBLOCK, open(zoo_path("data"), O_WRONLY | O_NONBLOCK));
	zoo_pause(50);
	zoo_same("signals for the lease", 1, broken);
}

static void lease_sabotage(void)
{
	zoo_sys(fcntl(fd, F_SETLEASE, F_UNLCK));
}

const struct zoo_case zoo_files[] = {
	{ "file-offset", offset_setup, offset_check, offset_verify, offset_sabotage },
	{ "file-append", append_setup, NULL, append_verify, append_sabotage },
	{ "file-direct", direct_setup, direct_check, NULL, flags_sabotage },
	{ "file-unlinked", unlinked_setup, unlinked_check, unlinked_verify, unlinked_sabotage },
	{ "file-tmpfile", unlinked_setup, unlinked_check, unlinked_verify, unlinked_sabotage,
	  .arg = 1 },
	{ "file-unlinked-second", unlinked_setup, unlinked_check, unlinked_verify,
	  unlinked_sabotage, .arg = 2 },
	{ "file-dup", dup_setup, NULL, dup_verify, dup_sabotage },
	{ "file-flags", flags_setup, flags_check, NULL, flags_sabotage },
	{ "file-dir", dir_setup, dir_check, NULL, dir_sabotage },
	{ "file-devices", devices_setup, devices_check, NULL, devices_sabotage },
	{ "file-proc", proc_setup, proc_check, NULL, close_sabotage },
	{ "lock-flock", lock_setup, NULL, lock_verify, unlock, .arg = FLOCK },
	{ "lock-posix", lock_setup, NULL, lock_verify, unlock, .arg = POSIX },
	{ "lock-ofd", lock_setup, NULL, lock_verify, unlock, .arg = OFD },
	{ "lock-lease", lease_setup, lease_check, lease_verify, lease_sabotage },
	{ NULL },
};
