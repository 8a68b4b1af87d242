/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run: the code in the running kernel's memory, as the comparison asks for it: memory,
 * symbols, holders, what applied updates wrote, and the live values that sites depend on.
 */
#ifndef UPKEEP_MATCH_RUN_H
#define UPKEEP_MATCH_RUN_H

#include "match/holders.h"
#include "match/kallsyms.h"
#include "match/match.h"
#include "match/memory.h"
#include "match/rewrites.h"

#include <stdbool.h>
#include <stdint.h>

struct uk_run {
	const struct uk_memory *memory;
	const struct uk_kallsyms *kallsyms;
	const struct uk_holders *holders; /* or NULL */
	uk_version version;
	uint64_t pv_ops;		   /* address, or 0 */
	uint64_t rodata_start, rodata_end; /* of vmlinux; both 0 if they are not known */
	bool call_depth;		   /* calls enter through accounting in the padding */
	const struct uk_match_replaced *replaced;
	size_t nr_replaced;
	const struct uk_match_written *written;
	size_t nr_written;
};

void uk_run_init(struct uk_run *run, const struct uk_match_request *request, uk_version version);

/* Small reads; false when memory does not have it. */
bool uk_run_read(const struct uk_run *run, uint64_t addr, void *ret, size_t len);
bool uk_run_read_u64(const struct uk_run *run, uint64_t addr, uint64_t *ret);

/*
 * Where a direct call really leads: with call depth tracking calls enter a function through
 * the accounting code before it, and this gives the function.
 */
uint64_t uk_run_call_target(const struct uk_run *run, uint64_t target);
enum { UK_ACCOUNTING_LEN = 9 };
/* Whether bytes of that length at an address are the accounting code. */
bool uk_run_is_accounting(const struct uk_run *run, const uint8_t *code, uint64_t addr);

/* Bytes that someone is known to have written: "the redirect of update ID", "kprobe f+0x5". */
struct uk_held {
	uint64_t addr, len;
	char *holder;
};

struct uk_held_list {
	UK_VEC(struct uk_held) ranges;
};

/* What is held of [addr, addr + len). */
struct uk_error *uk_run_held(const struct uk_run *run, uint64_t addr, uint64_t len,
			     struct uk_held_list *ret) uk_must_check;
void uk_held_list_deinit(struct uk_held_list *list);

/*
 * Whether a call to @target may stand at an ftrace site of a function at @site: ftrace says so
 * itself, or the target is one of its entry points or trampolines.
 */
bool uk_run_is_tracer(const struct uk_run *run, uint64_t site, uint64_t target);

#endif
