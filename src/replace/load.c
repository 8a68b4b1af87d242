// SPDX-License-Identifier: GPL-2.0-or-later
/* The new kernel in memory, with its initramfs; and what this one needs before. */
#include "replace/swap.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/cmdline.h"
#include "replace/criu.h"
#include "replace/home.h"
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
	uk_criu_warm_up(false);
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
			pid_t number = uk_task_highest(task);
			highest = number > highest ? number : highest;
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
	for (const char *const *name = uk_criu_restore_modules; !err && *name; name++)
		err = add_name(ret, "", *name);
	uk_vec_for_each(mount, &swap->plan.mounts) {
		if (!err)
			err = add_name(ret, "fs-", mount->type);
	}
	if (!err && !uk_vec_push(&ret->all, NULL))
		err = uk_error_nomem();
	return err;
}

/* What is set for the time in which a panic leads home, as it is now. */
static const char *const panic_names[] = { "kernel/panic", "kernel/panic_on_oops",
					   "kernel/softlockup_panic" };

struct packing {
	char *modules, *key;
	struct uk_network_devices devices;
	struct names names;
	struct uk_ramdisk_sysctl later[UK_ARRAY_SIZE(panic_names) + 1];
	struct uk_ramdisk ramdisk;
};

static void packing_deinit(struct packing *packing)
{
	if (packing->key)
		sodium_memzero(packing->key, strlen(packing->key));
	free(packing->key);
	free(packing->modules);
	uk_network_devices_deinit(&packing->devices);
	names_deinit(&packing->names);
	for (size_t i = 0; i < UK_ARRAY_SIZE(panic_names); i++)
		free(packing->later[i].value);
}

static struct uk_error *read_later(struct packing *packing)
{
	struct uk_error *err = NULL;
	struct uk_ramdisk_sysctl *one = packing->later;
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(panic_names); i++) {
		uk_auto_free char *path = NULL;
		size_t len;
		err = uk_asprintf(&path, "/proc/sys/%s", panic_names[i]);
		/* A kernel without the detector has nothing to set. */
		if (err || !uk_file_exists(path))
			continue;
		err = uk_file_read(path, 64, &one->value, &len);
		if (err)
			continue;
		one->value[strcspn(one->value, "\n")] = '\0';
		one++->name = panic_names[i];
	}
	return err;
}

/* @release: whose modules. */
static struct uk_error *pack(struct uk_swap *swap, const char *release, struct packing *packing)
{
	pid_t highest = 0;
	struct uk_error *err = uk_asprintf(&packing->modules, "/lib/modules/%s", release);
	if (!err)
		err = uk_swap_key_text(&swap->key, &packing->key);
	if (!err)
		err = uk_network_list_devices(&packing->devices);
	if (!err)
		err = list_modules(swap, &packing->names);
	if (!err)
		err = find_highest(swap, &highest);
	/* There may be two that are told. */
	if (!swap->pids_above || highest < swap->pids_above)
		swap->pids_above = highest;
	if (!err)
		err = read_later(packing);
	packing->ramdisk = (struct uk_ramdisk){
		.modules = packing->modules,
		.init = uk_ramdisk_init_path(),
		.next = uk_ramdisk_next_path(),
		.key = packing->key,
		.limit = swap->options->limit,
		.later = packing->later,
		.pids_above = highest,
		.disks = &swap->disks,
		.devices = (const char *const *)packing->devices.folders.data,
		.names = (const char *const *)packing->names.all.data,
	};
	return err;
}

static struct uk_error *pack_ramdisk(struct uk_swap *swap, int *ret)
{
	uk_cleanup(packing_deinit) struct packing packing = {};
	struct uk_error *err = pack(swap, swap->options->release, &packing);
	packing.ramdisk.fault = getenv("UPKEEP_FAULT_BEHIND");
	return err ? err : uk_ramdisk_make(&packing.ramdisk, ret);
}

struct uk_error *uk_swap_plan_way_home(struct uk_swap *swap)
{
	uk_cleanup(packing_deinit) struct packing packing = {};
	uk_auto_free char *text = NULL;
	if (!uk_swap_has_way_home(swap))
		return NULL;
	struct uk_error *err = pack(swap, swap->plan.old_release, &packing);
	packing.ramdisk.fault = getenv("UPKEEP_FAULT_HOME");
	if (!err)
		err = uk_ramdisk_home_text(&packing.ramdisk, &text);
	if (!err)
		err = uk_home_write(text);
	if (text)
		sodium_memzero(text, strlen(text));
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
		err = uk_cmdline_make(old, swap->options->way_home, &line);
	if (!err)
		err = uk_jump_load(vmlinuz, ramdisk, line, swap->options->unpack,
				   swap->options->sink);
	swap->loaded = !err;
	return err;
}
