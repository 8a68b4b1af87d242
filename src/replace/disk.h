/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems that somebody has to bring up, on disks above all: how the first process of another
 * kernel (src/init) finds them again, and mounts them before any service is restored; or why it
 * cannot.
 */
#ifndef UPKEEP_REPLACE_DISK_H
#define UPKEEP_REPLACE_DISK_H

#include "base/error.h"
#include "replace/task.h"

#include <stdbool.h>

struct uk_disk {
	dev_t dev;
	int mount;	     /* its mount's number: the first that shows it whole */
	char *point;	     /* "/", "/srv" */
	char *fstype;	     /* "ext4" */
	char *options;	     /* of its superblock, as mount(2) takes them: "errors=remount-ro" */
	unsigned long flags; /* of the mount and the superblock: MS_NOSUID and the like */
	char *device;	     /* its folder in sysfs: "/sys/dev/block/254:1" */
	char *spec;	     /* "UUID=..."; NULL with a trouble */
	char *name;	     /* "/dev/vda1", where it is now; NULL where that is not known */
	char *trouble; /* why it cannot be brought up: "it is on dm-0, which ..."; else NULL */
	bool needed;   /* kept services, or upkeep, have files there: see uk_disks_need() */
};

typedef UK_VEC(struct uk_disk) uk_disks;

/*
 * What @host, the mounts of PID 1, has of them, in that order; what is covered by another mount is
 * left out. @ret needs uk_disks_deinit(), also after an error.
 */
struct uk_error *uk_disks_list(const struct uk_host_paths *paths, const uk_mounts *host,
			       uk_disks *ret) uk_must_check;
void uk_disks_deinit(uk_disks *disks);
#define uk_auto_disks uk_cleanup(uk_disks_deinit)

/* NULL: none of them. */
struct uk_disk *uk_disks_find(const uk_disks *disks, dev_t dev);
struct uk_disk *uk_disks_root(const uk_disks *disks);

/* Whether a file of the task lies there: open, mapped, the folder that it is in. */
bool uk_disk_is_used(const struct uk_disk *disk, const struct uk_task *task);

/* What @path lies on; one that is not there counts for the folder above. */
struct uk_disk *uk_disks_at(const uk_disks *disks, const char *path);

/* Marks those that a path of @paths lies on. */
void uk_disks_need(uk_disks *disks, const char *const *paths);

/* Those of mount(2) for options as /proc/PID/mountinfo has them: "ro,nosuid". */
unsigned long uk_mount_flags(const char *options);

#endif
