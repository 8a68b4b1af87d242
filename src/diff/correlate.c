// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Twins. For functions any pairing is sound, for a function that refers to anything but
 * the twins of what its own twin refers to counts as changed: a bad pairing costs a larger
 * update. For writable data the pairing decides who shares state with whom: there, what
 * cannot be told stays unsettled, and is refused if carried code needs it.
 */
#include "diff/correlate.h"

#include "base/strbuf.h"
#include "diff/compare.h"

#include <ctype.h>
#include <string.h>

struct group {
	UK_VEC(struct uk_entity *) orig, patched;
};

struct correlation {
	struct uk_model *orig, *patched;
	struct uk_map keys;	     /* key -> index into groups */
	UK_VEC(struct group) groups; /* the first is not used */
	bool progress;
	bool deep; /* look through functions without twins */
};

typedef UK_VEC(struct uk_entity *) entity_vec;

struct uk_error *uk_name_base(const char *name, char **ret)
{
	uk_auto_strbuf struct uk_strbuf buf = {};
	bool unique = strstr(name, "__UNIQUE_ID_") || uk_str_starts(name, "__BTF_ID__");
	for (const char *at = name; *at;) {
		size_t digits = strspn(at, "0123456789");
		char before = at > name ? at[-1] : 0, after = at[digits];
		bool whole = before == '.' && (after == 0 || after == '.');
		if (digits && (whole || (unique && (after == 0 || after == '.')))) {
			at += digits;
			continue;
		}
		if (!digits)
			digits = 1;
		uk_strbuf_add(&buf, at, digits);
		at += digits;
	}
	uk_strbuf_addstr(&buf, "");
	return uk_strbuf_finish(&buf, ret);
}

static void pair(struct correlation *corr, struct uk_entity *orig, struct uk_entity *patched)
{
	orig->twin = patched;
	patched->twin = orig;
	orig->settled = patched->settled = true;
	corr->progress = true;
}

static void unsettle(struct uk_entity *orig, struct uk_entity *patched)
{
	orig->settled = patched->settled = false;
	orig->rival = patched;
	patched->rival = orig;
}

/* What the kernel's macros put into functions to print a message once, or not too often. */
static bool is_message_state(const struct uk_entity *entity)
{
	static const char *const prefixes[] = { "__already_done.", "__print_once.", "__warned.",
						"_rs." };
	for (size_t i = 0; i < UK_ARRAY_SIZE(prefixes); i++)
		if (uk_str_starts(entity->name, prefixes[i]))
			return true;
	return false;
}

/*
 * The state of a message starts afresh where it begins otherwise: that is what the patch wants
 * of it, or it is not the same message.
 */
static bool starts_otherwise(const struct uk_entity *orig, const struct uk_entity *patched)
{
	return is_message_state(patched) && !uk_datum_same(orig, patched);
}

/* What may be each other's twin at all. */
static bool compatible(const struct uk_entity *orig, const struct uk_entity *patched)
{
	if (orig->kind == patched->kind)
		return true;
	/* __exit and the special text sections are a choice of place */
	return uk_entity_is_function(orig) && uk_entity_is_function(patched) &&
	       !uk_section_kind_is_transient(orig->kind) &&
	       !uk_section_kind_is_transient(patched->kind);
}

/* The same name, but the one is writable and the other is not, or lies per CPU. */
static void note_move(struct uk_entity *orig, struct uk_entity *patched)
{
	if (uk_section_kind_is_transient(orig->kind) || uk_section_kind_is_transient(patched->kind))
		return;
	unsettle(orig, patched);
}

static void correlate_names(struct correlation *corr)
{
	uk_vec_for_each(item, &corr->patched->object->symbols) {
		struct uk_entity *patched = (*item)->tag;
		if (!patched || patched->literal || !patched->unique || patched->twin)
			continue;
		struct uk_entity *orig = uk_model_entity_named(corr->orig, (*item)->name);
		if (!orig || orig->literal || !orig->unique || patched->group)
			continue;
		if (orig->twin)
			patched->rival = orig;
		else if (compatible(orig, patched))
			pair(corr, orig, patched);
		else
			note_move(orig, patched);
	}
}

/* Entities without a name: the n-th one of a section. */
static struct uk_error *correlate_unnamed(struct correlation *corr)
{
	uk_auto_map struct uk_map places = {};
	struct uk_model *models[] = { corr->orig, corr->patched };
	for (size_t side = 0; side < 2; side++) {
		size_t number = 0;
		const struct uk_section *section = NULL;
		uk_vec_for_each(item, &models[side]->entities) {
			struct uk_entity *entity = *item;
			if (entity->symbol || entity->literal)
				continue;
			number = section == entity->section ? number + 1 : 0;
			section = entity->section;
			uk_auto_free char *key = NULL;
			struct uk_error *err = uk_asprintf(&key, "%zu %s", number, section->name);
			if (err)
				return err;
			struct uk_map_entry *entry = uk_map_insert_str(&places, key, NULL);
			if (!entry)
				return uk_error_nomem();
			if (side == 0)
				entry->ptr = entity;
			else if (entry->ptr && !((struct uk_entity *)entry->ptr)->twin)
				pair(corr, entry->ptr, entity);
		}
	}
	return NULL;
}

/* The group of an entity whose name the compiler numbered, or is there several times. */
static struct uk_error *group_entity(struct correlation *corr, struct uk_entity *entity,
				     bool patched)
{
	uk_auto_free char *base = NULL;
	struct uk_error *err = uk_name_base(entity->name, &base);
	if (err)
		return err;
	if (strcmp(base, entity->name) == 0 && entity->unique)
		return NULL;
	uk_auto_free char *key = NULL;
	err = uk_asprintf(&key, "%d %s",
			  uk_entity_is_function(entity) &&
					  !uk_section_kind_is_transient(entity->kind)
				  ? UK_SECTION_TEXT
				  : (int)entity->kind,
			  base);
	if (err)
		return err;
	bool added;
	struct uk_map_entry *entry = uk_map_insert_str(&corr->keys, key, &added);
	if (!entry)
		return uk_error_nomem();
	if (added) {
		entry->num = corr->groups.len;
		if (!uk_vec_push(&corr->groups, (struct group){}))
			return uk_error_nomem();
	}
	entity->group = entry->num;
	struct group *group = &corr->groups.data[entry->num];
	bool pushed =
		patched ? uk_vec_push(&group->patched, entity) : uk_vec_push(&group->orig, entity);
	return pushed ? NULL : uk_error_nomem();
}

static struct uk_error *group_entities(struct correlation *corr)
{
	if (!uk_vec_push(&corr->groups, (struct group){}))
		return uk_error_nomem();
	struct uk_model *models[] = { corr->orig, corr->patched };
	for (size_t side = 0; side < 2; side++)
		uk_vec_for_each(item, &models[side]->entities) {
			if (!(*item)->symbol || (*item)->literal)
				continue;
			struct uk_error *err = group_entity(corr, *item, side == 1);
			if (err)
				return err;
		}
	return NULL;
}

static struct uk_entity *only_same_shape(const struct uk_entity *wanted,
					 struct uk_entity *const *data, size_t len)
{
	struct uk_entity *found = NULL;
	for (size_t i = 0; i < len; i++) {
		if (data[i]->twin || !uk_entity_same_shape(wanted, data[i]))
			continue;
		if (found)
			return NULL;
		found = data[i];
	}
	return found;
}

/* Functions of one group: the only ones there are, or the only ones of that shape. */
static void correlate_function_group(struct correlation *corr, const struct group *group)
{
	if (group->orig.len == 1 && group->patched.len == 1) {
		if (!group->orig.data[0]->twin && !group->patched.data[0]->twin)
			pair(corr, group->orig.data[0], group->patched.data[0]);
		return;
	}
	uk_vec_for_each(item, &group->orig) {
		if ((*item)->twin)
			continue;
		struct uk_entity *patched =
			only_same_shape(*item, group->patched.data, group->patched.len);
		if (patched && only_same_shape(patched, group->orig.data, group->orig.len) == *item)
			pair(corr, *item, patched);
	}
}

static bool is_function_group(const struct group *group)
{
	struct uk_entity *first = group->orig.len      ? group->orig.data[0]
				  : group->patched.len ? group->patched.data[0]
						       : NULL;
	return first && uk_entity_is_function(first);
}

static void pair_by_proof(struct correlation *corr, const struct uk_target *a,
			  const struct uk_target *b)
{
	struct uk_entity *orig = a->entity, *patched = b->entity;
	if (!orig || !patched || !orig->group || orig->group != patched->group)
		return;
	if (orig->twin == patched || orig->rival || patched->rival ||
	    starts_otherwise(orig, patched))
		return;
	if (!orig->twin && !patched->twin) {
		pair(corr, orig, patched);
		return;
	}
	if (uk_entity_is_function(orig))
		return;
	/* two uses disagree */
	struct uk_entity *other = orig->twin ? orig->twin : patched->twin;
	other->twin = NULL;
	other->settled = false;
	orig->twin = patched->twin = NULL;
	unsettle(orig, patched);
}

/* Twins of the same shape use the same things at the same places. */
static void vote_same_shape(struct correlation *corr, const struct uk_entity *orig)
{
	const struct uk_entity *patched = orig->twin;
	for (size_t i = 0; i < orig->refs.len; i++)
		pair_by_proof(corr, &orig->refs.data[i].target, &patched->refs.data[i].target);
	if (orig->entries.len != patched->entries.len)
		return;
	for (size_t i = 0; i < orig->entries.len; i++) {
		const struct uk_entry *a = orig->entries.data[i], *b = patched->entries.data[i];
		if (a->table->kind != b->table->kind || a->refs.len != b->refs.len)
			return;
		for (size_t j = 0; j < a->refs.len; j++)
			pair_by_proof(corr, &a->refs.data[j].target, &b->refs.data[j].target);
	}
}

static struct uk_error *note_open(entity_vec *list, const struct uk_target *target)
{
	struct uk_entity *entity = target->entity;
	if (!entity || !entity->group || entity->twin || entity->rival)
		return NULL;
	uk_vec_for_each(item, list)
		if (*item == entity)
			return NULL;
	return uk_vec_push(list, entity) ? NULL : uk_error_nomem();
}

/* A function without a twin was split off, or is now inlined: what it uses, its caller uses. */
static bool is_looked_through(const struct correlation *corr, const struct uk_target *target)
{
	return corr->deep && target->entity && !target->entity->twin &&
	       uk_entity_is_function(target->entity);
}

static struct uk_error *list_used(const struct correlation *corr, struct uk_entity *user,
				  entity_vec *seen, entity_vec *list);

static struct uk_error *list_target(const struct correlation *corr, const struct uk_target *target,
				    entity_vec *seen, entity_vec *list)
{
	if (is_looked_through(corr, target))
		return list_used(corr, target->entity, seen, list);
	return note_open(list, target);
}

static struct uk_error *list_used(const struct correlation *corr, struct uk_entity *user,
				  entity_vec *seen, entity_vec *list)
{
	uk_vec_for_each(item, seen)
		if (*item == user)
			return NULL;
	if (!uk_vec_push(seen, user))
		return uk_error_nomem();
	struct uk_error *err = NULL;
	uk_vec_for_each(ref, &user->refs)
		if (!err)
			err = list_target(corr, &ref->target, seen, list);
	uk_vec_for_each(entry, &user->entries)
		uk_vec_for_each(ref, &(*entry)->refs)
			if (!err)
				err = list_target(corr, &ref->target, seen, list);
	return err;
}

/* What an entity uses that has no twin yet, in order of first use. */
static struct uk_error *list_open(const struct correlation *corr, struct uk_entity *user,
				  entity_vec *list)
{
	entity_vec seen = {};
	struct uk_error *err = list_used(corr, user, &seen, list);
	uk_vec_deinit(&seen);
	return err;
}

static size_t count_group(const entity_vec *list, size_t group)
{
	size_t nr = 0;
	uk_vec_for_each(item, list)
		nr += (*item)->group == group;
	return nr;
}

/* Whether the order of use may decide: as many on both sides, and they look alike. */
static bool order_decides(const entity_vec *orig, const entity_vec *patched, size_t group)
{
	size_t nr = count_group(orig, group);
	if (nr != count_group(patched, group))
		return false;
	size_t j = 0;
	for (size_t i = 0; i < orig->len; i++) {
		if (orig->data[i]->group != group)
			continue;
		while (patched->data[j]->group != group)
			j++;
		if (starts_otherwise(orig->data[i], patched->data[j]))
			return false;
		if (nr > 1 && !uk_entity_is_function(orig->data[i]) &&
		    !uk_datum_same(orig->data[i], patched->data[j]))
			return false;
		j++;
	}
	return true;
}

static void pair_in_order(struct correlation *corr, entity_vec *orig, entity_vec *patched,
			  size_t group)
{
	size_t j = 0;
	for (size_t i = 0; i < orig->len; i++) {
		if (orig->data[i]->group != group)
			continue;
		while (patched->data[j]->group != group)
			j++;
		pair(corr, orig->data[i], patched->data[j++]);
	}
}

/* Twins that differ: what they use in the same order. */
static struct uk_error *vote_order(struct correlation *corr, struct uk_entity *orig)
{
	entity_vec orig_open = {}, patched_open = {};
	struct uk_error *err = list_open(corr, orig, &orig_open);
	if (!err)
		err = list_open(corr, orig->twin, &patched_open);
	for (size_t i = 0; !err && i < orig_open.len; i++) {
		struct uk_entity *first = orig_open.data[i];
		if (!first->twin && order_decides(&orig_open, &patched_open, first->group))
			pair_in_order(corr, &orig_open, &patched_open, first->group);
	}
	uk_vec_deinit(&orig_open);
	uk_vec_deinit(&patched_open);
	return err;
}

static struct uk_error *vote(struct correlation *corr, bool by_order)
{
	uk_vec_for_each(item, &corr->orig->entities) {
		struct uk_entity *orig = *item;
		if (!orig->twin)
			continue;
		bool same = uk_entity_same_shape(orig, orig->twin);
		if (same)
			vote_same_shape(corr, orig);
		if (same || !by_order)
			continue;
		struct uk_error *err = vote_order(corr, orig);
		if (err)
			return err;
	}
	return NULL;
}

/* Proofs first, and the order of use only where there is none. */
static struct uk_error *vote_until_settled(struct correlation *corr)
{
	struct uk_error *err;
	do {
		do {
			corr->progress = false;
			err = vote(corr, false);
		} while (!err && corr->progress);
		if (!err)
			err = vote(corr, true);
	} while (!err && corr->progress);
	return err;
}

static void correlate_function_rest(struct correlation *corr, const struct group *group)
{
	uk_vec_for_each(a, &group->orig)
		uk_vec_for_each(b, &group->patched)
			if (!(*a)->twin && !(*b)->twin && strcmp((*a)->name, (*b)->name) == 0)
				pair(corr, *a, *b);
}

static bool is_stateless(const struct uk_entity *entity)
{
	return entity->kind == UK_SECTION_RODATA || entity->kind == UK_SECTION_DESCRIPTOR ||
	       entity->kind == UK_SECTION_REGISTRATION || entity->size == 0 ||
	       uk_section_kind_is_transient(entity->kind);
}

/* At worst a message is printed once more. */
static bool may_start_afresh(const struct uk_entity *entity)
{
	return is_stateless(entity) || is_message_state(entity);
}

static struct uk_entity *first_open(struct uk_entity *const *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!data[i]->twin)
			return data[i];
	return NULL;
}

/* Without state, what has the same content is the same, and so is the only one left. */
static void pair_stateless(struct correlation *corr, const struct group *group)
{
	uk_vec_for_each(a, &group->orig)
		uk_vec_for_each(b, &group->patched)
			if (!(*a)->twin && !(*b)->twin && is_stateless(*a) && uk_datum_same(*a, *b))
				pair(corr, *a, *b);
	if (group->orig.len == 1 && group->patched.len == 1 && !group->orig.data[0]->twin &&
	    group->orig.data[0]->kind == UK_SECTION_REGISTRATION)
		pair(corr, group->orig.data[0], group->patched.data[0]);
}

/* What is left of a group of data: new, gone, or not to be told. */
static void settle_rest(struct correlation *corr, const struct group *group)
{
	pair_stateless(corr, group);
	struct uk_entity *orig = first_open(group->orig.data, group->orig.len);
	uk_vec_for_each(item, &group->patched) {
		struct uk_entity *patched = *item;
		if (patched->twin)
			continue;
		patched->settled = !patched->rival && (!orig || may_start_afresh(patched));
		if (!patched->settled && !patched->rival)
			patched->rival = orig;
	}
}

/* Everything that no rule touched has no twin, for certain. */
static void settle_named(struct uk_model *model)
{
	uk_vec_for_each(item, &model->entities)
		if (!(*item)->group && !(*item)->rival)
			(*item)->settled = true;
}

static struct uk_error *correlate(struct correlation *corr)
{
	struct uk_error *err = group_entities(corr);
	if (err)
		return err;
	correlate_names(corr);
	err = correlate_unnamed(corr);
	if (err)
		return err;
	uk_vec_for_each(group, &corr->groups)
		if (is_function_group(group))
			correlate_function_group(corr, group);
	err = vote_until_settled(corr);
	if (err)
		return err;
	uk_vec_for_each(group, &corr->groups)
		if (is_function_group(group))
			correlate_function_rest(corr, group);
	corr->deep = true;
	err = vote_until_settled(corr);
	if (err)
		return err;
	uk_vec_for_each(group, &corr->groups)
		if (!is_function_group(group))
			settle_rest(corr, group);
		else
			uk_vec_for_each(item, &group->patched)
				(*item)->settled = true;
	settle_named(corr->orig);
	settle_named(corr->patched);
	return NULL;
}

struct uk_error *uk_correlate(struct uk_model *orig, struct uk_model *patched)
{
	struct correlation corr = { .orig = orig, .patched = patched };
	struct uk_error *err = correlate(&corr);
	uk_map_deinit(&corr.keys);
	uk_vec_for_each(group, &corr.groups) {
		uk_vec_deinit(&group->orig);
		uk_vec_deinit(&group->patched);
	}
	uk_vec_deinit(&corr.groups);
	return err;
}
