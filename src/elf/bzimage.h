/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel image as boot loaders take it: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel
 * Header". It has a vmlinux in it, nearly always compressed.
 */
#ifndef UPKEEP_ELF_BZIMAGE_H
#define UPKEEP_ELF_BZIMAGE_H

#include "base/error.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

/* boot.rst: xloadflags. Fields that the image's protocol does not have are 0. */
enum uk_bzimage_flag {
	UK_BZIMAGE_64 = 1 << 0,	      /* XLF_KERNEL_64 */
	UK_BZIMAGE_ABOVE_4G = 1 << 1, /* XLF_CAN_BE_LOADED_ABOVE_4G */
	UK_BZIMAGE_5LEVEL = 1 << 5,   /* XLF_5LEVEL */
};

struct uk_bzimage {
	const char *name;    /* borrowed, for messages */
	const uint8_t *data; /* borrowed */
	size_t len;
	uint16_t protocol;	/* 0x20f is 2.15 */
	uint16_t flags;		/* xloadflags */
	uint32_t alignment;	/* of where it is unpacked to, in bytes */
	uint32_t line_size;	/* longest command line, without its NUL */
	uint32_t room;		/* init_size: bytes that it needs from there on */
	uint64_t preferred;	/* the physical address that it was linked for */
	size_t header_len;	/* of the setup header, which begins at UK_BZIMAGE_HEADER */
	const uint8_t *payload; /* in @data */
	size_t payload_len;
};

/* Where the setup header lies, in the image and in the boot parameters. */
enum { UK_BZIMAGE_HEADER = 0x1f1 };

bool uk_is_elf(const void *data, size_t len);

/* UK_ERR_INVALID for what is none, or has its payload outside of the file. */
struct uk_error *uk_bzimage_parse(const void *data, size_t len, const char *name,
				  struct uk_bzimage *ret) uk_must_check;

/*
 * Its payload, unpacked: an ELF file, then whatever the kernel's build put behind it. By the size
 * that the image tells, which has to be right. Not more than 1 GiB.
 */
struct uk_error *uk_bzimage_unpack(const struct uk_bzimage *image,
				   struct uk_strbuf *ret) uk_must_check;

#endif
