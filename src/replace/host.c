// SPDX-License-Identifier: GPL-2.0-or-later
/* Preflight of the machine: kernels, CRIU, devices, room, mounts, clocks. */
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/preflight.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define add uk_preflight_add_host

static char *text(const char *fmt, ...) uk_printf(1, 2);

static char *text(const char *fmt, ...)
{
	char *ret = NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&ret, fmt, args) < 0)
		ret = NULL;
	va_end(args);
	return ret;
}

/* Modules that a dump and a restore need: tried, with the cloud kernels, where all are =m. */
static const char *const needed_modules[] = {
	"unix_diag", "tcp_diag", "udp_diag",   "inet_diag", "af_packet_diag", "netlink_diag",
	"nf_tables", "nft_ct",	 "nft_compat", "xt_mark",   "xt_conntrack",
};

/* Options, and what becomes of a swap without. */
static const struct {
	const char *option;
	enum uk_fate verdict;
	const char *what;
} needed_options[] = {
	{ "CONFIG_CHECKPOINT_RESTORE", UK_FATE_IMPOSSIBLE, "processes cannot be restored" },
	{ "CONFIG_NAMESPACES", UK_FATE_IMPOSSIBLE, "processes cannot be restored" },
	{ "CONFIG_FHANDLE", UK_FATE_IMPOSSIBLE, "inotify watches cannot be restored" },
	{ "CONFIG_INET_DIAG_DESTROY", UK_FATE_EXACT, "old connections are not cut early" },
	{ "CONFIG_TIME_NS", UK_FATE_CHANGED,
	  "CLOCK_MONOTONIC of kept processes jumps back: it begins at the boot" },
	{ "CONFIG_MEM_SOFT_DIRTY", UK_FATE_CHANGED,
	  "memory cannot be saved ahead of the freeze on the way back" },
};

static struct uk_error *judge_options(const struct uk_boot_kernel *kernel,
				      struct uk_preflight *preflight)
{
	struct uk_error *err = NULL;
	for (size_t i = 0; i < UK_ARRAY_SIZE(needed_options) && !err; i++) {
		if (uk_boot_kernel_option(kernel, needed_options[i].option) == 'n')
			err = add(preflight, needed_options[i].verdict, "kernel-option",
				  needed_options[i].option,
				  text("%s is built without: %s", uk_boot_kernel_release(kernel),
				       needed_options[i].what),
				  "choose another kernel", "/boot/config of that kernel");
	}
	return err;
}

static struct uk_error *judge_modules(const struct uk_boot_kernel *kernel,
				      struct uk_preflight *preflight)
{
	uk_auto_strbuf struct uk_strbuf missing = {};
	for (size_t i = 0; i < UK_ARRAY_SIZE(needed_modules); i++) {
		if (!uk_boot_kernel_has_driver(kernel, needed_modules[i]))
			uk_strbuf_addf(&missing, " %s", needed_modules[i]);
	}
	if (!missing.len && !missing.failed)
		return NULL;
	return add(preflight, UK_FATE_IMPOSSIBLE, "kernel-modules", uk_boot_kernel_release(kernel),
		   text("these modules, which a restore needs, are missing:%s", missing.data),
		   "install all of that kernel's modules", "tried; docs of CRIU");
}

static bool is_disk_used(const struct uk_preflight *preflight, const struct uk_disk *disk)
{
	uk_vec_for_each(service, &preflight->keep.services) {
		uk_vec_for_each(task, &service->tasks) {
			if (uk_disk_is_used(disk, task))
				return true;
		}
	}
	return false;
}

/*
 * Before Linux 5ab23c7923a1 ("modpost: Create modalias for builtin modules", 6.18) no list tells
 * which devices a driver that is built in is for: such a one is known by its name alone.
 */
static bool has_driver(const struct uk_boot_kernel *target, const struct uk_boot_device *device)
{
	return uk_boot_kernel_has_driver(target, device->alias) ||
	       (device->module && uk_boot_kernel_has_driver(target, device->module));
}

static struct uk_error *judge_devices(const struct uk_preflight_options *options,
				      const struct uk_survey *survey,
				      struct uk_preflight *preflight)
{
	UK_VEC(dev_t) disks = {};
	uk_boot_devices devices = {};
	struct uk_error *err = NULL;
	uk_vec_for_each(disk, survey->disks) {
		bool needed = disk == uk_disks_root(survey->disks) || is_disk_used(preflight, disk);
		if (needed && !err && !uk_vec_push(&disks, disk->dev))
			err = uk_error_nomem();
	}
	if (!err)
		err = uk_boot_devices_read(options->paths, disks.data, disks.len, &devices);
	uk_vec_deinit(&disks);
	for (size_t i = 0; i < devices.len && !err; i++) {
		const struct uk_boot_device *device = &devices.data[i];
		if (!has_driver(survey->target, device))
			err = add(preflight, UK_FATE_IMPOSSIBLE, "driver", device->name,
				  text("%s has no driver for it (%s)",
				       uk_boot_kernel_release(survey->target), device->alias),
				  "choose another kernel, or install its driver",
				  "modules.alias of the new kernel");
	}
	uk_boot_devices_deinit(&devices);
	return err;
}

static struct uk_error *judge_target(const struct uk_preflight_options *options,
				     const struct uk_survey *survey, struct uk_preflight *preflight)
{
	const struct uk_boot_kernel *target = survey->target;
	if (!target)
		return add(preflight, UK_FATE_IMPOSSIBLE, "kernel", "new kernel",
			   text("none is installed in /boot, and none was named"),
			   "install one (linux-image-*), or name it with --kernel", "/boot");
	const char *release = uk_boot_kernel_release(target);
	if (!uk_boot_kernel_has_image(target) || !uk_boot_kernel_has_modules(target))
		return add(preflight, UK_FATE_IMPOSSIBLE, "kernel", release,
			   text("its %s not installed",
				uk_boot_kernel_has_image(target) ? "modules are" : "image is"),
			   "install the package linux-image of that release",
			   "/boot/vmlinuz, /lib/modules");
	struct uk_error *err = NULL;
	if (!uk_boot_kernel_has_config(target))
		err = add(preflight, UK_FATE_CHANGED, "kernel-config", release,
			  text("its configuration is not known: whether it can restore is not "
			       "checked"),
			  "put it into /boot as config-RELEASE", "/boot");
	if (!err)
		err = judge_options(target, preflight);
	if (!err)
		err = judge_modules(target, preflight);
	return err ? err : judge_devices(options, survey, preflight);
}

static struct uk_error *judge_running(const struct uk_preflight_options *options,
				      const struct uk_survey *survey,
				      struct uk_preflight *preflight)
{
	bool is_signed = false;
	struct uk_error *err = NULL;
	const char *lacking = uk_sockets_lacking(survey->sockets);
	const char *obstacle = uk_kexec_obstacle(options->paths, &is_signed);
	if (*lacking)
		err = add(preflight, UK_FATE_IMPOSSIBLE, "diag", "sockets",
			  text("the running kernel does not answer for:%s", lacking),
			  "modprobe them: a checkpoint needs them", "sock_diag(7); tried");
	if (!err && obstacle)
		err = add(preflight, is_signed ? UK_FATE_CHANGED : UK_FATE_IMPOSSIBLE, "kexec",
			  "jump", text("%s", obstacle),
			  is_signed ? NULL : "change the kernel by a reboot", "kexec(8)");
	return err;
}

static struct uk_error *judge_criu(struct uk_preflight *preflight)
{
	uk_auto_free char *out = NULL;
	static const char key[] = "Version: ";
	uk_auto_error struct uk_error *missing = uk_process_call(&out, "criu", "--version", NULL);
	const char *at = missing ? NULL : strstr(out, key);
	if (!at)
		return add(preflight, UK_FATE_IMPOSSIBLE, "criu", "criu",
			   text("the program criu is not there or does not run"),
			   "apt-get install criu", "criu --version");
	at += strlen(key);
	preflight->criu = strndup(at, strcspn(at, "\n"));
	if (!preflight->criu)
		return uk_error_nomem();
	if (uk_str_starts(preflight->criu, "3.17"))
		return NULL;
	return add(preflight, UK_FATE_CHANGED, "criu", "criu",
		   text("version %s: these verdicts were made with 3.17.1", preflight->criu), NULL,
		   "criu --version");
}

/* The new kernel runs the first two, criu calls the third and loads the fourth. */
static struct uk_error *judge_own(const struct uk_preflight_options *options,
				  struct uk_preflight *preflight)
{
	static const char *const names[] = { "init",   "resume",  "catch",
					     "gather", "tree.so", "criu/seat.so" };
	const char *lib = uk_host_paths_get(options->paths)->lib;
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(names); i++) {
		uk_auto_free char *path = NULL;
		err = uk_asprintf(&path, "%s/%s", lib, names[i]);
		if (!err && !uk_file_exists(path))
			err = add(preflight, UK_FATE_IMPOSSIBLE, "upkeep", names[i],
				  text("%s is not there: a part of upkeep itself", path),
				  "install upkeep again, all of it", "docs/replace.md");
	}
	return err;
}

/* Whether the new kernel finds the root file system, and programs. */
static struct uk_error *judge_root(const struct uk_survey *survey, struct uk_preflight *preflight)
{
	static const char *const places[] = { "/", "/usr" };
	const struct uk_disk *before = NULL;
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(places); i++) {
		const struct uk_disk *disk = uk_disks_at(survey->disks, places[i]);
		if ((disk && !disk->trouble) || (i && disk == before))
			continue;
		before = disk;
		err = add(preflight, UK_FATE_IMPOSSIBLE, "root", places[i],
			  text("%s", disk ? disk->trouble
					  : "it is not on a disk, and is not brought up by another "
					    "kernel"),
			  "change the kernel by a reboot", "src/replace/disk.h");
	}
	return err;
}

/* Whether /etc/fstab has this mount point. */
static bool is_in_fstab(const char *fstab, const char *point)
{
	char found[PATH_MAX];
	for (const char *line = fstab; line && *line; line = strchrnul(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, " %*[^# \t\n] %4095[^ \t\n]", found) == 1 && !strcmp(found, point))
			return true;
	}
	return false;
}

/* A disk or a server mounted by hand, in the mount table of PID 1. */
static struct uk_error *judge_mounts(const struct uk_preflight_options *options,
				     const struct uk_survey *survey, struct uk_preflight *preflight)
{
	uk_auto_free char *path = NULL, *fstab = NULL;
	struct uk_error *err =
		uk_asprintf(&path, "%s/fstab", uk_host_paths_get(options->paths)->etc);
	if (!err && uk_file_exists(path))
		err = uk_file_read(path, 4 << 20, &fstab, NULL);
	if (err)
		return err;
	uk_vec_for_each(mount, survey->mounts) {
		bool storage = uk_str_starts(mount->source, "/dev/") || strchr(mount->source, ':');
		const struct uk_disk *disk = uk_disks_find(survey->disks, mount->dev);
		bool again = disk && !disk->trouble;
		if (!storage || again || !strcmp(mount->point, "/") ||
		    is_in_fstab(fstab, mount->point))
			continue;
		bool used = is_disk_used(preflight,
					 disk ? disk : &(struct uk_disk){ .dev = mount->dev });
		err = add(preflight, used ? UK_FATE_IMPOSSIBLE : UK_FATE_CHANGED, "mount",
			  mount->point,
			  text("%s (%s) was mounted by hand and will not be there again%s",
			       mount->source, mount->type,
			       used ? ", and kept processes have files there" : ""),
			  "write it into /etc/fstab", "/proc/1/mountinfo, fstab(5)");
		if (err)
			return err;
	}
	return NULL;
}

struct uk_error *uk_preflight_host(const struct uk_preflight_options *options,
				   const struct uk_survey *survey, struct uk_preflight *preflight)
{
	struct uk_error *err = judge_target(options, survey, preflight);
	if (!err)
		err = judge_running(options, survey, preflight);
	if (!err)
		err = judge_criu(preflight);
	if (!err)
		err = judge_own(options, preflight);
	if (!err)
		err = uk_preflight_store(options, survey, preflight);
	if (!err)
		err = options->paths ? NULL : judge_root(survey, preflight);
	if (!err)
		err = uk_preflight_kernel(options, preflight);
	if (!err && !options->paths)
		err = uk_preflight_network(survey, preflight);
	return err ? err : judge_mounts(options, survey, preflight);
}
