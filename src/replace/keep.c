// SPDX-License-Identifier: GPL-2.0-or-later
/* The keep set: names to services, services to processes. */
#include "replace/keep.h"

#include "base/file.h"
#include "base/map.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/procfs.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#define SMALL (4 << 20)
#define DEPTH_MAX 32 /* of cgroups */

static void destroy_tasks(struct uk_service *service)
{
	uk_vec_for_each(task, &service->tasks)
		uk_task_deinit(task);
	uk_vec_deinit(&service->tasks);
}

static void deinit_service(struct uk_service *service)
{
	destroy_tasks(service);
	free(service->name);
	free(service->unit);
	free(service->cgroup);
	free(service->type);
}

void uk_keep_deinit(struct uk_keep *keep)
{
	uk_vec_for_each(service, &keep->services)
		deinit_service(service);
	uk_vec_deinit(&keep->services);
}

const struct uk_service *uk_keep_find(const struct uk_keep *keep, pid_t pid,
				      const struct uk_task **task_ret)
{
	uk_vec_for_each(service, &keep->services) {
		uk_vec_for_each(task, &service->tasks) {
			if (task->pid != pid)
				continue;
			if (task_ret)
				*task_ret = task;
			return service;
		}
	}
	return NULL;
}

/* Where cgroup2 is mounted. */
static struct uk_error *find_cgroup2(const struct uk_host_paths *paths, char **ret)
{
	uk_auto_free char *path = NULL, *text = NULL;
	paths = uk_host_paths_get(paths);
	if (paths->cgroup)
		return uk_strdup(paths->cgroup, ret);
	struct uk_error *err = uk_asprintf(&path, "%s/self/mountinfo", paths->proc);
	if (!err)
		err = uk_file_read(path, SMALL, &text, NULL);
	uk_mounts mounts = {};
	if (!err)
		err = uk_proc_parse_mountinfo(text, &mounts);
	bool found = false;
	for (size_t i = 0; i < mounts.len && !err && !found; i++) {
		found = !strcmp(mounts.data[i].type, "cgroup2");
		if (found)
			err = uk_strdup(mounts.data[i].point, ret);
	}
	uk_mounts_deinit(&mounts);
	if (!err && !found)
		err = uk_error_create(UK_ERR_REFUSED,
				      "no cgroup2 is mounted, so that units cannot be found: "
				      "name processes by their numbers");
	return err;
}

/* Calls @each for the folders in @path; @each says true to end it. */
typedef bool (*folder_fn)(const char *path, const char *name, void *ctx);

static bool for_each_folder(const char *path, folder_fn each, void *ctx)
{
	uk_auto_closedir DIR *dir = opendir(path);
	struct dirent *entry;
	bool done = false;
	while (dir && !done && (entry = readdir(dir))) {
		char below[PATH_MAX];
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >=
			    (int)sizeof(below))
			continue;
		done = each(below, entry->d_name, ctx);
	}
	return done;
}

struct search {
	const char *name;
	int depth;
	char *found;
};

static bool look_for(const char *path, const char *name, void *ctx)
{
	struct search *search = ctx;
	if (!strcmp(name, search->name)) {
		search->found = strdup(path);
		return true;
	}
	if (search->depth >= DEPTH_MAX)
		return false;
	search->depth++;
	bool done = for_each_folder(path, look_for, search);
	search->depth--;
	return done;
}

/* The cgroup of a unit by its folder's name; NULL when it has none. */
static struct uk_error *find_cgroup(const char *top, const char *unit, char **ret)
{
	struct search search = { .name = unit };
	if (for_each_folder(top, look_for, &search) && !search.found)
		return uk_error_nomem();
	uk_auto_free char *found = search.found;
	*ret = NULL;
	return found ? uk_strdup(found + strlen(top), ret) : NULL;
}

static struct uk_error *add_pids(const char *path, uk_pids *pids)
{
	uk_auto_free char *name = NULL, *text = NULL;
	struct uk_error *err = uk_asprintf(&name, "%s/cgroup.procs", path);
	if (!err)
		err = uk_file_read(name, SMALL, &text, NULL);
	for (const char *at = text; !err && *at; at++) {
		uint64_t pid;
		if (!uk_proc_number(&at, 10, &pid) || pid > INT_MAX || *at != '\n')
			return uk_error_create(UK_ERR_INVALID, "%s: it is no list of processes",
					       name);
		/* 0 is one that this PID namespace does not show. */
		if (pid && !uk_vec_push(pids, (pid_t)pid))
			return uk_error_nomem();
	}
	return err;
}

struct gather {
	uk_pids *pids;
	int depth;
	struct uk_error *err;
};

static bool gather_below(const char *path, const char *name, void *ctx)
{
	struct gather *gather = ctx;
	gather->err = add_pids(path, gather->pids);
	if (gather->err || gather->depth >= DEPTH_MAX)
		return gather->err;
	gather->depth++;
	bool done = for_each_folder(path, gather_below, gather);
	gather->depth--;
	return done;
}

/* All processes of a cgroup and of those below it. */
static struct uk_error *list_cgroup(const struct uk_host_paths *paths, const char *cgroup,
				    uk_pids *ret)
{
	uk_auto_free char *top = NULL, *path = NULL;
	struct uk_error *err = find_cgroup2(paths, &top);
	if (!err)
		err = uk_asprintf(&path, "%s%s", top, cgroup);
	if (err)
		return err;
	struct gather gather = { .pids = ret };
	(void)gather_below(path, "", &gather);
	return gather.err;
}

/* @root and all below it: passes over all processes until none is added. */
static struct uk_error *list_tree(const struct uk_host_paths *paths, pid_t root, uk_pids *ret)
{
	uk_pids all = {};
	uk_auto_map struct uk_map parents = {}, chosen = {};
	struct uk_error *err = uk_task_list(paths, &all);
	for (size_t i = 0; i < all.len && !err; i++) {
		struct uk_task task;
		uk_auto_error struct uk_error *gone = uk_task_read_brief(paths, all.data[i], &task);
		if (gone)
			continue;
		struct uk_map_entry *entry = uk_map_insert_num(&parents, task.pid, NULL);
		if (entry)
			entry->num = (uint64_t)task.ppid;
		else
			err = uk_error_nomem();
		uk_task_deinit(&task);
	}
	uk_vec_deinit(&all);
	if (!err && !uk_map_insert_num(&chosen, root, NULL))
		err = uk_error_nomem();
	if (!err && !uk_vec_push(ret, root))
		err = uk_error_nomem();
	for (size_t before = 0; !err && before != ret->len;) {
		before = ret->len;
		uk_map_for_each(entry, &parents) {
			uint64_t pid;
			bool added = false;
			memcpy(&pid, entry->key, sizeof(pid));
			if (!uk_map_find_num(&chosen, entry->num))
				continue;
			if (!uk_map_insert_num(&chosen, pid, &added) ||
			    (added && !uk_vec_push(ret, (pid_t)pid)))
				return uk_error_nomem();
		}
	}
	return err;
}

static int compare_tasks(const void *a, const void *b)
{
	const struct uk_task *one = a, *other = b;
	return (one->pid > other->pid) - (one->pid < other->pid);
}

/* Who asks is no part of what is kept. One that has ended meanwhile is none, too. */
static struct uk_error *add_task(const struct uk_host_paths *paths, pid_t pid,
				 struct uk_service *service)
{
	struct uk_task task;
	if (pid == getpid())
		return NULL;
	struct uk_error *err = uk_task_read(paths, pid, &task);
	if (err && uk_error_kind(err) == UK_ERR_NOTHING) {
		uk_error_destroy(err);
		return NULL;
	}
	if (err)
		return err;
	if (uk_vec_push(&service->tasks, task))
		return NULL;
	uk_task_deinit(&task);
	return uk_error_nomem();
}

static struct uk_error *read_tasks(const struct uk_host_paths *paths, struct uk_service *service)
{
	uk_pids pids = {};
	struct uk_error *err = service->kind == UK_SERVICE_TREE
				       ? list_tree(paths, service->main_pid, &pids)
				       : list_cgroup(paths, service->cgroup, &pids);
	destroy_tasks(service);
	for (size_t i = 0; i < pids.len && !err; i++)
		err = add_task(paths, pids.data[i], service);
	uk_vec_deinit(&pids);
	if (err)
		return uk_error_wrap(err, "%s", service->name);
	if (!service->tasks.len)
		return uk_error_create(UK_ERR_USAGE, "%s: no process of it is there",
				       service->name);
	qsort(service->tasks.data, service->tasks.len, sizeof(*service->tasks.data), compare_tasks);
	return NULL;
}

/* "Key=value" in what systemctl or loginctl says; copied, NULL when empty. */
static char *property(const char *text, const char *key)
{
	size_t len = strlen(key);
	for (const char *line = text; line && *line; line = strchrnul(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) || line[len] != '=')
			continue;
		const char *value = line + len + 1;
		return *value && *value != '\n' ? strndup(value, strcspn(value, "\n")) : NULL;
	}
	return NULL;
}

static pid_t pid_property(const char *text, const char *key)
{
	uint64_t pid = 0;
	uk_auto_free char *value = property(text, key);
	const char *at = value;
	return at && uk_proc_number(&at, 10, &pid) && !*at && pid <= INT_MAX ? (pid_t)pid : 0;
}

/* What systemd knows of a unit; where it does not run, nothing is. */
static void ask_systemd(struct uk_service *service, char **cgroup_ret)
{
	uk_auto_free char *text = NULL;
	uk_auto_error struct uk_error *silent = uk_process_call(
		&text, "systemctl", "show", "--property=Id,MainPID,Type,ControlGroup", "--",
		service->unit, NULL);
	if (silent)
		return;
	service->main_pid = pid_property(text, "MainPID");
	service->type = property(text, "Type");
	*cgroup_ret = property(text, "ControlGroup");
	uk_auto_free char *id = property(text, "Id");
	if (id && *cgroup_ret) {
		free(service->unit);
		service->unit = uk_take(id);
	}
}

static void ask_logind(struct uk_service *service, const char *id)
{
	uk_auto_free char *text = NULL;
	uk_auto_error struct uk_error *silent = uk_process_call(
		&text, "loginctl", "show-session", "--property=Leader", "--", id, NULL);
	if (!silent)
		service->main_pid = pid_property(text, "Leader");
}

/* Without a word of systemd: the first process whose parent is none of them. */
static pid_t guess_main(const struct uk_service *service)
{
	uk_vec_for_each(task, &service->tasks) {
		bool inner = false;
		uk_vec_for_each(other, &service->tasks)
			inner |= other->pid == task->ppid;
		if (!inner)
			return task->pid;
	}
	return 0;
}

static struct uk_error *find_unit(const struct uk_host_paths *paths, struct uk_service *service)
{
	uk_auto_free char *top = NULL, *told = NULL;
	struct uk_error *err = find_cgroup2(paths, &top);
	if (err)
		return err;
	if (service->kind == UK_SERVICE_UNIT)
		ask_systemd(service, &told);
	err = find_cgroup(top, service->unit, &service->cgroup);
	if (!err && !service->cgroup && told)
		service->cgroup = uk_take(told);
	if (!err && !service->cgroup)
		return uk_error_create(UK_ERR_USAGE,
				       "%s: no such unit runs: see `systemctl list-units'",
				       service->name);
	return err;
}

static bool is_unit_name(const char *name)
{
	for (const char *at = name; *at; at++) {
		if (!isalnum((unsigned char)*at) && !strchr(":-_.\\@", *at))
			return false;
	}
	return isalnum((unsigned char)*name) && strlen(name) < 256;
}

static struct uk_error *name_unit(const char *name, struct uk_service *service)
{
	static const char *const suffixes[] = { ".service", ".scope", ".socket", ".slice" };
	bool full = false;
	if (!is_unit_name(name))
		return uk_error_create(UK_ERR_USAGE,
				       "'%s' is no unit, process or session (session:3)", name);
	for (size_t i = 0; i < UK_ARRAY_SIZE(suffixes); i++)
		full |= uk_str_ends(name, suffixes[i]);
	service->kind = UK_SERVICE_UNIT;
	struct uk_error *err = uk_asprintf(&service->unit, "%s%s", name, full ? "" : ".service");
	return err ? err : uk_strdup(service->unit, &service->name);
}

static struct uk_error *name_session(const char *id, struct uk_service *service)
{
	size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789");
	if (!len || (id[len] && strcmp(id + len, ".scope")))
		return uk_error_create(UK_ERR_USAGE, "'%s' is no session", id);
	service->kind = UK_SERVICE_SESSION;
	struct uk_error *err = uk_asprintf(&service->name, "session %.*s", (int)len, id);
	if (!err)
		err = uk_asprintf(&service->unit, "session-%.*s.scope", (int)len, id);
	if (!err)
		ask_logind(service, service->name + strlen("session "));
	return err;
}

static struct uk_error *name_tree(const struct uk_host_paths *paths, const char *number,
				  struct uk_service *service)
{
	uint64_t pid;
	struct uk_task task;
	const char *at = number;
	if (!uk_proc_number(&at, 10, &pid) || *at || !pid || pid > INT_MAX)
		return uk_error_create(UK_ERR_USAGE, "'%s' is no number of a process", number);
	service->kind = UK_SERVICE_TREE;
	service->main_pid = (pid_t)pid;
	struct uk_error *err = uk_asprintf(&service->name, "pid %d", service->main_pid);
	if (!err)
		err = uk_task_read_brief(paths, service->main_pid, &task);
	if (err && uk_error_kind(err) == UK_ERR_NOTHING) {
		uk_error_destroy(err);
		return uk_error_create(UK_ERR_USAGE, "no process %s is there", number);
	}
	if (err)
		return err;
	if (task.kernel || task.pid == 1)
		err = uk_error_create(UK_ERR_USAGE, "pid %d (%s) %s", task.pid, task.comm,
				      task.kernel ? "is a thread of the kernel itself"
						  : "is the first process, which is not kept");
	else
		err = uk_strdup(task.cgroup ? task.cgroup : "/", &service->cgroup);
	uk_task_deinit(&task);
	return err;
}

static struct uk_error *resolve_one(const struct uk_host_paths *paths, const char *name,
				    struct uk_service *service)
{
	bool number = *name && !name[strspn(name, "0123456789")];
	struct uk_error *err;
	if (number || uk_str_starts(name, "pid:"))
		err = name_tree(paths, number ? name : name + strlen("pid:"), service);
	else if (uk_str_starts(name, "session:"))
		err = name_session(name + strlen("session:"), service);
	else if (uk_str_starts(name, "session-"))
		err = name_session(name + strlen("session-"), service);
	else
		err = name_unit(name, service);
	if (!err && service->kind != UK_SERVICE_TREE)
		err = find_unit(paths, service);
	if (!err)
		err = read_tasks(paths, service);
	if (!err && !service->main_pid)
		service->main_pid = guess_main(service);
	return err;
}

/* A process in two services would be restored twice. */
static struct uk_error *check_overlap(const struct uk_keep *keep, const struct uk_service *service)
{
	uk_vec_for_each(task, &service->tasks) {
		const struct uk_service *other = uk_keep_find(keep, task->pid, NULL);
		if (other)
			return uk_error_create(UK_ERR_USAGE,
					       "process %d (%s) belongs to %s and to %s: keep one "
					       "of them",
					       task->pid, task->comm, other->name, service->name);
	}
	return NULL;
}

struct uk_error *uk_keep_resolve(const struct uk_host_paths *paths, const char *const *names,
				 size_t nr, struct uk_keep *ret)
{
	*ret = (struct uk_keep){};
	for (size_t i = 0; i < nr; i++) {
		struct uk_service service = {};
		struct uk_error *err = resolve_one(paths, names[i], &service);
		if (!err)
			err = check_overlap(ret, &service);
		if (!err && !uk_vec_push(&ret->services, service))
			err = uk_error_nomem();
		if (err) {
			deinit_service(&service);
			return err;
		}
	}
	return NULL;
}

struct uk_error *uk_keep_refresh(const struct uk_host_paths *paths, struct uk_keep *keep)
{
	uk_vec_for_each(service, &keep->services) {
		struct uk_error *err = read_tasks(paths, service);
		if (err)
			return err;
	}
	return NULL;
}
