// SPDX-License-Identifier: GPL-2.0-or-later
/* One parent for processes that have none in common. */
#include "replace/gather.h"

#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM UPKEEP_LIBDIR "/gather"

static bool has(const struct uk_service *service, pid_t pid)
{
	uk_vec_for_each(task, &service->tasks) {
		if (task->pid == pid)
			return true;
	}
	return false;
}

struct uk_error *uk_gather_tops(const struct uk_service *service, uk_pids *ret)
{
	uk_vec_for_each(task, &service->tasks) {
		if (!has(service, task->ppid) && !uk_vec_push(ret, task->pid))
			return uk_error_nomem();
	}
	return NULL;
}

bool uk_gather_is_possible(const struct uk_service *service)
{
	if (service->kind == UK_SERVICE_TREE || !strcmp(service->cgroup, "/"))
		return false;
	uk_vec_for_each(task, &service->tasks) {
		if (task->own_ns & ~(1u << UK_NS_TIME) ||
		    task->ns[UK_NS_TIME] != service->tasks.data[0].ns[UK_NS_TIME])
			return false;
	}
	return true;
}

/*
 * It has nothing open, so nothing of ours goes into an image. What criu restored before has a time
 * namespace.
 */
static void __attribute__((noreturn)) become_gatherer(int program, int time)
{
	static char *const argv[] = { (char *)"upkeep-gather", NULL }, *const env[] = { NULL };
	setsid();
	if (!setns(time, CLONE_NEWTIME) && dup2(program, 0) == 0 &&
	    !fcntl(0, F_SETFD, FD_CLOEXEC) && !close_range(1, ~0u, 0) && !chdir("/"))
		execveat(0, "", argv, env, AT_EMPTY_PATH);
	_exit(127);
}

struct uk_error *uk_gather_start(pid_t beside, pid_t *ret)
{
	char path[64];
	uk_auto_close int program = open(PROGRAM, O_RDONLY | O_CLOEXEC);
	if (program < 0)
		return uk_error_errno(errno, "open " PROGRAM);
	snprintf(path, sizeof(path), "/proc/%d/ns/time", beside);
	uk_auto_close int time = open(path, O_RDONLY | O_CLOEXEC);
	if (time < 0)
		return uk_error_errno(errno, "open %s", path);
	pid_t pid = fork();
	if (pid < 0)
		return uk_error_errno(errno, "fork");
	if (!pid)
		become_gatherer(program, time);
	*ret = pid;
	return NULL;
}

void uk_gather_end(pid_t pid)
{
	/* Somebody else's ends by itself, and another process may have its number by now. */
	if (waitpid(pid, NULL, WNOHANG) != 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

struct uk_error *uk_gather_text(pid_t parent, const uk_pids *tops, char **ret)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	uk_strbuf_addf(&text, UK_GATHER_VARIABLE "=%d", parent);
	uk_vec_for_each(top, tops)
		uk_strbuf_addf(&text, " %d", *top);
	return uk_strbuf_finish(&text, ret);
}
