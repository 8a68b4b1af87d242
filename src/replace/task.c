// SPDX-License-Identifier: GPL-2.0-or-later
/* One process: joins what the files below /proc/PID say. */
#include "replace/task.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#define SMALL (1 << 20)
#define MAPS_LIMIT (64 << 20) /* 65,530 mappings with long paths */
#define SMAPS_LIMIT (192 << 20)

const struct uk_host_paths *uk_host_paths_get(const struct uk_host_paths *paths)
{
	static const struct uk_host_paths usual = {
		.proc = "/proc",
		.sys = "/sys",
		.boot = "/boot",
		.modules = "/lib/modules",
		.etc = "/etc",
		.lib = UPKEEP_LIBDIR,
		.systemd = "/run/systemd",
	};
	return paths ? paths : &usual;
}

void uk_task_deinit(struct uk_task *task)
{
	free(task->comm);
	free(task->exe);
	free(task->cgroup);
	free(task->label);
	uk_vec_for_each(fd, &task->fds)
		uk_fd_deinit(fd);
	uk_vec_deinit(&task->fds);
	uk_vec_deinit(&task->threads);
	uk_vec_deinit(&task->timers);
	uk_mappings_deinit(&task->mappings);
	uk_mounts_deinit(&task->mounts);
	*task = (struct uk_task){};
}

/* A file below the folder that is open as @dir. */
static struct uk_error *read_below(int dir, const char *name, size_t limit, char **ret)
{
	char path[96];
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	struct uk_error *err = uk_file_read(path, limit, ret, NULL);
	return err ? uk_error_wrap(err, "%s", name) : NULL;
}

/* The numbers that a folder's names are, ascending. */
static struct uk_error *list_numbers(int dir, const char *name, uk_pids *ret)
{
	char path[96];
	char **names;
	size_t nr;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	struct uk_error *err = uk_dir_list(path, &names, &nr);
	if (err)
		return err;
	for (size_t i = 0; i < nr && !err; i++) {
		const char *at = names[i];
		uint64_t number;
		if (uk_proc_number(&at, 10, &number) && !*at && number <= INT_MAX &&
		    !uk_vec_push(ret, (pid_t)number))
			err = uk_error_nomem();
	}
	uk_strv_destroy(names, nr);
	return err;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t one = *(const pid_t *)a, other = *(const pid_t *)b;
	return (one > other) - (one < other);
}

static struct uk_error *list_sorted(int dir, const char *name, uk_pids *ret)
{
	struct uk_error *err = list_numbers(dir, name, ret);
	if (!err && ret->len)
		qsort(ret->data, ret->len, sizeof(*ret->data), compare_pids);
	return err;
}

struct uk_error *uk_task_list(const struct uk_host_paths *paths, uk_pids *ret)
{
	const char *proc = uk_host_paths_get(paths)->proc;
	uk_auto_close int dir = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return uk_error_errno(errno, "open %s", proc);
	return list_sorted(dir, ".", ret);
}

static struct uk_error *read_stat(int dir, struct uk_task *task)
{
	uk_auto_free char *text = NULL;
	struct uk_proc_stat stat;
	struct uk_error *err = read_below(dir, "stat", SMALL, &text);
	if (!err)
		err = uk_proc_parse_stat(text, &stat);
	if (err)
		return err;
	task->pid = stat.pid;
	task->ppid = stat.ppid;
	task->pgid = stat.pgid;
	task->sid = stat.sid;
	task->state = stat.state;
	task->tty = stat.tty;
	task->started = stat.started;
	task->kernel = stat.flags & UK_PF_KTHREAD;
	task->mce_policy = stat.flags & (UK_PF_MCE_PROCESS | UK_PF_MCE_EARLY);
	return uk_strdup(stat.comm, &task->comm);
}

static bool has_plain_map(int dir, const char *name)
{
	uk_auto_free char *text = NULL;
	uk_auto_error struct uk_error *none = read_below(dir, name, SMALL, &text);
	return !none && uk_proc_is_plain_map(text);
}

static struct uk_error *read_status(int dir, struct uk_task *task)
{
	uk_auto_free char *text = NULL;
	struct uk_proc_status status;
	struct uk_error *err = read_below(dir, "status", SMALL, &text);
	if (!err)
		err = uk_proc_parse_status(text, &status);
	if (err)
		return err;
	task->uid = status.uid;
	task->tracer = status.tracer;
	task->inner_pid = status.inner_pid;
	task->seccomp = status.seccomp;
	task->filters = status.filters;
	task->rss_kib = status.rss_kib;
	task->swap_kib = status.swap_kib;
	task->shadow_stack = status.shadow_stack;
	task->no_huge = status.no_huge;
	task->pending = status.pending;
	task->no_new_privs = status.no_new_privs;
	task->ambient = status.ambient;
	task->plain_users = !status.capable && !status.ambient && has_plain_map(dir, "uid_map") &&
			    has_plain_map(dir, "gid_map");
	return NULL;
}

static struct uk_error *read_cgroup(int dir, struct uk_task *task)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err = read_below(dir, "cgroup", SMALL, &text);
	return err ? err : uk_proc_parse_cgroup(text, &task->cgroup);
}

/* "unconfined\n", "/usr/sbin/named (enforce)\n" */
static struct uk_error *read_label(int dir, struct uk_task *task)
{
	uk_auto_free char *text = NULL;
	uk_auto_error struct uk_error *none = read_below(dir, "attr/current", SMALL, &text);
	if (none)
		return uk_strdup("", &task->label);
	text[strcspn(text, "\n")] = '\0';
	return uk_strdup(text, &task->label);
}

static uint64_t read_number(int dir, const char *name, int base)
{
	uint64_t number = 0;
	uk_auto_free char *text = NULL;
	uk_auto_error struct uk_error *none = read_below(dir, name, SMALL, &text);
	const char *at = text;
	return !none && uk_proc_number(&at, base, &number) ? number : 0;
}

/* What the scheduler and the execution domain were told of it. */
static void read_settings(int dir, struct uk_task *task)
{
	cpu_set_t set;
	task->policy = sched_getscheduler(task->pid);
	task->processors = sched_getaffinity(task->pid, sizeof(set), &set) ? 0 : CPU_COUNT(&set);
	task->personality = read_number(dir, "personality", 16);
	task->slack_ns = read_number(dir, "timerslack_ns", 10);
}

static struct uk_error *read_exe(int dir, struct uk_task *task)
{
	char exe[PATH_MAX + 1];
	ssize_t len = readlinkat(dir, "exe", exe, sizeof(exe) - 1);
	exe[len > 0 ? len : 0] = '\0';
	return uk_strdup(exe, &task->exe);
}

static dev_t read_place(int dir, const char *name)
{
	struct stat st;
	return fstatat(dir, name, &st, 0) < 0 ? 0 : st.st_dev;
}

static const char *const ns_files[UK_NS_NR] = {
	[UK_NS_MNT] = "ns/mnt",	      [UK_NS_PID] = "ns/pid",	[UK_NS_NET] = "ns/net",
	[UK_NS_IPC] = "ns/ipc",	      [UK_NS_UTS] = "ns/uts",	[UK_NS_USER] = "ns/user",
	[UK_NS_CGROUP] = "ns/cgroup", [UK_NS_TIME] = "ns/time",
};

/* "net:[4026531840]"; 0 when it cannot be read. */
static uint64_t read_namespace(int dir, enum uk_namespace ns)
{
	char link[64];
	uint64_t number = 0;
	ssize_t len = readlinkat(dir, ns_files[ns], link, sizeof(link) - 1);
	link[len > 0 ? len : 0] = '\0';
	const char *at = strchr(link, '[');
	return at && (at++, uk_proc_number(&at, 10, &number)) ? number : 0;
}

/* Of PID 1, or of the kernel's threads where a guard keeps that one from being looked at. */
static uint64_t read_host_namespace(const int *hosts, size_t nr, enum uk_namespace ns)
{
	uint64_t number = 0;
	for (size_t i = 0; i < nr && !number; i++)
		number = hosts[i] >= 0 ? read_namespace(hosts[i], ns) : 0;
	return number;
}

static void read_namespaces(int proc, int dir, struct uk_task *task)
{
	uk_auto_close int init = openat(proc, "1", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uk_auto_close int thread = openat(proc, "2", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const int hosts[] = { init, thread };
	for (enum uk_namespace ns = 0; ns < UK_NS_NR; ns++) {
		uint64_t host = read_host_namespace(hosts, UK_ARRAY_SIZE(hosts), ns);
		task->ns[ns] = read_namespace(dir, ns);
		if (!host || !task->ns[ns])
			task->unknown |= UK_TASK_NAMESPACES;
		else if (host != task->ns[ns])
			task->own_ns |= 1u << ns;
	}
}

/* State and system call of a thread; a thread may be gone. */
static struct uk_error *read_thread(int dir, pid_t tid, struct uk_task *task)
{
	char name[64];
	struct uk_thread thread = { .tid = tid, .syscall = -2 };
	struct uk_proc_stat stat;
	uk_auto_free char *text = NULL, *call = NULL;
	snprintf(name, sizeof(name), "task/%d/stat", tid);
	uk_auto_error struct uk_error *gone = read_below(dir, name, SMALL, &text);
	if (gone)
		return NULL;
	struct uk_error *err = uk_proc_parse_stat(text, &stat);
	if (err)
		return err;
	thread.state = stat.state;
	snprintf(name, sizeof(name), "task/%d/syscall", tid);
	uk_auto_error struct uk_error *hidden = read_below(dir, name, SMALL, &call);
	if (hidden || !*call)
		task->unknown |= UK_TASK_SYSCALLS;
	else
		err = uk_proc_parse_syscall(call, &thread);
	if (!err && !uk_vec_push(&task->threads, thread))
		err = uk_error_nomem();
	return err;
}

/* Which threads may run on other processors than the first. */
static struct uk_error *compare_processors(int dir, struct uk_task *task)
{
	struct uk_proc_status first = {}, other;
	uk_vec_for_each(thread, &task->threads) {
		char name[64];
		uk_auto_free char *text = NULL;
		snprintf(name, sizeof(name), "task/%d/status", thread->tid);
		uk_auto_error struct uk_error *gone = read_below(dir, name, SMALL, &text);
		if (gone)
			continue;
		struct uk_error *err = uk_proc_parse_status(text, &other);
		if (err)
			return err;
		if (thread == task->threads.data)
			first = other;
		thread->own_processors = strcmp(first.processors, other.processors);
	}
	return NULL;
}

static struct uk_error *read_threads(int dir, struct uk_task *task)
{
	uk_pids tids = {};
	struct uk_error *err = list_sorted(dir, "task", &tids);
	for (size_t i = 0; i < tids.len && !err; i++)
		err = read_thread(dir, tids.data[i], task);
	if (!err && task->threads.len > 1)
		err = compare_processors(dir, task);
	uk_vec_deinit(&tids);
	return err;
}

/* A descriptor that was closed meanwhile is none. */
static struct uk_error *read_fd(int dir, int number, struct uk_task *task)
{
	char name[32], link[2];
	struct uk_fd fd;
	struct uk_error *err = uk_fd_read(dir, number, &fd);
	if (!err) {
		if (uk_vec_push(&task->fds, fd))
			return NULL;
		uk_fd_deinit(&fd);
		return uk_error_nomem();
	}
	snprintf(name, sizeof(name), "fd/%d", number);
	if (readlinkat(dir, name, link, sizeof(link)) >= 0)
		return uk_error_wrap(err, "descriptor %d", number);
	uk_error_destroy(err);
	return NULL;
}

static struct uk_error *read_fds(int dir, struct uk_task *task)
{
	uk_pids numbers = {};
	uk_auto_error struct uk_error *hidden = list_sorted(dir, "fd", &numbers);
	struct uk_error *err = NULL;
	if (hidden)
		task->unknown |= UK_TASK_FDS;
	for (size_t i = 0; i < numbers.len && !err; i++)
		err = read_fd(dir, numbers.data[i], task);
	uk_vec_deinit(&numbers);
	return err;
}

static struct uk_error *read_maps(int dir, struct uk_task *task)
{
	uk_auto_free char *text = NULL;
	uk_auto_free char *flags = NULL;
	uk_auto_error struct uk_error *hidden = read_below(dir, "maps", MAPS_LIMIT, &text);
	uk_auto_error struct uk_error *untold = read_below(dir, "smaps", SMAPS_LIMIT, &flags);
	if (!untold)
		uk_proc_parse_smaps(flags, &task->wiped, &task->all_locked);
	if (!hidden && !untold)
		return uk_proc_parse_maps(text, &task->mappings);
	task->unknown |= UK_TASK_MAPPINGS;
	return NULL;
}

static struct uk_error *read_timers(int dir, struct uk_task *task)
{
	uk_auto_free char *text = NULL;
	uk_auto_error struct uk_error *hidden = read_below(dir, "timers", SMALL, &text);
	if (!hidden)
		return uk_proc_parse_timers(text, &task->timers);
	task->unknown |= UK_TASK_TIMERS;
	return NULL;
}

static struct uk_error *read_mounts(int dir, struct uk_task *task)
{
	uk_auto_free char *text = NULL;
	if (!(task->own_ns & (1u << UK_NS_MNT)))
		return NULL;
	struct uk_error *err = read_below(dir, "mountinfo", MAPS_LIMIT, &text);
	return err ? err : uk_proc_parse_mountinfo(text, &task->mounts);
}

static struct uk_error *read_identity(int proc, int dir, struct uk_task *task)
{
	struct uk_error *err = read_stat(dir, task);
	if (!err)
		err = read_status(dir, task);
	if (!err)
		err = read_cgroup(dir, task);
	if (!err)
		err = read_exe(dir, task);
	task->cwd_dev = read_place(dir, "cwd");
	task->root_dev = read_place(dir, "root");
	if (!err)
		read_namespaces(proc, dir, task);
	return err;
}

static struct uk_error *read_resources(int dir, struct uk_task *task)
{
	struct uk_error *err = read_threads(dir, task);
	if (task->state == 'Z' || task->state == 'X')
		return err;
	if (!err)
		err = read_fds(dir, task);
	if (!err)
		err = read_maps(dir, task);
	if (!err)
		err = read_timers(dir, task);
	if (!err)
		err = read_label(dir, task);
	read_settings(dir, task);
	if (!err)
		err = read_mounts(dir, task);
	return err;
}

/* Why something of /proc/PID could not be read: the process may have ended. */
static struct uk_error *explain(struct uk_error *err, int dir, pid_t pid)
{
	char byte;
	uk_auto_close int stat = dir < 0 ? -1 : openat(dir, "stat", O_RDONLY | O_CLOEXEC);
	if (stat >= 0 && read(stat, &byte, 1) == 1)
		return uk_error_wrap(err, "process %d", pid);
	uk_error_destroy(err);
	return uk_error_create(UK_ERR_NOTHING, "no process %d is there", pid);
}

static struct uk_error *read_task(const struct uk_host_paths *paths, pid_t pid, bool brief,
				  struct uk_task *ret)
{
	char name[16];
	struct uk_task task = {};
	const char *path = uk_host_paths_get(paths)->proc;
	uk_auto_close int proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return uk_error_errno(errno, "open %s", path);
	snprintf(name, sizeof(name), "%d", pid);
	uk_auto_close int dir = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct uk_error *err =
		dir < 0 ? uk_error_errno(errno, "open") : read_identity(proc, dir, &task);
	if (!err && !brief)
		err = read_resources(dir, &task);
	if (err) {
		uk_task_deinit(&task);
		return explain(err, dir, pid);
	}
	*ret = task;
	return NULL;
}

struct uk_error *uk_task_read(const struct uk_host_paths *paths, pid_t pid, struct uk_task *ret)
{
	return read_task(paths, pid, false, ret);
}

struct uk_error *uk_task_read_brief(const struct uk_host_paths *paths, pid_t pid,
				    struct uk_task *ret)
{
	return read_task(paths, pid, true, ret);
}

pid_t uk_task_highest(const struct uk_task *task)
{
	pid_t highest = task->pid;
	uk_vec_for_each(thread, &task->threads)
		highest = thread->tid > highest ? thread->tid : highest;
	return highest;
}

struct uk_error *uk_task_read_call(pid_t pid, pid_t tid, struct uk_thread *ret)
{
	char path[64];
	uk_auto_free char *text = NULL;
	*ret = (struct uk_thread){ .tid = tid, .syscall = -2 };
	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	struct uk_error *err = uk_file_read(path, SMALL, &text, NULL);
	return err ? err : uk_proc_parse_syscall(text, ret);
}

const uk_mounts *uk_task_mounts(const struct uk_task *task, const uk_mounts *host)
{
	return task->mounts.len ? &task->mounts : host;
}

bool uk_fd_is_outside(const struct uk_fd *fd, const uk_mounts *mounts)
{
	if (*fd->link != '/' || fd->kind == UK_FD_MEMFD || fd->mount < 0)
		return false;
	uk_vec_for_each(mount, mounts) {
		if (mount->id == fd->mount)
			return false;
	}
	return true;
}
