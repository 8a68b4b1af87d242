// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Building the carried object: chunks with their symbols first, then every reference,
 * rewritten to a carried symbol, to a piece carried by content, or to a symbol of the
 * running kernel.
 */
#include "diff/carry.h"

#include "base/bytes.h"
#include "base/strbuf.h"
#include "diff/plain.h"
#include "diff/place.h"

#include <string.h>

/* Addresses of labels: objtool reaches their code by such a table, if it knows its section. */
static bool is_jump_table(const struct uk_section *section)
{
	return uk_str_ends(section->name, ".c_jump_table");
}

/* What a kind of section is called in the carried object; NULL: its own name. */
static const char *chunk_prefix(const struct uk_chunk *chunk)
{
	switch (chunk->entity->kind) {
	case UK_SECTION_TEXT:
		return ".text";
	case UK_SECTION_RODATA:
		return is_jump_table(chunk->section) ? NULL : ".rodata";
	case UK_SECTION_DATA:
		return chunk->section->type == SHT_NOBITS ? ".bss" : ".data";
	default:
		return NULL;
	}
}

/* The loader or objtool know these by name, with no suffix: one per module. */
static const char *chunk_own_name(const struct uk_chunk *chunk)
{
	return chunk->entity->kind == UK_SECTION_PERCPU ? ".data..percpu" : chunk->section->name;
}

static uint64_t chunk_align(const struct uk_chunk *chunk)
{
	uint64_t align = chunk->section->align ? chunk->section->align : 1;
	while (align > 1 && chunk->start % align)
		align /= 2;
	return align;
}

static struct uk_error *chunk_name(const struct uk_diff_job *job, const struct uk_object *out,
				   const struct uk_chunk *chunk, char **ret)
{
	const char *prefix = chunk_prefix(chunk);
	if (!prefix)
		return uk_strdup(chunk_own_name(chunk), ret);
	if (!chunk->entity->symbol)
		return uk_job_refuse(
			job, chunk->entity, NULL,
			"it has no symbol, so it cannot be told from its surroundings");
	uk_auto_free char *name = NULL;
	struct uk_error *err =
		uk_asprintf(&name, "%s.upk.%u.%s", prefix, job->input->number, chunk->entity->name);
	for (unsigned int i = 2; !err && uk_object_section(out, name); i++) {
		free(uk_take(name));
		err = uk_asprintf(&name, "%s.upk.%u.%s.%u", prefix, job->input->number,
				  chunk->entity->name, i);
	}
	if (!err)
		*ret = uk_take(name);
	return err;
}

/*
 * A later update may want to write a redirect into this code, however short it is: behind landing
 * pad and ftrace site (4 and 5 bytes) it needs 5 more.
 */
static struct uk_error *leave_room(const struct uk_chunk *chunk)
{
	enum { ROOM = 16, INT3 = 0xcc };
	struct uk_section *code = chunk->out;
	uint64_t wanted = chunk->entity->offset - chunk->start + ROOM;
	if (code->size >= wanted)
		return NULL;
	uint8_t *grown = realloc(code->data, wanted);
	if (!grown)
		return uk_error_nomem();
	memset(grown + code->size, INT3, wanted - code->size);
	code->data = grown;
	code->size = wanted;
	return NULL;
}

static struct uk_error *add_chunk(struct uk_place *place, struct uk_chunk *chunk)
{
	const struct uk_section *from = chunk->section;
	uk_auto_free char *name = NULL;
	struct uk_error *err = chunk_name(place->job, place->out, chunk, &name);
	if (err)
		return err;
	uint64_t flags = from->flags & (SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR);
	err = uk_object_add_section(place->out, name, from->type, flags, chunk_align(chunk), 0,
				    from->data ? from->data + chunk->start : NULL,
				    chunk->end - chunk->start, &chunk->out);
	if (!err && chunk->entity->kind == UK_SECTION_TEXT)
		err = leave_room(chunk);
	struct uk_symbol *ignored;
	return err ? err : uk_object_section_symbol(place->out, chunk->out, &ignored);
}

/* A copy of what exists is local: calls from elsewhere go through the running kernel's. */
static uint8_t carried_bind(const struct uk_entity *entity, const struct uk_symbol *symbol)
{
	return entity->twin ? STB_LOCAL : symbol->bind;
}

static struct uk_error *add_chunk_symbols(struct uk_place *place)
{
	uk_vec_for_each(item, &place->job->patched->object->symbols) {
		const struct uk_symbol *symbol = *item;
		const struct uk_entity *entity = symbol->tag;
		if (!entity || !entity->chunk)
			continue;
		struct uk_symbol *added;
		struct uk_error *err = uk_object_add_symbol(
			place->out, symbol->name, symbol->type, carried_bind(entity, symbol),
			UK_SYMBOL_DEFINED, entity->chunk->out, symbol->value - entity->chunk->start,
			symbol->size, &added);
		if (err)
			return err;
		added->visibility = symbol->visibility;
	}
	return NULL;
}

static struct uk_error *carry_entity(struct uk_place *place, const struct uk_entity *entity)
{
	struct uk_spot spot = { .user = entity,
				.section = entity->chunk->out,
				.shift = -(int64_t)entity->chunk->start };
	struct uk_error *err = NULL;
	uk_vec_for_each(ref, &entity->refs)
		if (!err)
			err = uk_place_ref(place, &spot, ref);
	return err ? err : uk_place_entries(place, entity, NULL, 0);
}

static bool has_carried_code(const struct uk_entity *entity)
{
	return entity && (entity->chunk || entity->kind == UK_SECTION_HELPER);
}

/* Sections that nobody here knows must not speak of carried code. */
static struct uk_error *check_unknown(const struct uk_diff_job *job)
{
	uk_vec_for_each(item, &job->patched->entities) {
		const struct uk_entity *entity = *item;
		if (entity->kind != UK_SECTION_UNKNOWN)
			continue;
		uk_vec_for_each(ref, &entity->refs)
			if (has_carried_code(ref->target.entity))
				return uk_job_refuse(
					job, ref->target.entity, NULL,
					"section %s refers to it, and upkeep does not know what "
					"that section is for",
					entity->section->name);
	}
	return NULL;
}

static struct uk_error *copy_notes(struct uk_place *place)
{
	uk_vec_for_each(item, &place->job->patched->object->sections) {
		const struct uk_section *section = *item;
		if (uk_section_kind_of(section) != UK_SECTION_VERBATIM)
			continue;
		struct uk_section *ignored;
		struct uk_error *err = uk_object_add_section(
			place->out, section->name, section->type, section->flags, section->align,
			section->entsize, section->data, section->size, &ignored);
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *build(struct uk_place *place, const struct uk_selection *selection)
{
	struct uk_error *err = check_unknown(place->job);
	uk_vec_for_each(chunk, &selection->chunks)
		if (!err)
			err = add_chunk(place, *chunk);
	if (!err)
		err = add_chunk_symbols(place);
	uk_vec_for_each(entity, &place->job->patched->entities)
		if (!err && (*entity)->chunk)
			err = carry_entity(place, *entity);
	return err ? err : copy_notes(place);
}

struct uk_error *uk_carry(const struct uk_diff_job *job, const struct uk_selection *selection,
			  struct uk_object **ret)
{
	struct uk_place place = { .job = job };
	struct uk_error *err = uk_object_create(job->input->path, &place.out);
	if (!err)
		err = build(&place, selection);
	uk_place_deinit(&place);
	if (err) {
		uk_object_destroy(place.out);
		return err;
	}
	*ret = place.out;
	return NULL;
}
