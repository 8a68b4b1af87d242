// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The running kernel's data has a state that no update may lose or double. So: writable
 * data stays as it is, read-only data is written in place or moves to changed code, and
 * what is only read at boot changes nothing.
 */
#include "diff/data.h"

#include "base/strbuf.h"
#include "diff/compare.h"
#include "diff/uses.h"
#include "diff/written.h"

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

/* The beginning of a function, or what another object has; a label is for its own function. */
static bool is_entrance(const struct uk_target *target)
{
	const struct uk_entity *entity = target->entity;
	return !entity ||
	       (uk_entity_is_function(entity) && !target->delta && !uk_entity_is_cold(entity));
}

/* A table of operations: others may hold a pointer to it, and come to code through it. */
static bool is_operations(const struct uk_entity *orig)
{
	bool code = false;
	uk_vec_for_each(ref, &orig->twin->refs)
		code = code || is_entrance(&ref->target);
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
			     (uk_datum_can_be_written(user) || can_move(user, depth + 1));
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
		if (user->kind == UK_SECTION_RODATA && uk_datum_can_be_written(user))
			user->pattern = user->twin->pattern = true;
		else if (user->kind == UK_SECTION_RODATA && !user->moved)
			move(user);
		else if (user->kind == UK_SECTION_TEXT && !user->changed)
			uk_mark_changed(user, "it uses a read-only datum that changes");
	}
}

static bool is_changed_rodata(const struct uk_entity *orig)
{
	return orig->kind == UK_SECTION_RODATA && orig->twin && !orig->literal &&
	       !uk_datum_same(orig, orig->twin);
}

/*
 * First the data that have to take their users along; a table that points at them and can be
 * written in place gets other pointers.
 */
static struct uk_error *move_rodata(struct uk_diff_job *job)
{
	uk_vec_for_each(item, &job->orig->entities) {
		struct uk_entity *orig = *item;
		if (is_changed_rodata(orig) && !orig->moved && !is_used_by_change_only(orig) &&
		    !uk_datum_can_be_written(orig) && can_move(orig, 0))
			move(orig);
	}
	return uk_spread_to_cold(job->orig, job->patched);
}

/* Nobody looks at it from now on; but what it was handed to may have kept it. */
static struct uk_error *find_over(struct uk_diff_job *job, const struct uk_entity *orig,
				  const struct uk_uses *uses)
{
	char buf[256];
	const char *name = uk_entity_label(orig, buf, sizeof(buf));
	if (!uses->boot)
		return uk_job_note(
			job, "exit-code", name,
			"only code that runs when the module is unloaded uses this datum: "
			"it stays as it is");
	if (uses->address)
		return uk_job_find(
			job, "registration", name,
			"only code that runs at boot or when the module loads or unloads uses "
			"this datum, and hands it on: what was registered with it stays as it "
			"is, and what the patch registers anew is not");
	return uk_job_find(
		job, "init-code", name,
		"only code that ran at boot or when the module was loaded uses this datum: "
		"the change has no effect until the next time");
}

static struct uk_error *leave_over(struct uk_diff_job *job, const struct uk_entity *orig,
				   const struct uk_uses *uses)
{
	struct uk_error *err = find_over(job, orig, uses);
	return err ? err : uk_job_add_datum(job, UK_DATUM_IGNORED, orig->twin);
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
			"this read-only datum changes its size or its layout, and code or data "
			"that does not change uses it as well: it can neither be written in place "
			"nor "
			"be replaced; leave it and let changed functions use a new one");
	char buf[256];
	struct uk_error *err = uk_job_find(
		job, "read-only-data", uk_entity_label(orig, buf, sizeof(buf)),
		"this read-only datum changes its size or its layout, so it cannot be written in "
		"place; the running kernel keeps the old one, and so does all code that uses it");
	return err ? err : uk_job_add_datum(job, UK_DATUM_IGNORED, orig->twin);
}

/* In place: all who come to it find the new content. */
static struct uk_error *write_rodata(struct uk_diff_job *job, struct uk_entity *orig)
{
	char buf[256];
	const char *name = uk_entity_label(orig, buf, sizeof(buf));
	struct uk_error *err = NULL;
	if (uk_datum_loses_pointer(orig))
		err = uk_job_find(
			job, "read-only-data", name,
			"a pointer in this read-only datum becomes empty: a task that has "
			"looked at it, and sleeps before it goes there, would go nowhere and "
			"bring the kernel down");
	else if (is_operations(orig))
		err = uk_job_note(job, "operations", name,
				  "this table is written in place: what was opened or registered "
				  "before goes on with the new functions, too; only who has copied "
				  "its content keeps the old ones");
	return err ? err : uk_datum_write(job, orig);
}

/* A table of operations is written rather than carried: who holds it should not keep the old. */
static bool is_written(const struct uk_entity *orig)
{
	return uk_datum_can_be_written(orig) && !orig->moved &&
	       (is_operations(orig) || !is_used_by_change_only(orig));
}

static struct uk_error *changed_rodata(struct uk_diff_job *job, struct uk_entity *orig)
{
	struct uk_uses uses = uk_entity_uses(orig);
	if (uk_uses_are_over(&uses) && (!uses.address || !uk_datum_can_be_written(orig)))
		return leave_over(job, orig, &uses);
	if (is_written(orig))
		return write_rodata(job, orig);
	if (!orig->moved && !is_used_by_change_only(orig))
		return keep_rodata(job, orig);
	orig->moved = orig->twin->moved = true; /* listed when it is carried */
	if (!is_operations(orig))
		return NULL;
	return uk_job_find(job, "operations", orig->name,
			   "changed code uses a new version of this table; what was opened or "
			   "registered before holds a pointer to the old one and goes on with it");
}

/* The kernel puts these pointers into code; the code would go on with the old ones. */
static bool is_put_into_code(const struct uk_entity *orig)
{
	return uk_str_starts(orig->name, "__SCK__") || !strcmp(orig->name, "pv_ops");
}

static bool is_table_to_write(const struct uk_diff_job *job, const struct uk_entity *orig)
{
	return orig->kind == UK_SECTION_DATA && orig->symbol && orig->settled &&
	       !is_put_into_code(orig) && uk_datum_gets_functions(job, orig) &&
	       !uk_datum_is_stored_to(orig);
}

/* Match finds out whether the running kernel's is still as it began. */
static struct uk_error *write_table(struct uk_diff_job *job, struct uk_entity *orig)
{
	struct uk_error *err = uk_job_note(
		job, "operations", orig->name,
		"this writable table is written in place, unless something has changed these "
		"functions since boot: what was opened or registered before goes on with the new "
		"ones, too; what is called at registration only has been called; only who has "
		"copied its content keeps the old ones");
	return err ? err : uk_datum_write(job, orig);
}

/* Carried code that needs the larger one is refused when it is carried. */
static struct uk_error *changed_data(struct uk_diff_job *job, struct uk_entity *orig)
{
	char buf[256];
	const char *name = uk_entity_label(orig, buf, sizeof(buf));
	struct uk_uses uses = uk_entity_uses(orig);
	bool over = uk_uses_are_over(&uses);
	if ((!over || uses.address) && is_table_to_write(job, orig))
		return write_table(job, orig);
	if (over)
		return leave_over(job, orig, &uses);
	struct uk_error *err =
		orig->size != orig->twin->size
			? uk_job_find(
				  job, "initial-value", name,
				  "this writable datum changes its size; nothing that the update "
				  "carries uses it, and the running kernel goes on with its own")
			: uk_job_find(
				  job, "initial-value", name,
				  "the initial value of this writable datum changes; the running "
				  "kernel's value stays as it is, and code that counts on the new "
				  "one finds the old");
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
					   : orig->pattern || !uk_datum_same(orig, orig->twin);
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
