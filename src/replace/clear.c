// SPDX-License-Identifier: GPL-2.0-or-later
/* What a restore that failed left of a service. */
#include "replace/clear.h"

#include "base/strbuf.h"
#include "replace/cgroup.h"
#include "replace/members.h"
#include "replace/task.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct uk_error *kill_one(pid_t pid)
{
	if (kill(pid, SIGKILL) < 0 && errno != ESRCH)
		return uk_error_errno(errno, "kill process %d", pid);
	return NULL;
}

/* Who else has its number by now is in another cgroup. */
static bool is_there(const struct uk_plan_service *service)
{
	struct uk_task task = {};
	struct uk_error *gone = uk_task_read_brief(NULL, service->main_pid, &task);
	bool there = !gone && service->main_pid != getpid() && task.cgroup &&
		     !strcmp(task.cgroup, service->cgroup);
	uk_task_deinit(&task);
	uk_error_destroy(gone);
	return there;
}

static struct uk_error *kill_tree(const struct uk_plan_service *service)
{
	uk_pids tree = {};
	if (!is_there(service))
		return NULL;
	struct uk_error *err = uk_members_of_tree(NULL, service->main_pid, &tree);
	uk_vec_for_each(pid, &tree) {
		if (!err)
			err = kill_one(*pid);
	}
	uk_vec_deinit(&tree);
	return err;
}

struct uk_error *uk_clear_away(const struct uk_plan_service *service)
{
	struct uk_error *err = service->unit ? uk_cgroup_kill(service->cgroup) : kill_tree(service);
	/* Who died before they were let go have left it frozen; it need not be there. */
	uk_error_destroy(service->unit ? uk_cgroup_thaw(service->cgroup) : NULL);
	return uk_error_wrap(err, "clear %s away", service->name);
}
