/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One open file descriptor, as /proc/PID/fd and /proc/PID/fdinfo tell of it. */
#ifndef UPKEEP_REPLACE_DESCRIPTOR_H
#define UPKEEP_REPLACE_DESCRIPTOR_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum uk_fd_kind {
	UK_FD_FILE, /* a regular file; see deleted */
	UK_FD_FOLDER,
	UK_FD_LINK,   /* a symbolic link, opened with O_PATH */
	UK_FD_DEVICE, /* a character device that is no terminal; see rdev */
	UK_FD_BLOCK,
	UK_FD_TERMINAL,	  /* a serial line, a virtual terminal, /dev/console */
	UK_FD_PTY,	  /* the end of a pty that a program runs on */
	UK_FD_PTY_MASTER, /* /dev/ptmx */
	UK_FD_OWN_TTY,	  /* /dev/tty: whatever the controlling terminal is */
	UK_FD_PIPE,
	UK_FD_FIFO, /* a pipe with a name */
	UK_FD_SOCKET,
	UK_FD_MEMFD,
	UK_FD_EVENTFD,
	UK_FD_EPOLL,
	UK_FD_SIGNALFD,
	UK_FD_TIMERFD,
	UK_FD_INOTIFY,
	UK_FD_FANOTIFY,
	UK_FD_PIDFD,
	UK_FD_IO_URING,
	UK_FD_BPF,
	UK_FD_PERF,
	UK_FD_USERFAULTFD,
	UK_FD_NAMESPACE,
	UK_FD_ANON, /* another kind of anonymous inode; its name is in the link */
	UK_FD_NR_KINDS,
};

/* State of a timerfd. Times in nanoseconds. */
struct uk_timerfd {
	int clock;		 /* CLOCK_... */
	uint64_t ticks;		 /* expired that often and not read */
	unsigned int flags;	 /* of timerfd_settime(): 1 is absolute */
	uint64_t left, interval; /* left is what remains, whatever the flags */
};

/* A lock that is held through this descriptor. */
struct uk_fd_lock {
	char kind[16];	 /* FLOCK, POSIX, OFDLCK, LEASE, DELEG */
	char access[16]; /* READ, WRITE, UNLCK */
	pid_t owner;	 /* -1 for OFDLCK */
};

struct uk_fd {
	int number;
	enum uk_fd_kind kind;
	char *link; /* what /proc/PID/fd/N points to, "socket:[31337]" */
	uint64_t pos;
	unsigned int flags; /* O_..., with O_CLOEXEC */
	int mount;	    /* of /proc/PID/mountinfo; -1 when not known */
	dev_t dev, rdev;
	uint64_t ino; /* of pipes and sockets the number in the link */
	uint64_t size;
	uint32_t fs;	   /* of a file: f_type of statfs(2); 0 when not known */
	bool deleted;	   /* the name is gone */
	bool stat_ok;	   /* dev, rdev, ino and size are known */
	char protocol[16]; /* of a socket: "TCP", "UNIX-STREAM", "AF_VSOCK"; "" when not known */
	int tty;	   /* of a pty master: the number of its other end; -1 when not known */
	struct uk_timerfd timer;
	unsigned int watches; /* of epoll, inotify and fanotify: how many are watched */
	bool edges;	      /* of epoll: something is watched with EPOLLET */
	bool semaphore;	      /* of an eventfd: EFD_SEMAPHORE, */
	bool semaphore_told;  /* which is known: kernels from 6.5 on tell */
	pid_t pidfd;	      /* whom a pidfd means; -1 when it has ended */
	UK_VEC(struct uk_fd_lock) locks;
};

void uk_fd_deinit(struct uk_fd *fd);

/* Reads descriptor @number of the process whose folder in /proc is open as @proc. */
struct uk_error *uk_fd_read(int proc, int number, struct uk_fd *ret) uk_must_check;

/* "file", "timerfd": what a person calls it. */
const char *uk_fd_kind_name(enum uk_fd_kind kind);

#endif
