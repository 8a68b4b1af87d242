// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files of a stage. Kernel, Documentation/filesystems/overlayfs.rst: what is written to goes to
 * the upper folder; a special file is one of the overlay's own; locks are on the overlay's files.
 */
#include "replace/stage.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/view.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Those of which a namespace has its own. */
static const struct own {
	const char *type, *data;
} owns[] = {
	{ "proc", NULL },
	{ "cgroup2", NULL },
	{ "mqueue", NULL },
	{ "devpts", "mode=620,ptmxmode=666,gid=5" },
};

static const struct own *find_own(const char *type)
{
	for (size_t i = 0; i < UK_ARRAY_SIZE(owns); i++) {
		if (!strcmp(owns[i].type, type))
			return &owns[i];
	}
	return NULL;
}

/* The root of an overlay is as its upper folder is. */
static struct uk_error *make_upper(const char *path, int lower)
{
	struct stat st;
	if (fstat(lower, &st) < 0 || mkdir(path, 0700) < 0 ||
	    chown(path, st.st_uid, st.st_gid) < 0 || chmod(path, st.st_mode & 07777) < 0)
		return uk_error_errno(errno, "%s", path);
	return NULL;
}

static struct uk_error *lay_over(const char *at, size_t number, const char *point,
				 const char *target)
{
	uk_auto_free char *upper = NULL, *work = NULL, *data = NULL;
	uk_auto_close int lower = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lower < 0)
		return uk_error_errno(errno, "open %s", point);
	struct uk_error *err = uk_asprintf(&upper, "%s/upper-%zu", at, number);
	if (!err)
		err = uk_asprintf(&work, "%s/work-%zu", at, number);
	if (!err)
		err = make_upper(upper, lower);
	if (!err)
		err = uk_dir_make(work, 0700);
	/* By its number, for a path may have letters that are the option's own. */
	if (!err)
		err = uk_asprintf(&data, "lowerdir=/proc/self/fd/%d,upperdir=%s,workdir=%s", lower,
				  upper, work);
	if (!err && mount("overlay", target, "overlay", 0, data) < 0)
		err = uk_error_errno(errno, "lay a copy over %s", point);
	return err;
}

/* What cannot be laid over (a file, a file system that overlays do not take) is only read. */
static struct uk_error *show(const char *point, const char *target, bool writable)
{
	if (mount(point, target, NULL, MS_BIND, NULL) < 0 ||
	    (!writable && mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0))
		return uk_error_errno(errno, "show %s", point);
	return NULL;
}

static struct uk_error *make_one(const struct uk_mount *from, size_t number, const char *at,
				 const char *root)
{
	uk_auto_free char *target = NULL;
	struct stat st;
	const struct own *own = find_own(from->type);
	struct uk_error *err = uk_asprintf(&target, "%s%s", root, from->point);
	/* Who may not look, or is not there any more, has nothing of it. */
	if (err || stat(from->point, &st) < 0 || access(target, F_OK) < 0)
		return err;
	if (own && mount(own->type, target, own->type, MS_NOSUID | MS_NOEXEC, own->data) < 0)
		return uk_error_errno(errno, "mount %s", from->point);
	if (own)
		return NULL;
	if (uk_view_is_kernels(from->type) && strcmp(from->type, "devtmpfs") != 0)
		return show(from->point, target, true);
	if (!S_ISDIR(st.st_mode))
		return show(from->point, target, false);
	err = lay_over(at, number, from->point, target);
	if (!err)
		return NULL;
	uk_error_destroy(err);
	return show(from->point, target, false);
}

static bool is_left_out(const uk_mounts *host, const struct uk_mount *from)
{
	return !strcmp(from->point, "/") || !strcmp(from->type, "autofs") ||
	       !strcmp(from->type, "nsfs") || uk_view_is_hidden(host, from);
}

struct uk_error *uk_stage_make_files(const uk_mounts *host, const char *at)
{
	uk_auto_free char *root = NULL;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return uk_error_errno(errno, "part the mounts");
	if (mount("upkeep", at, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") < 0)
		return uk_error_errno(errno, "mount %s", at);
	struct uk_error *err = uk_asprintf(&root, "%s/root", at);
	if (!err)
		err = uk_dir_make(root, 0755);
	if (!err)
		err = lay_over(at, host->len, "/", root);
	for (size_t i = 0; !err && i < host->len; i++) {
		if (!is_left_out(host, &host->data[i]))
			err = make_one(&host->data[i], i, at, root);
	}
	return err ? err : uk_view_move_into(root);
}
