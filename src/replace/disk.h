/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root filesystem, and how another kernel finds it again. */
#ifndef UPKEEP_REPLACE_ROOT_H
#define UPKEEP_REPLACE_ROOT_H

#include "base/error.h"

struct uk_root {
	char *spec;    /* "UUID=..." */
	char *fstype;  /* "ext4" */
	char *options; /* of its superblock, as mount(2) takes them: "errors=remount-ro" */
	char *device;  /* its folder in sysfs: "/sys/dev/block/254:1" */
};

/* UK_ERR_REFUSED where it is not on a disk alone: device mapper, RAID, a network, overlay. */
struct uk_error *uk_root_find(struct uk_root *ret) uk_must_check;
void uk_root_deinit(struct uk_root *root);
#define uk_auto_root uk_cleanup(uk_root_deinit)

#endif
