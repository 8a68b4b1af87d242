/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The small initramfs that the new kernel starts with: src/init, the modules that are needed until
 * the services are restored, what init shall do, the key of the swap. A newc archive in memory:
 * it is on no disk.
 */
#ifndef UPKEEP_REPLACE_RAMDISK_H
#define UPKEEP_REPLACE_RAMDISK_H

#include "base/error.h"
#include "replace/disk.h"

#include <sys/types.h>

struct uk_ramdisk_sysctl {
	const char *name; /* "kernel/panic" */
	char *value;
};

struct uk_ramdisk {
	const char *modules; /* folder of the new kernel's */
	const char *init;    /* the static program: its file */
	const char *next;    /* what goes on in the root filesystem, as a path there */
	const char *key;     /* text of the key */
	unsigned int limit;  /* seconds from its start until services are restored */
	const char *fault;   /* of a test, see init.c; NULL for none */
	const struct uk_ramdisk_sysctl *later; /* set when services are restored; NULL-ended */
	pid_t pids_above; /* what the new kernel starts gets numbers above this one */

	const uk_disks *disks; /* the root among them */
	/* Beside those: folders in sysfs of devices, names of modules; NULL-terminated. */
	const char *const *devices;
	const char *const *names; /* one that the kernel has built in, or has not, is left out */
};

/* The two programs of src/init, where `make install' puts them. */
const char *uk_ramdisk_init_path(void);
const char *uk_ramdisk_next_path(void);

/*
 * Packs it. UK_ERR_REFUSED where the root filesystem lies on what init cannot bring up: names
 * it. @ret is a descriptor for reading alone; the caller closes it.
 */
struct uk_error *uk_ramdisk_make(const struct uk_ramdisk *ramdisk, int *ret) uk_must_check;

/*
 * What init does of all this in a system whose root filesystem is mounted, by a kernel whose
 * modules lie there (ramdisk->modules): see home.h. Free the text, which has the key in it.
 */
struct uk_error *uk_ramdisk_home_text(const struct uk_ramdisk *ramdisk, char **ret) uk_must_check;

#endif
