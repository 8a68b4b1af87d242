// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the images of a swap lie. */
#include "replace/store.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#define WORD "upkeep.store="

enum {
	TEXT_MAX = 1 << 16,
	WAIT_MS = 10000, /* for the device, whose driver was just loaded */
	STEP_MS = 10,
};

/* --- the device ------------------------------------------------------------------------ */

/* lib/cmdline.c: memparse() */
bool uk_store_parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGTPE";
	char *end;
	errno = 0;
	uint64_t value = strtoull(text, &end, 0);
	if (end == text || *text == '-' || errno)
		return false;
	const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
	if (*end && !unit)
		return false;
	int shift = unit ? 10 * (int)(unit - units + 1) : 0;
	if (unit && (end[1] || value > UINT64_MAX >> shift))
		return false;
	*ret = value << shift;
	return true;
}

void uk_store_device_deinit(struct uk_store_device *device)
{
	free(device->path);
	free(device->why);
}

/* The last word counts, as with the kernel's own. */
static bool find_word(char *line, uint64_t *start_ret)
{
	char *save = NULL;
	bool found = false;
	for (char *word = strtok_r(line, " \t\n", &save); word;
	     word = strtok_r(NULL, " \t\n", &save)) {
		if (!strncmp(word, WORD, strlen(WORD)))
			found = uk_store_parse_size(word + strlen(WORD), start_ret);
	}
	return found;
}

static bool read_number(const char *folder, const char *name, uint64_t *ret)
{
	uk_auto_free char *path = NULL, *text = NULL;
	uk_auto_error struct uk_error *err = uk_asprintf(&path, "%s/%s", folder, name);
	if (!err)
		err = uk_file_read(path, 64, &text, NULL);
	if (err)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return uk_store_parse_size(text, ret);
}

/* drivers/nvdimm/e820.c names its platform device so. */
static bool is_legacy(const char *folder)
{
	uk_auto_free char *path = realpath(folder, NULL);
	return path && strstr(path, "/e820_pmem/");
}

/* @folder: of a block device, in sysfs. */
static struct uk_error *look_at(const char *folder, const char *name, uint64_t start,
				struct uk_store_device *ret)
{
	uk_auto_free char *device = NULL;
	uint64_t begin, sectors;
	struct uk_error *err = uk_asprintf(&device, "%s/device", folder);
	if (err || !is_legacy(device) || !read_number(device, "resource", &begin) ||
	    begin != start || !read_number(folder, "size", &sectors))
		return err;
	ret->size = sectors * 512;
	return uk_asprintf(&ret->path, "/dev/%s", name);
}

static struct uk_error *look_at_all(const char *blocks, uint64_t start, struct uk_store_device *ret)
{
	char **names = NULL;
	size_t nr = 0;
	struct uk_error *err = uk_dir_list(blocks, &names, &nr);
	for (size_t i = 0; !err && !ret->path && i < nr; i++) {
		uk_auto_free char *folder = NULL;
		if (strncmp(names[i], "pmem", 4))
			continue;
		err = uk_asprintf(&folder, "%s/%s", blocks, names[i]);
		if (!err)
			err = look_at(folder, names[i], start, ret);
	}
	uk_strv_destroy(names, nr);
	return err;
}

struct uk_error *uk_store_find(const char *root, struct uk_store_device *ret)
{
	uk_auto_free char *path = NULL, *line = NULL, *blocks = NULL;
	uint64_t start = 0;
	*ret = (struct uk_store_device){};
	root = root ? root : "";
	struct uk_error *err = uk_asprintf(&path, "%s/proc/cmdline", root);
	if (!err)
		err = uk_file_read(path, TEXT_MAX, &line, NULL);
	if (!err)
		err = uk_asprintf(&blocks, "%s/sys/block", root);
	if (err)
		return err;
	if (!find_word(line, &start))
		return uk_strdup("this machine was not started with memory for images", &ret->why);
	err = look_at_all(blocks, start, ret);
	if (!err && !ret->path)
		err = uk_asprintf(&ret->why,
				  "there is no legacy persistent memory at %#jx, where " WORD
				  " says that it is: memmap= or the module nd_e820 is missing",
				  (uintmax_t)start);
	return err;
}

/* --- its file system ------------------------------------------------------------------- */

/* A mount that is attached nowhere: only who has the descriptor sees it. */
static struct uk_error *attach(const char *device, int *ret)
{
	uk_auto_close int fs = fsopen("ext4", FSOPEN_CLOEXEC);
	*ret = -1;
	if (fs >= 0 && !fsconfig(fs, FSCONFIG_SET_STRING, "source", device, 0) &&
	    !fsconfig(fs, FSCONFIG_SET_STRING, "dax", "always", 0) &&
	    !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		*ret = fsmount(fs, FSMOUNT_CLOEXEC,
			       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return *ret < 0 ? uk_error_errno(errno, "mount %s", device) : NULL;
}

static struct uk_error *name_dir(struct uk_store *store)
{
	/* A mount's descriptor is itself no folder that could be listed. */
	uk_auto_close int mount = store->fd;
	store->fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->fd < 0)
		return uk_error_errno(errno, "the memory for images");
	return uk_asprintf(&store->dir, "/proc/self/fd/%d", store->fd);
}

static struct uk_error *mark_path(const char *folder, char **ret)
{
	return uk_asprintf(ret, "%s/" UK_SWAP_STORE, folder);
}

bool uk_store_is_marked(const char *folder)
{
	uk_auto_free char *path = NULL;
	uk_auto_error struct uk_error *err = mark_path(folder, &path);
	return !err && uk_file_exists(path);
}

static struct uk_error *use_disk(const char *folder, struct uk_store *ret)
{
	return uk_strdup(folder, &ret->dir);
}

/* Where e2fsprogs of Debian has it, with /sbin joined to /usr/sbin or not. */
bool uk_store_can_make(void)
{
	return !access("/sbin/mke2fs", X_OK);
}

/* mke2fs(8): only what is empty, or was of an earlier swap, is here; one that is mounted is
 * refused. */
static struct uk_error *format(const char *device)
{
	return uk_process_call(NULL, "/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-m",
			       "0", "-J", "size=4", "-E", "nodiscard,lazy_itable_init=1", device,
			       NULL);
}

struct uk_error *uk_store_make(const char *folder, const char *device, struct uk_store *ret)
{
	static const char memory[] = "memory\n";
	uk_auto_free char *mark = NULL;
	*ret = (struct uk_store){ .fd = -1 };
	if (!device)
		return use_disk(folder, ret);
	struct uk_error *err = mark_path(folder, &mark);
	if (!err)
		err = uk_file_write(mark, memory, strlen(memory), 0600);
	if (!err)
		err = format(device);
	if (!err)
		err = attach(device, &ret->fd);
	return err ? err : name_dir(ret);
}

static void pause_briefly(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000l }, NULL);
}

/* The kernel that runs may not have looked for it yet. */
static struct uk_error *await_device(struct uk_store_device *ret)
{
	uint64_t until = uk_clock_ns() + WAIT_MS * 1000000ull;
	struct uk_error *err = uk_store_find(NULL, ret);
	if (err || ret->path)
		return err;
	err = uk_process_call(NULL, "modprobe", "-q", "-a", "nd_e820", "nd_pmem", NULL);
	while (!err && !ret->path && uk_clock_ns() < until) {
		uk_store_device_deinit(ret);
		err = uk_store_find(NULL, ret);
		if (!err && !ret->path)
			pause_briefly();
	}
	if (!err && !ret->path)
		err = uk_error_create(UK_ERR_NOTHING, "%s", ret->why);
	return err;
}

struct uk_error *uk_store_open(const char *folder, struct uk_store *ret)
{
	uk_auto_store_device struct uk_store_device device = {};
	*ret = (struct uk_store){ .fd = -1 };
	if (!uk_store_is_marked(folder))
		return use_disk(folder, ret);
	struct uk_error *err = await_device(&device);
	if (!err)
		err = attach(device.path, &ret->fd);
	if (!err)
		err = name_dir(ret);
	return uk_error_wrap(err, "the images, which are in memory");
}

void uk_store_close(struct uk_store *store)
{
	if (store->fd >= 0)
		close(store->fd);
	free(store->dir);
	*store = (struct uk_store){ .fd = -1 };
}

struct uk_error *uk_store_wipe(void)
{
	uk_auto_store_device struct uk_store_device device = {};
	struct uk_error *err = uk_store_find(NULL, &device);
	if (err || !device.path)
		return err;
	uint64_t range[2] = { 0, device.size };
	uk_auto_close int fd = open(device.path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (fd < 0 && errno == EBUSY)
		return uk_error_create(UK_ERR_BUSY, "%s is still in use", device.path);
	if (fd < 0 || ioctl(fd, BLKZEROOUT, range) < 0 || fsync(fd) < 0)
		return uk_error_errno(errno, "wipe %s", device.path);
	return NULL;
}
