// SPDX-License-Identifier: GPL-2.0-or-later
/* Checkpoint and restore of one service by criu. */
#include "replace/criu.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/cgroup.h"
#include "replace/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

enum {
	LOG_MAX = 64 << 20,
	ERRORS_MAX = 3, /* of its lines */
	FIRST_FD = 100, /* for descriptors that are handed to criu: above its own and ours */
};

const char *const uk_criu_modules[] = {
	"unix_diag",	"tcp_diag",	 "udp_diag", "inet_diag",  "af_packet_diag",
	"netlink_diag", "nf_tables",	 "nft_ct",   "nft_compat", "xt_mark",
	"xt_conntrack", "nft_chain_nat", "tun",	     NULL,
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
	const char *found = strstr(line, "Error (");
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

static struct uk_error *run(const char *verb, const char *images, struct uk_process *process)
{
	uk_auto_process_result struct uk_process_result result = {};
	struct uk_error *err = uk_process_run(process, &result);
	if (!err && result.status)
		err = explain(verb, images, *result.errout ? result.errout : result.out,
			      result.status);
	return err;
}

/* --- dump ---------------------------------------------------------------------------- */

static void add_common(struct words *words, const char *verb, const char *images)
{
	add(words, "criu");
	add(words, "%s", verb);
	add(words, "--images-dir");
	add(words, "%s", images);
	add(words, "--log-file");
	add(words, "%s.log", verb);
	add(words, "-v2");
	add(words, "--no-default-config");
	add(words, "--tcp-established");
	add(words, "--file-locks");
	add(words, "--ext-unix-sk");
	add(words, "--link-remap");
	add(words, "--force-irmap");
	add(words, "--manage-cgroups=ignore");
	add(words, "--network-lock");
	add(words, "nftables");
}

struct uk_error *uk_criu_dump(const struct uk_plan_service *service, const char *dir)
{
	uk_cleanup(words_deinit) struct words words = {};
	uk_auto_free char *images = NULL;
	struct uk_error *err = uk_asprintf(&images, "%s/%s", dir, service->images);
	if (!err)
		err = uk_dir_make(images, 0700);
	if (err)
		return err;
	add_common(&words, "dump", images);
	add(&words, "--tree");
	add(&words, "%d", service->main_pid);
	add(&words, "--leave-stopped");
	uk_vec_for_each(inode, &service->journal) {
		add(&words, "--external");
		add(&words, "unix[%ju]", (uintmax_t)*inode);
	}
	err = finish(&words);
	if (err)
		return err;
	struct uk_process process = { .argv = (const char *const *)words.all.data };
	return run("dump", images, &process);
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

struct uk_error *uk_criu_let_go(const struct uk_plan_service *service)
{
	struct uk_error *err = unlock(service->main_pid);
	struct uk_error *second = uk_cgroup_signal(service->cgroup, SIGCONT);
	if (!err)
		return second;
	uk_error_destroy(second);
	return err;
}

/* --- restore ------------------------------------------------------------------------- */

struct child {
	const char *cgroup;
	const struct uk_plan_service *service;
	const int *sockets; /* one for each of service->journal */
};

/* In the child, before criu: what it makes is born in the service's cgroup. */
static void enter(void *arg)
{
	const struct child *child = arg;
	if (!uk_cgroup_enter(child->cgroup))
		_exit(126);
	for (size_t i = 0; i < child->service->journal.len; i++)
		dup2(child->sockets[i], FIRST_FD + (int)i);
}

static void close_all(const int *sockets, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		close(sockets[i]);
}

static struct uk_error *restore_with(const struct uk_plan_service *service, const char *images,
				     const int *sockets)
{
	uk_cleanup(words_deinit) struct words words = {};
	add_common(&words, "restore", images);
	add(&words, "--restore-detached");
	for (size_t i = 0; i < service->journal.len; i++) {
		add(&words, "--inherit-fd");
		add(&words, "fd[%d]:socket:[%ju]", FIRST_FD + (int)i,
		    (uintmax_t)service->journal.data[i]);
	}
	struct uk_error *err = finish(&words);
	if (err)
		return err;
	struct child child = { service->cgroup, service, sockets };
	struct uk_process process = { .argv = (const char *const *)words.all.data,
				      .in_child = enter,
				      .in_child_arg = &child };
	return run("restore", images, &process);
}

struct uk_error *uk_criu_restore(const struct uk_plan_service *service, const char *dir)
{
	uk_auto_free char *images = NULL;
	uk_auto_free int *sockets = calloc(service->journal.len + 1, sizeof(*sockets));
	size_t made = 0;
	struct uk_error *err =
		sockets ? uk_asprintf(&images, "%s/%s", dir, service->images) : uk_error_nomem();
	if (!err)
		err = uk_cgroup_make(service->cgroup);
	for (; !err && made < service->journal.len; made += !err)
		err = uk_journal_stand_in(&sockets[made]);
	if (!err)
		err = restore_with(service, images, sockets);
	close_all(sockets, made);
	return err;
}
