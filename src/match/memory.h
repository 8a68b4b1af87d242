/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources of kernel memory: the running kernel or a kernel image file, read by run-time
 * (for an image: link-time) address, with the identity of the kernel that it is.
 */
#ifndef UPKEEP_MATCH_MEMORY_H
#define UPKEEP_MATCH_MEMORY_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which kernel it is. Strings are owned by the memory; NULL where it is not known. */
struct uk_identity {
	char *release;	/* uname -r */
	char *version;	/* uname -v */
	char *build_id; /* GNU build id of vmlinux, lower-case hex */
};

/* Bytes at consecutive addresses. */
struct uk_region {
	uint64_t addr;
	uint8_t *data;
	size_t len;
};

/* A range of /proc/kcore. */
struct uk_memory_segment {
	uint64_t addr, len, offset;
};

struct uk_memory {
	struct uk_identity identity;
	bool live;  /* code and data change while we look; boot-time sites are rewritten */
	char *name; /* for messages: "/proc/kcore" or the image's path */
	int fd;	    /* live: /proc/kcore, else -1 */
	UK_VEC(struct uk_region) regions;	   /* not live: the bytes, by address */
	UK_VEC(struct uk_memory_segment) segments; /* live: what /proc/kcore offers */
};

/* The running kernel, through /proc/kcore (root). */
struct uk_error *uk_memory_open_live(struct uk_memory **ret) uk_must_check;

/* The headers at the start of a core file: adds the segments that it offers. */
struct uk_error *uk_memory_parse_core(struct uk_memory *memory, const uint8_t *data,
				      size_t len) uk_must_check;

/* A bzImage (any of the kernel's compressions) or an ELF vmlinux. */
struct uk_error *uk_memory_open_image(const char *path, struct uk_memory **ret) uk_must_check;
struct uk_error *uk_memory_parse_image(const void *data, size_t len, const char *name,
				       struct uk_memory **ret) uk_must_check;

/* Empty, to be filled with uk_memory_add(); for tests and dumps. Identity is copied. */
struct uk_error *uk_memory_create(const char *name, const struct uk_identity *identity, bool live,
				  struct uk_memory **ret) uk_must_check;
/* @data is copied. Regions must not overlap. */
struct uk_error *uk_memory_add(struct uk_memory *memory, uint64_t addr, const void *data,
			       size_t len) uk_must_check;

void uk_memory_destroy(struct uk_memory *memory);
UK_DEFINE_CLEANUP(memory, struct uk_memory *, uk_memory_destroy)
#define uk_auto_memory uk_cleanup(uk_cleanup_memory)

/* Exactly @len bytes or an error that names address and source. */
struct uk_error *uk_memory_read(const struct uk_memory *memory, uint64_t addr, void *ret,
				size_t len) uk_must_check;

/* Whether every byte of the range may be there (for the live kernel: is offered). */
bool uk_memory_has(const struct uk_memory *memory, uint64_t addr, size_t len);

/* The stored bytes themselves, for a memory that is not live; NULL if not all in one region. */
uint8_t *uk_memory_bytes(const struct uk_memory *memory, uint64_t addr, size_t len);

#endif
