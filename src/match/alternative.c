// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Alternatives: at such a site stands the original or one of its replacements, filled up with
 * nops to the length of the longest, and other sites may lie inside either.
 */
#include "match/fragment.h"

#include "base/bytes.h"
#include "match/nops.h"

enum { CALL = 0xe8, CALL_LEN = 5, INDIRECT_LEN = 6 };

/* What a failed attempt leaves behind must go. */
struct snapshot {
	size_t uses;
	uint64_t explained[UK_SITE_CLASSES];
};

static struct snapshot take_snapshot(const struct uk_walk *walk)
{
	struct snapshot snapshot = { .uses = walk->out->uses.len };
	memcpy(snapshot.explained, walk->out->explained, sizeof(snapshot.explained));
	return snapshot;
}

static bool restore(struct uk_walk *walk, const struct snapshot *snapshot)
{
	walk->out->uses.len = snapshot->uses;
	memcpy(walk->out->explained, snapshot->explained, sizeof(snapshot->explained));
	return false;
}

static bool is_replaced(struct uk_walk *walk, const struct uk_fragment *outer,
			const struct uk_site *site, const struct uk_replacement *replacement)
{
	const uint8_t *memory = uk_fragment_memory(outer, site->offset);
	if (!replacement->len)
		return uk_nops_fill(memory, site->len,
				    uk_rewrites_have(walk->run->version, UK_REWRITE_NOP_JUMP));
	struct uk_fragment fragment = {
		.section = replacement->section,
		.start = replacement->offset,
		.end = replacement->offset + replacement->len,
		.addr = uk_fragment_addr(outer, site->offset),
		.memory = memory,
		.padding = site->len - replacement->len,
		.patched = true,
		.next_site = uk_sites_from(walk->sites, replacement->section, replacement->offset),
		.use_offset = outer->top ? site->offset : outer->use_offset,
	};
	struct snapshot snapshot = take_snapshot(walk);
	return uk_fragment_walk(walk, &fragment) || restore(walk, &snapshot);
}

/* "call *slot(%rip)" became a direct call of what the slot holds, or nops for nop_func. */
static bool is_direct_call(const struct uk_walk *walk, const struct uk_fragment *outer,
			   const struct uk_site *site)
{
	const struct uk_run *run = walk->run;
	const uint8_t *memory = uk_fragment_memory(outer, site->offset);
	const struct uk_reloc *reloc = uk_section_reloc_at(outer->section, site->offset + 2);
	uint64_t function;
	if (!run->memory->live || !run->pv_ops || site->len < INDIRECT_LEN || !reloc ||
	    reloc->offset != site->offset + 2 || strcmp(reloc->symbol->name, "pv_ops") != 0 ||
	    !uk_run_read_u64(run, run->pv_ops + (uint64_t)reloc->addend + 4, &function))
		return false;
	bool jump = uk_rewrites_have(run->version, UK_REWRITE_NOP_JUMP);
	if (uk_kallsyms_has(run->kallsyms, "nop_func", "vmlinux", function))
		return uk_nops_fill(memory, site->len, jump);
	uint64_t target = uk_fragment_addr(outer, site->offset) + CALL_LEN +
			  (uint64_t)(int64_t)uk_get_s32(memory + 1);
	return memory[0] == CALL && uk_run_call_target(run, target) == function &&
	       uk_nops_fill(memory + CALL_LEN, site->len - CALL_LEN, jump);
}

static bool is_original(struct uk_walk *walk, const struct uk_fragment *outer,
			const struct uk_site *site, size_t index)
{
	struct uk_fragment fragment = {
		.section = outer->section,
		.start = site->offset,
		.end = site->offset + site->len,
		.addr = uk_fragment_addr(outer, site->offset),
		.memory = uk_fragment_memory(outer, site->offset),
		.patched = true,
		.next_site = index + 1,
		.use_offset = outer->top ? site->offset : outer->use_offset,
		.top = outer->top,
	};
	struct snapshot snapshot = take_snapshot(walk);
	return uk_fragment_walk(walk, &fragment) || restore(walk, &snapshot);
}

/* The kernel goes through the replacements from first to last, and later ones win. */
bool uk_fragment_alternative(struct uk_walk *walk, struct uk_fragment *outer,
			     const struct uk_site *site, size_t index)
{
	for (size_t i = site->nr; i-- > 0;) {
		const struct uk_replacement *replacement =
			&walk->sites->replacements.data[site->first + i];
		bool fits = replacement->direct_call ? is_direct_call(walk, outer, site)
						     : is_replaced(walk, outer, site, replacement);
		if (fits)
			return uk_walk_explain(walk, UK_SITE_ALTERNATIVE);
	}
	return is_original(walk, outer, site, index);
}
