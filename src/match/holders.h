/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who else holds bytes of the running kernel's code: kprobes, ftrace users, BPF trampolines,
 * livepatches. Asked of the kernel's own files; empty for an image.
 */
#ifndef UPKEEP_MATCH_HOLDERS_H
#define UPKEEP_MATCH_HOLDERS_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct uk_holder_probe {
	uint64_t address;
	char *name;	/* "kprobe vfs_read+0x5" */
	bool ftrace;	/* it stands on the fentry site and goes through ftrace */
	bool optimized; /* a 5-byte jump, not a 1-byte breakpoint */
};

struct uk_holder_traced {
	char *function;
	char *module; /* "vmlinux" or the module's name */
	char *how;    /* the rest of ftrace's line: counts, flags, trampoline */
};

struct uk_holder_livepatch {
	char *patch, *object, *function;
};

struct uk_holders {
	UK_VEC(struct uk_holder_probe) probes;
	UK_VEC(struct uk_holder_traced) traced;
	UK_VEC(struct uk_holder_livepatch) livepatches;
	bool probes_known; /* the kernel's list of kprobes could be read */
	bool traced_known; /* likewise ftrace's */
};

/*
 * Reads <root>/sys/kernel/debug/kprobes/list, <root>/sys/kernel/tracing/enabled_functions (or
 * under debug/) and <root>/sys/kernel/livepatch. @root is "" for this machine. Files that are
 * missing leave the list unknown.
 */
struct uk_error *uk_holders_load(const char *root, struct uk_holders **ret) uk_must_check;
struct uk_error *uk_holders_create(struct uk_holders **ret) uk_must_check;
void uk_holders_destroy(struct uk_holders *holders);
UK_DEFINE_CLEANUP(holders, struct uk_holders *, uk_holders_destroy)
#define uk_auto_holders uk_cleanup(uk_cleanup_holders)

/* How many bytes of code it holds: 5 for a jump, 1 for a breakpoint. */
uint64_t uk_holder_probe_len(const struct uk_holder_probe *probe);

/* The kprobe whose bytes overlap [address, address + len), or NULL. */
const struct uk_holder_probe *uk_holders_probe(const struct uk_holders *holders, uint64_t address,
					       uint64_t len);
const struct uk_holder_traced *uk_holders_traced(const struct uk_holders *holders,
						 const char *module, const char *function);
const struct uk_holder_livepatch *uk_holders_livepatch(const struct uk_holders *holders,
						       const char *object, const char *function);

#endif
