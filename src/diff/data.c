// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The running kernel's data has a state that no update may lose or double. So: writable
 * data stays as it is, read-only data is written in place or moves to changed code, and
 * what is only read at boot changes nothing.
 */
#include "diff/data.h"

#include "base/strbuf.h"
#include "diff/compare.h"
#include "diff/plain.h"

#include <string.h>

void uk_split_descriptors(struct uk_model *orig)
{
	uk_vec_for_each(item, &orig->entities) {
		struct uk_entity *entity = *item, *twin = entity->twin;
		if (entity->kind != UK_SECTION_DESCRIPTOR || !twin || uk_datum_same(entity, twin))
			continue;
		entity->twin = twin->twin = NULL;
		entity->settled = twin->settled = true;
	}
}

static bool is_zero(const struct uk_entity *entity)
{
	const uint8_t *data = uk_entity_data(entity);
	for (uint64_t i = 0; data && i < entity->size; i++)
		if (data[i])
			return false;
	return true;
}

/* Bytes between data that say nothing. */
static bool is_padding(const struct uk_entity *entity)
{
	return !entity->symbol && !entity->refs.len && !entity->users.len && is_zero(entity);
}

/* Nobody but functions that change, or are gone, comes to this datum. */
static bool is_used_by_change_only(const struct uk_entity *orig)
{
	if (uk_entity_is_global(orig) || !orig->users.len)
		return false;
	uk_vec_for_each(item, &orig->users) {
		const struct uk_entity *user = *item;
		if (user->moved)
			continue;
		if (user->kind != UK_SECTION_TEXT || (user->twin && !user->changed))
			return false;
	}
	return true;
}

/* A table of operations: others may hold a pointer to it, and come to code through it. */
static bool is_operations(const struct uk_entity *orig)
{
	bool code = false;
	uk_vec_for_each(ref, &orig->twin->refs)
		code = code || !ref->target.entity || uk_entity_is_function(ref->target.entity);
	if (!code)
		return false;
	uk_vec_for_each(user, &orig->users)
		uk_vec_for_each(ref, &(*user)->refs)
			if (ref->target.entity == orig && !ref->inside)
				return true;
	return false;
}

/* Whether all who use a datum could be made to use another one. */
static bool can_move(const struct uk_entity *orig, unsigned int depth)
{
	if (uk_entity_is_global(orig) || uk_entity_is_global(orig->twin) || !orig->users.len ||
	    depth > 8 || is_operations(orig))
		return false;
	uk_vec_for_each(item, &orig->users) {
		const struct uk_entity *user = *item;
		bool text = user->kind == UK_SECTION_TEXT && user->symbol;
		bool table = user->kind == UK_SECTION_RODATA && user->twin && user != orig &&
			     can_move(user, depth + 1);
		if (!text && !table)
			return false;
	}
	return true;
}

static void move(struct uk_entity *orig)
{
	orig->moved = orig->twin->moved = true;
	uk_vec_for_each(item, &orig->users) {
		struct uk_entity *user = *item;
		if (user->kind == UK_SECTION_RODATA && !user->moved)
			move(user);
		else if (user->kind == UK_SECTION_TEXT && !user->changed)
			uk_mark_changed(user, "it uses a read-only datum that changes");
	}
}

static bool refs_same(const struct uk_entity *orig, const struct uk_entity *patched)
{
	if (orig->refs.len != patched->refs.len)
		return false;
	for (size_t i = 0; i < orig->refs.len; i++) {
		const struct uk_ref *a = &orig->refs.data[i], *b = &patched->refs.data[i];
		if (a->offset - orig->offset != b->offset - patched->offset || a->type != b->type ||
		    !uk_target_same(&a->target, &b->target))
			return false;
	}
	return true;
}

static bool can_write(const struct uk_entity *orig)
{
	return orig->size == orig->twin->size && refs_same(orig, orig->twin);
}

static bool is_changed_rodata(const struct uk_entity *orig)
{
	return orig->kind == UK_SECTION_RODATA && orig->twin && !orig->literal &&
	       !uk_datum_same(orig, orig->twin);
}

/* First the data that have to take their users along. */
static struct uk_error *move_rodata(struct uk_diff_job *job)
{
	uk_vec_for_each(item, &job->orig->entities) {
		struct uk_entity *orig = *item;
		if (is_changed_rodata(orig) && !orig->moved && !is_used_by_change_only(orig) &&
		    !can_write(orig) && can_move(orig, 0))
			move(orig);
	}
	return uk_spread_to_cold(job->orig, job->patched);
}

static bool is_used_by_new_code(const struct uk_entity *patched)
{
	uk_vec_for_each(user, &patched->users)
		if ((*user)->kind == UK_SECTION_TEXT && ((*user)->changed || !(*user)->twin))
			return true;
	return false;
}

/* It stays as it is: for a person to judge, unless new code counts on the new version. */
static struct uk_error *keep_rodata(struct uk_diff_job *job, const struct uk_entity *orig)
{
	if (is_used_by_new_code(orig->twin))
		return uk_job_refuse(
			job, orig, NULL,
			"this read-only datum changes its size or its pointers, and code or data "
			"that does not change uses it as well: it can neither be written in place "
			"nor "
			"be replaced; leave it and let changed functions use a new one");
	char buf[256];
	struct uk_error *err = uk_job_find(
		job, "read-only-data", uk_entity_label(orig, buf, sizeof(buf)),
		"this read-only datum changes its size or its pointers, so it cannot be written in "
		"place; the running kernel keeps the old one, and so does all code that uses it");
	return err ? err : uk_job_add_datum(job, UK_DATUM_IGNORED, orig->twin);
}

static bool differs_at(const struct uk_entity *orig, uint64_t i)
{
	const uint8_t *a = uk_entity_data(orig), *b = uk_entity_data(orig->twin);
	return a && b && a[i] != b[i];
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

/* One write for each run of differing bytes: references stay as they are. */
static struct uk_error *write_rodata(struct uk_diff_job *job, const struct uk_entity *orig)
{
	struct uk_entity *plain;
	struct uk_error *err = uk_plain_find(job, orig, &plain);
	for (uint64_t i = 0; !err && i < orig->size; i++) {
		uint64_t start = i;
		while (i < orig->size && differs_at(orig, i))
			i++;
		if (i > start)
			err = add_write(job, orig, plain, start, i - start);
	}
	return err ? err : uk_job_add_datum(job, UK_DATUM_WRITTEN, orig->twin);
}

static struct uk_error *changed_rodata(struct uk_diff_job *job, struct uk_entity *orig)
{
	if (!orig->moved && !is_used_by_change_only(orig))
		return can_write(orig) ? write_rodata(job, orig) : keep_rodata(job, orig);
	orig->moved = orig->twin->moved = true; /* listed when it is carried */
	if (!is_operations(orig))
		return NULL;
	return uk_job_find(job, "operations", orig->name,
			   "changed code uses a new version of this table; what was opened or "
			   "registered before holds a pointer to the old one and goes on with it");
}

static struct uk_error *changed_data(struct uk_diff_job *job, struct uk_entity *orig)
{
	if (orig->size != orig->twin->size)
		return uk_job_refuse(
			job, orig, NULL,
			"its size changes from 0x%llx to 0x%llx bytes, and the running "
			"kernel's has no room: use a new datum beside it",
			(unsigned long long)orig->size, (unsigned long long)orig->twin->size);
	struct uk_error *err = uk_job_find(
		job, "initial-value", orig->symbol ? orig->name : orig->section->name,
		"the initial value of this writable datum changes; the running kernel's "
		"value stays as it is, and code that counts on the new one finds the old");
	return err ? err : uk_job_add_datum(job, UK_DATUM_IGNORED, orig->twin);
}

static struct uk_error *changed_init(struct uk_diff_job *job, struct uk_entity *orig)
{
	char buf[256];
	return uk_job_find(job, "init-code", uk_entity_label(orig, buf, sizeof(buf)),
			   "it is used only while the kernel boots (or its module loads), which "
			   "has happened: the change has no effect until the next time");
}

/* A module cannot be unloaded while an update holds it, and the kernel itself has no exit code. */
static struct uk_error *changed_exit(struct uk_diff_job *job, struct uk_entity *orig)
{
	char buf[256];
	return uk_job_note(job, "exit-code", uk_entity_label(orig, buf, sizeof(buf)),
			   "it is used only when its module is unloaded, which cannot happen while "
			   "the update is applied: it stays as it is");
}

static struct uk_error *find_registration(struct uk_diff_job *job, const struct uk_entity *entity)
{
	char buf[256];
	return uk_job_find(job, "registration", entity->section->name,
			   "entries of this table are read at boot or when the module loads (%s "
			   "is new, gone or different): the running kernel keeps what it has "
			   "registered",
			   uk_entity_label(entity, buf, sizeof(buf)));
}

static struct uk_error *changed_registration(struct uk_diff_job *job, struct uk_entity *orig)
{
	return find_registration(job, orig);
}

static struct uk_error *refuse_unknown(struct uk_diff_job *job, struct uk_entity *entity)
{
	return uk_job_refuse(job, entity, NULL,
			     "it changes, and it lies in section %s, of which upkeep does not know "
			     "what a change would mean",
			     entity->section->name);
}

/* What to do with data whose twin differs, and with data that are only on one side. */
static const struct {
	struct uk_error *(*changed)(struct uk_diff_job *job, struct uk_entity *orig);
	struct uk_error *(*lone)(struct uk_diff_job *job, const struct uk_entity *entity);
} data_rules[] = {
	[UK_SECTION_DATA] = { .changed = changed_data },
	[UK_SECTION_PERCPU] = { .changed = changed_data },
	[UK_SECTION_RODATA] = { .changed = changed_rodata },
	[UK_SECTION_INIT_DATA] = { .changed = changed_init },
	[UK_SECTION_EXIT_DATA] = { .changed = changed_exit },
	[UK_SECTION_INIT_TEXT] = { .changed = changed_init },
	[UK_SECTION_EXIT_TEXT] = { .changed = changed_exit },
	[UK_SECTION_REGISTRATION] = { .changed = changed_registration, .lone = find_registration },
	[UK_SECTION_UNKNOWN] = { .changed = refuse_unknown },
};

static bool differs(const struct uk_entity *orig)
{
	return uk_entity_is_function(orig) ? orig->changed != NULL
					   : !uk_datum_same(orig, orig->twin);
}

static struct uk_error *decide_one(struct uk_diff_job *job, struct uk_entity *entity, bool orig)
{
	if (entity->literal || (size_t)entity->kind >= UK_ARRAY_SIZE(data_rules) ||
	    is_padding(entity))
		return NULL;
	if (!entity->twin && entity->kind == UK_SECTION_UNKNOWN)
		return refuse_unknown(job, entity);
	if (!entity->twin && data_rules[entity->kind].lone)
		return data_rules[entity->kind].lone(job, entity);
	if (!entity->twin || !orig || !data_rules[entity->kind].changed || !differs(entity))
		return NULL;
	return data_rules[entity->kind].changed(job, entity);
}

/* A new export has no users that this kernel takes, one that goes has those that it had. */
static struct uk_error *compare_exports(struct uk_diff_job *job, const struct uk_object *here,
					const struct uk_object *there, const char *text)
{
	uk_vec_for_each(item, &here->symbols) {
		const char *name = uk_exported_name(*item);
		if (!name || uk_object_symbol(there, (*item)->name))
			continue;
		struct uk_error *err = uk_job_note(job, "export", name, "%s", text);
		if (err)
			return err;
	}
	return NULL;
}

struct uk_error *uk_decide_data(struct uk_diff_job *job)
{
	struct uk_error *err = move_rodata(job);
	uk_vec_for_each(item, &job->orig->entities)
		if (!err)
			err = decide_one(job, *item, true);
	uk_vec_for_each(item, &job->patched->entities)
		if (!err)
			err = decide_one(job, *item, false);
	if (!err)
		err = compare_exports(
			job, job->input->patched, job->input->orig,
			"this symbol is newly exported: modules that are built for it "
			"cannot find it in the running kernel");
	return err ? err
		   : compare_exports(job, job->input->orig, job->input->patched,
				     "this symbol is no longer exported: the running kernel "
				     "goes on offering it");
}
