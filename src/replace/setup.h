/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has the next start of the machine keep memory for images (store.h): writes the words for the
 * kernel's command line into GRUB's settings, and has GRUB's configuration made anew.
 */
#ifndef UPKEEP_REPLACE_SETUP_H
#define UPKEEP_REPLACE_SETUP_H

#include "base/error.h"

#include <stdint.h>

enum { UK_SETUP_ALIGN = 128 << 20 }; /* bytes: a section of memory (arch/x86: SECTION_SIZE_BITS) */

/* Memory that is to be kept, in bytes. */
struct uk_setup {
	uint64_t start, size;
};

/*
 * Chooses: @size bytes (0: a quarter of the memory), made a multiple of UK_SETUP_ALIGN, at the end
 * of the last piece of memory above 4 GiB that has room for it, where no boot loader puts a kernel
 * or an initramfs. @iomem is the text of /proc/iomem. UK_ERR_REFUSED where there is none that
 * leaves as much to the kernel.
 */
struct uk_error *uk_setup_choose(const char *iomem, uint64_t size,
				 struct uk_setup *ret) uk_must_check;

/*
 * Writes it, or with NULL takes it back, below @root (NULL for that of this machine, where
 * update-grub runs, too). UK_ERR_REFUSED where GRUB is not what starts it.
 */
struct uk_error *uk_setup_write(const char *root, const struct uk_setup *setup) uk_must_check;

#endif
