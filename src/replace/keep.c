// SPDX-License-Identifier: GPL-2.0-or-later
/* The keep set: names to services, services to processes. */
#include "replace/keep.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/members.h"
#include "replace/procfs.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

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
	uk_vec_for_each(service, &keep->left_out)
		deinit_service(service);
	uk_vec_deinit(&keep->left_out);
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

struct uk_error *uk_service_list(const struct uk_host_paths *paths,
				 const struct uk_service *service, uk_pids *ret)
{
	return service->kind == UK_SERVICE_TREE ? uk_members_of_tree(paths, service->main_pid, ret)
						: uk_members_of_cgroup(paths, service->cgroup, ret);
}

static struct uk_error *read_tasks(const struct uk_host_paths *paths, struct uk_service *service)
{
	uk_pids pids = {};
	struct uk_error *err = uk_service_list(paths, service, &pids);
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

static pid_t pid_property(const char *text, const char *key)
{
	uint64_t pid = 0;
	uk_auto_free char *value = uk_str_value(text, key);
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
	service->type = uk_str_value(text, "Type");
	*cgroup_ret = uk_str_value(text, "ControlGroup");
	uk_auto_free char *id = uk_str_value(text, "Id");
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
	struct uk_error *err = uk_members_find_top(paths, &top);
	if (err)
		return err;
	if (service->kind == UK_SERVICE_UNIT)
		ask_systemd(service, &told);
	err = uk_members_find_cgroup(top, service->unit, &service->cgroup);
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

/* Which one is meant, without its processes. */
static struct uk_error *find_service(const struct uk_host_paths *paths, const char *name,
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
	return err || service->kind == UK_SERVICE_TREE ? err : find_unit(paths, service);
}

static struct uk_error *resolve_one(const struct uk_host_paths *paths, const char *name,
				    struct uk_service *service)
{
	struct uk_error *err = find_service(paths, name, service);
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

static bool is_same(const struct uk_service *one, const struct uk_service *other)
{
	return one->kind == other->kind &&
	       (one->kind == UK_SERVICE_TREE ? one->main_pid == other->main_pid
					     : !strcmp(one->cgroup, other->cgroup));
}

static struct uk_error *leave_out(const struct uk_service *meant, struct uk_keep *keep)
{
	for (size_t i = 0; i < keep->services.len; i++) {
		struct uk_service *service = &keep->services.data[i];
		if (!is_same(service, meant))
			continue;
		if (!uk_vec_push(&keep->left_out, *service))
			return uk_error_nomem();
		keep->services.len--;
		memmove(service, service + 1, (keep->services.len - i) * sizeof(*service));
		return NULL;
	}
	return uk_error_create(UK_ERR_USAGE, "%s is not kept, and cannot be left out", meant->name);
}

struct uk_error *uk_keep_leave_out(const struct uk_host_paths *paths, const char *const *names,
				   size_t nr, struct uk_keep *keep)
{
	for (size_t i = 0; i < nr; i++) {
		struct uk_service meant = {};
		struct uk_error *err = find_service(paths, names[i], &meant);
		if (!err)
			err = leave_out(&meant, keep);
		deinit_service(&meant);
		if (err)
			return err;
	}
	if (nr && !keep->services.len)
		return uk_error_create(UK_ERR_USAGE, "all is left out, and nothing would be kept");
	return NULL;
}

static struct uk_error *has_process(const struct uk_host_paths *paths,
				    const struct uk_service *service, pid_t wanted, bool *ret)
{
	uk_pids pids = {};
	struct uk_error *err = uk_service_list(paths, service, &pids);
	uk_vec_for_each(pid, &pids)
		*ret |= *pid == wanted;
	uk_vec_deinit(&pids);
	return err;
}

struct uk_error *uk_keep_has(const struct uk_host_paths *paths, const char *const *names, size_t nr,
			     pid_t pid, bool *ret)
{
	struct uk_error *err = NULL;
	*ret = false;
	for (size_t i = 0; i < nr && !err && !*ret; i++) {
		struct uk_service meant = {};
		err = find_service(paths, names[i], &meant);
		if (!err)
			err = has_process(paths, &meant, pid, ret);
		deinit_service(&meant);
	}
	return err;
}
