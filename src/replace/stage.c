// SPDX-License-Identifier: GPL-2.0-or-later
/* A stage: namespaces for a copy of a service. */
#include "replace/stage.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "replace/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_MAX = 16 << 10 };

/* --- its cgroup ------------------------------------------------------------------------ */

struct uk_error *uk_stage_clear(void)
{
	bool there;
	struct uk_error *err = uk_cgroup_is_there(UK_STAGE_CGROUP, &there);
	if (err || !there)
		return err;
	err = uk_cgroup_kill(UK_STAGE_CGROUP);
	uk_cgroup_remove(UK_STAGE_CGROUP UK_STAGE_COPY);
	uk_cgroup_remove(UK_STAGE_CGROUP);
	return err;
}

/* Where the controller is not there, nothing is limited. */
static void limit(const char *file, uint64_t value)
{
	char text[32];
	uk_auto_close int fd = -1;
	uk_auto_error struct uk_error *without =
		uk_cgroup_open(UK_STAGE_CGROUP, file, O_WRONLY, &fd);
	int len = snprintf(text, sizeof(text), "%ju", (uintmax_t)value);
	if (!without && write(fd, text, (size_t)len) != len)
		return;
}

static struct uk_error *make_cgroup(const struct uk_stage *stage)
{
	struct uk_error *err = uk_stage_clear();
	if (!err)
		err = uk_cgroup_make(UK_STAGE_CGROUP);
	if (err)
		return err;
	limit("memory.max", stage->memory);
	limit("memory.oom.group", 1);
	limit("cpu.weight", 20); /* of 100, which others have */
	return NULL;
}

/* --- on the stage ---------------------------------------------------------------------- */

struct playing {
	const struct uk_stage *stage;
	struct uk_error *(*play)(void *arg);
	void *arg;
	unsigned int *numbers; /* of the links */
	int out;	       /* what went wrong is written to it */
};

/* Ends with who started it. */
static void end_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

/* As far as this machine has numbers. */
static struct uk_error *set_numbers(pid_t numbers)
{
	char text[16];
	uk_auto_close int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	int len = snprintf(text, sizeof(text), "%d", numbers);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		return uk_error_errno(errno, "set the next number of a process");
	return NULL;
}

static struct uk_error *set_up_and_play(const struct playing *playing)
{
	const struct uk_stage *stage = playing->stage;
	struct uk_error *err = uk_stage_make_files(stage->mounts, stage->at);
	if (!err)
		err = set_numbers(stage->numbers);
	if (!err)
		err = uk_stage_make_network(stage->plan, playing->numbers, stage->dir);
	err = uk_error_wrap(err, "set the stage");
	return err ? err : playing->play(playing->arg);
}

/* The first process of the namespace: when it ends, all others there are killed. */
static void __attribute__((noreturn)) be_first(const struct playing *playing)
{
	struct uk_error *err = set_up_and_play(playing);
	if (err) {
		char kind = (char)uk_error_kind(err);
		const char *text = uk_error_message(err);
		size_t len = strnlen(text, TEXT_MAX);
		if (write(playing->out, &kind, 1) == 1 && write(playing->out, text, len) > 0)
			_exit(1);
	}
	_exit(err ? 1 : 0);
}

/* Waits for the first one, of which it tells the end. */
static void __attribute__((noreturn)) be_parent(const struct playing *playing, pid_t upkeep)
{
	end_with(upkeep);
	if (!uk_cgroup_enter(UK_STAGE_CGROUP) ||
	    unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |
		    CLONE_NEWPID) < 0)
		_exit(2);
	int status;
	pid_t first = fork();
	if (!first) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		be_first(playing);
	}
	close(playing->out);
	while (first > 0 && waitpid(first, &status, 0) < 0 && errno == EINTR)
		continue;
	_exit(first > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 2);
}

/* --- from outside ---------------------------------------------------------------------- */

/* What comes until the end of file or of time; false for the latter. */
static bool listen_to(int in, unsigned int seconds, char *text, size_t *len)
{
	uint64_t end = uk_clock_ns() + (uint64_t)seconds * UK_SECOND_NS, now;
	while ((now = uk_clock_ns()) < end) {
		struct pollfd poller = { .fd = in, .events = POLLIN };
		int seen = poll(&poller, 1, (int)((end - now) / UK_MS_NS) + 1);
		ssize_t got = seen > 0 ? read(in, text + *len, TEXT_MAX - *len) : -1;
		if (!got)
			return true;
		if (got < 0 && errno != EINTR)
			return seen > 0;
		*len += got > 0 ? (size_t)got : 0;
	}
	return false;
}

static struct uk_error *outcome(const struct uk_stage *stage, bool in_time, int status,
				const char *text, size_t len)
{
	if (len > 1)
		return uk_error_create((enum uk_error_kind)text[0], "%.*s", (int)len - 1, text + 1);
	if (!in_time)
		return uk_error_create(UK_ERR_SYSTEM, "it did not end within %u s", stage->seconds);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return NULL;
	return uk_error_create(UK_ERR_SYSTEM,
			       "the namespaces for it cannot be had, or too little memory is free");
}

static struct uk_error *perform(struct playing *playing)
{
	int ends[2], status = -1;
	pid_t upkeep = getpid();
	size_t len = 0;
	uk_auto_free char *text = malloc(TEXT_MAX);
	if (!text)
		return uk_error_nomem();
	if (pipe2(ends, O_CLOEXEC) < 0)
		return uk_error_errno(errno, "pipe");
	pid_t parent = fork();
	if (!parent) {
		close(ends[0]);
		playing->out = ends[1];
		be_parent(playing, upkeep);
	}
	close(ends[1]);
	bool in_time = parent > 0 && listen_to(ends[0], playing->stage->seconds, text, &len);
	close(ends[0]);
	if (parent < 0)
		return uk_error_errno(errno, "fork");
	if (!in_time)
		kill(parent, SIGKILL);
	while (waitpid(parent, &status, 0) < 0 && errno == EINTR)
		continue;
	return outcome(playing->stage, in_time, status, text, len);
}

struct uk_error *uk_stage_play(const struct uk_stage *stage, struct uk_error *(*play)(void *arg),
			       void *arg)
{
	size_t nr = stage->plan->links.len;
	uk_auto_free unsigned int *numbers = calloc(nr + 1, sizeof(*numbers));
	if (!numbers)
		return uk_error_nomem();
	for (size_t i = 0; i < nr; i++)
		numbers[i] = if_nametoindex(stage->plan->links.data[i].name);
	struct playing playing = { stage, play, arg, numbers, -1 };
	struct uk_error *err = make_cgroup(stage);
	if (!err)
		err = perform(&playing);
	return uk_error_first(err, uk_stage_clear());
}
