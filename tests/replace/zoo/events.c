// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptors that tell of events. Timers have a file of their own. */
#include "zoo.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fd = -1, ends[2], second[2];

/* --- epoll ----------------------------------------------------------------------------------- */

static void watch(int epoll, int what, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	zoo_sys(epoll_ctl(epoll, EPOLL_CTL_ADD, what, &event));
}

/* What is reported now: the data of one event, 0 without any. */
static uint64_t reported(int epoll)
{
	struct epoll_event events[4];
	const int count = (int)zoo_sys(epoll_wait(epoll, events, 4, 0));

	zoo_want(count <= 1, "epoll_wait: wanted one event at most, found %d", count);
	return count ? events[0].data.u64 : 0;
}

static const uint64_t tag = 0x8877665544332211;

static void epoll_setup(void)
{
	fd = (int)zoo_sys(epoll_create1(EPOLL_CLOEXEC));
	zoo_sys(pipe(ends));
	watch(fd, ends[0], EPOLLIN | (uint32_t)zoo.arg, tag);
}

static void epoll_level_check(void)
{
	zoo_same("events", 0, (long long)reported(fd));
}

static void epoll_level_verify(void)
{
	char byte;

	zoo_write(ends[1], "x");
	zoo_same("data", (long long)tag, (long long)reported(fd));
	zoo_same("data, once more", (long long)tag, (long long)reported(fd));
	zoo_same("read", 1, read(ends[0], &byte, 1));
	zoo_same("events of an empty pipe", 0, (long long)reported(fd));
}

/* Edge: what was reported before is not reported again, what comes is, once. */
static void epoll_edge_setup(void)
{
	epoll_setup();
	zoo_write(ends[1], "x");
	zoo_same("data", (long long)tag, (long long)reported(fd));
}

static void epoll_edge_verify(void)
{
	zoo_write(ends[1], "y");
	zoo_same("data of the new edge", (long long)tag, (long long)reported(fd));
	zoo_same("events after it", 0, (long long)reported(fd));
}

/* One shot: off after its event, till it is armed again. */
static void epoll_oneshot_verify(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.u64 = tag + 1 };

	zoo_write(ends[1], "y");
	zoo_same("events of what is off", 0, (long long)reported(fd));
	zoo_sys(epoll_ctl(fd, EPOLL_CTL_MOD, ends[0], &event));
	zoo_same("data", (long long)tag + 1, (long long)reported(fd));
}

/* An edge that nobody has fetched yet is still there. */
static void epoll_unfetched_setup(void)
{
	epoll_setup();
	zoo_write(ends[1], "x");
}

static void epoll_unfetched_verify(void)
{
	zoo_same("data", (long long)tag, (long long)reported(fd));
	zoo_same("events after it", 0, (long long)reported(fd));
}

static void epoll_nested_setup(void)
{
	epoll_setup();
	second[0] = (int)zoo_sys(epoll_create1(0));
	watch(second[0], fd, EPOLLIN, 42);
}

static void epoll_nested_verify(void)
{
	zoo_same("events", 0, (long long)reported(second[0]));
	zoo_write(ends[1], "x");
	zoo_same("data of the outer one", 42, (long long)reported(second[0]));
	zoo_same("data of the inner one", (long long)tag, (long long)reported(fd));
}

/* The watched descriptor's number is closed; a duplicate keeps what is watched alive. */
static void epoll_dup_setup(void)
{
	epoll_setup();
	second[0] = dup(ends[0]);
	close(ends[0]);
	ends[0] = -1;
}

static void epoll_dup_verify(void)
{
	zoo_write(ends[1], "x");
	zoo_same("data", (long long)tag, (long long)reported(fd));
}

static void epoll_sabotage(void)
{
	struct epoll_event event = { .events = EPOLLIN | (uint32_t)zoo.arg, .data.u64 = 5 };

	if (ends[0] < 0)
		close(second[0]);
	else
		zoo_sys(epoll_ctl(fd, EPOLL_CTL_MOD, ends[0], &event));
}

/* --- eventfd, signalfd ----------------------------------------------------------------------- */

static void eventfd_setup(void)
{
	fd = (int)zoo_sys(eventfd(5, EFD_NONBLOCK | (zoo.arg ? EFD_SEMAPHORE : 0)));
	second[0] = (int)zoo_sys(eventfd(0, EFD_NONBLOCK));
}

static void eventfd_verify(void)
{
	uint64_t count;

	for (int i = 0; i < (zoo.arg ? 5 : 1); i++) {
		zoo_same("read", 8, zoo_sys(read(fd, &count, 8)));
		zoo_same("count", zoo.arg ? 1 : 5, count);
	}
	zoo_errno(EAGAIN, read(fd, &count, 8));
	zoo_errno(EAGAIN, read(second[0], &count, 8));
}

static void eventfd_sabotage(void)
{
	eventfd_write(fd, 1);
}

static void signalfd_setup(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 3);
	zoo_sys(sigprocmask(SIG_BLOCK, &set, NULL));
	fd = (int)zoo_sys(signalfd(-1, &set, SFD_NONBLOCK));
	zoo_sys(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = 77 }));
	zoo_sys(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = 78 }));
}

static void signalfd_verify(void)
{
	struct signalfd_siginfo info;

	for (int i = 77; i <= 78; i++) {
		zoo_same("read", sizeof(info), zoo_sys(read(fd, &info, sizeof(info))));
		zoo_same("signal", SIGRTMIN + 3, info.ssi_signo);
		zoo_same("value", i, info.ssi_int);
		zoo_same("sender", getpid(), info.ssi_pid);
	}
	zoo_errno(EAGAIN, read(fd, &info, sizeof(info)));
	raise(SIGUSR1);
	zoo_same("read", sizeof(info), zoo_sys(read(fd, &info, sizeof(info))));
	zoo_same("signal", SIGUSR1, info.ssi_signo);
}

static void signalfd_sabotage(void)
{
	struct signalfd_siginfo info;

	zoo_sys(read(fd, &info, sizeof(info)));
}

/* --- inotify, fanotify -------------------------------------------------------------------------
 */

static int watches[2];

static void touch(const char *path)
{
	close((int)zoo_sys(open(path, O_WRONLY | O_CREAT, 0600)));
}

static void inotify_setup(void)
{
	char rest[4096];

	zoo_sys(mkdir(zoo_path("dir"), 0755));
	touch(zoo_path("file"));
	fd = (int)zoo_sys(inotify_init1(IN_NONBLOCK));
	watches[0] = (int)zoo_sys(inotify_add_watch(fd, zoo_path("dir"), IN_CREATE | IN_ONLYDIR));
	zoo_sys(inotify_rm_watch(fd, inotify_add_watch(fd, zoo.dir, IN_DELETE)));
	watches[1] = (int)zoo_sys(inotify_add_watch(fd, zoo_path("file"), IN_CLOSE_WRITE));
	while (read(fd, rest, sizeof(rest)) > 0)
		;
	if (zoo.arg)
		touch(zoo_path("dir/new"));
}

static void next_event(int watch_id, uint32_t mask, const char *name)
{
	static char buffer[4096] __attribute__((aligned(8)));
	static ssize_t have, used;
	const struct inotify_event *event;

	if (used >= have) {
		used = 0;
		have = read(fd, buffer, sizeof(buffer));
		zoo_want(have > 0, "no event of watch %d", watch_id);
	}
	event = (const struct inotify_event *)(buffer + used);
	used += (ssize_t)(sizeof(*event) + event->len);
	zoo_same("watch", watch_id, event->wd);
	zoo_same("event", mask, event->mask);
	zoo_text("name", name, event->len ? event->name : "");
}

static void inotify_verify(void)
{
	char rest[64];

	if (zoo.arg)
		next_event(watches[0], IN_CREATE, "new");
	zoo_errno(EAGAIN, read(fd, rest, sizeof(rest)));
	zoo_sys(mkdir(zoo_path("dir/later"), 0755));
	touch(zoo_path("file"));
	next_event(watches[0], IN_CREATE | IN_ISDIR, "later");
	next_event(watches[1], IN_CLOSE_WRITE, "");
	zoo_errno(EAGAIN, read(fd, rest, sizeof(rest)));
}

static void inotify_sabotage(void)
{
	char rest[4096];

	zoo_sys(inotify_rm_watch(fd, watches[0]));
	while (read(fd, rest, sizeof(rest)) > 0)
		;
}

static void fanotify_setup(void)
{
	touch(zoo_path("file"));
	fd = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY);
	if (fd < 0)
		zoo_skip("fanotify_init: %s", strerror(errno));
	zoo_sys(fanotify_mark(fd, FAN_MARK_ADD, FAN_CLOSE_WRITE, AT_FDCWD, zoo_path("file")));
}

static void fanotify_verify(void)
{
	struct fanotify_event_metadata event;

	touch(zoo_path("file"));
	zoo_same("read", sizeof(event), zoo_sys(read(fd, &event, sizeof(event))));
	zoo_same("event", FAN_CLOSE_WRITE, event.mask);
}

static void fanotify_sabotage(void)
{
	zoo_sys(fanotify_mark(fd, FAN_MARK_FLUSH, 0, AT_FDCWD, "."));
}

/* --- pidfd, AIO, io_uring, BPF, perf, userfaultfd: a refusal is the least that is wanted ----- */

static pid_t child;

static void child_body(void)
{
	for (;;)
		zoo_idle();
}

static void pidfd_setup(void)
{
	child = zoo_fork(child_body);
	fd = (int)zoo_sys(syscall(SYS_pidfd_open, child, 0));
}

static void pidfd_verify(void)
{
	struct pollfd about = { .fd = fd, .events = POLLIN };

	zoo_empty(fd);
	zoo_sys(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
	zoo_same("poll", 1, poll(&about, 1, 5000));
}

static void close_sabotage(void)
{
	close(fd);
}

static aio_context_t aio;

static void aio_setup(void)
{
	if (syscall(SYS_io_setup, 16, &aio))
		zoo_skip("io_setup: %s", strerror(errno));
	fd = (int)zoo_sys(open(zoo_path("data"), O_RDWR | O_CREAT, 0600));
}

static void aio_verify(void)
{
	static char text[] = "asynchronous";
	struct iocb request = { .aio_lio_opcode = IOCB_CMD_PWRITE,
				.aio_fildes = (uint32_t)fd,
				.aio_buf = (uintptr_t)text,
				.aio_nbytes = sizeof(text),
				.aio_data = 99 };
	struct iocb *list[] = { &request };
	struct io_event event = { 0 };

	zoo_same("io_submit", 1, zoo_sys(syscall(SYS_io_submit, aio, 1, list)));
	zoo_same("io_getevents", 1, zoo_sys(syscall(SYS_io_getevents, aio, 1, 1, &event, NULL)));
	zoo_same("data", 99, event.data);
	zoo_same("result", sizeof(text), event.res);
}

static void aio_sabotage(void)
{
	zoo_sys(syscall(SYS_io_destroy, aio));
}

static void uring_setup(void)
{
	struct io_uring_params params = { 0 };

	fd = (int)syscall(SYS_io_uring_setup, 8, &params);
	if (fd < 0)
		zoo_skip("io_uring_setup: %s", strerror(errno));
}

static void uring_verify(void)
{
	zoo_sys(syscall(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 0));
}

static void userfault_setup(void)
{
	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		zoo_skip("userfaultfd: %s", strerror(errno));
}

static void open_check(void)
{
	zoo_sys(fcntl(fd, F_GETFD));
}

const struct zoo_case zoo_events[] = {
	{ "epoll-level", epoll_setup, epoll_level_check, epoll_level_verify, epoll_sabotage },
	{ "epoll-edge", epoll_edge_setup, NULL, epoll_edge_verify, epoll_sabotage,
	  .arg = (long)EPOLLET },
	{ "epoll-edge-seen", epoll_edge_setup, epoll_level_check, NULL, epoll_sabotage,
	  .arg = (long)EPOLLET },
	{ "epoll-edge-unfetched", epoll_unfetched_setup, NULL, epoll_unfetched_verify,
	  epoll_sabotage, .arg = (long)EPOLLET },
	{ "epoll-oneshot", epoll_edge_setup, epoll_level_check, epoll_oneshot_verify,
	  epoll_sabotage, .arg = EPOLLONESHOT },
	{ "epoll-nested", epoll_nested_setup, NULL, epoll_nested_verify, epoll_sabotage },
	{ "epoll-dup", epoll_dup_setup, NULL, epoll_dup_verify, epoll_sabotage },
	{ "eventfd", eventfd_setup, NULL, eventfd_verify, eventfd_sabotage },
	{ "eventfd-semaphore", eventfd_setup, NULL, eventfd_verify, eventfd_sabotage, .arg = 1 },
	{ "signalfd", signalfd_setup, NULL, signalfd_verify, signalfd_sabotage },
	{ "inotify", inotify_setup, NULL, inotify_verify, inotify_sabotage },
	{ "inotify-queued", inotify_setup, NULL, inotify_verify, inotify_sabotage, .arg = 1 },
	{ "fanotify", fanotify_setup, NULL, fanotify_verify, fanotify_sabotage },
	{ "pidfd", pidfd_setup, NULL, pidfd_verify, close_sabotage },
	{ "aio", aio_setup, NULL, aio_verify, aio_sabotage },
	{ "io_uring", uring_setup, NULL, uring_verify, close_sabotage },
	{ "userfaultfd", userfault_setup, open_check, NULL, close_sabotage },
	{ NULL },
};
