// SPDX-License-Identifier: GPL-2.0-or-later
/* File systems on disks, and how another kernel finds them again. */
#include "replace/disk.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/view.h"

#include <blkid/blkid.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static void deinit(struct uk_disk *disk)
{
	free(disk->point);
	free(disk->fstype);
	free(disk->options);
	free(disk->device);
	free(disk->spec);
	free(disk->name);
	free(disk->trouble);
}

void uk_disks_deinit(uk_disks *disks)
{
	uk_vec_for_each(disk, disks)
		deinit(disk);
	uk_vec_deinit(disks);
}

struct uk_disk *uk_disks_find(const uk_disks *disks, dev_t dev)
{
	uk_vec_for_each(disk, disks) {
		if (disk->dev == dev)
			return disk;
	}
	return NULL;
}

struct uk_disk *uk_disks_root(const uk_disks *disks)
{
	uk_vec_for_each(disk, disks) {
		if (!strcmp(disk->point, "/"))
			return disk;
	}
	return NULL;
}

/* --- options ------------------------------------------------------------------------- */

static const struct flag {
	const char *name;
	unsigned long flag;
} flags[] = {
	{ "ro", MS_RDONLY },	     { "nosuid", MS_NOSUID },	  { "nodev", MS_NODEV },
	{ "noexec", MS_NOEXEC },     { "noatime", MS_NOATIME },	  { "nodiratime", MS_NODIRATIME },
	{ "relatime", MS_RELATIME }, { "nosymfollow", 256 },	  { "sync", MS_SYNCHRONOUS },
	{ "dirsync", MS_DIRSYNC },   { "lazytime", MS_LAZYTIME }, { "rw", 0 },
	{ "seclabel", 0 },
};

static const struct flag *find_flag(const char *option, size_t len)
{
	for (size_t i = 0; i < UK_ARRAY_SIZE(flags); i++) {
		if (strlen(flags[i].name) == len && !memcmp(option, flags[i].name, len))
			return &flags[i];
	}
	return NULL;
}

/* Adds the others to @rest, if it is not NULL. */
static unsigned long split(const char *options, struct uk_strbuf *rest)
{
	unsigned long found = 0;
	for (const char *at = options; *at; at += *at == ',') {
		size_t len = strcspn(at, ",");
		const struct flag *flag = find_flag(at, len);
		if (flag)
			found |= flag->flag;
		else if (rest)
			uk_strbuf_addf(rest, "%s%.*s", rest->len ? "," : "", (int)len, at);
		at += len;
	}
	return found;
}

unsigned long uk_mount_flags(const char *options)
{
	return split(options, NULL);
}

/* Without those that mount(2) takes as flags. */
static struct uk_error *take_options(const char *text, char **ret)
{
	uk_auto_strbuf struct uk_strbuf buf = {};
	split(text, &buf);
	uk_strbuf_addstr(&buf, "");
	return uk_strbuf_finish(&buf, ret);
}

/* --- where they are ------------------------------------------------------------------ */

static struct uk_error *find_uuid(struct uk_disk *disk)
{
	disk->name = blkid_devno_to_devname(disk->dev);
	uk_auto_free char *uuid = disk->name ? blkid_get_tag_value(NULL, "UUID", disk->name) : NULL;
	if (uuid)
		return uk_asprintf(&disk->spec, "UUID=%s", uuid);
	return uk_asprintf(&disk->trouble, "%s has no UUID by which another kernel would find it",
			   disk->name ? disk->name : disk->device);
}

/* The mount below, where a disk is mounted when somebody looks. */
static bool is_automatic(const uk_mounts *host, const struct uk_mount *mount)
{
	uk_vec_for_each(parent, host) {
		if (parent->id == mount->parent)
			return !strcmp(parent->type, "autofs");
	}
	return false;
}

/* What it is mounted in must be there before it: the root, or another disk. */
static bool is_nowhere(const uk_mounts *host, const struct uk_mount *mount, const uk_disks *disks)
{
	if (!strcmp(mount->point, "/"))
		return false;
	uk_vec_for_each(parent, host) {
		const struct uk_disk *disk = uk_disks_find(disks, parent->dev);
		if (parent->id == mount->parent)
			return !disk || (disk->trouble && strcmp(disk->point, "/"));
	}
	return true;
}

/* A partition or a whole disk; what stands on other block devices is not brought up by init. */
static struct uk_error *judge(const uk_mounts *host, const struct uk_mount *mount,
			      const uk_disks *disks, struct uk_disk *disk)
{
	uk_auto_free char *path = realpath(disk->device, NULL);
	if (!path)
		return uk_asprintf(&disk->trouble,
				   "it is not on a disk alone (%s), and is not brought up yet "
				   "before services are restored",
				   mount->type);
	if (strstr(path, "/devices/virtual/block/"))
		return uk_asprintf(&disk->trouble,
				   "it is on %s, which is LVM, RAID, encrypted or a file, and is "
				   "not brought up yet before services are restored",
				   strrchr(path, '/') + 1);
	if (strcmp(mount->root, "/"))
		return uk_asprintf(&disk->trouble,
				   "only its part %s is mounted, which is not "
				   "brought up yet before services are restored",
				   mount->root);
	if (strchr(mount->point, '\n') || strchr(mount->super, '\n'))
		return uk_strdup("its mount has a line break in its name or options",
				 &disk->trouble);
	if (is_automatic(host, mount))
		return uk_strdup("it is mounted when somebody looks (autofs), not before services "
				 "are restored",
				 &disk->trouble);
	if (is_nowhere(host, mount, disks))
		return uk_strdup("it is mounted in a folder that is not there yet when disks are "
				 "mounted",
				 &disk->trouble);
	return find_uuid(disk);
}

static struct uk_error *add(const char *sys, const uk_mounts *host, const struct uk_mount *mount,
			    uk_disks *ret)
{
	struct uk_disk disk = { .dev = mount->dev,
				.mount = mount->id,
				.flags = uk_mount_flags(mount->options) |
					 uk_mount_flags(mount->super) };
	struct uk_error *err = uk_strdup(mount->point, &disk.point);
	if (!err)
		err = uk_strdup(mount->type, &disk.fstype);
	if (!err)
		err = take_options(mount->super, &disk.options);
	if (!err)
		err = uk_asprintf(&disk.device, "%s/dev/block/%u:%u", sys, major(mount->dev),
				  minor(mount->dev));
	if (!err)
		err = judge(host, mount, ret, &disk);
	if (!err && !uk_vec_push(ret, disk))
		err = uk_error_nomem();
	if (err)
		deinit(&disk);
	return err;
}

/* Whether somebody has to bring it up before there is anything in it. */
static bool is_brought_up(const struct uk_mount *mount)
{
	return !uk_view_is_kernels(mount->type) && !uk_view_is_memory(mount->type) &&
	       !uk_view_is_left_out(mount->type);
}

/* First those that are seen whole, for others may show parts of them. */
struct uk_error *uk_disks_list(const struct uk_host_paths *paths, const uk_mounts *host,
			       uk_disks *ret)
{
	struct uk_error *err = NULL;
	for (int parts = 0; parts < 2; parts++) {
		uk_vec_for_each(mount, host) {
			bool whole = !strcmp(mount->root, "/");
			if (!err && is_brought_up(mount) && (whole || parts) &&
			    !uk_disks_find(ret, mount->dev) && !uk_view_is_hidden(host, mount))
				err = add(uk_host_paths_get(paths)->sys, host, mount, ret);
		}
	}
	return err;
}

/* --- who has files there ------------------------------------------------------------- */

bool uk_disk_is_used(const struct uk_disk *disk, const struct uk_task *task)
{
	uk_vec_for_each(fd, &task->fds) {
		if (fd->stat_ok && fd->dev == disk->dev)
			return true;
	}
	uk_vec_for_each(mapping, &task->mappings) {
		if (mapping->dev == disk->dev)
			return true;
	}
	return task->cwd_dev == disk->dev || task->root_dev == disk->dev;
}

struct uk_disk *uk_disks_at(const uk_disks *disks, const char *path)
{
	char above[PATH_MAX];
	struct stat st;
	if (!uk_path_above(path, above, sizeof(above)) || stat(above, &st) < 0)
		return NULL;
	return uk_disks_find(disks, st.st_dev);
}

void uk_disks_need(uk_disks *disks, const char *const *paths)
{
	for (; *paths; paths++) {
		struct uk_disk *disk = uk_disks_at(disks, *paths);
		if (disk)
			disk->needed = true;
	}
}
