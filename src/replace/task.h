/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process, as /proc tells of it. Nothing is stopped or changed, so what is read can be
 * a moment old, and parts of it from different moments.
 */
#ifndef UPKEEP_REPLACE_TASK_H
#define UPKEEP_REPLACE_TASK_H

#include "base/error.h"
#include "base/vec.h"
#include "replace/descriptor.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where this machine is described; tests have others. No slash at the end. */
struct uk_host_paths {
	const char *proc;    /* /proc */
	const char *sys;     /* /sys */
	const char *cgroup;  /* where cgroup2 is mounted; NULL: found by /proc/self/mountinfo */
	const char *boot;    /* /boot */
	const char *modules; /* /lib/modules */
	const char *etc;     /* /etc */
	const char *lib;     /* what comes with upkeep: UPKEEP_LIBDIR */
	const char *systemd; /* /run/systemd */
};

/* @paths, or the usual ones for NULL. */
const struct uk_host_paths *uk_host_paths_get(const struct uk_host_paths *paths);

enum uk_namespace {
	UK_NS_MNT,
	UK_NS_PID,
	UK_NS_NET,
	UK_NS_IPC,
	UK_NS_UTS,
	UK_NS_USER,
	UK_NS_CGROUP,
	UK_NS_TIME,
	UK_NS_NR,
};

struct uk_thread {
	pid_t tid;
	char state;	 /* R, S, D, T, t, Z, X, I */
	int64_t syscall; /* the call it sleeps in; -1 in none, -2 not known */
	uint64_t args[6], sp, ip;
	bool own_processors; /* it may run on others than the first thread */
};

/* A POSIX timer, timer_create(2). Its value cannot be read from outside. */
struct uk_posix_timer {
	int id, clock, signal;
};

typedef UK_VEC(struct uk_posix_timer) uk_posix_timers;

/* Mappings that a checkpoint may have trouble with; others are not listed. */
enum uk_mapping_kind {
	UK_MAPPING_DEVICE, /* VM_IO or VM_PFNMAP: memory of a device */
	UK_MAPPING_AIO,	   /* the ring of io_setup(2) */
	UK_MAPPING_SYSV,   /* shmat(2) */
	UK_MAPPING_HUGETLB,
	UK_MAPPING_DELETED, /* a file without a name, not a memfd */
	UK_MAPPING_SECRET,  /* memfd_secret(2) */
	UK_MAPPING_IO_URING,
	UK_MAPPING_PERF,
	UK_MAPPING_PACKET, /* the ring of a packet socket */
	UK_MAPPING_VAST,   /* private, of UK_VAST bytes or more, and none of the others */
	UK_MAPPING_NR_KINDS,
};

#define UK_VAST (1ull << 36)

struct uk_mapping {
	enum uk_mapping_kind kind;
	uint64_t start, end;
	bool shared, writable;
	dev_t dev;
	uint64_t ino;
	char *path; /* may be "" */
};

typedef UK_VEC(struct uk_mapping) uk_mappings;

/* A file system in the process's mount table. */
struct uk_mount {
	int id, parent;
	dev_t dev;
	char *root, *point, *type, *source;
	char *options, *super; /* of the mount, of its file system: "ro,nosuid", "rw,mode=755" */
};

typedef UK_VEC(struct uk_mount) uk_mounts;

struct uk_task {
	pid_t pid, ppid, pgid, sid;
	char *comm, *exe; /* exe is "" for a kernel thread and a zombie */
	char state;
	uid_t uid;		    /* effective */
	pid_t tracer;		    /* who traces it, or 0 */
	int seccomp;		    /* 0, 1 strict, 2 filter */
	int filters;		    /* how many seccomp filters */
	dev_t tty;		    /* controlling terminal, or 0 */
	dev_t cwd_dev, root_dev;    /* file systems of its folder and its root; 0 when not known */
	pid_t inner_pid;	    /* its number in its own PID namespace */
	uint64_t started;	    /* in clock ticks since boot */
	uint64_t rss_kib;	    /* resident memory, without what files hold */
	uint64_t swap_kib;	    /* swapped out */
	bool kernel;		    /* a kernel thread */
	bool shadow_stack;	    /* of the processor, in use */
	bool no_new_privs, ambient; /* ambient: it has ambient capabilities */
	bool plain_users; /* it has no capability, and its user namespace renumbers nobody */
	int policy;	  /* sched_getscheduler(2) with its flag; -1 when not known */
	int processors;	  /* that it may run on; 0 when not known */
	uint64_t personality, slack_ns; /* 0 when not known */
	bool no_huge;			/* PR_SET_THP_DISABLE */
	bool mce_policy;		/* it has one of its own, PR_MCE_KILL */
	bool wiped;			/* it has memory that a fork finds empty, MADV_WIPEONFORK */
	bool all_locked;		/* mlockall(2) */
	uint64_t pending; /* signals of the first thread or of all: bit 0 is number 1 */
	char *cgroup;	  /* in cgroup2, "/system.slice/cron.service" */
	char *label;	  /* of AppArmor, SELinux or Smack: "unconfined"; "" when not known */
	uint64_t ns[UK_NS_NR];
	unsigned int own_ns;  /* bit of each namespace that is not that of PID 1 */
	unsigned int unknown; /* enum uk_task_part: what could not be read */
	UK_VEC(struct uk_thread) threads;
	UK_VEC(struct uk_fd) fds;
	uk_posix_timers timers;
	uk_mappings mappings;
	uk_mounts mounts; /* empty in the mount namespace of PID 1 */
};

enum uk_task_part {
	UK_TASK_FDS = 1,
	UK_TASK_MAPPINGS = 2,
	UK_TASK_SYSCALLS = 4,
	UK_TASK_TIMERS = 8,
	UK_TASK_NAMESPACES = 16,
};

void uk_task_deinit(struct uk_task *task);

/*
 * Reads all of process @pid. UK_ERR_NOTHING when there is none. What the reader may not see,
 * or this kernel does not show, is told in task->unknown. @ret needs uk_task_deinit().
 */
struct uk_error *uk_task_read(const struct uk_host_paths *paths, pid_t pid,
			      struct uk_task *ret) uk_must_check;

/* Those that it sees: its own, or @host's, which are those of PID 1. */
const uk_mounts *uk_task_mounts(const struct uk_task *task, const uk_mounts *host);

/* Whether @fd is open by a mount that is none of @mounts; never of what has no name. */
bool uk_fd_is_outside(const struct uk_fd *fd, const uk_mounts *mounts);

/* Only pid to cgroup of the above, for walks over all processes. */
struct uk_error *uk_task_read_brief(const struct uk_host_paths *paths, pid_t pid,
				    struct uk_task *ret) uk_must_check;

/* The highest number that it or one of its threads has. */
pid_t uk_task_highest(const struct uk_task *task);

/* The system call that a thread sleeps in now, as above. Fails if the thread has ended. */
struct uk_error *uk_task_read_call(pid_t pid, pid_t tid, struct uk_thread *ret) uk_must_check;

typedef UK_VEC(pid_t) uk_pids;

/* All processes of this machine in ascending order. */
struct uk_error *uk_task_list(const struct uk_host_paths *paths, uk_pids *ret) uk_must_check;

#endif
