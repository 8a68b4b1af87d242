// SPDX-License-Identifier: GPL-2.0-or-later
/* The root filesystem, and how another kernel finds it again. */
#include "replace/root.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

void uk_root_deinit(struct uk_root *root)
{
	free(root->spec);
	free(root->fstype);
	free(root->options);
	free(root->device);
}

/* Options that mount(2) takes as flags, or that only mount(8) knows. */
static bool is_flag(const char *option)
{
	static const char *const flags[] = { "rw",	   "ro",      "relatime", "noatime",
					     "nodiratime", "nosuid",  "nodev",	  "noexec",
					     "sync",	   "dirsync", "defaults", "lazytime",
					     "seclabel" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(flags); i++) {
		if (!strcmp(option, flags[i]))
			return true;
	}
	return false;
}

static struct uk_error *take_options(const char *text, char **ret)
{
	uk_auto_strbuf struct uk_strbuf buf = {};
	uk_auto_free char *copy = NULL;
	char *save = NULL;
	struct uk_error *err = uk_strdup(text, &copy);
	if (err)
		return err;
	for (char *option = strtok_r(copy, ",", &save); option;
	     option = strtok_r(NULL, ",", &save)) {
		if (!is_flag(option))
			uk_strbuf_addf(&buf, "%s%s", buf.len ? "," : "", option);
	}
	uk_strbuf_addstr(&buf, "");
	return uk_strbuf_finish(&buf, ret);
}

static struct uk_error *read_mounts(struct uk_root *ret)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	if (!mounts)
		return uk_error_errno(errno, "/proc/self/mounts");
	struct uk_error *err = NULL;
	const struct mntent *entry;
	while (!err && (entry = getmntent(mounts))) {
		if (strcmp(entry->mnt_dir, "/"))
			continue;
		/* The last one is what is seen. */
		free(uk_take(ret->fstype));
		free(uk_take(ret->options));
		err = uk_strdup(entry->mnt_type, &ret->fstype);
		if (!err)
			err = take_options(entry->mnt_opts, &ret->options);
	}
	endmntent(mounts);
	if (!err && !ret->fstype)
		err = uk_error_create(UK_ERR_REFUSED, "/proc/self/mounts has no root filesystem");
	return err;
}

/* A partition or a whole disk; what stands on other block devices is not brought up by init. */
static struct uk_error *check_device(const char *device, const char *fstype)
{
	uk_auto_free char *dm = NULL, *md = NULL;
	struct uk_error *err = uk_asprintf(&dm, "%s/dm", device);
	if (!err)
		err = uk_asprintf(&md, "%s/md", device);
	if (err)
		return err;
	if (!uk_file_exists(device))
		return uk_error_create(UK_ERR_REFUSED,
				       "the root filesystem (%s) is not on a disk; "
				       "replacing the kernel under it is not possible yet",
				       fstype);
	if (uk_file_exists(dm) || uk_file_exists(md))
		return uk_error_create(
			UK_ERR_REFUSED,
			"the root filesystem (%s) is on %s, which is LVM, RAID or "
			"encrypted; replacing the kernel under it is not possible yet",
			fstype, device);
	return NULL;
}

static struct uk_error *find_uuid(const char *device, dev_t number, char **ret)
{
	uk_auto_free char *name = blkid_devno_to_devname(number);
	if (!name)
		return uk_error_create(UK_ERR_REFUSED, "%s has no node in /dev", device);
	uk_auto_free char *uuid = blkid_get_tag_value(NULL, "UUID", name);
	if (!uuid)
		return uk_error_create(UK_ERR_REFUSED,
				       "the filesystem on %s has no UUID by which "
				       "another kernel would find it",
				       name);
	return uk_asprintf(ret, "UUID=%s", uuid);
}

struct uk_error *uk_root_find(struct uk_root *ret)
{
	uk_cleanup(uk_root_deinit) struct uk_root root = {};
	struct stat st;
	if (stat("/", &st) < 0)
		return uk_error_errno(errno, "/");
	struct uk_error *err = read_mounts(&root);
	if (!err)
		err = uk_asprintf(&root.device, "/sys/dev/block/%u:%u", major(st.st_dev),
				  minor(st.st_dev));
	if (!err)
		err = check_device(root.device, root.fstype);
	if (!err)
		err = find_uuid(root.device, st.st_dev, &root.spec);
	if (!err) {
		*ret = root;
		root = (struct uk_root){};
	}
	return err;
}
