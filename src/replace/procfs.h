/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of /proc say: parsers of text and nothing else, see proc(5). Names of
 * processes, files and sockets are chosen by whom they belong to, so all of it is checked.
 * Texts end with NUL. What a newer kernel adds is skipped.
 */
#ifndef UPKEEP_REPLACE_PROCFS_H
#define UPKEEP_REPLACE_PROCFS_H

#include "base/error.h"
#include "replace/task.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uk_proc_stat {
	pid_t pid, ppid, pgid, sid;
	char comm[64];
	char state;
	dev_t tty;
	unsigned int flags; /* PF_..., see UK_PF_KTHREAD */
	uint64_t started;   /* clock ticks since boot */
};

#define UK_PF_KTHREAD 0x00200000 /* include/linux/sched.h */
#define UK_PF_MCE_PROCESS 0x00000080
#define UK_PF_MCE_EARLY 0x08000000

struct uk_error *uk_proc_parse_stat(const char *text, struct uk_proc_stat *ret) uk_must_check;

struct uk_proc_status {
	uid_t uid; /* effective */
	pid_t tracer, inner_pid;
	int seccomp, filters;
	uint64_t rss_kib, swap_kib; /* RssAnon and RssShmem; VmSwap */
	bool shadow_stack;
	bool no_new_privs, ambient; /* ambient: it has ambient capabilities */
	bool capable;		    /* it has capabilities, in use or permitted or to hand on */
	bool no_huge;		    /* PR_SET_THP_DISABLE */
	uint64_t pending;	    /* signals, of the first thread or of all: bit 0 is number 1 */
	char processors[2560];	    /* that it may run on, as a mask: 8192 at most */
};

struct uk_error *uk_proc_parse_status(const char *text, struct uk_proc_status *ret) uk_must_check;

/*
 * Whether each number of /proc/PID/uid_map or gid_map means the same inside and outside of the
 * namespace. A table without lines, or with others than of three numbers, does not.
 */
bool uk_proc_is_plain_map(const char *text);

/* Fills pos, flags, mount, tty, timer, watches, pidfd and locks of @fd, also in part on error. */
struct uk_error *uk_proc_parse_fdinfo(const char *text, struct uk_fd *fd) uk_must_check;

/* "running" gives -1 ("-1 SP PC" too: it sleeps, in no call). */
struct uk_error *uk_proc_parse_syscall(const char *text, struct uk_thread *thread) uk_must_check;

/* The VmFlags of /proc/PID/smaps: *@wiped_ret if a mapping has MADV_WIPEONFORK, *@locked_ret if the
 * stack is locked in memory, as mlockall(2) does it. */
void uk_proc_parse_smaps(const char *text, bool *wiped_ret, bool *locked_ret);

struct uk_error *uk_proc_parse_timers(const char *text, uk_posix_timers *ret) uk_must_check;

/* The path in cgroup2; NULL when there is none. */
struct uk_error *uk_proc_parse_cgroup(const char *text, char **ret) uk_must_check;

void uk_mount_deinit(struct uk_mount *mount);
void uk_mounts_deinit(uk_mounts *mounts);
struct uk_error *uk_proc_parse_mountinfo(const char *text, uk_mounts *ret) uk_must_check;

/* The mappings of /proc/PID/maps that are worth a word. */
void uk_mappings_deinit(uk_mappings *mappings);
struct uk_error *uk_proc_parse_maps(const char *text, uk_mappings *ret) uk_must_check;

/* How many interval timers of setitimer(2) and alarm(2) /proc/timer_list knows of. */
size_t uk_proc_count_itimers(const char *text);

/* A line of /proc/net/tcp, udp, raw (and those of IPv6), unix, packet or netlink. */
enum uk_proc_net {
	UK_PROC_INET,
	UK_PROC_UNIX,
	UK_PROC_PACKET,
	UK_PROC_NETLINK,
};

struct uk_proc_socket {
	uint64_t ino;
	int type, state, protocol;    /* state of TCP, or of unix sockets; protocol of netlink */
	char local[128], remote[128]; /* "127.0.0.1:80", "[::1]:80", a unix socket's path */
	uint64_t sent, received;      /* queued, in bytes */
};

typedef UK_VEC(struct uk_proc_socket) uk_proc_sockets;
struct uk_error *uk_proc_parse_net(const char *text, enum uk_proc_net kind,
				   uk_proc_sockets *ret) uk_must_check;

/* Digits of @base at *@at, which moves behind them; false for none and for too many. */
bool uk_proc_number(const char **at, int base, uint64_t *ret);

#endif
