// SPDX-License-Identifier: GPL-2.0-or-later
/* Until when threads sleep. */
#include "replace/watch.h"

#include "base/file.h"
#include "replace/calls.h"
#include "replace/cgroup.h"
#include "replace/task.h"
#include "replace/witness.h"

#include <string.h>

void uk_watches_deinit(uk_watches *watches)
{
	uk_vec_for_each(watch, watches)
		uk_cleanup_close(&watch->witness);
	uk_vec_deinit(watches);
}

/* False in none, for a thread that runs, and for one that ended. */
static bool read_call(pid_t pid, pid_t tid, struct uk_watch *watch)
{
	struct uk_thread seen;
	uk_auto_error struct uk_error *gone = uk_task_read_call(pid, tid, &seen);
	if (gone || seen.syscall < 0)
		return false;
	watch->number = (uint64_t)seen.syscall;
	memcpy(watch->args, seen.args, sizeof(watch->args));
	watch->sp = seen.sp;
	watch->ip = seen.ip;
	return true;
}

static bool needs_watch(const struct uk_watch *watch)
{
	const struct uk_call_kind *kind = uk_call_kind(watch->number);
	return kind && uk_call_is_limited(kind, watch->args);
}

/* The timer is that of the call, if it has not been left while both were looked at. */
static struct uk_error *look(struct uk_ktasks *ktasks, pid_t pid, pid_t tid, uk_watches *watches)
{
	struct uk_watch watch = { .tid = tid, .witness = -1 }, again = {};
	if (!read_call(pid, tid, &watch) || !needs_watch(&watch))
		return NULL;
	struct uk_error *err = uk_witness_call(tid, watch.ip, &watch.witness);
	if (!err &&
	    (!read_call(pid, tid, &again) || again.number != watch.number || again.ip != watch.ip ||
	     again.sp != watch.sp || memcmp(again.args, watch.args, sizeof(watch.args)) != 0))
		err = uk_error_create(UK_ERR_NOTHING, "it is in another call by now");
	if (!err)
		err = uk_ktasks_alarm(ktasks, tid, &watch.until_ns);
	if (!err && !uk_vec_push(watches, watch))
		err = uk_error_nomem();
	if (err)
		uk_cleanup_close(&watch.witness);
	return err;
}

static struct uk_error *look_at_process(struct uk_ktasks *ktasks, pid_t pid, uk_watches *watches)
{
	char path[32];
	char **names = NULL;
	size_t nr = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	struct uk_error *err = uk_file_exists(path) ? uk_dir_list(path, &names, &nr) : NULL;
	for (size_t i = 0; !err && i < nr; i++)
		uk_error_destroy(look(ktasks, pid, (pid_t)strtol(names[i], NULL, 10), watches));
	uk_strv_destroy(names, nr);
	return err;
}

struct uk_error *uk_watch_cgroup(const char *cgroup, struct uk_ktasks *ktasks, uk_watches *ret)
{
	uk_pids pids = {};
	struct uk_error *err = uk_cgroup_list(cgroup, &pids);
	uk_ktasks_refresh(ktasks);
	for (size_t i = 0; !err && i < pids.len; i++)
		err = look_at_process(ktasks, pids.data[i], ret);
	uk_vec_deinit(&pids);
	return err;
}

const struct uk_watch *uk_watch_find(const uk_watches *watches, pid_t tid)
{
	uint64_t left = 1;
	uk_vec_for_each(watch, watches) {
		if (watch->tid != tid)
			continue;
		uk_error_destroy(uk_witness_ask(watch->witness, &left));
		return left ? NULL : watch;
	}
	return NULL;
}
