// SPDX-License-Identifier: GPL-2.0-or-later
/* What of this machine a new kernel must drive, and whether the machine may jump at all. */
#include "base/file.h"
#include "base/strbuf.h"
#include "replace/kernels.h"

#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void deinit(struct uk_boot_device *device)
{
	free(device->name);
	free(device->alias);
	free(device->module);
}

void uk_boot_devices_deinit(uk_boot_devices *devices)
{
	uk_vec_for_each(device, devices)
		deinit(device);
	uk_vec_deinit(devices);
}

/* A file of one line; NULL when it is not there. */
static char *read_line(const char *dir, const char *name)
{
	uk_auto_free char *path = NULL, *text = NULL;
	uk_auto_error struct uk_error *missing = uk_asprintf(&path, "%s/%s", dir, name);
	if (!missing)
		missing = uk_file_read(path, 1 << 16, &text, NULL);
	if (missing)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return uk_take(text);
}

/* "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1": its controllers are links beside it.
 */
static char *find_controller(const char *folder)
{
	char **names = NULL, *found = NULL;
	size_t nr = 0;
	uk_auto_free char *up = strdup(folder);
	char *end = up ? strstr(up, "/nvme-subsystem/") : NULL;
	if (!end)
		return NULL;
	end[strlen("/nvme-subsystem/") + strcspn(end + strlen("/nvme-subsystem/"), "/")] = '\0';
	uk_auto_error struct uk_error *gone = uk_dir_list(up, &names, &nr);
	for (size_t i = 0; !gone && !found && i < nr; i++) {
		uk_auto_free char *link = NULL;
		uk_auto_error struct uk_error *err = uk_asprintf(&link, "%s/%s", up, names[i]);
		char target[PATH_MAX];
		if (!err && readlink(link, target, sizeof(target)) > 0 &&
		    strcmp(names[i], "subsystem"))
			found = realpath(link, NULL);
	}
	uk_strv_destroy(names, nr);
	return found;
}

char *uk_device_folder(const char *link)
{
	char *folder = realpath(link, NULL);
	char *controller = folder ? find_controller(folder) : NULL;
	if (!controller)
		return folder;
	free(folder);
	return controller;
}

/* A driver that is built in has a folder for its module, too, if that has anything to set. */
static char *read_module(const char *folder)
{
	static const char *const links[] = { "driver/module", "driver" };
	char target[PATH_MAX];
	for (size_t i = 0; i < UK_ARRAY_SIZE(links); i++) {
		uk_auto_free char *link = NULL;
		uk_auto_error struct uk_error *err = uk_asprintf(&link, "%s/%s", folder, links[i]);
		ssize_t len = err ? -1 : readlink(link, target, sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		const char *slash = strrchr(target, '/');
		return strdup(slash ? slash + 1 : target);
	}
	return NULL;
}

/*
 * By the device, or by the nearest one above it in /sys that has an alias: a disk hangs on a
 * controller's port, an interface on a function of a card.
 */
static void read_driver(const char *link, struct uk_boot_device *ret)
{
	char *path = uk_device_folder(link);
	while (path && strlen(path) > strlen("/sys/devices") && !ret->alias) {
		ret->alias = read_line(path, "modalias");
		if (ret->alias && !*ret->alias)
			free(uk_take(ret->alias));
		if (ret->alias)
			ret->module = read_module(path);
		char *slash = strrchr(path, '/');
		if (!slash || slash == path)
			break;
		*slash = '\0';
	}
	free(path);
}

/* Takes @name. */
static struct uk_error *add_device(char *name, const char *link, uk_boot_devices *ret)
{
	struct uk_boot_device device = { .name = name };
	read_driver(link, &device);
	if (device.alias && uk_vec_push(ret, device))
		return NULL;
	bool failed = device.alias;
	deinit(&device);
	return failed ? uk_error_nomem() : NULL;
}

static struct uk_error *add_interfaces(const char *sys, uk_boot_devices *ret)
{
	char **names;
	size_t nr;
	uk_auto_free char *dir = NULL;
	struct uk_error *err = uk_asprintf(&dir, "%s/class/net", sys);
	if (err || !uk_file_exists(dir))
		return err;
	err = uk_dir_list(dir, &names, &nr);
	if (err)
		return err;
	for (size_t i = 0; i < nr && !err; i++) {
		uk_auto_free char *link = NULL;
		char *name = NULL;
		err = uk_asprintf(&link, "%s/%s/device", dir, names[i]);
		if (err || !uk_file_exists(link))
			continue;
		err = uk_asprintf(&name, "network interface %s", names[i]);
		if (!err)
			err = add_device(name, link, ret);
	}
	uk_strv_destroy(names, nr);
	return err;
}

/* A disk, or what a partition or a mapped disk lies on. */
static struct uk_error *add_disk(const char *sys, dev_t disk, uk_boot_devices *ret)
{
	uk_auto_free char *link = NULL;
	char *name = NULL;
	struct uk_error *err =
		uk_asprintf(&link, "%s/dev/block/%u:%u", sys, major(disk), minor(disk));
	if (err || !uk_file_exists(link))
		return err;
	uk_auto_free char *path = realpath(link, NULL);
	const char *slash = path ? strrchr(path, '/') : NULL;
	err = uk_asprintf(&name, "disk %s", slash ? slash + 1 : "?");
	return err ? err : add_device(name, link, ret);
}

struct uk_error *uk_boot_devices_read(const struct uk_host_paths *paths, const dev_t *disks,
				      size_t nr, uk_boot_devices *ret)
{
	const char *sys = uk_host_paths_get(paths)->sys;
	struct uk_error *err = add_interfaces(sys, ret);
	for (size_t i = 0; i < nr && !err; i++)
		err = add_disk(sys, disks[i], ret);
	return err;
}

const char *uk_kexec_obstacle(const struct uk_host_paths *paths, bool *signed_ret)
{
	paths = uk_host_paths_get(paths);
	uk_auto_free char *disabled = read_line(paths->proc, "sys/kernel/kexec_load_disabled");
	uk_auto_free char *lockdown = read_line(paths->sys, "kernel/security/lockdown");
	uk_auto_free char *loaded = read_line(paths->sys, "kernel/kexec_loaded");
	*signed_ret = false;
	if (!loaded)
		return "the running kernel cannot kexec (CONFIG_KEXEC is off)";
	if (disabled && strcmp(disabled, "0"))
		return "kexec is switched off until the next boot "
		       "(sysctl kernel.kexec_load_disabled)";
	*signed_ret = lockdown && !strstr(lockdown, "[none]");
	if (*signed_ret)
		return "the kernel is locked down: only a signed image can be loaded, with "
		       "kexec -s";
	return NULL;
}
