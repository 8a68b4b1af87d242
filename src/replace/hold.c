// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes that are held. */
#include "replace/hold.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/cgroup.h"
#include "replace/members.h"
#include "replace/procfs.h"
#include "replace/stop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ptrace.h>

#ifndef PTRACE_O_SUSPEND_SECCOMP
#define PTRACE_O_SUSPEND_SECCOMP (1 << 21) /* include/uapi/linux/ptrace.h, since 4.3 */
#endif

/* What we have a thread call is none of its filters' business; it ends when we let go. */
#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP)

void uk_hold_deinit(struct uk_hold *hold)
{
	free(hold->cgroup);
	uk_vec_deinit(&hold->threads);
	hold->cgroup = NULL;
}

struct uk_held *uk_hold_find(struct uk_hold *hold, pid_t tid)
{
	uk_vec_for_each(thread, &hold->threads) {
		if (thread->tid == tid)
			return thread;
	}
	return NULL;
}

/* --- one thread ---------------------------------------------------------------------- */

/* It has ended, and is at most there for its parent to see. */
static bool is_over(pid_t pid, pid_t tid)
{
	char path[64];
	uk_auto_free char *text = NULL;
	struct uk_proc_stat stat;
	size_t len;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	struct uk_error *err = uk_file_read(path, 4096, &text, &len);
	if (!err)
		err = uk_proc_parse_stat(text, &stat);
	bool over = err || stat.state == 'Z' || stat.state == 'X';
	uk_error_destroy(err);
	return over;
}

static struct uk_error *catch_thread(struct uk_hold *hold, pid_t pid, pid_t tid)
{
	struct uk_stop stop;
	if (uk_hold_find(hold, tid))
		return NULL;
	if (!uk_vec_reserve(&hold->threads, 1))
		return uk_error_nomem();
	if (ptrace(PTRACE_SEIZE, tid, NULL, OPTIONS) < 0) {
		int why = errno;
		return is_over(pid, tid)
			       ? NULL
			       : uk_error_errno(why, "trace thread %d of process %d", tid, pid);
	}
	hold->threads.data[hold->threads.len++] = (struct uk_held){ .pid = pid, .tid = tid };
	struct uk_error *err = uk_stop_trap(tid, &stop);
	if (!err && stop.kind == UK_STOP_GONE)
		hold->threads.len--;
	return err;
}

static struct uk_error *catch_process(struct uk_hold *hold, pid_t pid)
{
	char path[32];
	char **names = NULL;
	size_t nr = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	struct uk_error *err = uk_file_exists(path) ? uk_dir_list(path, &names, &nr) : NULL;
	for (size_t i = 0; !err && i < nr; i++)
		err = catch_thread(hold, pid, (pid_t)strtol(names[i], NULL, 10));
	uk_strv_destroy(names, nr);
	return err;
}

static struct uk_error *catch_all(struct uk_hold *hold, const uk_pids *pids)
{
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < pids->len; i++)
		err = catch_process(hold, pids->data[i]);
	return err;
}

/* --- all of them --------------------------------------------------------------------- */

/* What a thread started before it was caught is seen in the next round. */
static struct uk_error *catch_until_no_more(struct uk_hold *hold, const void *arg,
					    struct uk_error *(*list)(const void *arg, uk_pids *ret))
{
	struct uk_error *err = NULL;
	size_t before;
	do {
		uk_pids pids = {};
		before = hold->threads.len;
		err = list(arg, &pids);
		if (!err)
			err = catch_all(hold, &pids);
		uk_vec_deinit(&pids);
	} while (!err && hold->threads.len != before);
	return err;
}

static struct uk_error *let_go_after(struct uk_hold *hold, struct uk_error *err, bool frozen)
{
	if (err)
		uk_error_destroy(uk_hold_release(hold, frozen));
	return err;
}

static struct uk_error *list_cgroup(const void *cgroup, uk_pids *ret)
{
	return uk_cgroup_list(cgroup, ret);
}

struct uk_error *uk_hold_take_cgroup(const char *cgroup, struct uk_hold *ret)
{
	bool frozen = false;
	*ret = (struct uk_hold){};
	struct uk_error *err = uk_strdup(cgroup, &ret->cgroup);
	if (!err)
		err = uk_cgroup_is_frozen(cgroup, &frozen);
	if (err)
		return err;
	err = uk_cgroup_freeze(cgroup);
	if (!err)
		err = catch_until_no_more(ret, cgroup, list_cgroup);
	if (!err)
		err = uk_cgroup_thaw(cgroup);
	return let_go_after(ret, err, frozen);
}

static struct uk_error *list_tree(const void *root, uk_pids *ret)
{
	return uk_members_of_tree(NULL, *(const pid_t *)root, ret);
}

struct uk_error *uk_hold_take_tree(pid_t root, struct uk_hold *ret)
{
	*ret = (struct uk_hold){};
	return let_go_after(ret, catch_until_no_more(ret, &root, list_tree), false);
}

/* What was killed meanwhile ends when its tracer has taken notice of each of its threads. */
static struct uk_error *let_go(const struct uk_held *thread)
{
	struct uk_stop stop = { .kind = UK_STOP_TRAP };
	struct uk_error *err = NULL;
	while (!err && !thread->asleep && stop.kind != UK_STOP_GONE) {
		if (!ptrace(PTRACE_DETACH, thread->tid, NULL, (long)thread->signal))
			return NULL;
		if (errno != ESRCH)
			return uk_error_errno(errno, "let go of thread %d", thread->tid);
		err = uk_stop_await(thread->tid, &stop);
	}
	return err;
}

struct uk_error *uk_hold_release(struct uk_hold *hold, bool frozen)
{
	struct uk_error *err = NULL;
	/* All that is in a stop counts as frozen: this does not wait for anybody. */
	if (hold->cgroup)
		err = frozen ? uk_cgroup_freeze(hold->cgroup) : uk_cgroup_thaw(hold->cgroup);
	/* From the end: a first thread that was killed ends after all others of its process. */
	for (size_t i = hold->threads.len; i-- > 0;) {
		struct uk_error *one = let_go(&hold->threads.data[i]);
		if (!err)
			err = one;
		else
			uk_error_destroy(one);
	}
	hold->threads.len = 0;
	return err;
}
