/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The jump into another kernel: kexec_file_load(2), which takes signed kernels on machines that
 * ask for it, and reboot(2).
 */
#ifndef UPKEEP_REPLACE_JUMP_H
#define UPKEEP_REPLACE_JUMP_H

#include "base/error.h"

#include <stdbool.h>

/*
 * Loads @vmlinuz with an initramfs (a descriptor for reading alone) and a command line.
 * Nothing runs of it yet. The error names why the kernel would not: lockdown, a limit, memory.
 */
struct uk_error *uk_jump_load(const char *vmlinuz, int ramdisk, const char *line) uk_must_check;

/* Forgets what was loaded; it need not be. */
void uk_jump_unload(void);

/* Whether something is loaded, by anybody. */
bool uk_jump_is_loaded(void);

/* Jumps. Returns only if it could not. Nothing is synced or shut down here. */
struct uk_error *uk_jump_go(void) uk_must_check;

/*
 * This kernel's command line for the next one, without what the boot loader put in for its
 * own sake (BOOT_IMAGE, initrd) and without a first process of the initramfs. @reboots: a kernel
 * that panics, has an oops or a processor that hangs reboots, unless the line says what it is to do
 * then. Free the text.
 */
struct uk_error *uk_jump_command_line(const char *old, bool reboots, char **ret) uk_must_check;

#endif
