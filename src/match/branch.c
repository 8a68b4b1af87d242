// SPDX-License-Identifier: GPL-2.0-or-later
/* Who branches to where inside an object's code. */
#include "match/branch.h"

#include "base/bytes.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <Zydis/Zydis.h>
#include <inttypes.h>

/* Code that cannot be decoded from here on. */
struct bad {
	const struct uk_section *section;
	uint64_t offset;
};

struct uk_branches {
	UK_VEC(struct uk_branch) all; /* by place of the target */
	UK_VEC(struct bad) bad;
};

void uk_branches_destroy(struct uk_branches *branches)
{
	if (!branches)
		return;
	uk_vec_deinit(&branches->all);
	uk_vec_deinit(&branches->bad);
	free(branches);
}

static bool is_branch(const ZydisDecodedInstruction *instruction)
{
	return instruction->raw.imm[0].is_relative && instruction->raw.imm[0].size;
}

/* Branches that the assembler resolved by itself. What cannot be decoded is remembered. */
static bool scan_code(struct uk_branches *branches, const ZydisDecoder *decoder,
		      const struct uk_section *section, uint64_t start, uint64_t end)
{
	for (uint64_t at = start; at < end;) {
		ZydisDecodedInstruction instruction;
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder, NULL, section->data + at,
								section->size - at, &instruction)))
			return uk_vec_push(&branches->bad, (struct bad){ section, at });
		uint64_t next = at + instruction.length;
		uint64_t field = at + instruction.raw.imm[0].offset;
		struct uk_branch branch = { section, at, section,
					    next + (uint64_t)instruction.raw.imm[0].value.s };
		if (is_branch(&instruction) && !uk_section_reloc_at(section, field) &&
		    !uk_vec_push(&branches->all, branch))
			return false;
		at = next;
	}
	return true;
}

static bool has_code(const struct uk_symbol *symbol)
{
	return uk_symbol_is_function(symbol) && symbol->section->data &&
	       uk_range_ok(symbol->value, symbol->size, symbol->section->size);
}

static bool scan_functions(struct uk_branches *branches, const struct uk_object *object)
{
	ZydisDecoder decoder;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	uk_vec_for_each(symbol, &object->symbols)
		if (has_code(*symbol) &&
		    !scan_code(branches, &decoder, (*symbol)->section, (*symbol)->value,
			       (*symbol)->value + (*symbol)->size))
			return false;
	return true;
}

/* Sections whose pointers into code are where control may go. */
static bool leads_into_code(const struct uk_section *section)
{
	return uk_section_is_text(section) || !strcmp(section->name, "__ex_table") ||
	       !strcmp(section->name, "__jump_table") || uk_str_starts(section->name, ".rodata");
}

static bool scan_relocs(struct uk_branches *branches, const struct uk_section *section)
{
	uk_vec_for_each(reloc, &section->relocs) {
		const struct uk_symbol *symbol = reloc->symbol;
		if (symbol->place != UK_SYMBOL_DEFINED)
			continue;
		uint64_t target = symbol->value + (uint64_t)reloc->addend;
		/* In code, the displacement counts from behind its four bytes. */
		if (uk_section_is_text(section) && uk_reloc_is_pcrel(reloc->type))
			target += 4;
		struct uk_branch branch = { section, reloc->offset, symbol->section, target };
		if (!uk_vec_push(&branches->all, branch))
			return false;
	}
	return true;
}

static int by_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_target(const void *a, const void *b)
{
	const struct uk_branch *x = a, *y = b;
	int order = by_number(x->into->index, y->into->index);
	if (!order)
		order = by_number(x->target, y->target);
	if (!order)
		order = by_number(x->section->index, y->section->index);
	return order ? order : by_number(x->offset, y->offset);
}

struct uk_error *uk_branches_collect(const struct uk_object *object, struct uk_branches **ret)
{
	struct uk_branches *branches = calloc(1, sizeof(*branches));
	bool done = branches && scan_functions(branches, object);
	uk_vec_for_each(section, &object->sections)
		if (done && leads_into_code(*section))
			done = scan_relocs(branches, *section);
	if (!done) {
		uk_branches_destroy(branches);
		return uk_error_nomem();
	}
	if (branches->all.len)
		qsort(branches->all.data, branches->all.len, sizeof(*branches->all.data),
		      by_target);
	*ret = branches;
	return NULL;
}

/* The first branch to @target of a section, or to what is behind it. */
static size_t first_from(const struct uk_branches *branches, const struct uk_section *into,
			 uint64_t target)
{
	size_t low = 0, high = branches->all.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct uk_branch *branch = &branches->all.data[middle];
		int order = by_number(branch->into->index, into->index);
		if (order < 0 || (!order && branch->target < target))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct uk_error *check_code(const struct uk_branches *branches,
				   const struct uk_symbol *function)
{
	if (!has_code(function))
		return uk_error_create(UK_ERR_INVALID, "function %s reaches over its section",
				       function->name);
	uk_vec_for_each(bad, &branches->bad)
		if (bad->section == function->section && bad->offset >= function->value &&
		    bad->offset - function->value < function->size)
			return uk_error_create(
				UK_ERR_REFUSED,
				"function %s: the code at +0x%" PRIx64
				" is no instruction; whether something jumps into the redirect "
				"cannot be known",
				function->name, bad->offset - function->value);
	return NULL;
}

struct uk_error *uk_branches_into(const struct uk_branches *branches,
				  const struct uk_symbol *function, uint64_t from, uint64_t to,
				  const struct uk_branch **ret)
{
	struct uk_error *err = check_code(branches, function);
	if (err)
		return err;
	size_t i = first_from(branches, function->section, from);
	const struct uk_branch *branch = i < branches->all.len ? &branches->all.data[i] : NULL;
	*ret = branch && branch->into == function->section && branch->target < to ? branch : NULL;
	return NULL;
}
