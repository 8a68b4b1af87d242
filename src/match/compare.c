// SPDX-License-Identifier: GPL-2.0-or-later
/* One section against memory: walking over bytes, relocations and sites. */
#include "match/compare.h"

#include "base/bytes.h"
#include "match/fragment.h"
#include "match/nops.h"

#include <Zydis/Zydis.h>

enum { CALL = 0xe8, JMP32 = 0xe9, JMP8 = 0xeb, CALL_LEN = 5, JMP8_LEN = 2, INT3 = 0xcc };

static bool fail(struct uk_fragment *fragment, uint64_t offset, const struct uk_site *site)
{
	fragment->failed_at = offset;
	fragment->failed_site = site;
	return false;
}

/*
 * Whether a use can be right as far as that is known at once. It tells the candidates of an
 * alternative apart; elsewhere the caller's check has more to go by, and more to say.
 */
static bool is_plausible(const struct uk_walk *walk, const struct uk_use *use)
{
	const struct uk_symbol *symbol = use->symbol;
	if (symbol->place == UK_SYMBOL_DEFINED && symbol->section == walk->section &&
	    symbol->bind != STB_WEAK)
		return use->value == walk->base + symbol->value;
	if (symbol->place != UK_SYMBOL_UNDEFINED)
		return true;
	return !uk_kallsyms_lookup(walk->run->kallsyms, symbol->name) ||
	       uk_kallsyms_has(walk->run->kallsyms, symbol->name, NULL, use->value);
}

bool uk_walk_use(struct uk_walk *walk, const struct uk_fragment *fragment, struct uk_use use)
{
	if (fragment->patched && !is_plausible(walk, &use))
		return false;
	if (!fragment->top) {
		use.offset = fragment->use_offset;
		use.len = 0;
	}
	if (uk_vec_push(&walk->out->uses, use))
		return true;
	walk->no_memory = true;
	return false;
}

/* Whether code before a relocation makes its field the target of a direct call. */
static bool is_call(const struct uk_section *section, const struct uk_reloc *reloc)
{
	return uk_section_is_text(section) && reloc->offset &&
	       section->data[reloc->offset - 1] == CALL &&
	       (reloc->type == R_X86_64_PC32 || reloc->type == R_X86_64_PLT32);
}

/* The value of a symbol is what makes the relocation's formula give the bytes in memory. */
static bool solve(struct uk_walk *walk, const struct uk_fragment *fragment,
		  const struct uk_reloc *reloc)
{
	const uint8_t *field = uk_fragment_memory(fragment, reloc->offset);
	uint64_t place = uk_fragment_addr(fragment, reloc->offset);
	struct uk_use use = { .symbol = reloc->symbol,
			      .addend = reloc->addend,
			      .offset = reloc->offset,
			      .len = (uint8_t)uk_reloc_size(reloc->type) };
	uint64_t addend = (uint64_t)reloc->addend;
	switch (reloc->type) {
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		use.value = (uint64_t)(int64_t)uk_get_s32(field) + place - addend;
		use.pcrel = true;
		break;
	case R_X86_64_PC64:
		use.value = uk_get_u64(field) + place - addend;
		use.pcrel = true;
		break;
	case R_X86_64_64:
		use.value = uk_get_u64(field) - addend;
		break;
	case R_X86_64_32S:
		use.value = (uint64_t)(int64_t)uk_get_s32(field) - addend;
		break;
	case R_X86_64_32:
		use.value = uk_get_u32(field) - addend;
		break;
	default:
		return reloc->type == R_X86_64_NONE;
	}
	if (walk->run->call_depth && is_call(fragment->section, reloc)) {
		uint64_t target = use.value + addend + 4;
		uint64_t real = uk_run_call_target(walk->run, target);
		if (real != target)
			uk_walk_explain(walk, UK_SITE_CALL);
		use.value += real - target;
	}
	use.target = use.value + addend;
	return uk_walk_use(walk, fragment, use);
}

static ZydisDecoder make_decoder(void)
{
	ZydisDecoder decoder;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	return decoder;
}

/* Length of the instruction at an offset of the object's code, which ends at @end; or 0. */
static uint64_t instruction_len(const struct uk_section *section, uint64_t offset, uint64_t end)
{
	ZydisDecoder decoder = make_decoder();
	ZydisDecodedInstruction instruction;
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, section->data + offset,
							end - offset, &instruction)))
		return 0;
	return instruction.length;
}

/* The start of the instruction that covers an offset, counting from its function's start. */
static bool find_instruction(const struct uk_walk *walk, const struct uk_section *section,
			     uint64_t offset, uint64_t *start_ret, uint64_t *len_ret)
{
	const struct uk_symbol *function =
		uk_object_symbol_at(walk->sites->object, section, offset);
	if (!function)
		return false;
	for (uint64_t at = function->value; at <= offset;) {
		uint64_t len = instruction_len(section, at, section->size);
		if (!len)
			return false;
		if (offset < at + len) {
			*start_ret = at;
			*len_ret = len;
			return true;
		}
		at += len;
	}
	return false;
}

/*
 * With call depth tracking, calls that the assembler resolved by itself (same section, no
 * relocation) were moved to the accounting code before the function, too.
 */
static bool explain_call(struct uk_walk *walk, const struct uk_fragment *fragment, uint64_t offset,
			 uint64_t *end_ret)
{
	const struct uk_section *section = fragment->section;
	uint64_t start, len;
	if (!walk->run->call_depth || !uk_section_is_text(section) ||
	    !find_instruction(walk, section, offset, &start, &len))
		return false;
	const uint8_t *memory = uk_fragment_memory(fragment, start);
	if (start < fragment->start || len != CALL_LEN || start + len > fragment->end ||
	    section->data[start] != CALL || memory[0] != CALL)
		return false;
	int64_t expected = uk_get_s32(section->data + start + 1), found = uk_get_s32(memory + 1);
	uint64_t target = uk_fragment_addr(fragment, start) + CALL_LEN + (uint64_t)found;
	if (expected - found != UK_ACCOUNTING_LEN ||
	    uk_run_call_target(walk->run, target) != target + UK_ACCOUNTING_LEN)
		return false;
	*end_ret = start + len;
	return uk_walk_explain(walk, UK_SITE_CALL);
}

static bool compare_literal(struct uk_walk *walk, struct uk_fragment *fragment, uint64_t from,
			    uint64_t to)
{
	const uint8_t *data = fragment->section->data;
	while (from < to) {
		const uint8_t *memory = uk_fragment_memory(fragment, from);
		if (!memcmp(data + from, memory, to - from))
			return true;
		uint64_t at = 0;
		while (data[from + at] == memory[at])
			at++;
		uint64_t end;
		if (!explain_call(walk, fragment, from + at, &end))
			return fail(fragment, from + at, NULL);
		from = end;
	}
	return true;
}

static size_t first_reloc(const struct uk_section *section, uint64_t offset)
{
	size_t low = 0, high = section->relocs.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (section->relocs.data[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool uk_fragment_bytes(struct uk_walk *walk, struct uk_fragment *fragment, uint64_t from,
		       uint64_t to)
{
	const struct uk_section *section = fragment->section;
	for (size_t i = first_reloc(section, from); i < section->relocs.len; i++) {
		const struct uk_reloc *reloc = &section->relocs.data[i];
		if (reloc->offset >= to)
			break;
		unsigned int size = uk_reloc_size(reloc->type);
		/* Two relocations of one field do not occur on x86-64. */
		if (reloc->offset < from || reloc->offset + size > to)
			return fail(fragment, reloc->offset, NULL);
		if (!compare_literal(walk, fragment, from, reloc->offset))
			return false;
		if (!solve(walk, fragment, reloc))
			return fail(fragment, reloc->offset, NULL);
		from = reloc->offset + size;
	}
	return from >= to || compare_literal(walk, fragment, from, to);
}

/* A jump with a 32-bit displacement that patching made short, filled up behind. */
static bool is_short_jump(struct uk_walk *walk, struct uk_fragment *fragment, uint64_t offset)
{
	static const uint8_t int3[] = { INT3, INT3, INT3 };
	const uint8_t *memory = uk_fragment_memory(fragment, offset);
	const struct uk_reloc *reloc = uk_section_reloc_at(fragment->section, offset + 1);
	if (fragment->section->data[offset] != JMP32 || memory[0] != JMP8 || !reloc ||
	    reloc->offset != offset + 1)
		return false;
	const uint8_t *filler = memory + JMP8_LEN;
	bool filled = (uk_rewrites_have(walk->run->version, UK_REWRITE_JUMP_NOP3) &&
		       uk_nop_len(filler, sizeof(int3)) == sizeof(int3)) ||
		      (uk_rewrites_have(walk->run->version, UK_REWRITE_JUMP_INT3) &&
		       !memcmp(filler, int3, sizeof(int3)));
	if (!filled)
		return false;
	uint64_t target = uk_fragment_addr(fragment, offset) + JMP8_LEN +
			  (uint64_t)(int64_t)(int8_t)memory[1];
	uint64_t value = target - 4 - (uint64_t)reloc->addend;
	return uk_walk_use(walk, fragment,
			   (struct uk_use){ .symbol = reloc->symbol,
					    .addend = reloc->addend,
					    .offset = offset,
					    .len = JMP8_LEN,
					    .pcrel = true,
					    .value = value,
					    .target = target - 4 });
}

/* Nops in the object, as many as follow each other, padding included. */
static uint64_t nop_run(const struct uk_fragment *fragment, uint64_t offset, uint64_t limit)
{
	uint64_t end = offset;
	for (size_t len; end < limit; end += len) {
		len = uk_nop_len(fragment->section->data + end, limit - end);
		if (!len)
			break;
	}
	return end - offset;
}

/* One instruction, or a run of nops, of patched code. Returns its length, 0 if it differs. */
static uint64_t step(struct uk_walk *walk, struct uk_fragment *fragment, uint64_t offset,
		     uint64_t limit)
{
	uint64_t nops = nop_run(fragment, offset, limit);
	if (nops) {
		bool last = offset + nops == fragment->end;
		uint64_t fill = nops + (last ? fragment->padding : 0);
		if (!uk_nops_fill(uk_fragment_memory(fragment, offset), fill,
				  uk_rewrites_have(walk->run->version, UK_REWRITE_NOP_JUMP)))
			return 0;
		if (last)
			fragment->padding = 0;
		return nops;
	}
	uint64_t len = instruction_len(fragment->section, offset, fragment->end);
	if (!len || offset + len > limit)
		len = limit - offset;
	if (len == CALL_LEN && is_short_jump(walk, fragment, offset))
		return len;
	return uk_fragment_bytes(walk, fragment, offset, offset + len) ? len : 0;
}

static bool walk_patched(struct uk_walk *walk, struct uk_fragment *fragment, uint64_t from,
			 uint64_t to)
{
	while (from < to) {
		uint64_t len = step(walk, fragment, from, to);
		if (!len)
			return fail(fragment, from, NULL);
		from += len;
	}
	return true;
}

/* The held range that overlaps [from, to) of the compared section, or NULL. */
static const struct uk_held *find_held(const struct uk_walk *walk, uint64_t from, uint64_t to)
{
	const struct uk_held *first = NULL;
	uk_vec_for_each(held, &walk->out->held.ranges) {
		if (held->addr >= walk->base + to || held->addr + held->len <= walk->base + from)
			continue;
		if (!first || held->addr < first->addr)
			first = held;
	}
	return first;
}

static bool walk_plain(struct uk_walk *walk, struct uk_fragment *fragment, uint64_t from,
		       uint64_t to)
{
	return fragment->patched ? walk_patched(walk, fragment, from, to)
				 : uk_fragment_bytes(walk, fragment, from, to);
}

/* A relocation that a held range cuts into is left out whole. */
static uint64_t widen(const struct uk_section *section, uint64_t offset, bool down)
{
	const struct uk_reloc *reloc = offset ? uk_section_reloc_at(section, offset) : NULL;
	if (!reloc || reloc->offset == offset)
		return offset;
	return down ? reloc->offset : reloc->offset + uk_reloc_size(reloc->type);
}

/* Bytes between sites, without what others hold. Held ranges matter on the top level only. */
static bool walk_gap(struct uk_walk *walk, struct uk_fragment *fragment, uint64_t from, uint64_t to)
{
	while (fragment->top && from < to) {
		const struct uk_held *held = find_held(walk, from, to);
		if (!held)
			break;
		uint64_t start = held->addr > walk->base + from ? held->addr - walk->base : from;
		uint64_t end = widen(fragment->section, held->addr + held->len - walk->base, false);
		start = widen(fragment->section, start, true);
		if (start > from && !walk_plain(walk, fragment, from, start))
			return false;
		from = end < to ? end : to;
	}
	return from >= to || walk_plain(walk, fragment, from, to);
}

bool uk_fragment_walk(struct uk_walk *walk, struct uk_fragment *fragment)
{
	const struct uk_site_list *list = &walk->sites->by_section[fragment->section->index];
	size_t next = fragment->next_site;
	for (uint64_t at = fragment->start; at < fragment->end;) {
		while (next < list->sites.len && list->sites.data[next].offset < at)
			next++;
		const struct uk_site *site =
			next < list->sites.len ? &list->sites.data[next] : NULL;
		if (site && site->offset >= fragment->end)
			site = NULL;
		if (!site || site->offset > at) {
			uint64_t to = site ? site->offset : fragment->end;
			if (!walk_gap(walk, fragment, at, to))
				return false;
			at = to;
			continue;
		}
		uint64_t end = site->offset + site->len;
		if (end > fragment->end)
			return fail(fragment, at, site);
		if (!(fragment->top && find_held(walk, at, end)) &&
		    !uk_fragment_site(walk, fragment, site, next))
			return fail(fragment, at, site);
		at = end;
		next++;
	}
	return !fragment->padding ||
	       uk_nops_fill(uk_fragment_memory(fragment, fragment->end), fragment->padding,
			    uk_rewrites_have(walk->run->version, UK_REWRITE_NOP_JUMP)) ||
	       fail(fragment, fragment->end, NULL);
}

void uk_comparison_differs(struct uk_comparison *comparison, const struct uk_section *section,
			   uint64_t offset, size_t len)
{
	struct uk_mismatch *mismatch = &comparison->mismatch;
	mismatch->found = true;
	mismatch->offset = offset;
	mismatch->len = len < UK_SHOWN_BYTES ? len : UK_SHOWN_BYTES;
	if (mismatch->len > section->size - offset)
		mismatch->len = section->size - offset;
	memcpy(mismatch->expected, section->data + offset, mismatch->len);
	memcpy(mismatch->memory, comparison->memory + offset, mismatch->len);
}

/* A difference between sites is shown up to the next relocation. */
static void record_failure(struct uk_comparison *comparison, const struct uk_fragment *fragment)
{
	const struct uk_section *section = fragment->section;
	uint64_t len = UK_SHOWN_BYTES, at = fragment->failed_at;
	if (fragment->failed_site) {
		len = fragment->failed_site->len;
	} else {
		size_t next = first_reloc(section, at);
		if (next < section->relocs.len && section->relocs.data[next].offset > at &&
		    section->relocs.data[next].offset - at < len)
			len = section->relocs.data[next].offset - at;
	}
	uk_comparison_differs(comparison, section, at, len);
	comparison->mismatch.site = fragment->failed_site;
}

struct uk_error *uk_compare_section(const struct uk_run *run, const struct uk_sites *sites,
				    const struct uk_section *section, uint64_t base,
				    struct uk_comparison *ret)
{
	*ret = (struct uk_comparison){};
	if (!section->size || !uk_memory_has(run->memory, base, section->size))
		return NULL;
	ret->memory = malloc(section->size);
	if (!ret->memory)
		return uk_error_nomem();
	struct uk_error *err = uk_memory_read(run->memory, base, ret->memory, section->size);
	if (!err)
		err = uk_run_held(run, base, section->size, &ret->held);
	if (err)
		return err;
	struct uk_walk walk = {
		.run = run, .sites = sites, .section = section, .base = base, .out = ret
	};
	struct uk_fragment whole = { .section = section,
				     .end = section->size,
				     .addr = base,
				     .memory = ret->memory,
				     .top = true };
	if (!uk_fragment_walk(&walk, &whole))
		record_failure(ret, &whole);
	return walk.no_memory ? uk_error_nomem() : NULL;
}

void uk_comparison_deinit(struct uk_comparison *comparison)
{
	uk_vec_deinit(&comparison->uses);
	uk_held_list_deinit(&comparison->held);
	free(comparison->memory);
	comparison->memory = NULL;
}
