/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ELF file of a kernel, as it lies in a bzImage: what of it is loaded where. Behind the file
 * the kernel's build puts a list of what has to be changed where it runs at another virtual address
 * than it was linked for (arch/x86/tools/relocs.c).
 */
#ifndef UPKEEP_ELF_VMLINUX_H
#define UPKEEP_ELF_VMLINUX_H

#include "base/error.h"
#include "base/vec.h"

#include <stdint.h>

struct uk_vmlinux_segment {
	uint32_t type;	      /* PT_LOAD, PT_NOTE */
	uint64_t offset, len; /* in the file, inside of which it lies */
	uint64_t virtual, physical;
	uint64_t room; /* bytes in memory, not less than len */
};

struct uk_vmlinux {
	const char *name; /* borrowed, for messages */
	uint64_t entry;	  /* physical */
	uint64_t end;	  /* of the ELF file, where the list begins; in bytes */
	UK_VEC(struct uk_vmlinux_segment) segments; /* of those two types alone */
};

/* UK_ERR_INVALID for what is no executable of x86-64, or is cut off. */
struct uk_error *uk_vmlinux_parse(const void *data, size_t len, const char *name,
				  struct uk_vmlinux *ret) uk_must_check;
void uk_vmlinux_deinit(struct uk_vmlinux *vmlinux);

/*
 * Changes the file in memory, @data, so that it runs @by bytes above the virtual addresses it was
 * linked for: what the kernel does itself in handle_relocations(), arch/x86/boot/compressed/misc.c.
 * UK_ERR_REFUSED if there is no list behind it; UK_ERR_INVALID, with @data half changed, for a list
 * that is none, or points out of what is loaded.
 */
struct uk_error *uk_vmlinux_relocate(const struct uk_vmlinux *vmlinux, void *data, size_t len,
				     uint64_t by) uk_must_check;

#endif
