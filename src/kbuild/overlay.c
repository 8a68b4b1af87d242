// SPDX-License-Identifier: GPL-2.0-or-later
/* Overlay mounts in a namespace of one child (Documentation/filesystems/overlayfs.rst). */
#include "kbuild/overlay.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static void __attribute__((noreturn)) fail(const char *what, const char *path)
{
	dprintf(STDERR_FILENO, "%s %s: %s\n", what, path, strerror(errno));
	_exit(126);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail("write", path);
	close(fd);
}

static void enter_namespaces(bool own_user)
{
	char uid[64], gid[64];
	snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1", getegid());
	if (unshare(CLONE_NEWNS | (own_user ? CLONE_NEWUSER : 0)) < 0)
		fail("unshare", "mounts");
	if (own_user) {
		put("/proc/self/setgroups", "deny");
		put("/proc/self/uid_map", uid);
		put("/proc/self/gid_map", gid);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		fail("make private", "/");
}

void uk_overlay_enter(void *arg)
{
	const struct uk_overlay *overlay = arg;
	if (overlay->options) {
		enter_namespaces(overlay->own_user);
		if (mount("overlay", overlay->dir, "overlay", 0, overlay->options) < 0)
			fail("mount an overlay on", overlay->dir);
	}
	if (chdir(overlay->dir) < 0)
		fail("chdir", overlay->dir);
}

/* Whether a process can enter it. */
static bool can_enter(const struct uk_overlay *overlay)
{
	static const char *const argv[] = { "true", NULL };
	struct uk_process process = {
		.argv = argv,
		.in_child = uk_overlay_enter,
		.in_child_arg = (void *)overlay,
	};
	struct uk_error *err = uk_process_check(&process, NULL);
	uk_error_destroy(err);
	return !err;
}

struct uk_error *uk_overlay_whiteout(const char *path)
{
	if (mknod(path, S_IFCHR, makedev(0, 0)) < 0)
		return uk_error_errno(errno, "whiteout %s", path);
	return NULL;
}

bool uk_overlay_is_whiteout(const char *path)
{
	struct stat st;
	return !lstat(path, &st) && S_ISCHR(st.st_mode) && !st.st_rdev;
}

static void cleanup_fts(FTS **fts)
{
	if (*fts)
		fts_close(*fts);
}

/* One entry of the upper folder into the copy: never through a hard link. */
static struct uk_error *copy_entry(const FTSENT *entry, const char *to)
{
	if (entry->fts_info == FTS_D)
		return uk_dir_make(to, 0700);
	if (entry->fts_info == FTS_DP)
		return NULL;
	if (unlink(to) < 0 && errno != ENOENT)
		return uk_error_errno(errno, "remove %s", to);
	if (uk_overlay_is_whiteout(entry->fts_path))
		return NULL;
	return uk_file_copy(entry->fts_path, to, entry->fts_statp->st_mode & 0777);
}

static struct uk_error *copy_upper(const char *upper, const char *copy)
{
	char *paths[] = { (char *)upper, NULL };
	uk_cleanup(cleanup_fts) FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!fts)
		return uk_error_errno(errno, "open %s", upper);
	for (FTSENT *entry; (entry = fts_read(fts));) {
		uk_auto_free char *to = NULL;
		struct uk_error *err =
			uk_asprintf(&to, "%s%s", copy, entry->fts_path + strlen(upper));
		if (!err)
			err = copy_entry(entry, to);
		if (err)
			return err;
	}
	return NULL;
}

/*
 * Everything that make writes, it writes anew and renames, or truncates in place; the
 * latter would reach the tree through a hard link, so a copy that is written to has none.
 */
static struct uk_error *make_copy(struct uk_overlay *overlay, const char *tree, const char *upper,
				  bool writable, const char *copy)
{
	free(overlay->options);
	overlay->options = NULL;
	free(overlay->dir);
	overlay->dir = NULL;
	struct uk_error *err = uk_tree_remove(copy);
	if (!err)
		err = uk_process_call(NULL, "cp", writable ? "-a" : "-al", "--", tree, copy, NULL);
	if (!err)
		err = copy_upper(upper, copy);
	return err ? err : uk_strdup(copy, &overlay->dir);
}

static struct uk_error *check_paths(const char *upper, const char *work)
{
	const char *paths[] = { upper, work ? work : "" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(paths); i++) {
		if (paths[i][strcspn(paths[i], ":,\\\"")])
			return uk_error_create(UK_ERR_USAGE,
					       "work folder %s: colons, commas, quotes and "
					       "backslashes cannot be in its path",
					       paths[i]);
	}
	return NULL;
}

static struct uk_error *overlay_options(const char *tree, const char *upper, const char *work,
					char **ret)
{
	if (!work)
		return uk_asprintf(ret, "lowerdir=%s:%s", upper, tree);
	uk_auto_free char *top = NULL, *aside = NULL;
	struct uk_error *err = uk_asprintf(&top, "%s/upper", work);
	if (!err)
		err = uk_asprintf(&aside, "%s/aside", work);
	if (!err)
		err = uk_dir_make(top, 0700);
	if (!err)
		err = uk_dir_make(aside, 0700);
	if (err)
		return err;
	return uk_asprintf(ret, "lowerdir=%s:%s,upperdir=%s,workdir=%s", upper, tree, top, aside);
}

struct uk_error *uk_overlay_init(struct uk_overlay *overlay, const char *tree, const char *upper,
				 const char *work, const char *copy)
{
	*overlay = (struct uk_overlay){};
	struct uk_error *err = check_paths(upper, work);
	if (!err)
		err = overlay_options(tree, upper, work, &overlay->options);
	if (!err)
		err = uk_strdup(tree, &overlay->dir);
	if (!err && !can_enter(overlay)) {
		overlay->own_user = true;
		if (!can_enter(overlay))
			err = make_copy(overlay, tree, upper, work != NULL, copy);
	}
	if (err)
		uk_overlay_deinit(overlay);
	return err;
}

struct uk_error *uk_overlay_none(struct uk_overlay *overlay, const char *tree)
{
	*overlay = (struct uk_overlay){};
	return uk_strdup(tree, &overlay->dir);
}

void uk_overlay_deinit(struct uk_overlay *overlay)
{
	free(overlay->dir);
	free(overlay->options);
	*overlay = (struct uk_overlay){};
}
