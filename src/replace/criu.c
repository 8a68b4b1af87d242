// SPDX-License-Identifier: GPL-2.0-or-later
/* Checkpoint and restore of one service by criu. */
#include "replace/criu.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/cgroup.h"
#include "replace/layer.h"
#include "replace/mapped.h"
#include "replace/pty.h"
#include "replace/rules.h"
#include "replace/view.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum {
	LOG_MAX = 64 << 20,
	ERRORS_MAX = 3, /* of its lines */
	TREE_FD = 94,
	CGROUP_FD = 95, /* what is handed to criu: above its own descriptors */
	LOOK_FD = 96,	/* criu, when it only looks at the kernel: a dump has another name */
	PLUGINS_FD = 97,
	CRIU_FD = 98,
	IMAGES_FD = 99,
	FIRST_FD = 100,
	HANDED_MAX = UK_CRIU_HANDED_MAX + 3, /* with plugins, criu and images */
	HIGH_FD = 600, /* more than we ever have open, and within the limit of 1024 */
	READY_WAIT_MS = 1000,
	READY_STEP_MS = 5,
};

const char *const uk_criu_modules[] = {
	"unix_diag",	  "tcp_diag",	  "udp_diag",	   "inet_diag", "raw_diag",
	"af_packet_diag", "netlink_diag", "nf_tables",	   "nft_ct",	"nft_compat",
	"xt_mark",	  "xt_conntrack", "nft_chain_nat", "tun",	NULL,
};

const char *const uk_criu_restore_modules[] = {
	"unix_diag",	  "tcp_diag",	  "udp_diag",  "inet_diag", "raw_diag",
	"af_packet_diag", "netlink_diag", "nf_tables", "veth",	    NULL,
};

/* Grows an argument list; the texts live as long as it does. */
struct words {
	UK_VEC(char *) all;
	bool failed;
};

static void words_deinit(struct words *words)
{
	uk_vec_for_each(word, &words->all)
		free(*word);
	uk_vec_deinit(&words->all);
}

static void add(struct words *words, const char *fmt, ...) uk_printf(2, 3);
static void add(struct words *words, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0 || !uk_vec_push(&words->all, text))
		words->failed = true;
	va_end(args);
}

static struct uk_error *finish(struct words *words)
{
	return words->failed || !uk_vec_push(&words->all, NULL) ? uk_error_nomem() : NULL;
}

/* --- what its log says ---------------------------------------------------------------- */

/* "(00.012345) Error (criu/sk-unix.c:812): unix: ..." without where that is in criu. */
static const char *error_in(const char *line)
{
	/* Of a process that no layer has: it is dumped as a whole. */
	bool harmless = strstr(line, "No parent image found");
	const char *found = harmless ? NULL : strstr(line, "Error (");
	const char *text = found ? strstr(found, "): ") : NULL;
	return text ? text + strlen("): ") : NULL;
}

static void add_errors(struct uk_strbuf *buf, char *log)
{
	int nr = 0;
	char *save = NULL;
	for (char *line = strtok_r(log, "\n", &save); line && nr < ERRORS_MAX;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *text = error_in(line);
		if (text)
			uk_strbuf_addf(buf, "%s%s", nr++ ? "; " : "", text);
	}
}

/* What went wrong, by the log if it tells, else by what criu said. */
static struct uk_error *explain(const char *verb, const char *images, const char *said, int status)
{
	uk_auto_strbuf struct uk_strbuf buf = {};
	uk_auto_free char *path = NULL, *log = NULL, *text = NULL;
	size_t len;
	struct uk_error *err = uk_asprintf(&path, "%s/%s.log", images, verb);
	if (!err)
		err = uk_file_read(path, LOG_MAX, &log, &len);
	if (!err)
		add_errors(&buf, log);
	uk_error_destroy(err);
	uk_strbuf_addstr(&buf, buf.len ? "" : said);
	err = uk_strbuf_finish(&buf, &text);
	if (err)
		return err;
	return uk_error_create(UK_ERR_SYSTEM, "criu %s ended with status %d: %s (see %s)", verb,
			       status, text, path);
}

/* @text: for its standard input. */
static struct uk_error *finish_run(const char *verb, const char *images,
				   struct uk_process_begun *begun, const char *text)
{
	uk_auto_process_result struct uk_process_result result = {};
	struct uk_error *err = uk_process_finish(begun, text, strlen(text), &result);
	if (!err && result.status)
		err = explain(verb, images, *result.errout ? result.errout : result.out,
			      result.status);
	return err;
}

/* --- dump ---------------------------------------------------------------------------- */

/*
 * The folder of images and criu itself go in as descriptors: in a service's mount namespace they
 * may not be seen, the one not be writable, the other not be executable (NoExecPaths=).
 */
static void add_common(struct words *words, const char *verb)
{
	add(words, "/proc/self/fd/%d", CRIU_FD);
	add(words, "%s", verb);
	add(words, "--images-dir");
	add(words, "/proc/self/fd/%d", IMAGES_FD);
	add(words, "--log-file");
	add(words, "%s.log", verb);
	add(words, "-v2");
	add(words, "--no-default-config");
	add(words, "--lib");
	add(words, "/proc/self/fd/%d", PLUGINS_FD);
	add(words, "--tcp-established");
	add(words, "--file-locks");
	add(words, "--ext-unix-sk");
	add(words, "--link-remap");
	add(words, "--skip-in-flight");
	add(words, "--ghost-limit");
	add(words, "%llu", UK_GHOST_LIMIT);
	add(words, "--force-irmap");
	add(words, "--manage-cgroups=ignore");
	add(words, "--network-lock");
	add(words, "nftables");
}

/* Of ours: see src/plugin. */
static struct uk_error *open_plugins(int *ret)
{
	*ret = open(UPKEEP_LIBDIR "/criu", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? uk_error_errno(errno, "open " UPKEEP_LIBDIR "/criu") : NULL;
}

/* The program, by PATH. */
static struct uk_error *open_criu(int *ret)
{
	uk_auto_free char *path = NULL;
	const char *list = getenv("PATH");
	char *save = NULL;
	struct uk_error *err = uk_strdup(list ? list : "/usr/sbin:/usr/bin", &path);
	for (char *folder = err ? NULL : strtok_r(path, ":", &save); folder && !err;
	     folder = strtok_r(NULL, ":", &save)) {
		uk_auto_free char *name = NULL;
		err = uk_asprintf(&name, "%s/criu", folder);
		*ret = err || *folder != '/' ? -1 : open(name, O_RDONLY | O_CLOEXEC);
		if (*ret >= 0)
			return NULL;
	}
	return err ? err : uk_error_create(UK_ERR_SYSTEM, "criu is missing: apt-get install criu");
}

static void enter_criu(void *arg)
{
	const int *criu = arg;
	if (dup2(*criu, LOOK_FD) < 0)
		_exit(126);
}

void uk_criu_warm_up(bool brief)
{
	char program[64];
	const char *const argv[] = { program, "check", "--feature", "mem_dirty_track", NULL };
	static const char *const nothing[] = { "PATH=/nonexistent", NULL };
	uk_auto_process_result struct uk_process_result result = {};
	uk_auto_close int criu = -1;
	uk_auto_error struct uk_error *err = open_criu(&criu);
	if (err)
		return;
	snprintf(program, sizeof(program), "/proc/self/fd/%d", LOOK_FD);
	const struct uk_process process = { .argv = argv,
					    .env = brief ? nothing : NULL,
					    .in_child = enter_criu,
					    .in_child_arg = &criu };
	err = uk_process_run(&process, &result);
}

void uk_criu_forget(void)
{
	unlink("/run/criu.kdat");
}

/* Where criu runs: as the service sees files, with the folder of images at hand. */
struct place {
	int criu, images, plugins;
	int mounts, uts; /* those namespaces; -1 for ours */
	int hold;
	int cgroup; /* that is frozen; -1 for none */
	int tree;   /* the library for what is no tree; -1 if it is one */
};

/*
 * Gives descriptors the numbers that criu is told. Others are dumped or restored beside it, so what
 * is handed on may have such a number itself: first all go to where nobody is, then down.
 * In the child; one that is -1 is left out.
 */
static void hand_on(const int (*pairs)[2], size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (pairs[i][0] >= 0 && dup2(pairs[i][0], HIGH_FD + (int)i) < 0)
			_exit(126);
	}
	for (size_t i = 0; i < nr; i++) {
		if (pairs[i][0] < 0)
			continue;
		if (dup2(HIGH_FD + (int)i, pairs[i][1]) < 0)
			_exit(126);
		close(HIGH_FD + (int)i);
	}
}

static void enter_place(void *arg)
{
	const struct place *place = arg;
	const int pairs[][2] = {
		{ place->criu, CRIU_FD },	 { place->images, IMAGES_FD },
		{ place->plugins, PLUGINS_FD },	 { place->hold, FIRST_FD },
		{ place->cgroup, CGROUP_FD },	 { place->uts, FIRST_FD + 1 },
		{ place->mounts, FIRST_FD + 2 }, { place->tree, TREE_FD },
	};
	hand_on(pairs, UK_ARRAY_SIZE(pairs));
	if ((place->uts >= 0 && setns(FIRST_FD + 1, CLONE_NEWUTS) < 0) ||
	    (place->mounts >= 0 && setns(FIRST_FD + 2, CLONE_NEWNS) < 0))
		_exit(126);
	close(FIRST_FD + 1);
	close(FIRST_FD + 2);
}

static struct uk_error *open_images(const struct uk_plan_service *service, const char *dir,
				    char **path_ret, int *ret)
{
	struct uk_error *err = uk_asprintf(path_ret, "%s/%s", dir, service->images);
	if (err)
		return err;
	*ret = open(*path_ret, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? uk_error_errno(errno, "open %s", *path_ret) : NULL;
}

static struct uk_error *open_namespace(const struct uk_plan_service *service, const char *name,
				       int *ret)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", service->main_pid, name);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? uk_error_errno(errno, "open %s", path) : NULL;
}

/* What criu takes for the root of the tree. */
static pid_t root_of(const struct uk_plan_service *service)
{
	return service->gatherer ? service->gatherer : service->main_pid;
}

static struct uk_error *open_tree(int *ret)
{
	static const char library[] = UPKEEP_LIBDIR "/tree.so";
	*ret = open(library, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? uk_error_errno(errno, "open %s", library) : NULL;
}

struct uk_criu_dump {
	const struct uk_plan_service *service;
	char *path; /* of its images */
	struct uk_process_begun process;
};

/*
 * All but which processes: that comes as its configuration, from its standard input (criu(8),
 * --config), when they stand still.
 */
static struct uk_error *say_dump(const struct uk_plan_service *service,
				 const struct uk_criu_dumping *how, struct words *words)
{
	add_common(words, "dump");
	add(words, "--config");
	add(words, "/proc/self/fd/%d", STDIN_FILENO);
	if (how->frozen) {
		add(words, "--freeze-cgroup");
		add(words, "/proc/self/fd/%d", CGROUP_FD);
	}
	add(words, how->runs_on ? "--leave-running" : "--leave-stopped");
	uk_vec_for_each(stream, &service->journal) {
		add(words, "--external");
		add(words, "unix[%ju]", (uintmax_t)stream->ino);
	}
	uk_vec_for_each(file, &service->outside) {
		add(words, "--external");
		add(words, "%s", file->id);
	}
	return finish(words);
}

static struct uk_error *begin(struct uk_criu_dump *dump, const char *dir,
			      const struct uk_criu_dumping *how)
{
	const struct uk_plan_service *service = dump->service;
	uk_cleanup(words_deinit) struct words words = {};
	uk_auto_close int criu = -1, images = -1, plugins = -1, mounts = -1, uts = -1, cgroup = -1;
	uk_auto_close int tree = -1;
	struct uk_error *err = open_images(service, dir, &dump->path, &images);
	if (!err)
		err = open_criu(&criu);
	if (!err)
		err = open_plugins(&plugins);
	if (!err && service->view.len)
		err = open_namespace(service, "mnt", &mounts);
	if (!err && service->host_name)
		err = open_namespace(service, "uts", &uts);
	if (!err && how->frozen)
		err = uk_cgroup_open(service->cgroup, "", O_RDONLY | O_DIRECTORY, &cgroup);
	if (!err && service->gatherer)
		err = open_tree(&tree);
	if (!err)
		err = say_dump(service, how, &words);
	if (err)
		return err;
	struct place place = { criu, images, plugins, mounts, uts, how->hold, cgroup, tree };
	char preload[64];
	snprintf(preload, sizeof(preload), "LD_PRELOAD=/proc/self/fd/%d", TREE_FD);
	const char *const env[] = { preload, service->tree, NULL };
	const struct uk_process process = { .argv = (const char *const *)words.all.data,
					    .env = service->gatherer ? env : NULL,
					    .outlives = true,
					    .in_child = enter_place,
					    .in_child_arg = &place };
	return uk_process_begin(&process, &dump->process);
}

static void dump_destroy(struct uk_criu_dump *dump)
{
	free(dump->path);
	free(dump);
}

struct uk_error *uk_criu_begin_dump(const struct uk_plan_service *service, const char *dir,
				    const struct uk_criu_dumping *how, struct uk_criu_dump **ret)
{
	struct uk_criu_dump *dump = calloc(1, sizeof(*dump));
	if (!dump)
		return uk_error_nomem();
	dump->service = service;
	struct uk_error *err = begin(dump, dir, how);
	if (err)
		dump_destroy(dump);
	else
		*ret = dump;
	return err;
}

void uk_criu_abandon_dump(struct uk_criu_dump *dump)
{
	if (!dump)
		return;
	uk_process_abandon(&dump->process);
	dump_destroy(dump);
}

/* It has opened its standard input by its name, and reads from there. */
static bool is_waiting(pid_t pid)
{
	char path[64], now[64], input[64];
	uk_auto_free char *text = NULL;
	int number;
	unsigned int fd;
	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	uk_auto_error struct uk_error *gone = uk_file_read(path, 256, &text, NULL);
	if (gone || sscanf(text, "%d %x", &number, &fd) != 2 || number != SYS_read ||
	    fd <= STDERR_FILENO)
		return false;
	ssize_t len[2];
	snprintf(path, sizeof(path), "/proc/%d/fd/%u", pid, fd);
	len[0] = readlink(path, now, sizeof(now));
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, STDIN_FILENO);
	len[1] = readlink(path, input, sizeof(input));
	return len[0] > 0 && len[0] == len[1] && !memcmp(now, input, (size_t)len[0]);
}

void uk_criu_await_dump(const struct uk_criu_dump *dump)
{
	for (int ms = 0; ms < READY_WAIT_MS && !is_waiting(dump->process.pid); ms += READY_STEP_MS)
		uk_clock_sleep(READY_STEP_MS * UINT64_C(1000000));
}

struct uk_error *uk_criu_finish_dump(struct uk_criu_dump *dump, bool layered)
{
	const struct uk_plan_service *service = dump->service;
	char text[128];
	/* The gatherer goes into the service's cgroup, which is frozen. */
	struct uk_error *err =
		service->gatherer ? uk_cgroup_put(service->cgroup, service->gatherer) : NULL;
	if (err) {
		uk_criu_abandon_dump(dump);
		return err;
	}
	/*
	 * In one piece: half of it must not be taken for all should this process end. A folder of
	 * that name is as good as the link that criu would make (open_image_dir()).
	 */
	snprintf(text, sizeof(text), "tree %d\n%s", root_of(service),
		 layered ? "track-mem\nprev-images-dir " UK_LAYER_BELOW "\n" : "");
	err = finish_run("dump", dump->path, &dump->process, text);
	dump_destroy(dump);
	return err;
}

/* --- let go -------------------------------------------------------------------------- */

/* The table of criu 3.17 that locks the connections of a tree (criu/netfilter.c). */
static struct uk_error *unlock(pid_t root)
{
	uk_auto_free char *rules = NULL;
	static const char *const argv[] = { "nft", "-f", "-", NULL };
	struct uk_error *err = uk_asprintf(
		&rules, "add table inet CRIU-%d\ndelete table inet CRIU-%d\n", root, root);
	if (err)
		return err;
	const struct uk_process process = { .argv = argv,
					    .input = rules,
					    .input_len = strlen(rules) };
	return uk_process_check(&process, NULL);
}

/*
 * A connection that was dumped is left in repair mode (TCP_REPAIR), in which nothing is sent: criu
 * counts on its process being killed.
 */
static void end_repair(int process, int number)
{
	int mode = 0;
	socklen_t len = sizeof(mode);
	uk_auto_close int fd = (int)syscall(SYS_pidfd_getfd, process, number, 0);
	if (fd >= 0 && !getsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &mode, &len) && mode) {
		mode = TCP_REPAIR_OFF;
		setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &mode, sizeof(mode));
	}
}

/* Also of those that came after anybody looked, for criu saw them. */
static void end_repairs(pid_t pid)
{
	char path[32];
	char **names = NULL;
	size_t nr = 0;
	uk_auto_close int process = (int)syscall(SYS_pidfd_open, pid, 0);
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	uk_auto_error struct uk_error *gone = process < 0 ? NULL : uk_dir_list(path, &names, &nr);
	for (size_t i = 0; !gone && i < nr; i++)
		end_repair(process, atoi(names[i]));
	uk_strv_destroy(names, nr);
}

/* Processes that were not stopped before. */
static struct uk_error *wake(const struct uk_service *kept)
{
	if (kept->kind != UK_SERVICE_TREE) {
		struct uk_error *err = uk_cgroup_thaw(kept->cgroup);
		return err ? err : uk_cgroup_signal(kept->cgroup, SIGCONT);
	}
	uk_vec_for_each(task, &kept->tasks) {
		if (task->state != 'T' && kill(task->pid, SIGCONT) < 0 && errno != ESRCH)
			return uk_error_errno(errno, "process %d", task->pid);
	}
	return NULL;
}

struct uk_error *uk_criu_unlock(const struct uk_plan_service *service,
				const struct uk_service *kept)
{
	uk_pids pids = {};
	struct uk_error *err = uk_service_list(NULL, kept, &pids);
	uk_vec_for_each(pid, &pids)
		end_repairs(*pid);
	uk_vec_deinit(&pids);
	return uk_error_first(err, unlock(root_of(service)));
}

struct uk_error *uk_criu_let_go(const struct uk_plan_service *service,
				const struct uk_service *kept)
{
	struct uk_error *err = uk_criu_unlock(service, kept);
	return uk_error_first(err, wake(kept));
}

/* --- restore ------------------------------------------------------------------------- */

struct child {
	const struct uk_plan_service *service;
	const char *dir, *scratch;
	const struct uk_stand_in *stand_ins; /* one for each of service->journal */
	int criu, images, plugins;
	int catcher, freezer, root; /* of who shall be frozen at the end; or -1 */
	int *outside;		    /* one for each of service->outside */
	size_t made;		    /* of those */
};

static void child_deinit(struct child *child)
{
	for (size_t i = 0; i < child->made; i++)
		close(child->outside[i]);
	free(child->outside);
	uk_cleanup_close(&child->images);
	uk_cleanup_close(&child->plugins);
	uk_cleanup_close(&child->criu);
	uk_cleanup_close(&child->catcher);
	uk_cleanup_close(&child->freezer);
	uk_cleanup_close(&child->root);
}

static void hand_on_all(const struct child *child)
{
	int pairs[HANDED_MAX][2] = { { child->plugins, PLUGINS_FD },
				     { child->criu, CRIU_FD },
				     { child->images, IMAGES_FD } };
	size_t nr = 3;
	int number = FIRST_FD;
	for (size_t i = 0; i < child->service->journal.len; i++, nr++) {
		pairs[nr][0] = child->stand_ins[i].service;
		pairs[nr][1] = number++;
	}
	for (size_t i = 0; i < child->made; i++, nr++) {
		pairs[nr][0] = child->outside[i];
		pairs[nr][1] = number++;
	}
	hand_on(pairs, nr);
}

/* In the child, before criu: what it makes is born in the service's cgroup, and sees its files. */
static void enter(void *arg)
{
	const struct child *child = arg;
	if (!uk_cgroup_enter(child->service->cgroup))
		_exit(126);
	hand_on_all(child);
	const char *name = child->service->host_name, *domain = child->service->domain_name;
	if (name && (unshare(CLONE_NEWUTS) < 0 || sethostname(name, strlen(name)) < 0))
		_exit(126);
	if (name && domain && setdomainname(domain, strlen(domain)) < 0)
		_exit(126);
	struct uk_error *err = NULL;
	if (child->service->view.len)
		err = uk_view_enter(&child->service->view, child->dir, child->scratch);
	if (!err)
		err = uk_mapped_check(child->service);
	if (err) {
		dprintf(STDERR_FILENO, "%s\n", uk_error_message(err));
		_exit(126);
	}
}

static struct uk_error *open_outside(const struct uk_plan_outside *file, int *ret)
{
	struct stat st;
	int flags = (int)file->flags & ~(O_CREAT | O_EXCL | O_TRUNC);
	/* That of a pipe is opened once more by criu; this one need not wait for the other end. */
	if (!stat(file->path, &st) && S_ISFIFO(st.st_mode))
		flags = O_RDWR | O_NONBLOCK;
	uk_auto_close int fd = open(file->path, flags | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return uk_error_errno(errno, "open %s", file->path);
	if (file->pos && lseek(fd, (off_t)file->pos, SEEK_SET) < 0)
		return uk_error_errno(errno, "seek in %s", file->path);
	*ret = uk_take_fd(fd);
	return NULL;
}

/* What criu runs in the end: src/init/catch.c. */
static struct uk_error *open_catcher(struct child *child)
{
	static const char catcher[] = UPKEEP_LIBDIR "/catch";
	struct uk_error *err =
		uk_cgroup_open(child->service->cgroup, "cgroup.freeze", O_WRONLY, &child->freezer);
	if (!err)
		err = uk_cgroup_open("", "cgroup.procs", O_WRONLY, &child->root);
	if (err)
		return err;
	child->catcher = open(catcher, O_RDONLY | O_CLOEXEC);
	return child->catcher < 0 ? uk_error_errno(errno, "open %s", catcher) : NULL;
}

static struct uk_error *prepare(struct child *child, bool caught)
{
	if (child->service->journal.len + child->service->outside.len > UK_CRIU_HANDED_MAX)
		return uk_error_create(UK_ERR_INVALID, "more is to be handed to it than can be");
	struct uk_error *err = uk_cgroup_make(child->service->cgroup);
	if (!err && caught)
		err = open_catcher(child);
	if (!err)
		err = uk_dir_make(child->scratch, 0700);
	child->outside = calloc(child->service->outside.len + 1, sizeof(*child->outside));
	if (!err && !child->outside)
		err = uk_error_nomem();
	uk_vec_for_each(file, &child->service->outside) {
		if (!err)
			err = open_outside(file, &child->outside[child->made]);
		child->made += !err;
	}
	return err;
}

static struct uk_error *run_restore(struct child *child, const char *images)
{
	uk_cleanup(words_deinit) struct words words = {};
	add_common(&words, "restore");
	add(&words, "--restore-detached");
	int number = FIRST_FD;
	if (child->catcher >= 0) {
		add(&words, "--action-script");
		add(&words, "/proc/%d/fd/%d", getpid(), child->catcher);
	}
	uk_vec_for_each(stream, &child->service->journal) {
		add(&words, "--inherit-fd");
		add(&words, "fd[%d]:socket:[%ju]", number++, (uintmax_t)stream->ino);
	}
	uk_vec_for_each(file, &child->service->outside) {
		add(&words, "--inherit-fd");
		add(&words, "fd[%d]:%s", number++, file->id);
	}
	struct uk_error *err = finish(&words);
	if (err)
		return err;
	uk_auto_free char *root = NULL, *freezer = NULL;
	err = uk_asprintf(&root, "UPKEEP_ROOT_CGROUP=/proc/%d/fd/%d", getpid(), child->root);
	if (!err)
		err = uk_asprintf(&freezer, "UPKEEP_FREEZER=/proc/%d/fd/%d", getpid(),
				  child->freezer);
	if (err)
		return err;
	const char *const env[] = { root, freezer, NULL };
	struct uk_process process = { .argv = (const char *const *)words.all.data,
				      .env = child->catcher >= 0 ? env : NULL,
				      .in_child = enter,
				      .in_child_arg = child };
	struct uk_process_begun begun;
	err = uk_process_begin(&process, &begun);
	return err ? err : finish_run("restore", images, &begun, "");
}

struct uk_error *uk_criu_restore(const struct uk_plan_service *service, const char *dir,
				 const struct uk_stand_in *stand_ins, bool caught)
{
	uk_auto_free char *images = NULL, *scratch = NULL;
	uk_cleanup(uk_ptys_end) struct uk_ptys ptys = {};
	uk_cleanup(child_deinit) struct child child = { .service = service,
							.dir = dir,
							.stand_ins = stand_ins,
							.criu = -1,
							.images = -1,
							.plugins = -1,
							.catcher = -1,
							.freezer = -1,
							.root = -1 };
	struct uk_error *err = open_images(service, dir, &images, &child.images);
	if (!err)
		err = open_criu(&child.criu);
	if (!err)
		err = open_plugins(&child.plugins);
	if (!err)
		err = uk_asprintf(&scratch, "/run/upkeep/%s", service->images);
	child.scratch = scratch;
	if (!err)
		err = prepare(&child, caught);
	if (!err)
		err = uk_ptys_read(images, &ptys);
	if (!err)
		err = uk_ptys_begin(&ptys);
	if (!err)
		err = run_restore(&child, images);
	if (scratch)
		rmdir(scratch);
	return err;
}
