// SPDX-License-Identifier: GPL-2.0-or-later
/* What the new kernel has to know, written down. */
#include "replace/swap.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/criu.h"
#include "replace/gather.h"
#include "replace/journal.h"
#include "replace/keep.h"
#include "replace/paths.h"
#include "replace/ramdisk.h"
#include "replace/session.h"
#include "replace/view.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct uk_error *name_swap(struct uk_swap *swap)
{
	struct utsname name;
	if (uname(&name) < 0)
		return uk_error_errno(errno, "uname");
	uk_swap_key_make(&swap->key);
	uk_digest_key_derive(swap->key.bytes, &swap->plan.files_key);
	struct uk_error *err = uk_strdup(swap->key.id, &swap->plan.id);
	if (!err)
		err = uk_strdup(swap->key.id, &swap->report->id);
	if (!err)
		err = uk_strdup(name.release, &swap->plan.old_release);
	if (!err)
		err = uk_strdup(swap->options->release, &swap->plan.new_release);
	if (!err)
		err = uk_strdup(name.nodename, &swap->plan.hostname);
	return err ? err : uk_asprintf(&swap->folder, UK_SWAPS "/%s", swap->key.id);
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

static bool is_kept(const struct uk_keep *keep, uint64_t ino)
{
	uk_vec_for_each(service, &keep->services) {
		uk_vec_for_each(task, &service->tasks) {
			uk_vec_for_each(fd, &task->fds) {
				if (fd->kind == UK_FD_SOCKET && fd->ino == ino)
					return true;
			}
		}
	}
	return false;
}

/* Somebody who is not kept, at a name. */
static const char *receiver_of(const struct uk_swap *swap, const struct uk_socket *socket)
{
	const struct uk_socket *peer = uk_sockets_peer(swap->sockets, socket);
	bool named = socket->family == AF_UNIX && socket->type == SOCK_DGRAM && peer &&
		     *peer->local == '/';
	return named && !is_kept(swap->keep, peer->ino) ? peer->local : NULL;
}

static struct uk_error *plan_receiver(struct uk_swap *swap, const char *path)
{
	uk_vec_for_each(known, &swap->plan.receivers) {
		if (!strcmp(known->path, path))
			return NULL;
	}
	if (!uk_vec_push(&swap->plan.receivers, (struct uk_plan_receiver){}))
		return uk_error_nomem();
	return uk_strdup(path, &swap->plan.receivers.data[swap->plan.receivers.len - 1].path);
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
	const char *receiver = receiver_of(swap, socket);
	if (receiver)
		return plan_receiver(swap, receiver);
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

/* One that is open by a mount which its own namespace does not have. */
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

static struct uk_error *plan_descriptors(const struct uk_swap *swap, const struct uk_service *from,
					 struct uk_plan_service *to)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(task, &from->tasks) {
		uk_vec_for_each(fd, &task->fds) {
			if (!err && uk_fd_is_outside(fd, uk_task_mounts(task, &swap->mounts)))
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

static struct uk_error *read_name(const char *const *argv, int ns, char **ret)
{
	const struct uk_process process = { .argv = argv,
					    .in_child = enter_uts,
					    .in_child_arg = &ns };
	struct uk_error *err = uk_process_check(&process, ret);
	if (!err)
		(*ret)[strcspn(*ret, "\n")] = '\0';
	return err;
}

/* The names that a service with a UTS namespace of its own (ProtectHostname=) has for the host. */
static struct uk_error *plan_host_name(const struct uk_task *task, struct uk_plan_service *to)
{
	static const char *const host[] = { "uname", "-n", NULL };
	static const char *const domain[] = { "cat", "/proc/sys/kernel/domainname", NULL };
	char path[64];
	if (!(task->own_ns & (1u << UK_NS_UTS)))
		return NULL;
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", task->pid);
	uk_auto_close int ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return uk_error_errno(errno, "%s", path);
	struct uk_error *err = read_name(host, ns, &to->host_name);
	return err ? err : read_name(domain, ns, &to->domain_name);
}

/* Its folder of images, and its view, whose archives lie in there. */
static struct uk_error *plan_files(struct uk_swap *swap, const struct uk_service *from,
				   struct uk_plan_service *to)
{
	uk_auto_free char *images = NULL, *prefix = NULL;
	const struct uk_task *task = main_task(from);
	if (!task)
		return uk_error_create(UK_ERR_REFUSED, "it has no main process");
	struct uk_error *err = uk_asprintf(&images, "%s/%s", swap->store.dir, to->images);
	if (!err)
		err = uk_dir_make(images, 0700);
	if (!err)
		err = uk_asprintf(&prefix, "%s/mount", to->images);
	if (!err)
		err = uk_view_list(task, &swap->mounts, prefix, &to->view);
	return err ? err : plan_host_name(task, to);
}

/* What it has by default depends on its Type=, which is another one when it is adopted. */
static struct uk_error *plan_notify(struct uk_plan_service *to)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_process_call(&text, "systemctl", "show", "--value", "-p",
					       "NotifyAccess", "--", to->unit, NULL);
	if (err)
		return err;
	text[strcspn(text, "\n")] = '\0';
	return *text ? uk_strdup(text, &to->notify) : NULL;
}

/* If its processes are no tree: somebody above them. */
static struct uk_error *plan_tree(const struct uk_service *from, struct uk_plan_service *to)
{
	uk_pids tops = {};
	struct uk_error *err = uk_gather_tops(from, &tops);
	if (!err && tops.len > 1 && uk_gather_is_possible(from)) {
		err = uk_gather_start(from->main_pid, &to->gatherer);
		if (!err)
			err = uk_gather_text(to->gatherer, &tops, &to->tree);
	}
	uk_vec_deinit(&tops);
	return err;
}

void uk_swap_end_gatherers(struct uk_swap *swap)
{
	uk_vec_for_each(service, &swap->plan.services) {
		if (service->gatherer)
			uk_gather_end(service->gatherer);
		service->gatherer = 0;
	}
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
	if (!err && from->kind == UK_SERVICE_SESSION)
		err = uk_session_note(uk_host_paths_get(NULL)->systemd, from->unit, &to->session);
	else if (!err && from->unit)
		err = plan_notify(to);
	if (!err)
		err = uk_strdup(from->cgroup, &to->cgroup);
	if (!err)
		err = uk_asprintf(&to->images, "service-%zu", swap->plan.services.len - 1);
	if (!err)
		err = plan_files(swap, from, to);
	if (!err)
		err = plan_descriptors(swap, from, to);
	if (!err)
		err = plan_sockets(swap, from, to);
	if (!err)
		err = plan_tree(from, to);
	if (!err && to->journal.len + to->outside.len > UK_CRIU_HANDED_MAX)
		err = uk_error_create(UK_ERR_REFUSED,
				      "it has %zu connections to the journal and files of the "
				      "host's mounts open, and only %d can be handed over: "
				      "leave it out (--without)",
				      to->journal.len + to->outside.len, UK_CRIU_HANDED_MAX);
	return uk_error_wrap(err, "%s", from->name);
}

static struct uk_error *plan_left_out(struct uk_swap *swap, const struct uk_service *from)
{
	if (!uk_vec_push(&swap->plan.afresh, (struct uk_plan_afresh){}))
		return uk_error_nomem();
	struct uk_plan_afresh *to = &swap->plan.afresh.data[swap->plan.afresh.len - 1];
	struct uk_error *err = uk_strdup(from->name, &to->name);
	return err || !from->unit ? err : uk_strdup(from->unit, &to->unit);
}

/* Those of kept services, and where the programs and files of a restore are. */
static void note_needs(struct uk_swap *swap)
{
	const char *const ours[] = { "/etc", "/usr", uk_ramdisk_next_path(), swap->folder, NULL };
	uk_disks_need(&swap->disks, ours);
	uk_vec_for_each(disk, &swap->disks) {
		uk_vec_for_each(service, &swap->keep->services) {
			uk_vec_for_each(task, &service->tasks)
				disk->needed |= uk_disk_is_used(disk, task);
		}
	}
}

static struct uk_error *plan_host(struct uk_swap *swap)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_file_read("/proc/1/mountinfo", 16 << 20, &text, NULL);
	if (!err)
		err = uk_proc_parse_mountinfo(text, &swap->mounts);
	if (!err)
		err = uk_disks_list(NULL, &swap->mounts, &swap->disks);
	if (err)
		return err;
	note_needs(swap);
	return uk_view_list_host(&swap->mounts, &swap->disks, &swap->plan.mounts);
}

static struct uk_error *make_spare(struct uk_swap *swap)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/" UK_SWAP_SPARE, swap->folder);
	uk_auto_close int fd = err ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (err)
		return err;
	int failed = fd < 0 ? errno : posix_fallocate(fd, 0, UK_SWAP_SPARE_SIZE);
	return failed ? uk_error_errno(failed, "%s", path) : NULL;
}

struct uk_error *uk_swap_make_plan(struct uk_swap *swap)
{
	swap->clock = uk_clock_begin();
	struct uk_error *err = name_swap(swap);
	if (!err)
		err = uk_dir_make(swap->folder, 0700);
	if (!err)
		err = make_spare(swap);
	if (!err)
		err = uk_store_make(swap->folder, swap->report->preflight.memory, &swap->store);
	swap->plan.in_memory = swap->store.fd >= 0;
	return err ? err : uk_swap_plan_services(swap);
}

struct uk_error *uk_swap_plan_services(struct uk_swap *swap)
{
	uk_swap_end_gatherers(swap);
	uk_plan_clear_services(&swap->plan);
	uk_mounts_deinit(&swap->mounts);
	uk_disks_deinit(&swap->disks);
	uk_sockets_destroy(uk_take(swap->sockets));
	struct uk_error *err = plan_host(swap);
	if (!err)
		err = uk_sockets_read(NULL, swap->keep, &swap->sockets);
	uk_vec_for_each(service, &swap->keep->services) {
		if (!err)
			err = plan_service(swap, service);
	}
	uk_vec_for_each(service, &swap->keep->left_out) {
		if (!err)
			err = plan_left_out(swap, service);
	}
	return err;
}
