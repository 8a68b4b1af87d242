// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * References of carried code. Each ends at a carried symbol, at a piece that is carried by
 * content, or at an undefined symbol which stands for something of the running kernel.
 */
#include "diff/place.h"

#include "base/bytes.h"
#include "base/strbuf.h"
#include "diff/compare.h"
#include "diff/plain.h"

#include <inttypes.h>
#include <string.h>

#define PIECES_DEPTH 8

void uk_place_deinit(struct uk_place *place)
{
	uk_map_deinit(&place->pieces);
	uk_map_deinit(&place->undefined);
}

/* A destination in the carried object: symbol + addend. */
struct destination {
	struct uk_symbol *symbol;
	int64_t addend;
};

/* Appends to a section of the carried object; returns where, in @offset_ret. */
static struct uk_error *append(struct uk_section *section, const void *data, uint64_t len,
			       uint64_t align, uint64_t *offset_ret)
{
	uint64_t offset = section->size;
	if (align > 1)
		offset = (offset + align - 1) / align * align;
	uint64_t size = offset + len;
	if (size > section->size) {
		uint8_t *grown = realloc(section->data, size);
		if (!grown)
			return uk_error_nomem();
		memset(grown + section->size, 0, size - section->size);
		if (data)
			memcpy(grown + offset, data, len);
		section->data = grown;
		section->size = size;
	}
	if (align > section->align)
		section->align = align;
	*offset_ret = offset;
	return NULL;
}

static struct uk_error *find_section(struct uk_place *place, const char *name, uint64_t flags,
				     const struct uk_section *like, struct uk_section **ret)
{
	*ret = uk_object_section(place->out, name);
	if (*ret)
		return NULL;
	struct uk_error *err = uk_object_add_section(
		place->out, name, SHT_PROGBITS, flags, like->align ? like->align : 1,
		like->flags & SHF_MERGE ? 0 : like->entsize, NULL, 0, ret);
	struct uk_symbol *ignored;
	return err ? err : uk_object_section_symbol(place->out, *ret, &ignored);
}

/* Code of alternatives keeps its section; literals get one that nothing else merges into. */
static struct uk_error *piece_section(struct uk_place *place, const struct uk_entity *entity,
				      struct uk_section **ret)
{
	const struct uk_section *from = entity->section;
	if (uk_section_kind_is_code(entity->kind))
		return find_section(place, from->name, from->flags, from, ret);
	char name[64];
	snprintf(name, sizeof(name), ".rodata.upk.%u.literals", place->job->input->number);
	return find_section(place, name, SHF_ALLOC, from, ret);
}

static uint64_t piece_align(const struct uk_piece *piece)
{
	if (uk_section_kind_is_code(piece->entity->kind))
		return 1;
	return piece->entity->section->align ? piece->entity->section->align : 1;
}

static struct uk_error *fill_piece(struct uk_place *place, const struct uk_piece *piece,
				   struct uk_section *section, uint64_t offset)
{
	uint64_t start = piece->entity->offset + piece->start;
	struct uk_spot spot = { .user = piece->entity,
				.section = section,
				.shift = (int64_t)offset - (int64_t)start };
	struct uk_error *err = NULL;
	uk_vec_for_each(ref, &piece->entity->refs)
		if (!err && ref->offset >= start && ref->offset < start + piece->len)
			err = uk_place_ref(place, &spot, ref);
	return err ? err : uk_place_entries(place, piece->entity, piece, offset);
}

/* Copies a piece once; later uses find it again. */
static struct uk_error *place_piece(struct uk_place *place, const struct uk_piece *piece,
				    struct uk_section **section_ret, uint64_t *offset_ret)
{
	struct uk_error *err = piece_section(place, piece->entity, section_ret);
	if (err)
		return err;
	struct {
		const struct uk_entity *entity;
		uint64_t start, len;
	} key = { piece->entity, piece->start, piece->len };
	bool added;
	struct uk_map_entry *entry = uk_map_insert(&place->pieces, &key, sizeof(key), &added);
	if (!entry)
		return uk_error_nomem();
	if (!added) {
		*offset_ret = entry->num;
		return NULL;
	}
	const uint8_t *data = uk_entity_data(piece->entity);
	uint64_t offset;
	err = append(*section_ret, data ? data + piece->start : NULL, piece->len,
		     piece_align(piece), &offset);
	if (err)
		return err;
	entry->num = offset;
	*offset_ret = offset;
	if (place->depth == PIECES_DEPTH)
		return uk_job_refuse(place->job, piece->entity, NULL,
				     "literals refer to each other too deeply");
	place->depth++;
	err = fill_piece(place, piece, *section_ret, offset);
	place->depth--;
	return err;
}

static struct uk_error *undefined(struct uk_place *place, const char *name, struct uk_symbol **ret)
{
	struct uk_map_entry *entry = uk_map_insert_str(&place->undefined, name, NULL);
	if (!entry)
		return uk_error_nomem();
	if (!entry->ptr) {
		struct uk_symbol *symbol;
		struct uk_error *err =
			uk_object_add_symbol(place->out, name, STT_NOTYPE, STB_GLOBAL,
					     UK_SYMBOL_UNDEFINED, NULL, 0, 0, &symbol);
		if (err)
			return err;
		entry->ptr = symbol;
	}
	*ret = entry->ptr;
	return NULL;
}

static struct uk_error *undefined_of_plain(struct uk_place *place, const char *name,
					   struct uk_symbol **ret)
{
	uk_auto_free char *full = NULL;
	struct uk_error *err = uk_asprintf(&full, "%s%u.%s", UK_DIFF_LOCAL_PREFIX,
					   place->job->input->number, name);
	return err ? err : undefined(place, full, ret);
}

/* objtool looks for the key of a static call by name, in the table of symbols. */
static struct uk_error *add_static_call_key(struct uk_place *place, const char *trampoline)
{
	static const char prefix[] = "__SCT__";
	if (!uk_str_starts(trampoline, prefix))
		return NULL;
	uk_auto_free char *name = NULL;
	struct uk_error *err = uk_asprintf(&name, "__SCK__%s", trampoline + strlen(prefix));
	if (err)
		return err;
	const struct uk_entity *key = uk_model_entity_named(place->job->patched, name);
	struct uk_symbol *ignored;
	return key && key->chunk ? NULL : undefined(place, name, &ignored);
}

static bool has_local(const struct uk_place *place, const char *name)
{
	const struct uk_symbol *symbol = uk_object_symbol(place->out, name);
	return symbol && symbol->place == UK_SYMBOL_DEFINED;
}

static struct uk_error *refuse_rival(struct uk_place *place, const struct uk_spot *spot,
				     const struct uk_ref *ref)
{
	const struct uk_entity *entity = ref->target.entity;
	return uk_job_refuse(place->job, spot->user,
			     spot->user->section == spot->section ? NULL : ref,
			     "it uses %s, and neither content nor order of use tells whether that "
			     "is the running kernel's %s; give new static data names of their own",
			     entity->name, entity->rival ? entity->rival->name : "datum");
}

/* What ends where @entity begins, or NULL. */
static const struct uk_entity *neighbour(const struct uk_model *model,
					 const struct uk_entity *entity)
{
	const struct uk_entity *before =
		entity->index ? model->entities.data[entity->index - 1] : NULL;
	return before && before->section == entity->section &&
			       before->offset + before->size == entity->offset
		       ? before
		       : NULL;
}

/*
 * Section + offset at which one datum ends and the next begins may mean either. That is
 * the same place in the running kernel, too, unless the patch put something between.
 */
static bool may_mean_neighbour(const struct uk_place *place, const struct uk_ref *ref)
{
	const struct uk_entity *entity = ref->target.entity;
	bool by_section = ref->target.symbol && ref->target.symbol->type == STT_SECTION;
	if (!by_section || ref->target.delta || ref->branch || ref->access ||
	    entity->kind == UK_SECTION_DESCRIPTOR) /* no arrays */
		return false;
	const struct uk_entity *before = neighbour(place->job->patched, entity);
	return before && before->twin != neighbour(place->job->orig, entity->twin);
}

/* Something of this object that the running kernel has. */
static struct uk_error *existing(struct uk_place *place, const struct uk_spot *spot,
				 const struct uk_ref *ref, struct uk_symbol **ret)
{
	const struct uk_entity *entity = ref->target.entity, *orig = entity->twin;
	char buf[256];
	const char *label = uk_entity_label(entity, buf, sizeof(buf));
	if (uk_section_kind_is_transient(entity->kind))
		return uk_job_refuse(place->job, spot->user, ref,
				     "it uses %s of section %s, which is gone after boot", label,
				     entity->section->name);
	if (entity->kind == UK_SECTION_UNKNOWN)
		return uk_job_refuse(place->job, spot->user, ref,
				     "it uses %s of section %s, and upkeep does not know what that "
				     "section is for",
				     label, entity->section->name);
	if (!orig && entity->settled)
		return uk_job_refuse(place->job, spot->user, ref,
				     "it uses %s, which is new and in section %s: such a thing is "
				     "registered at boot or when a module loads, and cannot be "
				     "added to a running kernel",
				     label, entity->section->name);
	if (!orig)
		return refuse_rival(place, spot, ref);
	if (orig->size != entity->size && !uk_entity_is_function(entity))
		return uk_job_refuse(
			place->job, spot->user, ref,
			"it uses %s, whose size changes from 0x%llx to 0x%llx bytes, and the "
			"running kernel's has no room: use a new datum beside it",
			label, (unsigned long long)orig->size, (unsigned long long)entity->size);
	if (may_mean_neighbour(place, ref))
		return uk_job_refuse(
			place->job, spot->user, ref,
			"it refers to %s+0x%llx, which may be the end of what the patch "
			"put there as well as %s: put new data at the end of the "
			"section",
			entity->section->name, (unsigned long long)entity->offset, label);
	struct uk_entity *plain;
	struct uk_error *err = uk_plain_find(place->job, orig, &plain);
	if (err)
		return err;
	if (uk_entity_is_global(orig) && !has_local(place, plain->name))
		err = undefined(place, plain->name, ret);
	else
		err = undefined_of_plain(place, plain->name, ret);
	return err ? err : add_static_call_key(place, plain->name);
}

/* A symbol of another object. A module's own struct module is the target's, not the part's. */
static struct uk_error *elsewhere(struct uk_place *place, const struct uk_spot *spot,
				  const struct uk_ref *ref, struct uk_symbol **ret)
{
	const struct uk_symbol *symbol = ref->target.symbol;
	if (symbol->place != UK_SYMBOL_UNDEFINED)
		return uk_job_refuse(place->job, spot->user, ref,
				     "it refers to %s, which is neither code nor data",
				     symbol->name);
	struct uk_error *err = strcmp(symbol->name, "__this_module") == 0
				       ? undefined_of_plain(place, symbol->name, ret)
				       : undefined(place, symbol->name, ret);
	return err ? err : add_static_call_key(place, symbol->name);
}

static bool has_endbr(const struct uk_entity *entity)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const uint8_t *code = uk_entity_data(entity);
	return code && entity->size >= sizeof(endbr64) && !memcmp(code, endbr64, sizeof(endbr64));
}

/*
 * The address of an existing function is the running kernel's, whoever asks for it. One whose
 * address nobody took has no landing pad there: with IBT an indirect call of it would be fatal.
 * A cold piece has no address for others: a table of labels may begin with it, and must stay within
 * the function.
 */
static bool is_address_of_existing(const struct uk_spot *spot, const struct uk_ref *ref)
{
	const struct uk_entity *entity = ref->target.entity;
	return uk_entity_is_function(entity) && entity->twin && !ref->branch && !spot->table &&
	       ref->target.delta == 0 && !uk_entity_is_cold(entity) &&
	       (has_endbr(entity->twin) || !has_endbr(entity));
}

static bool named_by_section(const struct uk_ref *ref)
{
	return !ref->target.symbol || ref->target.symbol->type == STT_SECTION;
}

/* In the form that the compiler chose: objtool wants some by section and some by symbol. */
static struct uk_error *carried(struct uk_place *place, const struct uk_ref *ref,
				struct destination *ret)
{
	const struct uk_entity *entity = ref->target.entity;
	const struct uk_chunk *chunk = entity->chunk;
	int64_t offset = (int64_t)entity->offset + ref->target.delta;
	struct uk_symbol *symbol = NULL;
	if (!named_by_section(ref))
		uk_vec_for_each(item, &place->out->symbols)
			if ((*item)->section == chunk->out && (*item)->type != STT_SECTION &&
			    strcmp((*item)->name, ref->target.symbol->name) == 0)
				symbol = *item;
	if (!symbol)
		symbol = chunk->out->symbol;
	ret->symbol = symbol;
	ret->addend = offset - (int64_t)chunk->start - (int64_t)symbol->value;
	return NULL;
}

static struct uk_error *piece_destination(struct uk_place *place, const struct uk_ref *ref,
					  struct destination *ret)
{
	struct uk_piece piece = uk_piece_of(&ref->target);
	struct uk_section *section;
	uint64_t offset;
	struct uk_error *err = place_piece(place, &piece, &section, &offset);
	if (err)
		return err;
	ret->symbol = section->symbol;
	ret->addend = (int64_t)offset + ref->target.delta - (int64_t)piece.start;
	return NULL;
}

static struct uk_error *find_destination(struct uk_place *place, const struct uk_spot *spot,
					 const struct uk_ref *ref, struct destination *ret)
{
	const struct uk_entity *entity = ref->target.entity;
	ret->addend = ref->target.delta;
	if (!ref->target.certain)
		return uk_job_refuse(place->job, spot->user, ref,
				     "what it refers to in section %s cannot be told",
				     ref->target.symbol ? ref->target.symbol->name
							: spot->user->section->name);
	if (!entity)
		return elsewhere(place, spot, ref, &ret->symbol);
	if (uk_target_is_piece(&ref->target))
		return piece_destination(place, ref, ret);
	if (entity->chunk && !entity->pattern && !is_address_of_existing(spot, ref))
		return carried(place, ref, ret);
	return existing(place, spot, ref, &ret->symbol);
}

/* A branch that the assembler resolved holds while both of its ends move together. */
static bool stays_resolved(const struct uk_spot *spot, const struct uk_ref *ref)
{
	const struct uk_chunk *chunk = ref->target.entity ? ref->target.entity->chunk : NULL;
	return ref->resolved && chunk && chunk == spot->user->chunk;
}

struct uk_error *uk_place_ref(struct uk_place *place, const struct uk_spot *spot,
			      const struct uk_ref *ref)
{
	if (stays_resolved(spot, ref))
		return NULL;
	if (ref->size == 0 || (ref->resolved && ref->size != 4))
		return uk_job_refuse(place->job, spot->user, ref,
				     "a relocation of type %u cannot be carried", ref->type);
	struct destination to;
	struct uk_error *err = find_destination(place, spot, ref, &to);
	if (err)
		return err;
	uint64_t offset = (uint64_t)((int64_t)ref->offset + spot->shift);
	/* the module loader wants zeroes where it writes */
	if (spot->section->data)
		memset(spot->section->data + offset, 0, ref->size);
	uint32_t type = ref->resolved && ref->branch ? R_X86_64_PLT32 : ref->type;
	return uk_section_add_reloc(spot->section, offset, type, to.symbol, to.addend - ref->bias);
}

/*
 * "runtime_ptr_NAME", "runtime_shift_NAME": only code of vmlinux itself gets these filled in.
 * The module loader can relocate 8 bytes; a single one gets a symbol by which it is found and
 * filled in before the module is loaded.
 */
static struct uk_error *place_runtime_ptr(struct uk_section *section, uint64_t offset,
					  struct uk_symbol *value)
{
	memset(section->data + offset, 0, sizeof(uint64_t));
	return uk_section_add_reloc(section, offset, R_X86_64_64, value, 0);
}

static struct uk_error *place_runtime_shift(struct uk_place *place, struct uk_section *section,
					    uint64_t offset, const char *name)
{
	struct uk_symbol *ignored;
	uk_auto_free char *full = NULL;
	struct uk_error *err = uk_asprintf(&full, "%s%s", UK_DIFF_BYTE_PREFIX, name);
	/* an object: objtool takes other symbols inside code for the start of an instruction */
	return err ? err
		   : uk_object_add_symbol(place->out, full, STT_OBJECT, STB_LOCAL,
					  UK_SYMBOL_DEFINED, section, offset, 1, &ignored);
}

static struct uk_error *place_runtime_value(struct uk_place *place, const struct uk_entity *user,
					    struct uk_section *section,
					    const struct uk_entry *entry, int64_t offset)
{
	static const char ptr_prefix[] = "runtime_ptr_", shift_prefix[] = "runtime_shift_";
	const char *table = entry->table->section->name;
	bool ptr = uk_str_starts(table, ptr_prefix);
	const char *name = table + strlen(ptr ? ptr_prefix : shift_prefix);
	uint64_t len = ptr ? sizeof(uint64_t) : 1;
	if (offset < 0 || !section->data || !uk_range_ok((uint64_t)offset, len, section->size))
		return uk_job_refuse(place->job, user, NULL,
				     "an entry of section %s points outside of its code", table);
	uk_auto_free char *full = NULL;
	struct uk_error *err = uk_asprintf(&full, "%s%s", UK_DIFF_VALUE_PREFIX, name);
	struct uk_symbol *value;
	if (!err)
		err = undefined(place, full, &value);
	if (err)
		return err;
	return ptr ? place_runtime_ptr(section, (uint64_t)offset, value)
		   : place_runtime_shift(place, section, (uint64_t)offset, name);
}

/* An alternative's replacement goes along, and the entry points at the copy. */
static struct uk_error *place_alternative(struct uk_place *place, const struct uk_spot *spot,
					  const struct uk_entry *entry)
{
	struct uk_piece piece;
	struct uk_error *err = uk_piece_of_alternative(place->job, spot->user, entry, &piece);
	struct uk_section *section;
	uint64_t offset;
	if (!err)
		err = place_piece(place, &piece, &section, &offset);
	if (err)
		return err;
	const struct uk_ref *ref = &entry->refs.data[1];
	return uk_section_add_reloc(spot->section, (uint64_t)((int64_t)ref->offset + spot->shift),
				    ref->type, section->symbol, (int64_t)offset);
}

/* Where an entity's code went: @ret is the section, @shift_ret from the patched section. */
static int64_t code_shift(struct uk_place *place, const struct uk_entity *entity,
			  const struct uk_piece *piece, uint64_t piece_offset,
			  struct uk_section **ret)
{
	if (!piece) {
		*ret = entity->chunk->out;
		return -(int64_t)entity->chunk->start;
	}
	*ret = uk_object_section(place->out, entity->section->name);
	return (int64_t)piece_offset - (int64_t)(entity->offset + piece->start);
}

static struct uk_error *place_entry(struct uk_place *place, const struct uk_entity *entity,
				    const struct uk_entry *entry, struct uk_section *code,
				    int64_t shift)
{
	const struct uk_target *own = &entry->refs.data[0].target;
	int64_t own_offset = (int64_t)entity->offset + own->delta + shift;
	if (entry->table->kind->drop)
		return place_runtime_value(place, entity, code, entry, own_offset);
	const struct uk_section *from = entry->table->section;
	struct uk_section *section;
	uint64_t offset;
	struct uk_error *err = find_section(place, from->name, from->flags, from, &section);
	if (!err)
		err = append(section, from->data + entry->offset, entry->table->entsize, 1,
			     &offset);
	if (err)
		return err;
	struct uk_spot spot = { .user = entity,
				.section = section,
				.shift = (int64_t)offset - (int64_t)entry->offset,
				.table = true };
	const struct uk_ref *first = &entry->refs.data[0];
	err = uk_section_add_reloc(section, (uint64_t)((int64_t)first->offset + spot.shift),
				   first->type, code->symbol, own_offset);
	for (size_t i = 1; !err && i < entry->refs.len; i++)
		err = i == 1 && uk_entry_is_alternative(entry)
			      ? place_alternative(place, &spot, entry)
			      : uk_place_ref(place, &spot, &entry->refs.data[i]);
	return err;
}

struct uk_error *uk_place_entries(struct uk_place *place, const struct uk_entity *entity,
				  const struct uk_piece *piece, uint64_t piece_offset)
{
	struct uk_section *code = NULL;
	if (!uk_section_kind_is_code(entity->kind))
		return NULL;
	int64_t shift = code_shift(place, entity, piece, piece_offset, &code);
	uk_vec_for_each(item, &entity->entries) {
		int64_t delta = (*item)->refs.data[0].target.delta;
		if (piece && (delta < (int64_t)piece->start ||
			      delta >= (int64_t)(piece->start + piece->len)))
			continue;
		struct uk_error *err = place_entry(place, entity, *item, code, shift);
		if (err)
			return err;
	}
	return NULL;
}
