// SPDX-License-Identifier: GPL-2.0-or-later
/* A service's view of the file tree: written down, and made again. */
#include "replace/view.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/carry.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_one_of(const char *type, const char *const *types)
{
	for (; *types; types++) {
		if (!strcmp(type, *types))
			return true;
	}
	return false;
}

bool uk_view_is_kernels(const char *type)
{
	static const char *const types[] = { "proc",	  "sysfs",	"cgroup2",  "devpts",
					     "mqueue",	  "securityfs", "pstore",   "bpf",
					     "tracefs",	  "debugfs",	"configfs", "fusectl",
					     "hugetlbfs", "devtmpfs",	"efivarfs", "binfmt_misc",
					     NULL };
	return is_one_of(type, types);
}

bool uk_view_is_memory(const char *type)
{
	static const char *const types[] = { "tmpfs", "ramfs", NULL };
	return is_one_of(type, types);
}

/* Mounted when somebody looks: systemd sets it up anew. */
bool uk_view_is_left_out(const char *type)
{
	static const char *const types[] = { "autofs", "nsfs", NULL };
	return is_one_of(type, types);
}

/* Below this folder systemd mounts the credentials of each unit, and forgets them when it ends. */
#define CREDENTIALS "/run/credentials/"

static bool is_credentials(const struct uk_mount *mount)
{
	return uk_str_starts(mount->point, CREDENTIALS);
}

/* Those of the task's own unit, by its cgroup: "/system.slice/redis-server.service". */
static bool is_own_credentials(const struct uk_mount *mount, const struct uk_task *task)
{
	const char *unit = strrchr(task->cgroup, '/');
	return unit && unit[1] && !strcmp(mount->point + strlen(CREDENTIALS), unit + 1);
}

/* --- written down -------------------------------------------------------------------- */

static struct uk_error *describe(const struct uk_mount *mount, struct uk_plan_mount *ret)
{
	struct uk_error *err = uk_strdup(mount->type, &ret->type);
	if (!err)
		err = uk_strdup(mount->source, &ret->source);
	return err ? err : uk_strdup(mount->super, &ret->super);
}

/* A new element with the place and the options of @mount. */
static struct uk_error *add_mount(uk_plan_mounts *to, const struct uk_mount *mount,
				  struct uk_plan_mount **ret)
{
	if (!uk_vec_push(to, (struct uk_plan_mount){}))
		return uk_error_nomem();
	*ret = &to->data[to->len - 1];
	struct uk_error *err = uk_strdup(mount->point, &(*ret)->point);
	return err ? err : uk_strdup(mount->options, &(*ret)->options);
}

/*
 * Where in @mounts the folder @root of file system @dev is shown: by the last mount whose own
 * root is above it. NULL if nowhere.
 */
static struct uk_error *find_path(const uk_mounts *mounts, size_t nr, dev_t dev, const char *root,
				  char **ret)
{
	const struct uk_mount *best = NULL;
	size_t best_len = 0;
	*ret = NULL;
	for (size_t i = 0; i < nr; i++) {
		const struct uk_mount *mount = &mounts->data[i];
		size_t len = strcmp(mount->root, "/") ? strlen(mount->root) : 0;
		bool above = mount->dev == dev && !strncmp(mount->root, root, len) &&
			     (root[len] == '/' || !root[len]);
		if (above && (!best || len >= best_len)) {
			best = mount;
			best_len = len;
		}
	}
	if (!best)
		return NULL;
	const char *point = strcmp(best->point, "/") ? best->point : "";
	const char *rest = strcmp(root + best_len, "/") ? root + best_len : "";
	return uk_asprintf(ret, "%s%s%s", point, rest, *point || *rest ? "" : "/");
}

static bool is_below(const char *point, const char *above)
{
	size_t len = strcmp(above, "/") ? strlen(above) : 0;
	return !strncmp(point, above, len) && point[len] == '/';
}

bool uk_view_is_hidden(const uk_mounts *mounts, const struct uk_mount *mount)
{
	uk_vec_for_each(other, mounts) {
		if (other->parent == mount->parent && other->id != mount->id &&
		    is_below(mount->point, other->point))
			return true;
	}
	uk_vec_for_each(parent, mounts) {
		if (parent->id == mount->parent && parent->id != mount->id)
			return uk_view_is_hidden(mounts, parent);
	}
	return false;
}

/* A part of a disk, or one once more: by where it is seen elsewhere. */
static struct uk_error *list_part(const uk_mounts *host, size_t number, const uk_disks *disks,
				  uk_plan_mounts *ret)
{
	const struct uk_mount *mount = &host->data[number];
	const struct uk_disk *disk = uk_disks_find(disks, mount->dev);
	uk_auto_free char *from = NULL;
	struct uk_plan_mount *to;
	/* The first one is mounted by init. */
	if (!disk || disk->mount == mount->id || !(disk->spec || disk == uk_disks_root(disks)) ||
	    uk_view_is_hidden(host, mount))
		return NULL;
	struct uk_error *err = find_path(host, number, mount->dev, mount->root, &from);
	if (err || !from)
		return err;
	err = add_mount(ret, mount, &to);
	if (err)
		return err;
	to->from = uk_take(from);
	return describe(mount, to);
}

struct uk_error *uk_view_list_host(const uk_mounts *host, const uk_disks *disks,
				   uk_plan_mounts *ret)
{
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < host->len; i++) {
		const struct uk_mount *mount = &host->data[i];
		struct uk_plan_mount *to;
		bool made = uk_view_is_kernels(mount->type) || uk_view_is_memory(mount->type);
		if (!strcmp(mount->point, "/") || is_credentials(mount))
			continue;
		if (!made) {
			err = list_part(host, i, disks, ret);
		} else if (!strcmp(mount->root, "/")) {
			err = add_mount(ret, mount, &to);
			if (!err)
				err = describe(mount, to);
		}
	}
	return err;
}

static struct uk_error *list_mount(const struct uk_task *task, const uk_mounts *host, size_t number,
				   const char *prefix, uk_plan_mounts *ret)
{
	const struct uk_mount *mount = &task->mounts.data[number];
	struct uk_plan_mount *to;
	if (uk_view_is_left_out(mount->type) || uk_view_is_hidden(&task->mounts, mount) ||
	    (is_credentials(mount) && !is_own_credentials(mount, task)))
		return NULL;
	struct uk_error *err = add_mount(ret, mount, &to);
	if (!err)
		err = describe(mount, to);
	/* Credentials go along, for no host mounts them again. */
	if (!err && !is_credentials(mount))
		err = find_path(host, host->len, mount->dev, mount->root, &to->from);
	if (err || to->from)
		return err;
	/* One that came before shows more of the same. */
	err = find_path(&task->mounts, number, mount->dev, mount->root, &to->from);
	to->inside = to->from != NULL;
	if (err || to->from)
		return err;
	bool whole = !strcmp(mount->root, "/");
	if (!whole || !(uk_view_is_kernels(mount->type) || uk_view_is_memory(mount->type)))
		return uk_error_create(UK_ERR_REFUSED,
				       "%s of process %d shows %s of a file system (%s) that the "
				       "host has not mounted, and cannot be made again",
				       mount->point, task->pid, mount->root, mount->type);
	if (uk_view_is_memory(mount->type))
		err = uk_asprintf(&to->content, "%s-%zu.tar", prefix, number);
	return err;
}

struct uk_error *uk_view_list(const struct uk_task *task, const uk_mounts *host, const char *prefix,
			      uk_plan_mounts *ret)
{
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < task->mounts.len; i++)
		err = list_mount(task, host, i, prefix, ret);
	return err;
}

struct uk_error *uk_view_pack(const uk_plan_mounts *view, pid_t pid, const char *dir)
{
	static const char *const all[] = { "." };
	struct uk_error *err = NULL;
	uk_vec_for_each(mount, view) {
		uk_auto_free char *root = NULL, *path = NULL;
		if (err || !mount->content)
			continue;
		err = uk_asprintf(&root, "/proc/%d/root%s", pid, mount->point);
		if (!err)
			err = uk_asprintf(&path, "%s/%s", dir, mount->content);
		if (!err)
			err = uk_carry_pack(root, all, 1, path);
	}
	return err;
}

/* --- made again ---------------------------------------------------------------------- */

/* Without "rw" and "ro", which are flags of the mount. */
static const char *data_of(const char *super)
{
	if (!strcmp(super, "rw") || !strcmp(super, "ro"))
		return "";
	bool flag = uk_str_starts(super, "rw,") || uk_str_starts(super, "ro,");
	return flag ? super + 3 : super;
}

static struct uk_error *bind(const struct uk_plan_mount *one, const char *root, const char *target)
{
	uk_auto_free char *from = NULL;
	struct uk_error *err = uk_asprintf(&from, "%s%s", one->inside ? root : "", one->from);
	if (!err && mount(from, target, NULL, MS_BIND, NULL) < 0)
		err = uk_error_errno(errno, "show %s at %s", from, one->point);
	return err;
}

static struct uk_error *set_options(const struct uk_plan_mount *one, const char *target)
{
	if (mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | uk_mount_flags(one->options), NULL) <
	    0)
		return uk_error_errno(errno, "set %s to %s", one->point, one->options);
	return NULL;
}

void uk_view_mount_host(const uk_plan_mounts *mounts, const struct uk_sink *sink)
{
	uk_vec_for_each(one, mounts) {
		if (uk_is_mount_point(one->point))
			continue;
		if (one->from) {
			struct uk_error *err = bind(one, "", one->point);
			uk_remark_error(sink, err ? err : set_options(one, one->point));
			continue;
		}
		/* Below one that is empty now: /run/user/0 of somebody who was logged in. */
		uk_error_destroy(uk_dir_make(one->point, 0755));
		if (mount(one->source, one->point, one->type, uk_mount_flags(one->options),
			  data_of(one->super)) < 0)
			uk_remark(sink, UK_LEVEL_DEBUG, "mount %s: %s", one->point,
				  strerror(errno));
	}
	/* As systemd does it, so that what it mounts later is seen in views, too. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		uk_remark(sink, UK_LEVEL_WARNING, "share the mounts: %s", strerror(errno));
}

static struct uk_error *make_new(const struct uk_plan_mount *one, const char *dir,
				 const char *target)
{
	uk_auto_free char *archive = NULL;
	if (mount(one->source, target, one->type, 0, data_of(one->super)) < 0)
		return uk_error_errno(errno, "mount %s (%s)", one->point, one->type);
	if (!one->content)
		return NULL;
	struct uk_error *err = uk_asprintf(&archive, "%s/%s", dir, one->content);
	return err ? err : uk_carry_unpack(archive, target);
}

static struct uk_error *make_mount(const struct uk_plan_mount *one, const char *dir,
				   const char *root)
{
	uk_auto_free char *target = NULL;
	struct uk_error *err = uk_asprintf(&target, "%s%s", root, one->point);
	/* This kernel may have less below /sys and /proc than the old one. */
	if (!err && uk_view_is_kernels(one->type) && access(target, F_OK) < 0)
		return NULL;
	if (!err)
		err = one->from ? bind(one, root, target) : make_new(one, dir, target);
	return err ? err : set_options(one, target);
}

/* See pivot_root(2), "pivot_root(".", ".")". */
struct uk_error *uk_view_move_into(const char *root)
{
	if (chdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return uk_error_errno(errno, "move into %s", root);
	if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		return uk_error_errno(errno, "share the mounts of a view");
	return NULL;
}

struct uk_error *uk_view_enter(const uk_plan_mounts *view, const char *dir, const char *scratch)
{
	if (unshare(CLONE_NEWNS) < 0)
		return uk_error_errno(errno, "unshare");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return uk_error_errno(errno, "part the mounts");
	struct uk_error *err = NULL;
	uk_vec_for_each(one, view) {
		if (!err)
			err = make_mount(one, dir, scratch);
	}
	return err ? err : uk_view_move_into(scratch);
}
