// SPDX-License-Identifier: GPL-2.0-or-later
/* Who branches to where inside an object's code. */
#include "match/branch.h"

#include "base/bytes.h"
#include "base/strbuf.h"

#include <Zydis/Zydis.h>
#include <inttypes.h>

struct search {
	const struct uk_section *section; /* that is branched into */
	uint64_t from, to;
	struct uk_branch *ret;
};

static bool hit(struct search *search, const struct uk_section *section, uint64_t offset,
		uint64_t target)
{
	if (target < search->from || target >= search->to)
		return false;
	*search->ret = (struct uk_branch){
		.found = true, .section = section, .offset = offset, .target = target
	};
	return true;
}

static bool is_branch(const ZydisDecodedInstruction *instruction)
{
	return instruction->raw.imm[0].is_relative && instruction->raw.imm[0].size;
}

/* Branches that the assembler resolved by itself. False when code cannot be decoded. */
static bool scan_code(struct search *search, const ZydisDecoder *decoder, uint64_t start,
		      uint64_t end, uint64_t *bad_ret)
{
	const struct uk_section *section = search->section;
	for (uint64_t at = start; at < end && !search->ret->found;) {
		ZydisDecodedInstruction instruction;
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(
			    decoder, NULL, section->data + at, section->size - at, &instruction))) {
			*bad_ret = at;
			return false;
		}
		uint64_t next = at + instruction.length;
		uint64_t field = at + instruction.raw.imm[0].offset;
		if (is_branch(&instruction) && !uk_section_reloc_at(section, field))
			hit(search, section, at, next + (uint64_t)instruction.raw.imm[0].value.s);
		at = next;
	}
	return true;
}

/* The other functions of the section: what cannot be decoded there is data. */
static void scan_neighbours(struct search *search, const struct uk_object *object,
			    const ZydisDecoder *decoder, const struct uk_symbol *function)
{
	uk_vec_for_each(symbol, &object->symbols) {
		uint64_t bad;
		if (!uk_symbol_is_function(*symbol) || *symbol == function ||
		    (*symbol)->section != search->section ||
		    !uk_range_ok((*symbol)->value, (*symbol)->size, search->section->size))
			continue;
		if (!scan_code(search, decoder, (*symbol)->value,
			       (*symbol)->value + (*symbol)->size, &bad))
			continue;
		if (search->ret->found)
			return;
	}
}

/* Sections whose pointers into code are where control may go. */
static bool leads_into_code(const struct uk_section *section)
{
	return uk_section_is_text(section) || !strcmp(section->name, "__ex_table") ||
	       !strcmp(section->name, "__jump_table") || uk_str_starts(section->name, ".rodata");
}

static void scan_relocs(struct search *search, const struct uk_section *section)
{
	uk_vec_for_each(reloc, &section->relocs) {
		const struct uk_symbol *symbol = reloc->symbol;
		if (symbol->place != UK_SYMBOL_DEFINED || symbol->section != search->section)
			continue;
		uint64_t target = symbol->value + (uint64_t)reloc->addend;
		/* In code, the displacement counts from behind its four bytes. */
		if (uk_section_is_text(section) && uk_reloc_is_pcrel(reloc->type))
			target += 4;
		if (hit(search, section, reloc->offset, target))
			return;
	}
}

struct uk_error *uk_branch_find_into(const struct uk_object *object,
				     const struct uk_symbol *function, uint64_t from, uint64_t to,
				     struct uk_branch *ret)
{
	*ret = (struct uk_branch){};
	struct search search = { .section = function->section, .from = from, .to = to, .ret = ret };
	ZydisDecoder decoder;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	uint64_t bad = 0, end = function->value + function->size;
	if (!uk_range_ok(function->value, function->size, function->section->size))
		return uk_error_create(UK_ERR_INVALID, "function %s reaches over its section",
				       function->name);
	if (!scan_code(&search, &decoder, function->value, end, &bad))
		return uk_error_create(UK_ERR_REFUSED,
				       "function %s: the code at +0x%" PRIx64
				       " is no instruction; whether something jumps into the "
				       "redirect cannot be known",
				       function->name, bad - function->value);
	if (!ret->found)
		scan_neighbours(&search, object, &decoder, function);
	uk_vec_for_each(section, &object->sections)
		if (!ret->found && leads_into_code(*section))
			scan_relocs(&search, *section);
	return NULL;
}
