// SPDX-License-Identifier: GPL-2.0-or-later
/* Code as instructions: Zydis knows them, we keep what relocations and branches need. */
#include "diff/decode.h"

#include <Zydis/Zydis.h>

static bool insn_ends(const ZydisDecodedInstruction *insn)
{
	switch (insn->meta.category) {
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_UNCOND_BR:
		return true;
	default:
		return insn->mnemonic == ZYDIS_MNEMONIC_UD2 ||
		       insn->mnemonic == ZYDIS_MNEMONIC_INT3;
	}
}

static bool has_rip_operand(const ZydisDecodedInstruction *insn)
{
	return (insn->attributes & ZYDIS_ATTRIB_HAS_MODRM) && insn->raw.modrm.mod == 0 &&
	       insn->raw.modrm.rm == 5 && insn->raw.disp.size == 32;
}

static bool is_fixed(const ZydisDecodedOperandMem *mem)
{
	return mem->index == ZYDIS_REGISTER_NONE &&
	       (mem->base == ZYDIS_REGISTER_NONE || mem->base == ZYDIS_REGISTER_RIP);
}

/* How much it writes to the memory operand that it names. */
static uint16_t bytes_stored(const ZydisDecoder *decoder, const ZydisDecoderContext *context,
			     const ZydisDecodedInstruction *insn)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	if (ZYAN_FAILED(ZydisDecoderDecodeOperands(decoder, context, insn, operands,
						   insn->operand_count)))
		return UK_STORES_ANYWHERE;
	for (unsigned int i = 0; i < insn->operand_count; i++) {
		const ZydisDecodedOperand *operand = &operands[i];
		if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    operand->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM &&
		    (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			return is_fixed(&operand->mem) ? operand->size / 8 : UK_STORES_ANYWHERE;
	}
	return 0;
}

static struct uk_insn insn_from(const ZydisDecodedInstruction *insn, uint64_t offset)
{
	struct uk_insn result = {
		.offset = (uint32_t)offset,
		.length = insn->length,
		.ends = insn_ends(insn),
		.call = insn->meta.category == ZYDIS_CATEGORY_CALL,
	};
	if (insn->raw.disp.size == 32 && insn->mnemonic != ZYDIS_MNEMONIC_LEA)
		result.memory_offset = insn->raw.disp.offset;
	if (insn->raw.imm[0].is_relative) {
		result.branch = true;
		result.rel_offset = insn->raw.imm[0].offset;
		result.rel_size = insn->raw.imm[0].size / 8;
	} else if (has_rip_operand(insn)) {
		result.rel_offset = insn->raw.disp.offset;
		result.rel_size = insn->raw.disp.size / 8;
		result.access = insn->mnemonic != ZYDIS_MNEMONIC_LEA;
	}
	return result;
}

struct uk_error *uk_entity_decode(struct uk_entity *entity)
{
	ZydisDecoder decoder;
	if (ZYAN_FAILED(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return uk_error_create(UK_ERR_SYSTEM, "the instruction decoder does not start");
	const uint8_t *code = uk_entity_data(entity);
	uint64_t offset = 0;
	while (code && offset < entity->size) {
		ZydisDecodedInstruction insn;
		ZydisDecoderContext context;
		if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, &context, code + offset,
							      entity->size - offset, &insn)))
			return NULL;
		struct uk_insn found = insn_from(&insn, offset);
		if (found.memory_offset)
			found.stores = bytes_stored(&decoder, &context, &insn);
		if (!uk_vec_push(&entity->insns, found))
			return uk_error_nomem();
		offset += insn.length;
	}
	entity->decoded = true;
	return NULL;
}

const struct uk_insn *uk_entity_insn_at(const struct uk_entity *entity, uint64_t offset)
{
	size_t low = 0, high = entity->insns.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct uk_insn *insn = &entity->insns.data[middle];
		if (offset < insn->offset)
			high = middle;
		else if (offset >= (uint64_t)insn->offset + insn->length)
			low = middle + 1;
		else
			return insn;
	}
	return NULL;
}
