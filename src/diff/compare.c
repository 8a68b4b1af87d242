// SPDX-License-Identifier: GPL-2.0-or-later
/* Comparing twins: bytes outside references, and references by what they mean. */
#include "diff/compare.h"

#include "base/bytes.h"
#include "base/strbuf.h"
#include "diff/decode.h"

#include <string.h>

/* struct _ddebug of 6.1 and 6.12: the line number is the low 18 bits at offset 32. */
#define DESCRIPTOR_SIZE 56
#define DESCRIPTOR_LINE 32
#define DESCRIPTOR_LINE_MASK 0x3ffffu

/* A stretch of an entity. */
struct range {
	const struct uk_entity *entity;
	uint64_t start, len; /* from the entity */
};

static uint8_t byte_at(const struct range *range, uint64_t i)
{
	const uint8_t *data = uk_entity_data(range->entity);
	return data ? data[range->start + i] : 0; /* .bss is zero */
}

/* The first reference of the entity at or after a place in the range. */
static size_t first_ref(const struct range *range)
{
	const struct uk_entity *entity = range->entity;
	uint64_t offset = entity->offset + range->start;
	size_t low = 0, high = entity->refs.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (entity->refs.data[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct uk_ref *ref_in(const struct range *range, size_t i)
{
	const struct uk_entity *entity = range->entity;
	if (i >= entity->refs.len)
		return NULL;
	const struct uk_ref *ref = &entity->refs.data[i];
	return ref->offset < entity->offset + range->start + range->len ? ref : NULL;
}

static uint64_t ref_place(const struct range *range, const struct uk_ref *ref)
{
	return ref->offset - range->entity->offset - range->start;
}

static bool refs_same_form(const struct uk_ref *a, const struct uk_ref *b)
{
	return a->type == b->type && a->size == b->size && a->bias == b->bias &&
	       a->branch == b->branch;
}

static bool bytes_same(const struct range *a, const struct range *b, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		if (byte_at(a, i) != byte_at(b, i))
			return false;
	return true;
}

/* The same bytes but for references, which are at the same places in the same form. */
static bool ranges_same_shape(const struct range *a, const struct range *b)
{
	if (a->len != b->len)
		return false;
	uint64_t done = 0;
	for (size_t i = first_ref(a), j = first_ref(b);; i++, j++) {
		const struct uk_ref *x = ref_in(a, i), *y = ref_in(b, j);
		if (!x || !y)
			return !x && !y && bytes_same(a, b, done, a->len);
		uint64_t place = ref_place(a, x);
		if (place != ref_place(b, y) || !refs_same_form(x, y) ||
		    !bytes_same(a, b, done, place))
			return false;
		done = place + x->size < a->len ? place + x->size : a->len;
	}
}

static bool ranges_same(const struct range *a, const struct range *b)
{
	if (!ranges_same_shape(a, b))
		return false;
	for (size_t i = first_ref(a), j = first_ref(b);; i++, j++) {
		const struct uk_ref *x = ref_in(a, i), *y = ref_in(b, j);
		if (!x || !y)
			return true;
		if (!uk_target_same(&x->target, &y->target))
			return false;
	}
}

static struct range whole(const struct uk_entity *entity)
{
	return (struct range){ .entity = entity, .len = entity->size };
}

bool uk_entity_same_shape(const struct uk_entity *orig, const struct uk_entity *patched)
{
	struct range a = whole(orig), b = whole(patched);
	return ranges_same_shape(&a, &b);
}

static bool literal_same(const struct uk_target *orig, const struct uk_target *patched)
{
	struct range a = { .entity = orig->entity }, b = { .entity = patched->entity };
	a.len = uk_literal_len(orig->entity, orig->delta, &a.start);
	b.len = uk_literal_len(patched->entity, patched->delta, &b.start);
	if (orig->delta - (int64_t)a.start != patched->delta - (int64_t)b.start)
		return false;
	return ranges_same(&a, &b);
}

static bool outside_same(const struct uk_symbol *a, const struct uk_symbol *b)
{
	if (a->place != b->place || strcmp(a->name, b->name) != 0)
		return false;
	if (a->place == UK_SYMBOL_DEFINED)
		return strcmp(a->section->name, b->section->name) == 0;
	return a->place != UK_SYMBOL_ABSOLUTE || a->value == b->value;
}

bool uk_target_same(const struct uk_target *orig, const struct uk_target *patched)
{
	const struct uk_entity *a = orig->entity, *b = patched->entity;
	if (!a || !b)
		return !a && !b && orig->delta == patched->delta &&
		       outside_same(orig->symbol, patched->symbol);
	bool helper = a->kind == UK_SECTION_HELPER && b->kind == UK_SECTION_HELPER;
	if ((a->literal && b->literal) || helper)
		return literal_same(orig, patched);
	return a->twin == b && orig->delta == patched->delta;
}

static bool descriptor_same(const struct uk_entity *orig, const struct uk_entity *patched)
{
	struct range a = whole(orig), b = whole(patched);
	const uint8_t *x = uk_entity_data(orig), *y = uk_entity_data(patched);
	if (!x || !y || a.len != DESCRIPTOR_SIZE || b.len != DESCRIPTOR_SIZE)
		return ranges_same(&a, &b);
	uint32_t difference = uk_get_u32(x + DESCRIPTOR_LINE) ^ uk_get_u32(y + DESCRIPTOR_LINE);
	if (difference & ~DESCRIPTOR_LINE_MASK)
		return false;
	struct range a_head = { orig, 0, DESCRIPTOR_LINE },
		     b_head = { patched, 0, DESCRIPTOR_LINE };
	uint64_t rest = DESCRIPTOR_LINE + sizeof(uint32_t);
	struct range a_tail = { orig, rest, a.len - rest },
		     b_tail = { patched, rest, b.len - rest };
	return ranges_same(&a_head, &b_head) && ranges_same(&a_tail, &b_tail);
}

/*
 * Into the midst of code that is replaced: labels, of which only that very code knows. The twin of
 * such a place is in the new code, even if it is as far from its beginning.
 */
static bool has_label_of_change(const struct uk_entity *entity)
{
	uk_vec_for_each(ref, &entity->refs) {
		const struct uk_entity *code = ref->target.entity;
		if (code && uk_entity_is_function(code) && code->changed &&
		    (ref->target.delta || uk_entity_is_cold(code)))
			return true;
	}
	return false;
}

bool uk_datum_same(const struct uk_entity *orig, const struct uk_entity *patched)
{
	if (orig->kind == UK_SECTION_RODATA && has_label_of_change(orig))
		return false;
	if (orig->kind == UK_SECTION_DESCRIPTOR && patched->kind == UK_SECTION_DESCRIPTOR)
		return descriptor_same(orig, patched);
	struct range a = whole(orig), b = whole(patched);
	return ranges_same(&a, &b);
}

/* Twin functions whose branches may differ in length: places are told by instruction. */
struct walk {
	const struct uk_entity *orig, *patched;
};

/* The number of the instruction that begins at @delta, the count of all for the end, or -1. */
static int64_t insn_number(const struct uk_entity *entity, int64_t delta)
{
	if (delta == (int64_t)entity->size)
		return (int64_t)entity->insns.len;
	const struct uk_insn *insn = delta < 0 ? NULL : uk_entity_insn_at(entity, (uint64_t)delta);
	return insn && insn->offset == delta ? insn - entity->insns.data : -1;
}

static bool places_same(const struct walk *walk, int64_t orig, int64_t patched)
{
	int64_t a = insn_number(walk->orig, orig), b = insn_number(walk->patched, patched);
	return a >= 0 ? a == b : orig == patched && b < 0;
}

static bool walk_target_same(const struct walk *walk, const struct uk_target *a,
			     const struct uk_target *b)
{
	if (walk && a->entity == walk->orig && b->entity == walk->patched)
		return places_same(walk, a->delta, b->delta);
	return uk_target_same(a, b);
}

static const struct uk_ref *ref_at(const struct uk_entity *entity, uint64_t place)
{
	struct range at = { entity, place, 1 };
	const struct uk_ref *ref = ref_in(&at, first_ref(&at));
	return ref && ref->offset == entity->offset + place ? ref : NULL;
}

/* What a branch does apart from where it goes: its condition, or jmp or call. */
static int branch_action(const uint8_t *code, const struct uk_insn *insn)
{
	const uint8_t *op = code + insn->offset;
	if (insn->length == 2 && insn->rel_size == 1)
		return op[0] == 0xeb ? 0xe9 : (op[0] & 0xf0) == 0x70 ? 0x80 | (op[0] & 0xf) : -1;
	if (insn->length == 5 && insn->rel_size == 4)
		return op[0];
	if (insn->length == 6 && insn->rel_size == 4 && op[0] == 0x0f)
		return op[1];
	return -1;
}

static struct uk_target inner_target(const struct uk_entity *entity, const struct uk_insn *insn)
{
	const uint8_t *at = uk_entity_data(entity) + insn->offset + insn->rel_offset;
	int64_t value = insn->rel_size == 1 ? (int8_t)*at : uk_get_s32(at);
	return (struct uk_target){ .entity = (struct uk_entity *)entity,
				   .delta = (int64_t)insn->offset + insn->length + value,
				   .certain = true };
}

static bool branches_same(const struct walk *walk, const struct uk_insn *a, const struct uk_insn *b)
{
	const uint8_t *x = uk_entity_data(walk->orig), *y = uk_entity_data(walk->patched);
	int action = branch_action(x, a);
	if (action < 0 || action != branch_action(y, b))
		return false;
	const struct uk_ref *r = ref_at(walk->orig, a->offset + a->rel_offset);
	const struct uk_ref *s = ref_at(walk->patched, b->offset + b->rel_offset);
	struct uk_target t = r ? r->target : inner_target(walk->orig, a);
	struct uk_target u = s ? s->target : inner_target(walk->patched, b);
	return walk_target_same(walk, &t, &u);
}

static bool insns_same(const struct walk *walk, const struct uk_insn *a, const struct uk_insn *b)
{
	if (a->branch && b->branch && branches_same(walk, a, b))
		return true;
	struct range x = { walk->orig, a->offset, a->length };
	struct range y = { walk->patched, b->offset, b->length };
	if (a->branch || !ranges_same_shape(&x, &y))
		return false;
	for (size_t i = first_ref(&x), j = first_ref(&y);; i++, j++) {
		const struct uk_ref *r = ref_in(&x, i), *s = ref_in(&y, j);
		if (!r || !s)
			return true;
		if (!walk_target_same(walk, &r->target, &s->target))
			return false;
	}
}

static bool walk_same(const struct walk *walk)
{
	if (!walk->orig->decoded || !walk->patched->decoded ||
	    walk->orig->insns.len != walk->patched->insns.len)
		return false;
	for (size_t i = 0; i < walk->orig->insns.len; i++)
		if (!insns_same(walk, &walk->orig->insns.data[i], &walk->patched->insns.data[i]))
			return false;
	return true;
}

static bool entry_bytes_same(const struct uk_entry *a, const struct uk_entry *b)
{
	const uint8_t *x = a->table->section->data + a->offset;
	const uint8_t *y = b->table->section->data + b->offset;
	const struct uk_table_kind *kind = a->table->kind;
	for (uint64_t i = 0; i < a->table->entsize; i++) {
		bool skip = i >= kind->ignore && i < kind->ignore + kind->ignore_len;
		uk_vec_for_each(ref, &a->refs)
			skip = skip || (a->offset + i >= ref->offset &&
					a->offset + i < ref->offset + ref->size);
		if (!skip && x[i] != y[i])
			return false;
	}
	return true;
}

/* The replacement of an alternative: its length is the entry's last byte. */
static bool replacements_same(const struct uk_entry *a, const struct uk_entry *b)
{
	const struct uk_target *s = &a->refs.data[1].target, *t = &b->refs.data[1].target;
	uint64_t len = a->table->section->data[a->offset + a->table->entsize - 1];
	if (!s->entity || !t->entity || s->delta < 0 || t->delta < 0 ||
	    !uk_range_ok((uint64_t)s->delta, len, s->entity->size) ||
	    !uk_range_ok((uint64_t)t->delta, len, t->entity->size))
		return false;
	struct range x = { s->entity, (uint64_t)s->delta, len };
	struct range y = { t->entity, (uint64_t)t->delta, len };
	return ranges_same(&x, &y);
}

static bool entries_same(const struct walk *walk, const struct uk_entry *a,
			 const struct uk_entry *b)
{
	if (strcmp(a->table->section->name, b->table->section->name) != 0 ||
	    a->table->entsize != b->table->entsize || !entry_bytes_same(a, b))
		return false;
	for (size_t i = 0; i < a->refs.len; i++) {
		const struct uk_ref *r = &a->refs.data[i], *s = &b->refs.data[i];
		if (r->type != s->type || r->offset - a->offset != s->offset - b->offset)
			return false;
		bool replacement =
			r->target.entity && r->target.entity->kind == UK_SECTION_REPLACEMENT;
		bool same = replacement && i == 1 ? replacements_same(a, b)
						  : walk_target_same(walk, &r->target, &s->target);
		if (!same)
			return false;
	}
	return true;
}

static bool tables_same(const struct walk *walk)
{
	if (walk->orig->entries.len != walk->patched->entries.len)
		return false;
	for (size_t i = 0; i < walk->orig->entries.len; i++)
		if (!entries_same(walk, walk->orig->entries.data[i],
				  walk->patched->entries.data[i]))
			return false;
	return true;
}

/* Why two twin functions differ, or NULL. */
static const char *difference(const struct uk_entity *orig, const struct uk_entity *patched)
{
	struct walk walk = { orig, patched };
	struct range a = whole(orig), b = whole(patched);
	bool shape = ranges_same_shape(&a, &b);
	if ((!shape || !ranges_same(&a, &b)) && !walk_same(&walk))
		return shape ? "it refers to something else" : "its code differs";
	return tables_same(&walk) ? NULL : "its entries in special tables differ";
}

void uk_mark_changed(struct uk_entity *entity, const char *reason)
{
	entity->changed = reason;
	if (entity->twin)
		entity->twin->changed = reason;
}

bool uk_entity_is_cold(const struct uk_entity *entity)
{
	const char *cold = strstr(entity->name, ".cold");
	return cold && cold != entity->name && (cold[5] == 0 || cold[5] == '.');
}

/* The function that a .cold piece was split from. */
static struct uk_error *cold_parent(const struct uk_model *model, const struct uk_entity *entity,
				    struct uk_entity **ret)
{
	*ret = NULL;
	if (!uk_entity_is_cold(entity))
		return NULL;
	const char *cold = strstr(entity->name, ".cold");
	uk_auto_free char *name = strndup(entity->name, (size_t)(cold - entity->name));
	if (!name)
		return uk_error_nomem();
	*ret = uk_model_entity_named(model, name);
	return NULL;
}

static struct uk_error *spread_to_cold(struct uk_model *model)
{
	uk_vec_for_each(item, &model->entities) {
		if (!uk_entity_is_function(*item))
			continue;
		struct uk_entity *parent;
		struct uk_error *err = cold_parent(model, *item, &parent);
		if (err)
			return err;
		if (!parent)
			continue;
		if (parent->changed && !(*item)->changed)
			uk_mark_changed(*item, "its hot part changes");
		else if ((*item)->changed && !parent->changed)
			uk_mark_changed(parent, "its cold part changes");
	}
	return NULL;
}

struct uk_error *uk_spread_to_cold(struct uk_model *orig, struct uk_model *patched)
{
	struct uk_error *err = spread_to_cold(orig);
	return err ? err : spread_to_cold(patched);
}

struct uk_error *uk_compare_functions(struct uk_model *orig, struct uk_model *patched)
{
	uk_vec_for_each(item, &orig->entities) {
		if (!uk_entity_is_function(*item) || !(*item)->twin)
			continue;
		const char *reason = difference(*item, (*item)->twin);
		if (reason)
			uk_mark_changed(*item, reason);
	}
	return uk_spread_to_cold(orig, patched);
}
