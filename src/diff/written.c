// SPDX-License-Identifier: GPL-2.0-or-later
/* Data that is written in place. */
#include "diff/written.h"

#include "base/strbuf.h"
#include "diff/compare.h"
#include "diff/plain.h"
#include "diff/select.h"

#include <string.h>

/* Where a datum has a reference before the patch, after it, or both. */
struct slot {
	uint64_t offset;		/* from the datum */
	const struct uk_ref *old, *new; /* either may be NULL */
};

struct slots {
	const struct uk_entity *orig;
	size_t i, j; /* the next references of orig and of its twin */
	struct slot slot;
};

static bool next_slot(struct slots *slots)
{
	const struct uk_entity *orig = slots->orig, *patched = orig->twin;
	const struct uk_ref *a = slots->i < orig->refs.len ? &orig->refs.data[slots->i] : NULL;
	const struct uk_ref *b =
		slots->j < patched->refs.len ? &patched->refs.data[slots->j] : NULL;
	if (!a && !b)
		return false;
	uint64_t at = a ? a->offset - orig->offset : UINT64_MAX;
	uint64_t to = b ? b->offset - patched->offset : UINT64_MAX;
	slots->slot = (struct slot){
		.offset = at < to ? at : to,
		.old = at <= to ? a : NULL,
		.new = to <= at ? b : NULL,
	};
	slots->i += slots->slot.old != NULL;
	slots->j += slots->slot.new != NULL;
	return true;
}

static bool means_the_same(const struct slot *slot)
{
	return slot->old && slot->new &&
	       slot->old->type ==
		       slot->new->type &&uk_target_same(&slot->old->target, &slot->new->target);
}

/* A datum whose new version is carried is elsewhere now. */
static bool slot_changes(const struct slot *slot)
{
	const struct uk_entity *to = slot->new ? slot->new->target.entity : NULL;
	return !means_the_same(slot) || (to && to->moved);
}

static bool is_pointer(const struct uk_ref *ref)
{
	return !ref || ref->type == R_X86_64_64;
}

/* What another one than a whole pointer means stays, unless it may move. */
static bool can_write_slot(const struct slot *slot)
{
	const struct uk_entity *to = slot->new ? slot->new->target.entity : NULL;
	if (is_pointer(slot->old) && is_pointer(slot->new))
		return true;
	return means_the_same(slot) && !(to && to->kind == UK_SECTION_RODATA);
}

bool uk_datum_can_be_written(const struct uk_entity *orig)
{
	struct slots slots = { .orig = orig };
	uint64_t end = 0;
	if (!orig->twin || orig->size != orig->twin->size)
		return false;
	while (next_slot(&slots)) {
		const struct uk_ref *ref = slots.slot.new ? slots.slot.new : slots.slot.old;
		if (slots.slot.offset < end || !can_write_slot(&slots.slot))
			return false;
		end = slots.slot.offset + ref->size;
	}
	return end <= orig->size;
}

static bool is_zero(const struct uk_entity *entity, uint64_t offset, uint64_t len)
{
	const uint8_t *data = uk_entity_data(entity);
	for (uint64_t i = 0; data && i < len; i++)
		if (data[offset + i])
			return false;
	return true;
}

bool uk_datum_loses_pointer(const struct uk_entity *orig)
{
	struct slots slots = { .orig = orig };
	while (next_slot(&slots))
		if (!slots.slot.new &&is_zero(orig->twin, slots.slot.offset, slots.slot.old->size))
			return true;
	return false;
}

static bool in_slot(const struct uk_entity *entity, uint64_t offset)
{
	uk_vec_for_each(ref, &entity->refs)
		if (entity->offset + offset >= ref->offset &&
		    entity->offset + offset < ref->offset + ref->size)
			return true;
	return false;
}

static bool differs_at(const struct uk_entity *orig, uint64_t i)
{
	const uint8_t *a = uk_entity_data(orig), *b = uk_entity_data(orig->twin);
	return a && b && a[i] != b[i] && !in_slot(orig, i) && !in_slot(orig->twin, i);
}

static bool is_called(const struct uk_model *model, const char *name)
{
	uk_vec_for_each(entity, &model->entities)
		uk_vec_for_each(ref, &(*entity)->refs)
			if (ref->branch && !ref->target.entity && ref->target.symbol &&
			    !strcmp(ref->target.symbol->name, name))
				return true;
	return false;
}

/* Of another object's symbols, those are functions that somebody here calls. */
static bool is_function(const struct uk_diff_job *job, const struct uk_ref *ref)
{
	const struct uk_target *to = &ref->target;
	if (ref->type != R_X86_64_64 || to->delta)
		return false;
	if (to->entity)
		return to->entity->kind == UK_SECTION_TEXT && to->entity->symbol;
	return is_called(job->orig, to->symbol->name) || is_called(job->patched, to->symbol->name);
}

static bool gets_function(const struct uk_diff_job *job, const struct uk_entity *orig,
			  const struct slot *slot)
{
	if (!slot->new || !is_function(job, slot->new) || (orig->offset + slot->offset) % 8 ||
	    orig->section->align % 8)
		return false;
	return slot->old ? is_function(job, slot->old) : is_zero(orig, slot->offset, 8);
}

bool uk_datum_gets_functions(const struct uk_diff_job *job, const struct uk_entity *orig)
{
	struct slots slots = { .orig = orig };
	if (!uk_datum_can_be_written(orig) || !uk_entity_data(orig) || !uk_entity_data(orig->twin))
		return false;
	for (uint64_t i = 0; i < orig->size; i++)
		if (differs_at(orig, i))
			return false;
	while (next_slot(&slots))
		if (slot_changes(&slots.slot) && !gets_function(job, orig, &slots.slot))
			return false;
	return true;
}

static bool stores_to(const struct uk_entity *user, const struct uk_entity *entity, uint64_t offset)
{
	uk_vec_for_each(ref, &user->refs) {
		int64_t start = ref->target.delta, end = start + ref->stores;
		if (ref->target.entity != entity || !ref->stores)
			continue;
		if (ref->stores == UK_STORES_ANYWHERE ||
		    (start < (int64_t)offset + 8 && end > (int64_t)offset))
			return true;
	}
	return false;
}

static bool is_stored_to(const struct uk_entity *entity, uint64_t offset)
{
	uk_vec_for_each(user, &entity->users)
		if (stores_to(*user, entity, offset))
			return true;
	return false;
}

bool uk_datum_is_stored_to(const struct uk_entity *orig)
{
	struct slots slots = { .orig = orig };
	while (next_slot(&slots))
		if (slot_changes(&slots.slot) && (is_stored_to(orig, slots.slot.offset) ||
						  is_stored_to(orig->twin, slots.slot.offset)))
			return true;
	return false;
}

static struct uk_error *add_write(struct uk_diff_job *job, const struct uk_entity *orig,
				  const struct uk_entity *plain, uint64_t offset, uint64_t len)
{
	struct uk_update_write write = {
		.object = job->input->number,
		.offset = offset,
		.len = len,
		.old_bytes = malloc(len),
		.new_bytes = malloc(len),
	};
	struct uk_error *err = uk_strdup(plain->name, &write.symbol);
	if (!err && write.old_bytes && write.new_bytes) {
		memcpy(write.old_bytes, uk_entity_data(orig) + offset, len);
		memcpy(write.new_bytes, uk_entity_data(orig->twin) + offset, len);
		if (uk_vec_push(&job->result->writes, write))
			return NULL;
	}
	free(write.symbol);
	free(write.old_bytes);
	free(write.new_bytes);
	return err ? err : uk_error_nomem();
}

struct uk_error *uk_datum_write(struct uk_diff_job *job, struct uk_entity *orig)
{
	struct uk_entity *plain;
	struct slots slots = { .orig = orig };
	struct uk_error *err = uk_plain_find(job, orig, &plain);
	/* One write for each run of bytes that differ. */
	for (uint64_t i = 0; !err && i < orig->size; i++) {
		uint64_t start = i;
		while (i < orig->size && differs_at(orig, i))
			i++;
		if (i > start)
			err = add_write(job, orig, plain, start, i - start);
	}
	while (next_slot(&slots))
		if (slot_changes(&slots.slot))
			orig->pattern = orig->twin->pattern = true;
	return err ? err : uk_job_add_datum(job, UK_DATUM_WRITTEN, orig->twin);
}

static struct uk_error *add_pointer(struct uk_diff_job *job, const struct uk_entity *orig,
				    const struct uk_entity *plain, uint64_t offset)
{
	const struct uk_entity *pattern = orig->twin;
	struct uk_update_pointer pointer = {
		.object = job->input->number,
		.offset = offset,
		.at = pattern->offset - pattern->chunk->start + offset,
	};
	struct uk_error *err = uk_strdup(plain->name, &pointer.symbol);
	if (!err)
		err = uk_strdup(pattern->chunk->out->name, &pointer.section);
	if (!err && uk_vec_push(&job->result->pointers, pointer))
		return NULL;
	free(pointer.symbol);
	free(pointer.section);
	return err ? err : uk_error_nomem();
}

static struct uk_error *list_pointers_of(struct uk_diff_job *job, const struct uk_entity *orig)
{
	struct uk_entity *plain;
	struct slots slots = { .orig = orig };
	struct uk_error *err = uk_plain_find(job, orig, &plain);
	while (!err && next_slot(&slots))
		if (slot_changes(&slots.slot))
			err = add_pointer(job, orig, plain, slots.slot.offset);
	return err;
}

struct uk_error *uk_list_pointers(struct uk_diff_job *job)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(item, &job->orig->entities)
		if (!err && (*item)->pattern)
			err = list_pointers_of(job, *item);
	return err;
}
