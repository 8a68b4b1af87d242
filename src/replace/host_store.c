// SPDX-License-Identifier: GPL-2.0-or-later
/* Preflight of where the images would lie: on the disk or in memory, and whether there is room. */
#include "base/strbuf.h"
#include "base/file.h"
#include "replace/preflight.h"
#include "replace/store.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum {
	DEVICE_PART = 32, /* of a device its file system keeps less than this part */
	MIB = 20,
};

static const char sizes[] = "/proc/PID/status: RssAnon, RssShmem, VmSwap";

static bool free_below(const char *path, uint64_t *ret)
{
	char above[PATH_MAX];
	struct statvfs fs;
	if (!uk_path_above(path, above, sizeof(above)) || statvfs(above, &fs))
		return false;
	*ret = (uint64_t)fs.f_bavail * fs.f_frsize;
	return true;
}

static struct uk_error *add_room(struct uk_preflight *preflight, const char *where,
				 const char *remedy)
{
	uk_auto_free char *what = NULL;
	bool fits = preflight->needed <= preflight->room;
	struct uk_error *err = uk_asprintf(
		&what, "the images take at most %ju MiB, and %s has room for %ju MiB",
		(uintmax_t)preflight->needed >> MIB, where, (uintmax_t)preflight->room >> MIB);
	return err ? err
		   : uk_preflight_add_host(preflight, fits ? UK_FATE_EXACT : UK_FATE_IMPOSSIBLE,
					   "room", "images", uk_take(what), fits ? NULL : remedy,
					   sizes);
}

static struct uk_error *judge_disk(const struct uk_preflight_options *options,
				   struct uk_preflight *preflight)
{
	if (!free_below(options->store, &preflight->room))
		return NULL;
	return add_room(preflight, options->store, "make room there, or keep less");
}

/* --- in memory ------------------------------------------------------------------------ */

static struct uk_error *add_no_memory(struct uk_preflight *preflight, const char *why)
{
	uk_auto_free char *what = NULL;
	struct uk_error *err = uk_strdup(why, &what);
	return err ? err
		   : uk_preflight_add_host(
			     preflight, UK_FATE_IMPOSSIBLE, "memory", "images", uk_take(what),
			     "`upkeep replace --setup' has the next start of the machine keep "
			     "some; or keep images on the disk (--store=disk)",
			     "src/replace/store.h");
}

/* What the new kernel needs to find it again; a kernel that is not known is told otherwise. */
static bool finds_memory(const struct uk_survey *survey)
{
	return !survey->target || (uk_boot_kernel_has_driver(survey->target, "nd_e820") &&
				   uk_boot_kernel_has_driver(survey->target, "nd_pmem"));
}

/* Chooses it: *@memory_ret. If it is asked for, whatever is wrong with it is told. */
static struct uk_error *judge_memory(const struct uk_preflight_options *options,
				     const struct uk_survey *survey, struct uk_preflight *preflight,
				     bool *memory_ret)
{
	uk_auto_store_device struct uk_store_device device = {};
	bool wanted = options->where == UK_STORE_MEMORY;
	*memory_ret = wanted;
	if (options->where == UK_STORE_DISK)
		return NULL;
	struct uk_error *err = uk_store_find(NULL, &device);
	if (err)
		return err;
	const char *why = device.why;
	if (!why && !finds_memory(survey))
		why = "the new kernel has no nd_e820 and nd_pmem, with which it would find them in "
		      "memory";
	if (!why && !uk_store_can_make())
		why = "mke2fs, which makes a file system there, is not installed (package "
		      "e2fsprogs)";
	if (why)
		return wanted ? add_no_memory(preflight, why) : NULL;
	uint64_t room = device.size - device.size / DEVICE_PART;
	if (!wanted && room < preflight->needed)
		return NULL;
	*memory_ret = true;
	preflight->room = room;
	preflight->memory = uk_take(device.path);
	return add_room(
		preflight, preflight->memory,
		"give it more (`upkeep replace --setup --size=MIB'), keep less, or keep images on "
		"the disk (--store=disk)");
}

/* The new kernel has file systems on disks alone when it looks for the images. */
static struct uk_error *judge_folder(const struct uk_preflight_options *options,
				     const struct uk_survey *survey, struct uk_preflight *preflight)
{
	uk_auto_free char *what = NULL;
	const struct uk_disk *disk = uk_disks_at(survey->disks, options->store);
	if (disk && (!disk->trouble || disk == uk_disks_root(survey->disks)))
		return NULL;
	struct uk_error *err =
		uk_asprintf(&what,
			    "it is on a file system that is not mounted before services are "
			    "restored%s%s",
			    disk ? ": " : "", disk ? disk->trouble : "");
	return err ? err
		   : uk_preflight_add_host(preflight, UK_FATE_IMPOSSIBLE, "store", options->store,
					   uk_take(what), "have it on the root file system",
					   "src/replace/disk.h");
}

struct uk_error *uk_preflight_store(const struct uk_preflight_options *options,
				    const struct uk_survey *survey, struct uk_preflight *preflight)
{
	bool memory;
	uk_vec_for_each(service, &preflight->keep.services) {
		uk_vec_for_each(task, &service->tasks)
			preflight->needed += (task->rss_kib + task->swap_kib) << 10;
	}
	if (!options->store)
		return NULL;
	struct uk_error *err = judge_memory(options, survey, preflight, &memory);
	if (!err && !memory)
		err = judge_disk(options, preflight);
	return err ? err : judge_folder(options, survey, preflight);
}
