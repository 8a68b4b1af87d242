// SPDX-License-Identifier: GPL-2.0-or-later
/* The closure of what changed code and new data need that the running kernel lacks. */
#include "diff/select.h"

#include "base/bytes.h"

#include <string.h>

struct selecting {
	const struct uk_diff_job *job;
	struct uk_selection *selection;
	UK_VEC(struct uk_entity *) pending;
};

void uk_selection_deinit(struct uk_selection *selection)
{
	uk_vec_for_each(chunk, &selection->chunks)
		free(*chunk);
	uk_vec_deinit(&selection->chunks);
}

bool uk_target_is_piece(const struct uk_target *target)
{
	return target->entity &&
	       (target->entity->literal || target->entity->kind == UK_SECTION_HELPER);
}

struct uk_piece uk_piece_of(const struct uk_target *target)
{
	struct uk_piece piece = { .entity = target->entity };
	/* unnamed read-only data may be an array: its end is not known, so all of it goes */
	if (target->entity->kind == UK_SECTION_RODATA)
		piece.len = target->entity->size;
	else
		piece.len = uk_literal_len(target->entity, target->delta, &piece.start);
	return piece;
}

bool uk_entry_is_alternative(const struct uk_entry *entry)
{
	return entry->refs.len > 1 && entry->refs.data[1].target.entity &&
	       entry->refs.data[1].target.entity->kind == UK_SECTION_REPLACEMENT;
}

struct uk_error *uk_piece_of_alternative(const struct uk_diff_job *job,
					 const struct uk_entity *user, const struct uk_entry *entry,
					 struct uk_piece *ret)
{
	const struct uk_target *target = &entry->refs.data[1].target;
	/* the length is the last byte of struct alt_instr in all versions */
	uint64_t len = entry->table->section->data[entry->offset + entry->table->entsize - 1];
	if (target->delta < 0 || !uk_range_ok((uint64_t)target->delta, len, target->entity->size))
		return uk_job_refuse(job, user, NULL,
				     "section %s+0x%llx: the replacement of %llu bytes at 0x%llx "
				     "does not lie in %s",
				     entry->table->section->name, (unsigned long long)entry->offset,
				     (unsigned long long)len, (unsigned long long)target->delta,
				     target->entity->section->name);
	*ret = (struct uk_piece){ target->entity, (uint64_t)target->delta, len };
	return NULL;
}

static bool is_carried_kind(const struct uk_entity *entity)
{
	switch (entity->kind) {
	case UK_SECTION_TEXT:
	case UK_SECTION_TRAMPOLINE:
	case UK_SECTION_DATA:
	case UK_SECTION_RODATA:
	case UK_SECTION_PERCPU:
	case UK_SECTION_DESCRIPTOR:
		return !entity->literal;
	default:
		return false;
	}
}

/* Whether the running kernel has no such thing, or an outdated one. */
static bool has_to_be_carried(const struct uk_entity *entity)
{
	if (!is_carried_kind(entity))
		return false;
	return entity->moved || entity->pattern || entity->changed ||
	       (!entity->twin && entity->settled);
}

/* The entities of a chunk, one after the other: the next one from index @i on. */
static struct uk_entity *next_inside(const struct uk_model *model, const struct uk_chunk *chunk,
				     size_t *i)
{
	for (; *i < model->entities.len; (*i)++) {
		struct uk_entity *entity = model->entities.data[*i];
		if (entity->section->index > chunk->section->index)
			break;
		if (entity->section != chunk->section ||
		    entity->offset + entity->size < chunk->start ||
		    (entity->size && entity->offset + entity->size == chunk->start))
			continue;
		if (entity->offset > chunk->end || (entity->size && entity->offset == chunk->end))
			break;
		(*i)++;
		return entity;
	}
	return NULL;
}

static bool widen(struct uk_chunk *chunk, const struct uk_entity *entity)
{
	uint64_t start = entity->offset - entity->prefix, end = entity->offset + entity->size;
	bool wider = start < chunk->start || end > chunk->end;
	if (start < chunk->start)
		chunk->start = start;
	if (end > chunk->end)
		chunk->end = end;
	return wider;
}

/* A branch of one or two bytes' reach that leaves the chunk takes its target along. */
static bool widen_for_branches(const struct uk_diff_job *job, struct uk_chunk *chunk)
{
	bool wider = false;
	struct uk_entity *entity;
	for (size_t i = 0; (entity = next_inside(job->patched, chunk, &i));)
		uk_vec_for_each(ref, &entity->refs)
			if (ref->resolved && ref->size < 4 && ref->target.entity)
				wider = widen(chunk, ref->target.entity) || wider;
	return wider;
}

/* A slice of assembly may run on into what follows it. */
static struct uk_error *check_slice(const struct uk_diff_job *job, const struct uk_chunk *chunk)
{
	struct uk_entity *entity, *last = NULL;
	for (size_t i = 0; (entity = next_inside(job->patched, chunk, &i)); last = entity)
		if (!entity->decoded)
			return uk_job_refuse(
				job, entity, NULL,
				"its code is not understood to the end, so it cannot be "
				"cut out of section %s",
				chunk->section->name);
	if (!last || !last->insns.len)
		return NULL;
	const struct uk_insn *insn = &last->insns.data[last->insns.len - 1];
	if (insn->ends || insn->call) /* a call of what does not return */
		return NULL;
	return uk_job_refuse(
		job, last, NULL,
		"it runs on into what follows it in section %s, so it cannot be cut out",
		chunk->section->name);
}

static struct uk_error *place_chunk(const struct uk_diff_job *job, struct uk_chunk *chunk)
{
	const struct uk_entity *entity = chunk->entity;
	if (entity->alone) {
		chunk->start = 0;
		chunk->end = chunk->section->size;
		return NULL;
	}
	chunk->start = entity->offset - entity->prefix;
	chunk->end = entity->offset + entity->size;
	if (!uk_entity_is_function(entity))
		return NULL;
	while (widen_for_branches(job, chunk))
		;
	return check_slice(job, chunk);
}

static bool belongs(const struct uk_chunk *chunk, const struct uk_entity *entity)
{
	return entity == chunk->entity || uk_entity_is_function(chunk->entity);
}

/* What is in a chunk already, and overlaps, comes over whole. */
static void absorb(const struct uk_diff_job *job, struct uk_chunk *chunk)
{
	bool wider;
	do {
		wider = false;
		struct uk_entity *entity;
		for (size_t i = 0; (entity = next_inside(job->patched, chunk, &i));) {
			const struct uk_chunk *old = entity->chunk;
			if (!old || !belongs(chunk, entity))
				continue;
			wider = wider || old->start < chunk->start || old->end > chunk->end;
			chunk->start = old->start < chunk->start ? old->start : chunk->start;
			chunk->end = old->end > chunk->end ? old->end : chunk->end;
		}
	} while (wider);
}

static struct uk_error *fill_chunk(struct selecting *selecting, struct uk_chunk *chunk)
{
	absorb(selecting->job, chunk);
	struct uk_entity *entity;
	for (size_t i = 0; (entity = next_inside(selecting->job->patched, chunk, &i));) {
		if (!belongs(chunk, entity))
			continue;
		if (!entity->chunk && !uk_vec_push(&selecting->pending, entity))
			return uk_error_nomem();
		entity->chunk = chunk;
	}
	return NULL;
}

static struct uk_error *want(struct selecting *selecting, struct uk_entity *entity)
{
	if (entity->chunk || !has_to_be_carried(entity))
		return NULL;
	struct uk_chunk *chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return uk_error_nomem();
	if (!uk_vec_push(&selecting->selection->chunks, chunk)) {
		free(chunk);
		return uk_error_nomem();
	}
	chunk->section = entity->section;
	chunk->entity = entity;
	struct uk_error *err = place_chunk(selecting->job, chunk);
	return err ? err : fill_chunk(selecting, chunk);
}

static struct uk_error *want_piece(struct selecting *selecting, struct uk_piece piece,
				   unsigned int depth);

static struct uk_error *want_target(struct selecting *selecting, const struct uk_target *target,
				    unsigned int depth)
{
	if (!target->entity)
		return NULL;
	if (uk_target_is_piece(target))
		return want_piece(selecting, uk_piece_of(target), depth);
	return want(selecting, target->entity);
}

static struct uk_error *want_entries(struct selecting *selecting, const struct uk_entity *entity,
				     const struct uk_piece *within, unsigned int depth)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(item, &entity->entries) {
		const struct uk_entry *entry = *item;
		int64_t at = entry->refs.data[0].target.delta;
		if (within &&
		    (at < (int64_t)within->start || at >= (int64_t)(within->start + within->len)))
			continue;
		if (uk_entry_is_alternative(entry)) {
			struct uk_piece piece;
			err = uk_piece_of_alternative(selecting->job, entity, entry, &piece);
			if (!err)
				err = want_piece(selecting, piece, depth);
		}
		/* the first one is the code itself */
		for (size_t i = 1; !err && i < entry->refs.len; i++)
			if (!uk_entry_is_alternative(entry))
				err = want_target(selecting, &entry->refs.data[i].target, depth);
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *want_piece(struct selecting *selecting, struct uk_piece piece,
				   unsigned int depth)
{
	if (depth > 8) /* literals that refer to literals: CSWTCH to strings is depth 1 */
		return NULL;
	uint64_t start = piece.entity->offset + piece.start;
	uk_vec_for_each(ref, &piece.entity->refs) {
		if (ref->offset < start || ref->offset >= start + piece.len)
			continue;
		struct uk_error *err = want_target(selecting, &ref->target, depth + 1);
		if (err)
			return err;
	}
	return want_entries(selecting, piece.entity, &piece, depth + 1);
}

static struct uk_error *want_needs(struct selecting *selecting, const struct uk_entity *entity)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(ref, &entity->refs)
		if (!err)
			err = want_target(selecting, &ref->target, 0);
	return err ? err : want_entries(selecting, entity, NULL, 0);
}

/* Changed functions, new pointers, and what other objects may come to need. */
static bool is_seed(const struct uk_entity *entity)
{
	bool is_new = !entity->twin && entity->settled;
	return entity->changed || entity->pattern ||
	       (is_new && uk_entity_is_global(entity) &&
		(uk_entity_is_function(entity) || entity->kind == UK_SECTION_DATA ||
		 entity->kind == UK_SECTION_RODATA || entity->kind == UK_SECTION_PERCPU));
}

static int chunk_order(const void *a, const void *b)
{
	const struct uk_chunk *x = *(struct uk_chunk *const *)a, *y = *(struct uk_chunk *const *)b;
	return x->entity->index < y->entity->index ? -1 : x->entity->index > y->entity->index;
}

/* Chunks that gave all their entities to a larger one go. */
static void drop_empty(struct uk_selection *selection)
{
	size_t kept = 0;
	uk_vec_for_each(chunk, &selection->chunks) {
		if ((*chunk)->entity->chunk == *chunk)
			selection->chunks.data[kept++] = *chunk;
		else
			free(*chunk);
	}
	selection->chunks.len = kept;
	if (kept)
		qsort(selection->chunks.data, kept, sizeof(*selection->chunks.data), chunk_order);
}

static struct uk_error *select_all(struct selecting *selecting)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(entity, &selecting->job->patched->entities)
		if (!err && is_seed(*entity))
			err = want(selecting, *entity);
	for (size_t i = 0; !err && i < selecting->pending.len; i++)
		err = want_needs(selecting, selecting->pending.data[i]);
	return err;
}

struct uk_error *uk_select(const struct uk_diff_job *job, struct uk_selection *ret)
{
	struct selecting selecting = { .job = job, .selection = ret };
	struct uk_error *err = select_all(&selecting);
	uk_vec_deinit(&selecting.pending);
	if (!err)
		drop_empty(ret);
	return err;
}
