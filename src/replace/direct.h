/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a kernel for kexec as it lies in memory when it runs: unpacked, at its place, and changed
 * for its addresses. A bzImage does all that itself when it is jumped into, and before that the
 * old kernel's purgatory hashes it: while services wait.
 */
#ifndef UPKEEP_REPLACE_DIRECT_H
#define UPKEEP_REPLACE_DIRECT_H

#include "base/error.h"

/*
 * By kexec_load(2): @vmlinuz, an initramfs (a descriptor for reading), a command line. Its
 * addresses are chosen by chance, as the kernel would (KASLR), unless the line says "nokaslr".
 * UK_ERR_REFUSED for machines, kernels and lines where unpacking has more to look after, and where
 * unsigned kernels are not taken: kexec_file_load(2) may do it.
 */
struct uk_error *uk_direct_load(const char *vmlinuz, int ramdisk, const char *line) uk_must_check;

#endif
