/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keep set: the services that a replacement carries over, each with its processes.
 *
 * A service is named on the command line by one of
 *
 *	redis-server.service, redis-server   a systemd unit: all of its cgroup
 *	812, pid:812                         a process and all below it
 *	session:3, session-3.scope           a login session of logind: its scope's cgroup
 *
 * A number alone is a process.
 */
#ifndef UPKEEP_REPLACE_KEEP_H
#define UPKEEP_REPLACE_KEEP_H

#include "base/error.h"
#include "base/vec.h"
#include "replace/task.h"

#include <stdbool.h>
#include <stddef.h>

enum uk_service_kind {
	UK_SERVICE_UNIT,
	UK_SERVICE_TREE,
	UK_SERVICE_SESSION,
};

struct uk_service {
	enum uk_service_kind kind;
	char *name;	/* for people: "redis-server.service", "pid 812", "session 3" */
	char *unit;	/* of systemd: "redis-server.service", "session-3.scope"; NULL of a tree */
	char *cgroup;	/* in cgroup2: "/system.slice/redis-server.service"; "/" is the root */
	char *type;	/* Type= of a unit ("notify", "forking", "simple"); NULL when not known */
	pid_t main_pid; /* of a unit its MainPID, of a tree its root, of a session its leader */
	UK_VEC(struct uk_task) tasks; /* ascending by pid, the main one among them */
};

struct uk_keep {
	UK_VEC(struct uk_service) services; /* in the order asked for, none twice */
	UK_VEC(struct uk_service) left_out; /* that were asked for, too; see below */
};

void uk_keep_deinit(struct uk_keep *keep);
#define uk_auto_keep uk_cleanup(uk_keep_deinit)

/*
 * Finds the services that @names mean and reads all of their processes. @ret needs
 * uk_keep_deinit(), also after an error. UK_ERR_USAGE names what is nothing that runs, and
 * what would be kept twice.
 */
struct uk_error *uk_keep_resolve(const struct uk_host_paths *paths, const char *const *names,
				 size_t nr, struct uk_keep *ret) uk_must_check;

/*
 * Leaves out those of @keep that @names mean, in whatever form they are named. UK_ERR_USAGE names
 * what is not kept, and says when nothing would be left.
 */
struct uk_error *uk_keep_leave_out(const struct uk_host_paths *paths, const char *const *names,
				   size_t nr, struct uk_keep *keep) uk_must_check;

/*
 * Whether process @pid is of what @names mean, without a look at any process. UK_ERR_USAGE as
 * above.
 */
struct uk_error *uk_keep_has(const struct uk_host_paths *paths, const char *const *names, size_t nr,
			     pid_t pid, bool *ret) uk_must_check;

/* The numbers of its processes now, in no order; some may have ended. */
struct uk_error *uk_service_list(const struct uk_host_paths *paths,
				 const struct uk_service *service, uk_pids *ret) uk_must_check;

/* Who has process @pid; NULL for somebody else. @task_ret may be NULL. */
const struct uk_service *uk_keep_find(const struct uk_keep *keep, pid_t pid,
				      const struct uk_task **task_ret);

#endif
