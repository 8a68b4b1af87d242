// SPDX-License-Identifier: GPL-2.0-or-later
/* Who has which socket and pipe open. */
#include "replace/owners.h"

#include "base/map.h"
#include "base/strbuf.h"
#include "replace/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct owner {
	uint64_t ino;
	pid_t pid;
};

struct process {
	char *name, *cgroup; /* the latter may be NULL */
	pid_t parent;
};

struct uk_owners {
	UK_VEC(struct owner) owners; /* by ino, then by pid */
	UK_VEC(struct process) processes;
	struct uk_map by_pid; /* pid to index into processes */
};

void uk_owners_destroy(struct uk_owners *owners)
{
	if (!owners)
		return;
	uk_vec_for_each(process, &owners->processes) {
		free(process->name);
		free(process->cgroup);
	}
	uk_vec_deinit(&owners->processes);
	uk_vec_deinit(&owners->owners);
	uk_map_deinit(&owners->by_pid);
	free(owners);
}

/* The number in "socket:[1]" and "pipe:[1]", 0 for other links. */
static uint64_t shared_number(const char *link)
{
	uint64_t ino = 0;
	const char *at = uk_str_starts(link, "socket:[") ? link + 8
			 : uk_str_starts(link, "pipe:[") ? link + 6
							 : NULL;
	return at && uk_proc_number(&at, 10, &ino) ? ino : 0;
}

static struct uk_error *add_links(DIR *dir, pid_t pid, struct uk_owners *owners)
{
	struct dirent *entry;
	while ((entry = readdir(dir))) {
		char link[64];
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		link[len > 0 ? len : 0] = '\0';
		uint64_t ino = shared_number(link);
		if (ino && !uk_vec_push(&owners->owners, (struct owner){ ino, pid }))
			return uk_error_nomem();
	}
	return NULL;
}

static struct uk_error *add_identity(struct uk_task *task, struct uk_owners *owners)
{
	uk_auto_free char *name = NULL;
	struct uk_error *err = uk_strdup(task->comm, &name);
	if (err)
		return err;
	struct uk_map_entry *entry = uk_map_insert_num(&owners->by_pid, (uint64_t)task->pid, NULL);
	const struct process process = { name, task->cgroup, task->ppid };
	if (!entry || !uk_vec_push(&owners->processes, process))
		return uk_error_nomem();
	entry->num = owners->processes.len - 1;
	(void)uk_take(name);
	(void)uk_take(task->cgroup);
	return NULL;
}

/* A process that has ended, or that we may not look into, has nothing. */
static struct uk_error *add_process(const struct uk_host_paths *paths, pid_t pid,
				    struct uk_owners *owners)
{
	struct uk_task task;
	uk_auto_free char *path = NULL;
	uk_auto_error struct uk_error *gone = uk_task_read_brief(paths, pid, &task);
	if (gone)
		return NULL;
	struct uk_error *err = add_identity(&task, owners);
	uk_task_deinit(&task);
	if (!err)
		err = uk_asprintf(&path, "%s/%d/fd", uk_host_paths_get(paths)->proc, pid);
	if (err)
		return err;
	uk_auto_closedir DIR *dir = opendir(path);
	return dir ? add_links(dir, pid, owners) : NULL;
}

static int compare_owners(const void *a, const void *b)
{
	const struct owner *one = a, *other = b;
	if (one->ino != other->ino)
		return one->ino > other->ino ? 1 : -1;
	return (one->pid > other->pid) - (one->pid < other->pid);
}

struct uk_error *uk_owners_read(const struct uk_host_paths *paths, struct uk_owners **ret)
{
	uk_pids pids = {};
	uk_auto_owners struct uk_owners *owners = calloc(1, sizeof(*owners));
	if (!owners)
		return uk_error_nomem();
	struct uk_error *err = uk_task_list(paths, &pids);
	for (size_t i = 0; i < pids.len && !err; i++)
		err = add_process(paths, pids.data[i], owners);
	uk_vec_deinit(&pids);
	if (err)
		return err;
	if (owners->owners.len)
		qsort(owners->owners.data, owners->owners.len, sizeof(struct owner),
		      compare_owners);
	*ret = uk_take(owners);
	return NULL;
}

/* Index of the first owner of @ino; that of the next number when there is none. */
static size_t first_owner(const struct uk_owners *owners, uint64_t ino)
{
	size_t low = 0, high = owners->owners.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (owners->owners.data[middle].ino < ino)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct process *find_process(const struct uk_owners *owners, pid_t pid)
{
	struct uk_map_entry *entry = uk_map_find_num(&owners->by_pid, (uint64_t)pid);
	return entry ? &owners->processes.data[entry->num] : NULL;
}

static bool is_in_cgroup(const struct process *process, const char *cgroup)
{
	size_t len = strlen(cgroup);
	return process->cgroup && !strncmp(process->cgroup, cgroup, len) &&
	       (!process->cgroup[len] || process->cgroup[len] == '/');
}

static const struct uk_service *find_unit(const struct uk_keep *keep, const struct process *process)
{
	uk_vec_for_each(service, &keep->services) {
		if (service->kind != UK_SERVICE_TREE && is_in_cgroup(process, service->cgroup))
			return service;
	}
	return NULL;
}

/* The service that is kept with the first one above the process that was there then. */
static const struct uk_service *find_tree(const struct uk_owners *owners,
					  const struct uk_keep *keep, const struct process *process)
{
	for (size_t i = 0; process && i < owners->processes.len; i++) {
		const struct uk_service *service = uk_keep_find(keep, process->parent, NULL);
		if (service)
			return service->kind == UK_SERVICE_TREE ? service : NULL;
		process = find_process(owners, process->parent);
	}
	return NULL;
}

const struct uk_service *uk_owners_service(const struct uk_owners *owners,
					   const struct uk_keep *keep, pid_t pid)
{
	const struct uk_service *service = uk_keep_find(keep, pid, NULL);
	const struct process *process = find_process(owners, pid);
	if (!service && process)
		service = find_unit(keep, process);
	return service ? service : find_tree(owners, keep, process);
}

pid_t uk_owners_outside(const struct uk_owners *owners, uint64_t ino, const struct uk_keep *keep,
			const struct uk_service *service)
{
	for (size_t i = first_owner(owners, ino);
	     i < owners->owners.len && owners->owners.data[i].ino == ino; i++) {
		pid_t pid = owners->owners.data[i].pid;
		const struct uk_service *found = uk_owners_service(owners, keep, pid);
		if (pid != getpid() && (!found || (service && found != service)))
			return pid;
	}
	return 0;
}

pid_t uk_owners_any(const struct uk_owners *owners, uint64_t ino)
{
	size_t i = first_owner(owners, ino);
	return i < owners->owners.len && owners->owners.data[i].ino == ino
		       ? owners->owners.data[i].pid
		       : 0;
}

const char *uk_owners_name(const struct uk_owners *owners, pid_t pid)
{
	const struct process *process = find_process(owners, pid);
	return process ? process->name : "";
}
