/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The jump into another kernel: kexec_load(2) of an unpacked one (direct.h); or kexec_file_load(2),
 * which takes signed kernels on machines that ask for it; and reboot(2).
 */
#ifndef UPKEEP_REPLACE_JUMP_H
#define UPKEEP_REPLACE_JUMP_H

#include "base/error.h"
#include "base/progress.h"

#include <stdbool.h>

/* When a kernel is unpacked: before the jump, or by itself behind it, while services wait. */
enum uk_jump_unpack {
	UK_JUMP_UNPACK_AUTO, /* before, where that can be; what is in the way is a remark */
	UK_JUMP_UNPACK_BEFORE,
	UK_JUMP_UNPACK_AFTER,
};

/*
 * Loads @vmlinuz with an initramfs (a descriptor for reading alone) and a command line.
 * Nothing runs of it yet. The error names why the kernel would not: lockdown, a limit, memory.
 */
struct uk_error *uk_jump_load(const char *vmlinuz, int ramdisk, const char *line,
			      enum uk_jump_unpack unpack, const struct uk_sink *sink) uk_must_check;

/* Forgets what was loaded; it need not be. */
void uk_jump_unload(void);

/* Whether something is loaded, by anybody. */
bool uk_jump_is_loaded(void);

/* Jumps. Returns only if it could not. Nothing is synced or shut down here. */
struct uk_error *uk_jump_go(void) uk_must_check;

#endif
