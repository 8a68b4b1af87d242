// SPDX-License-Identifier: GPL-2.0-or-later
/* Cutting an object into entities: symbols with a size, and the stretches between. */
#include "diff/model.h"

#include "base/bytes.h"
#include "base/strbuf.h"
#include "diff/decode.h"
#include "diff/refs.h"

#include <Zydis/Zydis.h>
#include <string.h>

/* The farthest that call padding may lie in front of a function. */
#define PREFIX_MAX 64

static void entity_destroy(struct uk_entity *entity)
{
	uk_vec_for_each(entry, &entity->entries) {
		uk_vec_deinit(&(*entry)->refs);
		free(*entry);
	}
	uk_vec_deinit(&entity->entries);
	uk_vec_deinit(&entity->insns);
	uk_vec_deinit(&entity->refs);
	uk_vec_deinit(&entity->users);
	uk_vec_deinit(&entity->marks);
	free(entity);
}

void uk_model_destroy(struct uk_model *model)
{
	if (!model)
		return;
	uk_vec_for_each(entity, &model->entities)
		entity_destroy(*entity);
	uk_vec_deinit(&model->entities);
	uk_vec_for_each(table, &model->tables)
		free(*table);
	uk_vec_deinit(&model->tables);
	uk_map_deinit(&model->by_name);
	uk_vec_for_each(symbol, &model->object->symbols)
		(*symbol)->tag = NULL;
	free(model);
}

/* Whether a section is cut up at all, and whether its symbols cut it. */
static bool kind_has_entities(enum uk_section_kind kind)
{
	switch (kind) {
	case UK_SECTION_TABLE:
	case UK_SECTION_EXPORT:
	case UK_SECTION_VERBATIM:
	case UK_SECTION_IGNORED:
	case UK_SECTION_OBJTOOL:
		return false;
	default:
		return true;
	}
}

static bool kind_has_symbols(enum uk_section_kind kind)
{
	return kind_has_entities(kind) && kind != UK_SECTION_LITERAL &&
	       kind != UK_SECTION_REPLACEMENT && kind != UK_SECTION_HELPER;
}

static bool symbol_cuts(const struct uk_symbol *symbol)
{
	if (symbol->place != UK_SYMBOL_DEFINED || symbol->type == STT_SECTION)
		return false;
	if (!kind_has_symbols(uk_section_kind_of(symbol->section)))
		return false;
	if (symbol->type == STT_FUNC || symbol->type == STT_OBJECT)
		return true;
	return symbol->type == STT_NOTYPE && (symbol->size || symbol->bind != STB_LOCAL);
}

/* In order of place; at one place the largest first, then global ones, then as they come. */
static int symbol_order(const void *a, const void *b)
{
	const struct uk_symbol *x = *(struct uk_symbol *const *)a;
	const struct uk_symbol *y = *(struct uk_symbol *const *)b;
	if (x->section->index != y->section->index)
		return x->section->index < y->section->index ? -1 : 1;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	if ((x->bind == STB_LOCAL) != (y->bind == STB_LOCAL))
		return x->bind == STB_LOCAL ? 1 : -1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* What the compiler names by itself and what has no identity of its own. */
static bool is_literal_name(const char *name)
{
	static const char *const prefixes[] = { "__func__.", "__FUNCTION__.",
						"__PRETTY_FUNCTION__.", "CSWTCH." };
	for (size_t i = 0; i < UK_ARRAY_SIZE(prefixes); i++)
		if (uk_str_starts(name, prefixes[i]))
			return true;
	return false;
}

/* An empty datum (a lock class key without lockdep) is as good as any other. */
static bool is_literal(const struct uk_entity *entity)
{
	if (entity->kind == UK_SECTION_LITERAL)
		return true;
	if (entity->symbol && entity->symbol->bind != STB_LOCAL)
		return false;
	if (entity->kind == UK_SECTION_RODATA)
		return !entity->symbol || is_literal_name(entity->name);
	return entity->kind == UK_SECTION_DATA && entity->size == 0;
}

static struct uk_error *add_entity(struct uk_model *model, struct uk_section *section,
				   struct uk_symbol *symbol, uint64_t offset, uint64_t size)
{
	struct uk_entity *entity = calloc(1, sizeof(*entity));
	if (!entity)
		return uk_error_nomem();
	entity->index = model->entities.len;
	entity->name = symbol ? symbol->name : "";
	entity->symbol = symbol;
	entity->section = section;
	entity->kind = uk_section_kind_of(section);
	entity->offset = offset;
	entity->size = size;
	entity->literal = is_literal(entity);
	if (uk_vec_push(&model->entities, entity))
		return NULL;
	entity_destroy(entity);
	return uk_error_nomem();
}

static bool is_nops(const uint8_t *code, uint64_t len)
{
	ZydisDecoder decoder;
	if (ZYAN_FAILED(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return false;
	for (uint64_t offset = 0; offset < len;) {
		ZydisDecodedInstruction insn;
		if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, NULL, code + offset,
							      len - offset, &insn)))
			return false;
		if (insn.mnemonic != ZYDIS_MNEMONIC_NOP && insn.mnemonic != ZYDIS_MNEMONIC_INT3)
			return false;
		offset += insn.length;
	}
	return true;
}

static bool has_reloc_in(const struct uk_section *section, uint64_t start, uint64_t end)
{
	uk_vec_for_each(reloc, &section->relocs)
		if (reloc->offset >= start && reloc->offset < end)
			return true;
	return false;
}

/* The bytes between two symbols: an unnamed entity, unless they are padding of code. */
static struct uk_error *add_gap(struct uk_model *model, struct uk_section *section, uint64_t start,
				uint64_t end)
{
	if (start >= end)
		return NULL;
	if (uk_section_kind_is_text(uk_section_kind_of(section)) && section->data &&
	    !has_reloc_in(section, start, end) && is_nops(section->data + start, end - start))
		return NULL;
	return add_entity(model, section, NULL, start, end - start);
}

/* One section: @symbols are those that cut it, in order. */
static struct uk_error *cut_section(struct uk_model *model, struct uk_section *section,
				    struct uk_symbol **symbols, size_t nr)
{
	size_t first = model->entities.len;
	bool text = uk_section_kind_is_text(uk_section_kind_of(section));
	uint64_t end = 0;
	for (size_t i = 0; i < nr; i++) {
		struct uk_symbol *symbol = symbols[i];
		struct uk_entity *last = model->entities.len > first
						 ? model->entities.data[model->entities.len - 1]
						 : NULL;
		uint64_t size = symbol->size;
		if (last && last->symbol &&
		    (symbol->value < end || symbol->value == last->offset)) {
			symbol->tag = last;
			if (symbol->value + size > end) {
				end = symbol->value + size;
				last->size = end - last->offset;
			}
			continue;
		}
		struct uk_error *err = add_gap(model, section, end, symbol->value);
		if (err)
			return err;
		if (!size && text) /* assembly: up to the next label */
			size = (i + 1 < nr ? symbols[i + 1]->value : section->size) - symbol->value;
		err = add_entity(model, section, symbol, symbol->value, size);
		if (err)
			return err;
		symbol->tag = model->entities.data[model->entities.len - 1];
		end = symbol->value + size;
	}
	struct uk_error *err = add_gap(model, section, end, section->size);
	if (!err && model->entities.len == first + 1)
		model->entities.data[first]->alone = true;
	return err;
}

static struct uk_error *check_symbol(const struct uk_symbol *symbol)
{
	if (uk_range_ok(symbol->value, symbol->size, symbol->section->size))
		return NULL;
	return uk_error_create(UK_ERR_INVALID,
			       "symbol %s: 0x%llx bytes at 0x%llx do not lie in section %s",
			       symbol->name, (unsigned long long)symbol->size,
			       (unsigned long long)symbol->value, symbol->section->name);
}

static struct uk_error *cut_sections(struct uk_model *model, struct uk_symbol **symbols, size_t nr)
{
	size_t next = 0;
	uk_vec_for_each(section, &model->object->sections) {
		size_t first = next;
		while (next < nr && symbols[next]->section == *section)
			next++;
		if (!kind_has_entities(uk_section_kind_of(*section)))
			continue;
		if (!(*section)->size && next == first)
			continue;
		struct uk_error *err = cut_section(model, *section, symbols + first, next - first);
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *cut_object(struct uk_model *model)
{
	UK_VEC(struct uk_symbol *) symbols = {};
	struct uk_error *err = NULL;
	uk_vec_for_each(symbol, &model->object->symbols) {
		(*symbol)->tag = NULL;
		if (!symbol_cuts(*symbol))
			continue;
		err = check_symbol(*symbol);
		if (!err && !uk_vec_push(&symbols, *symbol))
			err = uk_error_nomem();
		if (err)
			break;
	}
	if (!err && symbols.len)
		qsort(symbols.data, symbols.len, sizeof(*symbols.data), symbol_order);
	if (!err)
		err = cut_sections(model, symbols.data, symbols.len);
	uk_vec_deinit(&symbols);
	return err;
}

static struct uk_error *index_names(struct uk_model *model)
{
	uk_vec_for_each(item, &model->entities)
		(*item)->unique = (*item)->symbol != NULL;
	uk_vec_for_each(item, &model->object->symbols) {
		struct uk_symbol *symbol = *item;
		struct uk_entity *entity = symbol->tag;
		if (!entity)
			continue;
		bool added;
		struct uk_map_entry *entry =
			uk_map_insert_str(&model->by_name, symbol->name, &added);
		if (!entry)
			return uk_error_nomem();
		if (added) {
			entry->ptr = entity;
		} else if (entry->ptr != entity) {
			entity->unique = false;
			((struct uk_entity *)entry->ptr)->unique = false;
		}
	}
	return NULL;
}

/* Index of the last entity that begins at or before a place, or SIZE_MAX. */
static size_t last_before(const struct uk_model *model, const struct uk_section *section,
			  int64_t offset)
{
	size_t low = 0, high = model->entities.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct uk_entity *entity = model->entities.data[middle];
		bool after = entity->section->index != section->index
				     ? entity->section->index > section->index
				     : (int64_t)entity->offset > offset;
		if (after)
			high = middle;
		else
			low = middle + 1;
	}
	return low - 1; /* wraps to SIZE_MAX */
}

struct uk_entity *uk_model_entity_at(const struct uk_model *model, const struct uk_section *section,
				     int64_t offset, bool *certain_ret)
{
	size_t index = last_before(model, section, offset);
	struct uk_entity *entity = index < model->entities.len ? model->entities.data[index] : NULL;
	bool certain = true;
	if (!entity || entity->section != section) {
		index++; /* before the first one of the section? */
		entity = index < model->entities.len ? model->entities.data[index] : NULL;
		if (entity && entity->section != section)
			entity = NULL;
		certain = entity && entity->alone;
	} else if (offset > (int64_t)(entity->offset + entity->size)) {
		certain = entity->alone;
	}
	if (certain_ret)
		*certain_ret = certain;
	return entity;
}

struct uk_entity *uk_model_entity_named(const struct uk_model *model, const char *name)
{
	struct uk_map_entry *entry = uk_map_find_str(&model->by_name, name);
	return entry ? entry->ptr : NULL;
}

/*
 * -fpatchable-function-entry puts nops in front of a function and lists where they begin:
 * they go with the function.
 */
static void find_prefixes(struct uk_model *model)
{
	uk_vec_for_each(section, &model->object->sections) {
		if (strcmp((*section)->name, "__patchable_function_entries") != 0)
			continue;
		uk_vec_for_each(reloc, &(*section)->relocs) {
			if (reloc->symbol->place != UK_SYMBOL_DEFINED)
				continue;
			int64_t at = (int64_t)reloc->symbol->value + reloc->addend;
			struct uk_entity *entity = uk_model_entity_at(model, reloc->symbol->section,
								      at + PREFIX_MAX, NULL);
			/* back over functions shorter than the search */
			while (entity && entity->index > 0 &&
			       model->entities.data[entity->index - 1]->section ==
				       entity->section &&
			       (int64_t)model->entities.data[entity->index - 1]->offset >= at)
				entity = model->entities.data[entity->index - 1];
			if (entity && (int64_t)entity->offset >= at)
				entity->prefix = entity->offset - (uint64_t)at;
		}
	}
}

static struct uk_error *check_raw(const struct uk_model *model)
{
	uk_vec_for_each(section, &model->object->sections)
		if (uk_section_kind_of(*section) == UK_SECTION_OBJTOOL && (*section)->size)
			return uk_error_create(
				UK_ERR_INVALID,
				"section %s: the object went through objtool; it has to come "
				"straight from the compiler",
				(*section)->name);
	return NULL;
}

static struct uk_error *decode_code(struct uk_model *model)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(entity, &model->entities) {
		if (uk_section_kind_is_code((*entity)->kind))
			err = uk_entity_decode(*entity);
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *build(struct uk_model *model)
{
	struct uk_error *err = check_raw(model);
	if (!err)
		err = cut_object(model);
	if (!err)
		err = index_names(model);
	if (err)
		return err;
	find_prefixes(model);
	err = decode_code(model);
	return err ? err : uk_model_add_refs(model);
}

struct uk_error *uk_model_create(struct uk_object *object, const char *path, const char *side,
				 struct uk_model **ret)
{
	uk_auto_model struct uk_model *model = calloc(1, sizeof(*model));
	if (!model)
		return uk_error_nomem();
	model->path = path;
	model->side = side;
	model->object = object;
	struct uk_error *err = build(model);
	if (err)
		return uk_error_wrap(err, "%s (%s)", path, side);
	*ret = uk_take(model);
	return NULL;
}

const char *uk_entity_label(const struct uk_entity *entity, char *buf, size_t len)
{
	if (entity->symbol)
		return entity->name;
	snprintf(buf, len, "%s+0x%llx", entity->section->name, (unsigned long long)entity->offset);
	return buf;
}

/* A string in a section of strings, with its NUL. */
static uint64_t string_len(const struct uk_entity *entity, uint64_t start)
{
	const uint8_t *data = uk_entity_data(entity);
	uint64_t unit = entity->section->entsize ? entity->section->entsize : 1;
	for (uint64_t at = start; data && uk_range_ok(at, unit, entity->size); at += unit) {
		bool zero = true;
		for (uint64_t i = 0; i < unit; i++)
			zero = zero && data[at + i] == 0;
		if (zero)
			return at + unit - start;
	}
	return entity->size - start;
}

uint64_t uk_literal_len(const struct uk_entity *entity, int64_t delta, uint64_t *start_ret)
{
	uint64_t start = delta < 0 || (uint64_t)delta > entity->size ? 0 : (uint64_t)delta;
	uint64_t end = entity->size;
	if (entity->kind == UK_SECTION_LITERAL && (entity->section->flags & SHF_STRINGS)) {
		end = start + string_len(entity, start);
	} else if (entity->kind == UK_SECTION_LITERAL) {
		uint64_t unit = entity->section->entsize ? entity->section->entsize : entity->size;
		start -= unit ? start % unit : 0;
		end = start + unit < end ? start + unit : end;
	} else if (entity->symbol) {
		start = 0;
	} else {
		uk_vec_for_each(mark, &entity->marks)
			if (*mark > start && *mark < end)
				end = *mark;
	}
	*start_ret = start;
	return end - start;
}
