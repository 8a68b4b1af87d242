/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel is told by who starts it: Documentation/arch/x86/boot.rst, zero-page.rst. This
 * one hands on what it was told itself of the machine, as its own loader does for
 * kexec_file_load(2) (arch/x86/kernel/kexec-bzimage64.c).
 */
#ifndef UPKEEP_REPLACE_BOOTPARAM_H
#define UPKEEP_REPLACE_BOOTPARAM_H

#include "base/error.h"
#include "elf/bzimage.h"
#include "replace/efi.h"
#include "replace/ram.h"

#include <asm/bootparam.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads what this kernel was told. UK_ERR_SYSTEM where it does not show that. */
struct uk_error *uk_bootparam_read(struct boot_params *ret) uk_must_check;

/*
 * UK_ERR_REFUSED for what is not handed on here, or only the kernel's own unpacking looks after:
 * EFI, guests with encrypted memory, a measured launch, a memory map that is longer than the table.
 */
struct uk_error *uk_bootparam_check(const struct boot_params *told) uk_must_check;

/* Whether this machine was started by EFI. */
bool uk_bootparam_is_efi(const struct boot_params *told);

/* The memory that the next kernel will find. */
struct uk_error *uk_bootparam_ram(const struct boot_params *told, struct uk_ram *ret) uk_must_check;

/* Where things lie, as physical addresses. */
struct uk_bootparam {
	uint64_t at;	/* of all this, a multiple of a page */
	uint64_t entry; /* of the kernel */
	uint64_t ramdisk, ramdisk_len;
	const char *line;	  /* borrowed */
	const struct uk_efi *efi; /* borrowed; NULL: it was not started by that */
	bool moved;		  /* the kernel was moved by chance (KASLR), and may move more */
};

/* Bytes of it: whole pages. By the line and what is known of EFI. */
size_t uk_bootparam_size(const struct uk_bootparam *bootparam);

/*
 * Writes it all: a few instructions, with which it begins and which lead to the kernel, the
 * parameters, the command line, a seed for the kernel's random numbers, EFI's map. @block has
 * uk_bootparam_size() bytes, and is a secret afterwards.
 */
void uk_bootparam_write(const struct uk_bootparam *bootparam, const struct boot_params *told,
			const struct uk_bzimage *image, void *block);

#endif
