/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the images of a swap lie: in its folder on the disk, or in memory that outlives the kernel.
 *
 * Such memory is what memmap=SIZE!START on the command line keeps from the kernel
 * (Documentation/admin-guide/kernel-parameters.txt), a legacy device of persistent memory
 * (drivers/nvdimm/e820.c). The next kernel has the same command line: kexec puts nothing there, and
 * what was written there is as it was. The word upkeep.store=START beside it, which the kernel does
 * not read, says that this device is for images and nothing else: setup.h writes both.
 *
 * Each swap makes a file system on it, which is mounted nowhere, so that no namespace of a service
 * has it: its files are reached through a descriptor (fsmount(2)). Where the images are a mark in
 * the folder on the disk tells.
 *
 * A reset of the machine may lose such memory: from there no way leads home.
 */
#ifndef UPKEEP_REPLACE_STORE_H
#define UPKEEP_REPLACE_STORE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* What is asked for. */
enum uk_store_kind {
	UK_STORE_AUTO, /* memory, if there is some and it has room for all; else the disk */
	UK_STORE_DISK,
	UK_STORE_MEMORY,
};

/* Of this machine. */
struct uk_store_device {
	char *path;    /* "/dev/pmem0"; NULL for none */
	char *why;     /* there is none */
	uint64_t size; /* bytes */
};

/* @root is NULL for that of this machine. @ret needs uk_store_device_deinit(). */
struct uk_error *uk_store_find(const char *root, struct uk_store_device *ret) uk_must_check;
void uk_store_device_deinit(struct uk_store_device *device);
#define uk_auto_store_device uk_cleanup(uk_store_device_deinit)

/* "2048M", "0x80000000", as the kernel reads them (memparse()); false if it is none. */
bool uk_store_parse_size(const char *text, uint64_t *ret);

/* Whether the program is there that makes a file system on it. */
bool uk_store_can_make(void);

/* The images of one swap. Zeroed, but for @fd, it is none. */
struct uk_store {
	int fd;	   /* of the file system's root, or -1: they are on the disk */
	char *dir; /* where they are, while @fd is open */
};

/* Puts them below @folder, which is there, or on @device (NULL: none), which has nothing then. */
struct uk_error *uk_store_make(const char *folder, const char *device,
			       struct uk_store *ret) uk_must_check;

/* Finds them again: those of @folder. UK_ERR_NOTHING if that memory is not there any more. */
struct uk_error *uk_store_open(const char *folder, struct uk_store *ret) uk_must_check;

/* Lets go of them; they stay. */
void uk_store_close(struct uk_store *store);

/* Whether they were put in memory, as the mark in @folder tells. */
bool uk_store_is_marked(const char *folder);

/* Nothing of what was in the memory for images is left. UK_ERR_BUSY while somebody has it open. */
struct uk_error *uk_store_wipe(void) uk_must_check;

#endif
