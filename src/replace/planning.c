// SPDX-License-Identifier: GPL-2.0-or-later
/* What the new kernel has to know, written down. */
#include "replace/swap.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/journal.h"
#include "replace/keep.h"
#include "replace/paths.h"
#include "replace/view.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct uk_error *name_swap(struct uk_swap *swap)
{
	struct utsname name;
	if (uname(&name) < 0)
		return uk_error_errno(errno, "uname");
	uk_swap_key_make(&swap->key);
	struct uk_error *err = uk_strdup(swap->key.id, &swap->plan.id);
	if (!err)
		err = uk_strdup(swap->key.id, &swap->report->id);
	if (!err)
		err = uk_strdup(name.release, &swap->plan.old_release);
	if (!err)
		err = uk_strdup(swap->options->release, &swap->plan.new_release);
	if (!err)
		err = uk_strdup(name.nodename, &swap->plan.hostname);
	return err ? err : uk_asprintf(&swap->dir, UK_SWAPS "/%s", swap->key.id);
}

/* Adds a number that is not there yet. */
#define ADD_ONCE(vec, number)                                                                      \
	({                                                                                         \
		bool known = false;                                                                \
		uk_vec_for_each(one, vec)                                                          \
			known |= *one == (number);                                                 \
		known || uk_vec_push(vec, number) ? NULL : uk_error_nomem();                       \
	})

/* "127.0.0.1:80", "[::1]:80" */
static uint64_t port_of(const struct uk_socket *socket)
{
	const char *colon = strrchr(socket->local, ':');
	return colon ? strtoul(colon + 1, NULL, 10) : 0;
}

static struct uk_error *plan_stream(const struct uk_sockets *sockets, const struct uk_fd *fd,
				    struct uk_plan_service *to)
{
	struct uk_plan_stream stream;
	uk_vec_for_each(known, &to->journal) {
		if (known->ino == fd->ino)
			return NULL;
	}
	struct uk_error *err = uk_journal_note(NULL, sockets, fd, &stream);
	if (!err && !uk_vec_push(&to->journal, stream)) {
		free(stream.state);
		err = uk_error_nomem();
	}
	return err;
}

/* What has to be known of a socket before it is dumped. */
static struct uk_error *plan_socket(struct uk_swap *swap, const struct uk_fd *fd,
				    struct uk_plan_service *to)
{
	const struct uk_socket *socket = uk_sockets_find(swap->sockets, fd->ino);
	if (!socket)
		return NULL;
	if (uk_journal_is_ours(swap->sockets, fd->ino))
		return plan_stream(swap->sockets, fd, to);
	if ((socket->family == AF_INET || socket->family == AF_INET6) && port_of(socket))
		return ADD_ONCE(&swap->plan.ports, port_of(socket));
	return NULL;
}

static struct uk_error *plan_sockets(struct uk_swap *swap, const struct uk_service *from,
				     struct uk_plan_service *to)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(task, &from->tasks) {
		uk_vec_for_each(fd, &task->fds) {
			if (!err && fd->kind == UK_FD_SOCKET)
				err = plan_socket(swap, fd, to);
		}
	}
	return err;
}

static bool has_mount(const struct uk_task *task, int id)
{
	uk_vec_for_each(mount, &task->mounts) {
		if (mount->id == id)
			return true;
	}
	return false;
}

/* One that is open by a mount of the host's. */
static struct uk_error *plan_outside(const struct uk_fd *fd, struct uk_plan_service *to)
{
	uk_auto_free char *id = NULL;
	struct uk_error *err =
		uk_asprintf(&id, "file[%x:%jx]", (unsigned int)fd->mount, (uintmax_t)fd->ino);
	uk_vec_for_each(known, &to->outside) {
		if (!err && !strcmp(known->id, id))
			return NULL;
	}
	if (!err && fd->deleted)
		err = uk_error_create(UK_ERR_REFUSED,
				      "%s is deleted, and open by a mount that its "
				      "namespace does not have",
				      fd->link);
	if (!err && !uk_vec_push(&to->outside,
				 (struct uk_plan_outside){ .flags = fd->flags, .pos = fd->pos }))
		err = uk_error_nomem();
	if (err)
		return err;
	struct uk_plan_outside *file = &to->outside.data[to->outside.len - 1];
	file->id = uk_take(id);
	return uk_strdup(fd->link, &file->path);
}

static struct uk_error *plan_descriptors(const struct uk_service *from, struct uk_plan_service *to)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(task, &from->tasks) {
		uk_vec_for_each(fd, &task->fds) {
			if (!err && to->view.len && *fd->link == '/' && fd->mount >= 0 &&
			    !has_mount(task, fd->mount))
				err = plan_outside(fd, to);
		}
	}
	return err;
}

static const struct uk_task *main_task(const struct uk_service *service)
{
	uk_vec_for_each(task, &service->tasks) {
		if (task->pid == service->main_pid)
			return task;
	}
	return NULL;
}

static void enter_uts(void *arg)
{
	const int *ns = arg;
	if (setns(*ns, CLONE_NEWUTS) < 0)
		_exit(126);
}

/* The name that a service with a UTS namespace of its own (ProtectHostname=) has for the host. */
static struct uk_error *plan_host_name(const struct uk_task *task, struct uk_plan_service *to)
{
	static const char *const argv[] = { "uname", "-n", NULL };
	char path[64];
	if (!(task->own_ns & (1u << UK_NS_UTS)))
		return NULL;
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", task->pid);
	uk_auto_close int ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return uk_error_errno(errno, "%s", path);
	const struct uk_process process = { .argv = argv,
					    .in_child = enter_uts,
					    .in_child_arg = &ns };
	struct uk_error *err = uk_process_check(&process, &to->host_name);
	if (!err)
		to->host_name[strcspn(to->host_name, "\n")] = '\0';
	return err;
}

/* Its folder of images, and its view, whose archives lie in there. */
static struct uk_error *plan_files(struct uk_swap *swap, const struct uk_service *from,
				   struct uk_plan_service *to)
{
	uk_auto_free char *images = NULL, *prefix = NULL;
	const struct uk_task *task = main_task(from);
	if (!task)
		return uk_error_create(UK_ERR_REFUSED, "it has no main process");
	struct uk_error *err = uk_asprintf(&images, "%s/%s", swap->dir, to->images);
	if (!err)
		err = uk_dir_make(images, 0700);
	if (!err)
		err = uk_asprintf(&prefix, "%s/mount", to->images);
	if (!err)
		err = uk_view_list(task, &swap->mounts, prefix, &to->view);
	return err ? err : plan_host_name(task, to);
}

static struct uk_error *plan_service(struct uk_swap *swap, const struct uk_service *from)
{
	if (!uk_vec_push(&swap->plan.services, (struct uk_plan_service){}))
		return uk_error_nomem();
	struct uk_plan_service *to = &swap->plan.services.data[swap->plan.services.len - 1];
	to->main_pid = from->main_pid;
	struct uk_error *err = uk_strdup(from->name, &to->name);
	if (!err && from->unit)
		err = uk_strdup(from->unit, &to->unit);
	if (!err)
		err = uk_strdup(from->cgroup, &to->cgroup);
	if (!err)
		err = uk_asprintf(&to->images, "service-%zu", swap->plan.services.len - 1);
	if (!err)
		err = plan_files(swap, from, to);
	if (!err)
		err = plan_descriptors(from, to);
	if (!err)
		err = plan_sockets(swap, from, to);
	return uk_error_wrap(err, "%s", from->name);
}

static struct uk_error *plan_host(struct uk_swap *swap)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_file_read("/proc/1/mountinfo", 16 << 20, &text, NULL);
	if (!err)
		err = uk_proc_parse_mountinfo(text, &swap->mounts);
	return err ? err : uk_view_list_host(&swap->mounts, &swap->plan.mounts);
}

/* The new kernel finds it before any other file system is mounted. */
static struct uk_error *make_dir(struct uk_swap *swap)
{
	struct stat root, dir;
	struct uk_error *err = uk_dir_make(swap->dir, 0700);
	if (!err && (stat("/", &root) < 0 || stat(swap->dir, &dir) < 0))
		err = uk_error_errno(errno, "%s", swap->dir);
	if (!err && root.st_dev != dir.st_dev)
		err = uk_error_create(UK_ERR_REFUSED,
				      UK_SWAPS " is on another file system than /; "
					       "replacing the kernel is not possible yet then");
	return err;
}

struct uk_error *uk_swap_make_plan(struct uk_swap *swap)
{
	struct uk_error *err = name_swap(swap);
	if (!err)
		err = make_dir(swap);
	if (!err)
		err = plan_host(swap);
	if (!err)
		err = uk_sockets_read(NULL, swap->keep, &swap->sockets);
	uk_vec_for_each(service, &swap->keep->services) {
		if (!err)
			err = plan_service(swap, service);
	}
	return err;
}
