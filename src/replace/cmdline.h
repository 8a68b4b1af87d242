/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines of kernels: Documentation/admin-guide/kernel-parameters.rst. */
#ifndef UPKEEP_REPLACE_CMDLINE_H
#define UPKEEP_REPLACE_CMDLINE_H

#include "base/error.h"

#include <stdbool.h>

/* Whether the line has this word; or, if that ends with "=", one that begins with it. */
bool uk_cmdline_has(const char *line, const char *word);

/*
 * This kernel's command line for the next one, without what the boot loader put in for its
 * own sake (BOOT_IMAGE, initrd) and without a first process of the initramfs. @reboots: a kernel
 * that panics, has an oops or a processor that hangs reboots, unless the line says what it is to do
 * then. Free the text.
 */
struct uk_error *uk_cmdline_make(const char *old, bool reboots, char **ret) uk_must_check;

#endif
