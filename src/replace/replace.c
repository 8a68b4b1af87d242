// SPDX-License-Identifier: GPL-2.0-or-later
/* What the old kernel does of a replacement. */
#include "replace/replace.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/criu.h"
#include "replace/hooks.h"
#include "replace/image.h"
#include "replace/journal.h"
#include "replace/jump.h"
#include "replace/memory.h"
#include "replace/network.h"
#include "replace/paths.h"
#include "replace/plan.h"
#include "replace/procfs.h"
#include "replace/ramdisk.h"
#include "replace/socket.h"
#include "replace/view.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PID_LIMIT = 1 << 22 }; /* include/linux/threads.h: PID_MAX_LIMIT */

/* A replacement on its way. */
struct swap {
	const struct uk_replace_options *options;
	struct uk_replace_report *report;
	struct uk_swap_key key;
	const struct uk_keep *keep; /* the report's */
	struct uk_plan plan;
	struct uk_sockets *sockets;
	uk_mounts mounts; /* of the host */
	char *dir;
	struct uk_fault fault;
	int lock, guard; /* guard: of the pipe to guardian, or -1 */
	pid_t guardian;
	bool told, loaded, frozen; /* what a way back has to undo; told: programs of the admin's */
};

static void swap_deinit(struct swap *swap)
{
	sodium_memzero(&swap->key, sizeof(swap->key));
	uk_plan_deinit(&swap->plan);
	uk_sockets_destroy(swap->sockets);
	uk_mounts_deinit(&swap->mounts);
	free(swap->dir);
	uk_cleanup_close(&swap->lock);
	uk_cleanup_close(&swap->guard);
}

void uk_replace_report_deinit(struct uk_replace_report *report)
{
	free(report->id);
	uk_preflight_deinit(&report->preflight);
	uk_vec_deinit(&report->phases);
}

/* --- what is asked for --------------------------------------------------------------- */

static struct uk_error *check_user(struct swap *swap)
{
	if (geteuid())
		return uk_error_create(UK_ERR_SYSTEM, "replacing the kernel takes root");
	if (sodium_init() < 0)
		return uk_error_create(UK_ERR_SYSTEM, "libsodium cannot be used here");
	return NULL;
}

/* The same lock that hot updates take: one change of this machine's kernel at a time. */
static struct uk_error *take_lock(struct swap *swap)
{
	swap->lock = open("/run/upkeep.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (swap->lock < 0)
		return uk_error_errno(errno, "/run/upkeep.lock");
	if (flock(swap->lock, LOCK_EX | LOCK_NB) < 0)
		return uk_error_create(UK_ERR_BUSY, "another upkeep is changing this machine");
	if (uk_file_exists(UK_SWAP_ID))
		return uk_error_create(UK_ERR_BUSY,
				       "the last swap is not over: upkeep-adopt.service "
				       "still hands services back to systemd");
	if (uk_jump_is_loaded())
		return uk_error_create(UK_ERR_BUSY, "a kernel is loaded for kexec already, by "
						    "somebody else; `kexec -u' unloads it");
	return NULL;
}

static struct uk_error *check_all(struct swap *swap)
{
	const struct uk_replace_options *options = swap->options;
	struct uk_preflight *preflight = &swap->report->preflight;
	const struct uk_preflight_options look = { .keep = options->keep,
						   .nr_keep = options->nr_keep,
						   .kernel = options->release,
						   .store = UK_SWAPS,
						   .sink = options->sink };
	struct uk_error *err = uk_preflight_run(&look, preflight);
	for (size_t i = 0; !err && i < options->nr_accept; i++) {
		if (!uk_preflight_accept(preflight, options->accept[i]))
			err = uk_error_create(UK_ERR_USAGE, "--accept %s: there is no such finding",
					      options->accept[i]);
	}
	swap->keep = &preflight->keep;
	return err ? err : uk_preflight_verdict(preflight);
}

/* --- the plan ------------------------------------------------------------------------ */

static struct uk_error *name_swap(struct swap *swap)
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
static struct uk_error *plan_socket(struct swap *swap, const struct uk_fd *fd,
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

static struct uk_error *plan_sockets(struct swap *swap, const struct uk_service *from,
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
static struct uk_error *plan_files(struct swap *swap, const struct uk_service *from,
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

/* Only the root filesystem is mounted before services are restored. */
static struct uk_error *check_disks(const struct uk_service *service)
{
	struct stat root;
	if (stat("/", &root) < 0)
		return uk_error_errno(errno, "/");
	uk_vec_for_each(task, &service->tasks) {
		uk_vec_for_each(fd, &task->fds) {
			bool disk = (fd->kind == UK_FD_FILE || fd->kind == UK_FD_FOLDER) &&
				    fd->stat_ok && major(fd->dev);
			if (disk && fd->dev != root.st_dev)
				return uk_error_create(
					UK_ERR_REFUSED,
					"process %d has %s open, which is on another disk than /; "
					"such services cannot be kept yet",
					task->pid, fd->link);
		}
	}
	return NULL;
}

static struct uk_error *plan_service(struct swap *swap, const struct uk_service *from)
{
	if (from->kind == UK_SERVICE_SESSION)
		return uk_error_create(UK_ERR_REFUSED, "%s: login sessions cannot be kept yet",
				       from->name);
	if (!uk_vec_push(&swap->plan.services, (struct uk_plan_service){}))
		return uk_error_nomem();
	struct uk_plan_service *to = &swap->plan.services.data[swap->plan.services.len - 1];
	to->main_pid = from->main_pid;
	struct uk_error *err = check_disks(from);
	if (!err)
		err = uk_strdup(from->name, &to->name);
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

static struct uk_error *plan_host(struct swap *swap)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_file_read("/proc/1/mountinfo", 16 << 20, &text, NULL);
	if (!err)
		err = uk_proc_parse_mountinfo(text, &swap->mounts);
	return err ? err : uk_view_list_host(&swap->mounts, &swap->plan.mounts);
}

/* The new kernel finds it before any other file system is mounted. */
static struct uk_error *make_dir(struct swap *swap)
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

static struct uk_error *make_plan(struct swap *swap)
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

/* Programs of the administrator's may say no. */
static struct uk_error *ask_hooks(struct swap *swap)
{
	swap->told = true;
	return uk_hooks_ask(UK_HOOKS, &swap->plan);
}

/* --- before the freeze --------------------------------------------------------------- */

/* What has no module is built in, or missed when criu needs it: it tells. */
static struct uk_error *load_modules(struct swap *swap)
{
	for (const char *const *name = uk_criu_modules; *name; name++)
		uk_error_destroy(uk_process_call(NULL, "modprobe", "-q", *name, NULL));
	return NULL;
}

/*
 * The highest number that a kept process or one of its threads has, and any process: one that has
 * ended and was not waited for is in no cgroup, but is dumped.
 */
static struct uk_error *find_highest(const struct swap *swap, pid_t *ret)
{
	uk_pids pids = {};
	struct uk_error *err = uk_task_list(NULL, &pids);
	pid_t highest = pids.len ? pids.data[pids.len - 1] : 0;
	uk_vec_deinit(&pids);
	uk_vec_for_each(service, &swap->keep->services) {
		uk_vec_for_each(task, &service->tasks) {
			highest = task->pid > highest ? task->pid : highest;
			uk_vec_for_each(thread, &task->threads)
				highest = thread->tid > highest ? thread->tid : highest;
		}
	}
	/* So far that the next replacement sees where the kernel's own numbers end. */
	*ret = highest + UK_PID_LEAP < PID_LIMIT ? highest + UK_PID_LEAP : highest;
	return err;
}

struct names {
	UK_VEC(char *) all;
};

static void names_deinit(struct names *names)
{
	uk_vec_for_each(name, &names->all)
		free(*name);
	uk_vec_deinit(&names->all);
}

static struct uk_error *add_name(struct names *names, const char *prefix, const char *name)
{
	char *whole;
	struct uk_error *err = uk_asprintf(&whole, "%s%s", prefix, name);
	if (!err && !uk_vec_push(&names->all, whole)) {
		free(whole);
		err = uk_error_nomem();
	}
	return err;
}

/* What criu needs, and the file systems that are mounted before anything is restored. */
static struct uk_error *list_modules(const struct swap *swap, struct names *ret)
{
	struct uk_error *err = NULL;
	for (const char *const *name = uk_criu_modules; !err && *name; name++)
		err = add_name(ret, "", *name);
	uk_vec_for_each(mount, &swap->plan.mounts) {
		if (!err)
			err = add_name(ret, "fs-", mount->type);
	}
	if (!err && !uk_vec_push(&ret->all, NULL))
		err = uk_error_nomem();
	return err;
}

static struct uk_error *pack_ramdisk(struct swap *swap, int *ret)
{
	uk_auto_free char *modules = NULL, *key = NULL;
	uk_cleanup(uk_network_devices_deinit) struct uk_network_devices devices = {};
	uk_cleanup(names_deinit) struct names names = {};
	pid_t highest = 0;
	struct uk_error *err = uk_asprintf(&modules, "/lib/modules/%s", swap->options->release);
	if (!err)
		err = uk_swap_key_text(&swap->key, &key);
	if (!err)
		err = uk_network_list_devices(&devices);
	if (!err)
		err = list_modules(swap, &names);
	if (!err)
		err = find_highest(swap, &highest);
	if (err)
		return err;
	const struct uk_ramdisk ramdisk = {
		.modules = modules,
		.init = uk_ramdisk_init_path(),
		.next = uk_ramdisk_next_path(),
		.key = key,
		.pids_above = highest,
		.devices = (const char *const *)devices.folders.data,
		.names = (const char *const *)names.all.data,
	};
	err = uk_ramdisk_make(&ramdisk, ret);
	sodium_memzero(key, strlen(key));
	return err;
}

static struct uk_error *load_kernel(struct swap *swap)
{
	uk_auto_free char *vmlinuz = NULL, *old = NULL, *line = NULL;
	uk_auto_close int ramdisk = -1;
	size_t len;
	struct uk_error *err = uk_asprintf(&vmlinuz, "/boot/vmlinuz-%s", swap->options->release);
	if (!err && !uk_file_exists(vmlinuz))
		err = uk_error_create(UK_ERR_REFUSED, "%s is not there: install linux-image-%s",
				      vmlinuz, swap->options->release);
	if (!err)
		err = pack_ramdisk(swap, &ramdisk);
	if (!err)
		err = uk_file_read("/proc/cmdline", 1 << 16, &old, &len);
	if (!err)
		err = uk_jump_command_line(old, &line);
	if (!err)
		err = uk_jump_load(vmlinuz, ramdisk, line);
	swap->loaded = !err;
	return err;
}

static struct uk_error *save_network(struct swap *swap)
{
	return uk_network_save(&swap->plan, swap->dir, swap->options->sink);
}

/* --- frozen -------------------------------------------------------------------------- */

static struct uk_error *freeze(struct swap *swap)
{
	uk_hooks_tell(UK_HOOKS, "freeze", &swap->plan, swap->options->sink);
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	swap->plan.frozen_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	swap->frozen = true;
	return uk_gate_shut(&swap->plan);
}

/* A repair of the images: see image.h for what this costs, which the preflight has told. */
static struct uk_error *leave_users(struct swap *swap, const struct uk_plan_service *service)
{
	uk_auto_free char *images = NULL;
	const struct uk_task *task;
	if (!uk_keep_find(swap->keep, service->main_pid, &task) || !task->plain_users ||
	    !(task->own_ns & (1u << UK_NS_USER)))
		return NULL;
	struct uk_error *err = uk_asprintf(&images, "%s/%s", swap->dir, service->images);
	return err ? err : uk_image_leave_users(images);
}

static struct uk_error *dump_service(struct swap *swap, const struct uk_plan_service *service)
{
	struct uk_error *err = uk_criu_dump(service, swap->dir);
	if (!err)
		err = leave_users(swap, service);
	if (!err)
		err = uk_view_pack(&service->view, service->main_pid, swap->dir);
	return uk_error_wrap(err, "%s", service->name);
}

static struct uk_error *dump_services(struct swap *swap)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(service, &swap->plan.services) {
		uk_progress(swap->options->sink, "dump",
			    (uint64_t)(service - swap->plan.services.data),
			    swap->plan.services.len);
		err = dump_service(swap, service);
		if (err)
			return err;
	}
	return uk_plan_mark(&swap->plan, "dump");
}

static struct uk_error *save_memory(struct swap *swap)
{
	return uk_memory_save(&swap->plan, swap->keep, swap->sockets, swap->dir);
}

static struct uk_error *seal(struct swap *swap)
{
	struct uk_error *err = uk_plan_list_files(&swap->plan, swap->dir);
	if (!err)
		err = uk_plan_mark(&swap->plan, "seal");
	return err ? err : uk_plan_write(&swap->plan, &swap->key, swap->dir);
}

static struct uk_error *jump(struct swap *swap)
{
	sync();
	return uk_jump_go();
}

/* --- the phases ---------------------------------------------------------------------- */

static void remark(struct swap *swap, struct uk_error *err)
{
	if (err)
		uk_remark(swap->options->sink, UK_LEVEL_WARNING, "on the way back: %s",
			  uk_error_message(err));
	uk_error_destroy(err);
}

static struct uk_error *let_go(struct swap *swap, const struct uk_plan_service *service)
{
	const struct uk_service *kept = uk_keep_find(swap->keep, service->main_pid, NULL);
	return kept ? uk_criu_let_go(service, kept) : NULL;
}

/* Everything runs on as before. Of what was not begun, nothing has to be taken back. */
static void go_back(struct swap *swap)
{
	if (swap->frozen) {
		uk_vec_for_each(service, &swap->plan.services)
			remark(swap, let_go(swap, service));
		remark(swap, uk_gate_open());
	}
	if (swap->loaded)
		uk_jump_unload();
	if (swap->dir)
		remark(swap, uk_tree_remove(swap->dir));
	if (swap->told)
		uk_hooks_tell(UK_HOOKS, "failed", &swap->plan, swap->options->sink);
}

/*
 * A process that waits for the end of this one. If that comes before it is dismissed (a kill, a
 * crash), it takes everything back, so that no service stays frozen behind a shut gate.
 */
static void __attribute__((noreturn)) be_guardian(struct swap *swap, int fd)
{
	char byte;
	ssize_t got;
	static const struct uk_sink nobody = {};
	struct uk_replace_options options = *swap->options;
	options.sink = &nobody;
	swap->options = &options;
	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	while ((got = read(fd, &byte, 1)) < 0 && errno == EINTR)
		continue;
	if (!got) {
		swap->frozen = swap->loaded = true;
		go_back(swap);
	}
	_exit(0);
}

static struct uk_error *post_guardian(struct swap *swap)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return uk_error_errno(errno, "pipe");
	swap->guardian = fork();
	if (swap->guardian < 0) {
		close(ends[0]);
		close(ends[1]);
		return uk_error_errno(errno, "fork");
	}
	if (!swap->guardian) {
		close(ends[1]);
		be_guardian(swap, ends[0]);
	}
	close(ends[0]);
	swap->guard = ends[1];
	return NULL;
}

static void dismiss(struct swap *swap)
{
	if (swap->guard < 0)
		return;
	if (write(swap->guard, "", 1) == 1)
		waitpid(swap->guardian, NULL, 0);
}

struct phase {
	const char *name;
	struct uk_error *(*run)(struct swap *swap);
	bool changes; /* something that has to be taken back */
	bool frozen;  /* not of a dry run */
};

static const struct phase phases[] = {
	{ "user", check_user },
	{ "lock", take_lock },
	{ "preflight", check_all },
	{ "plan", make_plan },
	{ "ask", ask_hooks },
	{ "load modules", load_modules },
	{ "post a guardian", post_guardian },
	{ "load the kernel", load_kernel, true },
	{ "note the network", save_network, true },
	{ "freeze", freeze, true, true },
	{ "dump", dump_services, true, true },
	{ "save files in memory", save_memory, true, true },
	{ "seal", seal, true, true },
	{ "jump", jump, true, true },
};

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct uk_error *run_phases(struct swap *swap)
{
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(phases); i++) {
		if (phases[i].frozen && swap->options->dry_run)
			continue;
		uk_progress(swap->options->sink, phases[i].name, 0, 0);
		if (phases[i].changes)
			uk_fault_step(&swap->fault);
		uint64_t from = now_ns();
		err = uk_error_wrap(phases[i].run(swap), "%s", phases[i].name);
		struct uk_replace_phase done = { phases[i].name, now_ns() - from };
		if (!uk_vec_push(&swap->report->phases, done) && !err)
			err = uk_error_nomem();
	}
	return err;
}

struct uk_error *uk_replace_run(const struct uk_replace_options *options,
				struct uk_replace_report *report)
{
	uk_cleanup(swap_deinit) struct swap swap = {
		.options = options, .report = report, .lock = -1, .guard = -1
	};
	uk_fault_init(&swap.fault);
	struct uk_error *err = run_phases(&swap);
	go_back(&swap);
	dismiss(&swap);
	return err;
}
