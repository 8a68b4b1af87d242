// SPDX-License-Identifier: GPL-2.0-or-later
/* Which processes a cgroup has, or a tree of processes. */
#include "replace/members.h"

#include "base/file.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "replace/procfs.h"

#include <limits.h>
#include <string.h>

#define SMALL (4 << 20)
#define DEPTH_MAX 32 /* of cgroups */

struct uk_error *uk_members_find_top(const struct uk_host_paths *paths, char **ret)
{
	uk_auto_free char *path = NULL, *text = NULL;
	paths = uk_host_paths_get(paths);
	if (paths->cgroup)
		return uk_strdup(paths->cgroup, ret);
	struct uk_error *err = uk_asprintf(&path, "%s/self/mountinfo", paths->proc);
	if (!err)
		err = uk_file_read(path, SMALL, &text, NULL);
	uk_mounts mounts = {};
	if (!err)
		err = uk_proc_parse_mountinfo(text, &mounts);
	bool found = false;
	for (size_t i = 0; i < mounts.len && !err && !found; i++) {
		found = !strcmp(mounts.data[i].type, "cgroup2");
		if (found)
			err = uk_strdup(mounts.data[i].point, ret);
	}
	uk_mounts_deinit(&mounts);
	if (!err && !found)
		err = uk_error_create(UK_ERR_REFUSED,
				      "no cgroup2 is mounted, so that units cannot be found: "
				      "name processes by their numbers");
	return err;
}

/* Calls @each for the folders in @path; @each says true to end it. */
typedef bool (*folder_fn)(const char *path, const char *name, void *ctx);

static bool for_each_folder(const char *path, folder_fn each, void *ctx)
{
	uk_auto_closedir DIR *dir = opendir(path);
	struct dirent *entry;
	bool done = false;
	while (dir && !done && (entry = readdir(dir))) {
		char below[PATH_MAX];
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >=
			    (int)sizeof(below))
			continue;
		done = each(below, entry->d_name, ctx);
	}
	return done;
}

struct search {
	const char *name;
	int depth;
	char *found;
};

static bool look_for(const char *path, const char *name, void *ctx)
{
	struct search *search = ctx;
	if (!strcmp(name, search->name)) {
		search->found = strdup(path);
		return true;
	}
	if (search->depth >= DEPTH_MAX)
		return false;
	search->depth++;
	bool done = for_each_folder(path, look_for, search);
	search->depth--;
	return done;
}

struct uk_error *uk_members_find_cgroup(const char *top, const char *unit, char **ret)
{
	struct search search = { .name = unit };
	if (for_each_folder(top, look_for, &search) && !search.found)
		return uk_error_nomem();
	uk_auto_free char *found = search.found;
	*ret = NULL;
	return found ? uk_strdup(found + strlen(top), ret) : NULL;
}

static struct uk_error *add_pids(const char *path, uk_pids *pids)
{
	uk_auto_free char *name = NULL, *text = NULL;
	struct uk_error *err = uk_asprintf(&name, "%s/cgroup.procs", path);
	if (!err)
		err = uk_file_read(name, SMALL, &text, NULL);
	for (const char *at = text; !err && *at; at++) {
		uint64_t pid;
		if (!uk_proc_number(&at, 10, &pid) || pid > INT_MAX || *at != '\n')
			return uk_error_create(UK_ERR_INVALID, "%s: it is no list of processes",
					       name);
		/* 0 is one that this PID namespace does not show. */
		if (pid && !uk_vec_push(pids, (pid_t)pid))
			return uk_error_nomem();
	}
	return err;
}

struct gather {
	uk_pids *pids;
	int depth;
	struct uk_error *err;
};

static bool gather_below(const char *path, const char *name, void *ctx)
{
	struct gather *gather = ctx;
	gather->err = add_pids(path, gather->pids);
	if (gather->err || gather->depth >= DEPTH_MAX)
		return gather->err;
	gather->depth++;
	bool done = for_each_folder(path, gather_below, gather);
	gather->depth--;
	return done;
}

struct uk_error *uk_members_of_cgroup(const struct uk_host_paths *paths, const char *cgroup,
				      uk_pids *ret)
{
	uk_auto_free char *top = NULL, *path = NULL;
	struct uk_error *err = uk_members_find_top(paths, &top);
	if (!err)
		err = uk_asprintf(&path, "%s%s", top, cgroup);
	/* systemd removes the group of a unit that has ended. */
	if (err || !uk_file_exists(path))
		return err;
	struct gather gather = { .pids = ret };
	(void)gather_below(path, "", &gather);
	return gather.err;
}

/* Passes over all processes until none is added. */
struct uk_error *uk_members_of_tree(const struct uk_host_paths *paths, pid_t root, uk_pids *ret)
{
	uk_pids all = {};
	uk_auto_map struct uk_map parents = {}, chosen = {};
	struct uk_error *err = uk_task_list(paths, &all);
	for (size_t i = 0; i < all.len && !err; i++) {
		struct uk_task task;
		uk_auto_error struct uk_error *gone = uk_task_read_brief(paths, all.data[i], &task);
		if (gone)
			continue;
		struct uk_map_entry *entry = uk_map_insert_num(&parents, task.pid, NULL);
		if (entry)
			entry->num = (uint64_t)task.ppid;
		else
			err = uk_error_nomem();
		uk_task_deinit(&task);
	}
	uk_vec_deinit(&all);
	if (!err && !uk_map_insert_num(&chosen, root, NULL))
		err = uk_error_nomem();
	if (!err && !uk_vec_push(ret, root))
		err = uk_error_nomem();
	for (size_t before = 0; !err && before != ret->len;) {
		before = ret->len;
		uk_map_for_each(entry, &parents) {
			uint64_t pid;
			bool added = false;
			memcpy(&pid, entry->key, sizeof(pid));
			if (!uk_map_find_num(&chosen, entry->num))
				continue;
			if (!uk_map_insert_num(&chosen, pid, &added) ||
			    (added && !uk_vec_push(ret, (pid_t)pid)))
				return uk_error_nomem();
		}
	}
	return err;
}
