// SPDX-License-Identifier: GPL-2.0-or-later
/* The new kernel in memory, with its initramfs; and what this one needs before. */
#include "replace/swap.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/criu.h"
#include "replace/jump.h"
#include "replace/network.h"
#include "replace/ramdisk.h"
#include "replace/rules.h"

#include <sodium.h>
#include <string.h>

enum { PID_LIMIT = 1 << 22 }; /* include/linux/threads.h: PID_MAX_LIMIT */

/* What has no module is built in, or missed when criu needs it: it tells. */
struct uk_error *uk_swap_load_modules(struct uk_swap *swap)
{
	for (const char *const *name = uk_criu_modules; *name; name++)
		uk_error_destroy(uk_process_call(NULL, "modprobe", "-q", *name, NULL));
	return NULL;
}

/*
 * The highest number that a kept process or one of its threads has, and any process: one that has
 * ended and was not waited for is in no cgroup, but is dumped.
 */
static struct uk_error *find_highest(const struct uk_swap *swap, pid_t *ret)
{
	uk_pids pids = {};
	struct uk_error *err = uk_task_list(NULL, &pids);
	pid_t highest = pids.len ? pids.data[pids.len - 1] : 0;
	uk_vec_deinit(&pids);
	uk_vec_for_each(service, &swap->keep->services) {
		uk_vec_for_each(task, &service->tasks) {
			highest = task->pid > highest ? task->pid : highest;
			uk_vec_for_each(thread, &task->threads)
				highest = thread->tid > highest ? thread->tid : highest;
		}
	}
	/* So far that the next replacement sees where the kernel's own numbers end. */
	*ret = highest + UK_PID_LEAP < PID_LIMIT ? highest + UK_PID_LEAP : highest;
	return err;
}

struct names {
	UK_VEC(char *) all;
};

static void names_deinit(struct names *names)
{
	uk_vec_for_each(name, &names->all)
		free(*name);
	uk_vec_deinit(&names->all);
}

static struct uk_error *add_name(struct names *names, const char *prefix, const char *name)
{
	char *whole;
	struct uk_error *err = uk_asprintf(&whole, "%s%s", prefix, name);
	if (!err && !uk_vec_push(&names->all, whole)) {
		free(whole);
		err = uk_error_nomem();
	}
	return err;
}

/* What criu needs, and the file systems that are mounted before anything is restored. */
static struct uk_error *list_modules(const struct uk_swap *swap, struct names *ret)
{
	struct uk_error *err = NULL;
	for (const char *const *name = uk_criu_modules; !err && *name; name++)
		err = add_name(ret, "", *name);
	uk_vec_for_each(mount, &swap->plan.mounts) {
		if (!err)
			err = add_name(ret, "fs-", mount->type);
	}
	if (!err && !uk_vec_push(&ret->all, NULL))
		err = uk_error_nomem();
	return err;
}

static struct uk_error *pack_ramdisk(struct uk_swap *swap, int *ret)
{
	uk_auto_free char *modules = NULL, *key = NULL;
	uk_cleanup(uk_network_devices_deinit) struct uk_network_devices devices = {};
	uk_cleanup(names_deinit) struct names names = {};
	pid_t highest = 0;
	struct uk_error *err = uk_asprintf(&modules, "/lib/modules/%s", swap->options->release);
	if (!err)
		err = uk_swap_key_text(&swap->key, &key);
	if (!err)
		err = uk_network_list_devices(&devices);
	if (!err)
		err = list_modules(swap, &names);
	if (!err)
		err = find_highest(swap, &highest);
	if (err)
		return err;
	const struct uk_ramdisk ramdisk = {
		.modules = modules,
		.init = uk_ramdisk_init_path(),
		.next = uk_ramdisk_next_path(),
		.key = key,
		.pids_above = highest,
		.devices = (const char *const *)devices.folders.data,
		.names = (const char *const *)names.all.data,
	};
	err = uk_ramdisk_make(&ramdisk, ret);
	sodium_memzero(key, strlen(key));
	return err;
}

struct uk_error *uk_swap_load_kernel(struct uk_swap *swap)
{
	uk_auto_free char *vmlinuz = NULL, *old = NULL, *line = NULL;
	uk_auto_close int ramdisk = -1;
	size_t len;
	struct uk_error *err = uk_asprintf(&vmlinuz, "/boot/vmlinuz-%s", swap->options->release);
	if (!err && !uk_file_exists(vmlinuz))
		err = uk_error_create(UK_ERR_REFUSED, "%s is not there: install linux-image-%s",
				      vmlinuz, swap->options->release);
	if (!err)
		err = pack_ramdisk(swap, &ramdisk);
	if (!err)
		err = uk_file_read("/proc/cmdline", 1 << 16, &old, &len);
	if (!err)
		err = uk_jump_command_line(old, &line);
	if (!err)
		err = uk_jump_load(vmlinuz, ramdisk, line);
	swap->loaded = !err;
	return err;
}
