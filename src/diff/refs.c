// SPDX-License-Identifier: GPL-2.0-or-later
/* References of entities, and the tables of code cut into entries. */
#include "diff/refs.h"

#include "base/bytes.h"
#include "diff/decode.h"

#include <string.h>

static struct uk_target target_at(const struct uk_model *model, struct uk_section *section,
				  int64_t offset, struct uk_symbol *symbol)
{
	struct uk_target target = { .symbol = symbol };
	target.entity = uk_model_entity_at(model, section, offset, &target.certain);
	target.delta = target.entity ? offset - (int64_t)target.entity->offset : offset;
	return target;
}

/* @addend counts from what the value is relative to: the next instruction, or the field. */
static struct uk_target resolve(const struct uk_model *model, struct uk_symbol *symbol,
				int64_t addend)
{
	if (symbol->place != UK_SYMBOL_DEFINED)
		return (struct uk_target){ .symbol = symbol, .delta = addend, .certain = true };
	int64_t offset = (int64_t)symbol->value + addend;
	struct uk_entity *entity = symbol->tag;
	if (!entity)
		return target_at(model, symbol->section, offset, symbol);
	return (struct uk_target){ .entity = entity,
				   .symbol = symbol,
				   .delta = offset - (int64_t)entity->offset,
				   .certain = true };
}

/*
 * In code, a relative value counts from the end of its instruction, so that section +
 * offset says nothing until the instruction is known.
 */
static struct uk_ref ref_from_reloc(const struct uk_model *model, const struct uk_entity *entity,
				    const struct uk_reloc *reloc)
{
	struct uk_ref ref = {
		.offset = reloc->offset,
		.type = reloc->type,
		.size = (uint8_t)uk_reloc_size(reloc->type),
	};
	bool known = true;
	uint64_t at = reloc->offset - entity->offset;
	const struct uk_insn *insn = uk_entity_insn_at(entity, at);
	ref.inside = insn && insn->memory_offset && insn->offset + insn->memory_offset == at;
	ref.stores = ref.inside ? insn->stores : 0;
	if (uk_section_kind_is_code(entity->kind) && uk_reloc_is_pcrel(reloc->type)) {
		known = insn && insn->rel_size && insn->offset + insn->rel_offset == at;
		ref.bias = known ? (uint8_t)(insn->offset + insn->length - at) : 4;
		ref.branch = known && insn->branch;
		ref.access = known && insn->access;
	}
	ref.target = resolve(model, reloc->symbol, reloc->addend + ref.bias);
	if (!known && reloc->symbol->type == STT_SECTION)
		ref.target.certain = false;
	return ref;
}

static int64_t relative_value(const uint8_t *at, unsigned int size)
{
	if (size == 1)
		return (int8_t)*at;
	if (size == 2)
		return (int16_t)uk_get_u16(at);
	return uk_get_s32(at);
}

/* A branch that the assembler resolved, when it leaves the entity; else a ref of size 0. */
static struct uk_ref ref_from_insn(const struct uk_model *model, const struct uk_entity *entity,
				   const struct uk_insn *insn)
{
	struct uk_ref ref = {};
	uint64_t at = entity->offset + insn->offset + insn->rel_offset;
	if (!insn->rel_size || uk_section_reloc_at(entity->section, at))
		return ref;
	int64_t target = (int64_t)(entity->offset + insn->offset + insn->length) +
			 relative_value(entity->section->data + at, insn->rel_size);
	if (target >= (int64_t)entity->offset && target < (int64_t)(entity->offset + entity->size))
		return ref;
	ref.offset = at;
	ref.type = insn->rel_size == 4	 ? R_X86_64_PC32
		   : insn->rel_size == 2 ? R_X86_64_PC16
					 : R_X86_64_PC8;
	ref.size = insn->rel_size;
	ref.bias = (uint8_t)(insn->length - insn->rel_offset);
	ref.branch = insn->branch;
	ref.access = insn->access;
	ref.resolved = true;
	ref.target = target_at(model, entity->section, target, NULL);
	return ref;
}

static int ref_order(const void *a, const void *b)
{
	const struct uk_ref *x = a, *y = b;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Index of the first relocation at or after @offset. */
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

static struct uk_error *add_entity_refs(const struct uk_model *model, struct uk_entity *entity)
{
	const struct uk_section *section = entity->section;
	for (size_t i = first_reloc(section, entity->offset);
	     i < section->relocs.len &&
	     section->relocs.data[i].offset < entity->offset + entity->size;
	     i++) {
		const struct uk_reloc *reloc = &section->relocs.data[i];
		if (reloc->type == R_X86_64_NONE)
			continue;
		if (!uk_vec_push(&entity->refs, ref_from_reloc(model, entity, reloc)))
			return uk_error_nomem();
	}
	uk_vec_for_each(insn, &entity->insns) {
		struct uk_ref ref = ref_from_insn(model, entity, insn);
		if (ref.size && !uk_vec_push(&entity->refs, ref))
			return uk_error_nomem();
	}
	if (entity->refs.len)
		qsort(entity->refs.data, entity->refs.len, sizeof(*entity->refs.data), ref_order);
	return NULL;
}

/* How long an entry is: as long as it takes that all have their relocations in place. */
static struct uk_error *measure_table(const struct uk_table_kind *kind,
				      const struct uk_section *section, uint64_t *ret)
{
	size_t nr = section->relocs.len / kind->relocs;
	uint64_t size = nr ? section->size / nr : 0;
	bool good = nr && section->data && section->relocs.len % kind->relocs == 0 &&
		    section->size % nr == 0;
	bool listed = kind->sizes[0] == 0;
	for (size_t i = 0; i < UK_ARRAY_SIZE(kind->sizes); i++)
		listed = listed || kind->sizes[i] == size;
	for (size_t i = 0; good && i < nr; i++)
		good = section->relocs.data[i * kind->relocs].offset == i * size + kind->code;
	if (!good || !listed)
		return uk_error_create(
			UK_ERR_INVALID,
			"section %s: %llu bytes with %zu relocations are no table of entries "
			"that this version of upkeep knows",
			section->name, (unsigned long long)section->size, section->relocs.len);
	*ret = size;
	return NULL;
}

static struct uk_error *add_entry(const struct uk_model *model, struct uk_table *table,
				  size_t number)
{
	const struct uk_section *section = table->section;
	const struct uk_table_kind *kind = table->kind;
	const struct uk_reloc *relocs = &section->relocs.data[number * kind->relocs];
	struct uk_target code =
		resolve(model, relocs[0].symbol, relocs[0].addend - (kind->behind ? 1 : 0));
	if (!code.entity)
		return NULL; /* of a function in another object */
	if (!uk_section_kind_is_code(code.entity->kind))
		return uk_error_create(UK_ERR_INVALID,
				       "section %s: entry %zu points at %s, "
				       "which is no code",
				       section->name, number, code.entity->section->name);
	struct uk_entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return uk_error_nomem();
	if (!uk_vec_push(&code.entity->entries, entry)) {
		free(entry);
		return uk_error_nomem();
	}
	entry->table = table;
	entry->offset = number * table->entsize;
	for (unsigned int i = 0; i < kind->relocs; i++) {
		struct uk_ref ref = {
			.offset = relocs[i].offset,
			.type = relocs[i].type,
			.size = (uint8_t)uk_reloc_size(relocs[i].type),
			.target = resolve(model, relocs[i].symbol, relocs[i].addend),
		};
		if (!uk_vec_push(&entry->refs, ref))
			return uk_error_nomem();
	}
	return NULL;
}

static struct uk_error *add_table(struct uk_model *model, struct uk_section *section)
{
	const struct uk_table_kind *kind = uk_table_kind_of(section);
	if (!kind || !section->size)
		return NULL;
	struct uk_table *table = calloc(1, sizeof(*table));
	if (!table)
		return uk_error_nomem();
	if (!uk_vec_push(&model->tables, table)) {
		free(table);
		return uk_error_nomem();
	}
	table->kind = kind;
	table->section = section;
	struct uk_error *err = measure_table(kind, section, &table->entsize);
	for (size_t i = 0; !err && i < section->size / table->entsize; i++)
		err = add_entry(model, table, i);
	return err;
}

/* The order of the sections in the object says nothing. */
static int entry_order(const void *a, const void *b)
{
	const struct uk_entry *x = *(struct uk_entry *const *)a;
	const struct uk_entry *y = *(struct uk_entry *const *)b;
	int order = strcmp(x->table->section->name, y->table->section->name);
	if (order || x->offset == y->offset)
		return order;
	return x->offset < y->offset ? -1 : 1;
}

static bool vec_has(struct uk_entity *const *data, size_t len, const struct uk_entity *entity)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] == entity)
			return true;
	return false;
}

static struct uk_error *note_use(struct uk_entity *user, const struct uk_target *target)
{
	struct uk_entity *entity = target->entity;
	if (!entity)
		return NULL;
	/* users come one after the other, so a repetition is at the end */
	size_t len = entity->users.len;
	if ((!len || !vec_has(entity->users.data + len - 1, 1, user)) &&
	    !uk_vec_push(&entity->users, user))
		return uk_error_nomem();
	if (!entity->symbol && target->delta >= 0 &&
	    !uk_vec_push(&entity->marks, (uint64_t)target->delta))
		return uk_error_nomem();
	return NULL;
}

static int mark_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static struct uk_error *add_users(struct uk_model *model)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(item, &model->entities) {
		struct uk_entity *entity = *item;
		uk_vec_for_each(ref, &entity->refs)
			if (!err)
				err = note_use(entity, &ref->target);
		uk_vec_for_each(entry, &entity->entries)
			uk_vec_for_each(ref, &(*entry)->refs)
				if (!err)
					err = note_use(entity, &ref->target);
		if (err)
			return err;
	}
	uk_vec_for_each(item, &model->entities)
		if ((*item)->marks.len)
			qsort((*item)->marks.data, (*item)->marks.len, sizeof(*(*item)->marks.data),
			      mark_order);
	return NULL;
}

struct uk_error *uk_model_add_refs(struct uk_model *model)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(entity, &model->entities) {
		err = add_entity_refs(model, *entity);
		if (err)
			return err;
	}
	uk_vec_for_each(section, &model->object->sections) {
		err = add_table(model, *section);
		if (err)
			return err;
	}
	uk_vec_for_each(item, &model->entities)
		if ((*item)->entries.len)
			qsort((*item)->entries.data, (*item)->entries.len,
			      sizeof(*(*item)->entries.data), entry_order);
	return add_users(model);
}
