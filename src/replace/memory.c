// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of the host that lie in memory and that kept services need. */
#include "replace/memory.h"

#include "base/process.h"
#include "base/strbuf.h"
#include "replace/carry.h"

#include <string.h>
#include <sys/socket.h>

static const char archive_name[] = "memory.tar";

/* What tells who sets up the network that it is set up: ifupdown, systemd-networkd. */
static const char *const host_paths[] = { "/run/network", "/run/systemd/netif" };

struct list {
	const struct uk_plan *plan;
	uk_memory_paths *paths;
};

void uk_memory_paths_deinit(uk_memory_paths *paths)
{
	uk_vec_for_each(path, paths)
		free(*path);
	uk_vec_deinit(paths);
}

static bool is_below(const char *path, const char *point)
{
	size_t len = strlen(point);
	return !strncmp(path, point, len) && path[len] == '/';
}

/* By the mount of the host that it lies on: the deepest. */
static bool is_in_memory(const struct uk_plan *plan, const char *path)
{
	const struct uk_plan_mount *on = NULL;
	uk_vec_for_each(mount, &plan->mounts) {
		if (is_below(path, mount->point) &&
		    (!on || strlen(mount->point) > strlen(on->point)))
			on = mount;
	}
	return on && !strcmp(on->type, "tmpfs");
}

/* @alone: the folder without what is in it. Paths elsewhere are passed over. */
static struct uk_error *add(struct list *list, const char *path, bool alone)
{
	char *copy = NULL;
	if (*path != '/' || !is_in_memory(list->plan, path))
		return NULL;
	struct uk_error *err = uk_asprintf(&copy, "%s%s", path + 1, alone ? "/" : "");
	if (!err && !uk_vec_push(list->paths, copy)) {
		free(copy);
		err = uk_error_nomem();
	}
	return err;
}

static struct uk_error *add_above(struct list *list, const char *path)
{
	uk_auto_free char *copy = NULL;
	struct uk_error *err = uk_strdup(path, &copy);
	char *slash = err ? NULL : strrchr(copy, '/');
	if (!slash)
		return err;
	*slash = '\0';
	return add(list, copy, true);
}

static struct uk_error *add_view(struct list *list, const uk_plan_mounts *view)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(mount, view) {
		if (!err)
			err = add(list, mount->point, true);
		if (!err && mount->from && !mount->inside)
			err = add(list, mount->from, is_in_memory(list->plan, mount->point));
	}
	return err;
}

static struct uk_error *add_open(struct list *list, const struct uk_sockets *sockets,
				 const struct uk_task *task)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(fd, &task->fds) {
		const struct uk_socket *socket =
			fd->kind == UK_FD_SOCKET ? uk_sockets_find(sockets, fd->ino) : NULL;
		if (err)
			break;
		if (socket && socket->family == AF_UNIX && *socket->local == '/')
			err = add_above(list, socket->local);
		else if (!fd->deleted && *fd->link == '/')
			err = add(list, fd->link, fd->kind == UK_FD_FOLDER);
	}
	return err;
}

/* "RuntimeDirectory=redis other", "PIDFile=/run/nginx.pid" */
static struct uk_error *add_property(struct list *list, char *line)
{
	char *value = strchr(line, '='), *save = NULL;
	struct uk_error *err = NULL;
	if (!value)
		return NULL;
	*value++ = '\0';
	if (!strcmp(line, "PIDFile"))
		return add(list, value, false);
	for (char *name = strtok_r(value, " ", &save); name && !err;
	     name = strtok_r(NULL, " ", &save)) {
		uk_auto_free char *path = NULL;
		err = uk_asprintf(&path, "/run/%s", name);
		if (!err)
			err = add(list, path, false);
	}
	return err;
}

static struct uk_error *add_unit(struct list *list, const char *unit)
{
	uk_auto_free char *text = NULL;
	char *save = NULL;
	struct uk_error *err = uk_process_call(&text, "systemctl", "show", "-p", "PIDFile", "-p",
					       "RuntimeDirectory", unit, NULL);
	for (char *line = err ? NULL : strtok_r(text, "\n", &save); line && !err;
	     line = strtok_r(NULL, "\n", &save))
		err = add_property(list, line);
	return err;
}

static struct uk_error *collect(struct list *list, const struct uk_keep *keep,
				const struct uk_sockets *sockets)
{
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(host_paths); i++)
		err = add(list, host_paths[i], false);
	uk_vec_for_each(service, &list->plan->services) {
		if (!err)
			err = add_view(list, &service->view);
		if (!err && service->unit)
			err = add_unit(list, service->unit);
	}
	uk_vec_for_each(service, &keep->services) {
		uk_vec_for_each(task, &service->tasks) {
			if (!err)
				err = add_open(list, sockets, task);
		}
	}
	return err;
}

static struct uk_error *archive_path(const char *dir, char **ret)
{
	return uk_asprintf(ret, "%s/%s", dir, archive_name);
}

struct uk_error *uk_memory_list(const struct uk_plan *plan, const struct uk_keep *keep,
				const struct uk_sockets *sockets, uk_memory_paths *ret)
{
	struct list list = { .plan = plan, .paths = ret };
	uk_auto_free char *shm = NULL;
	struct uk_error *err = collect(&list, keep, sockets);
	if (!err)
		err = uk_strdup("dev/shm", &shm);
	if (!err && !uk_vec_push(ret, uk_take(shm)))
		err = uk_error_nomem();
	return uk_error_wrap(err, "files in memory");
}

struct uk_error *uk_memory_save(const uk_memory_paths *paths, const char *dir)
{
	uk_auto_free char *archive = NULL;
	struct uk_error *err = archive_path(dir, &archive);
	if (!err)
		err = uk_carry_pack("/", (const char *const *)paths->data, paths->len, archive);
	return uk_error_wrap(err, "files in memory");
}

struct uk_error *uk_memory_restore(const char *dir)
{
	uk_auto_free char *archive = NULL;
	struct uk_error *err = archive_path(dir, &archive);
	if (!err)
		err = uk_carry_unpack(archive, "/");
	return uk_error_wrap(err, "files in memory");
}
