/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the members of the running kernel's structures lie: its BTF, the format of which is told by
 * Documentation/bpf/btf.rst of the kernel.
 */
#ifndef UPKEEP_REPLACE_BTF_H
#define UPKEEP_REPLACE_BTF_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct uk_btf;

/* Checks all of it; @data is copied. UK_ERR_INVALID says what is not right. */
struct uk_error *uk_btf_parse(const void *data, size_t len, struct uk_btf **ret) uk_must_check;
/* That of the running kernel: /sys/kernel/btf/vmlinux. */
struct uk_error *uk_btf_load(struct uk_btf **ret) uk_must_check;

void uk_btf_destroy(struct uk_btf *btf);
UK_DEFINE_CLEANUP(btf, struct uk_btf *, uk_btf_destroy)
#define uk_auto_btf uk_cleanup(uk_cleanup_btf)

/*
 * The offset in bytes of a member of struct @name. @path leads through members that are structs or
 * unions themselves: "nanosleep.expires". It must have @size bytes. UK_ERR_REFUSED if this kernel
 * has no such member, or another one.
 */
struct uk_error *uk_btf_offset(const struct uk_btf *btf, const char *name, const char *path,
			       size_t size, size_t *ret) uk_must_check;

#endif
