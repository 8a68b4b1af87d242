// SPDX-License-Identifier: GPL-2.0-or-later
/* What the patch touches: compiled as it was and as it will be, and compared. */
#include "create/work.h"

#include "base/strbuf.h"

#include <string.h>

static struct uk_error *add_removed_unit(struct uk_work *work, const struct uk_touched *touched)
{
	struct uk_finding finding = {};
	struct uk_error *err =
		uk_asprintf(&finding.name, "removed-object:%s", touched->orig->object);
	if (!err)
		err = uk_strdup(touched->orig->object, &finding.place);
	if (!err)
		err = uk_strdup("The patch takes this object out of the build; the running kernel "
				"keeps its code and data as they are.",
				&finding.text);
	return err ? err : uk_work_add_finding(work, &finding);
}

/* The vDSO, boot code and firmware are not kernel text that a redirect can reach. */
static struct uk_error *add_apart_unit(struct uk_work *work, const struct uk_unit *unit)
{
	struct uk_finding finding = {};
	struct uk_error *err = uk_asprintf(&finding.name, "apart:%s", unit->object);
	if (!err)
		err = uk_strdup(unit->object, &finding.place);
	if (!err)
		err = uk_strdup("This object is not linked into the kernel or a module (vDSO, boot "
				"or firmware code); what the patch changes in it does not take "
				"effect before a reboot.",
				&finding.text);
	return err ? err : uk_work_add_finding(work, &finding);
}

static struct uk_error *add_unit(struct uk_work *work, const struct uk_touched *touched)
{
	if (!touched->patched)
		return add_removed_unit(work, touched);
	if (touched->patched->place == UK_UNIT_APART)
		return add_apart_unit(work, touched->patched);
	struct uk_pair pair = { .touched = touched };
	return uk_vec_push(&work->pairs, pair) ? NULL : uk_error_nomem();
}

struct uk_error *uk_work_find_units(struct uk_work *work)
{
	const struct uk_touched_trial trial = { .run = uk_work_try_units, .ctx = work };
	struct uk_error *err =
		uk_touched_find(uk_work_orig(work), uk_work_patched(work), &trial, &work->touched);
	if (err)
		return err;
	uk_vec_for_each(touched, &work->touched->all) {
		err = add_unit(work, touched);
		if (err)
			return err;
	}
	work->report->units = work->touched->all.len;
	if (!work->touched->all.len)
		return uk_error_create(UK_ERR_NOTHING,
				       "the patch changes nothing that kernel %s is built from",
				       work->tree->release);
	return NULL;
}

/* Compiles, and where the paths of their results go. */
struct wishes {
	UK_VEC(struct uk_compile_job) jobs;
	UK_VEC(char **) results;
};

static void wishes_deinit(struct wishes *wishes)
{
	uk_vec_for_each(job, &wishes->jobs)
		free(job->object);
	uk_vec_deinit(&wishes->jobs);
	uk_vec_deinit(&wishes->results);
}

static struct uk_error *wish(struct wishes *wishes, const struct uk_view *view,
			     const struct uk_unit *unit, enum uk_variant variant, char **result)
{
	struct uk_compile_job job = { .view = view, .unit = unit, .variant = variant };
	return uk_vec_push(&wishes->jobs, job) && uk_vec_push(&wishes->results, result)
		       ? NULL
		       : uk_error_nomem();
}

static struct uk_error *grant(struct uk_work *work, struct wishes *wishes)
{
	struct uk_error *err = uk_compile_all(wishes->jobs.data, wishes->jobs.len, work->sink);
	for (size_t i = 0; !err && i < wishes->jobs.len; i++)
		*wishes->results.data[i] = uk_take(wishes->jobs.data[i].object);
	return err;
}

struct uk_error *uk_work_compile(struct uk_work *work)
{
	uk_cleanup(wishes_deinit) struct wishes wishes = {};
	struct uk_error *err = NULL;
	uk_vec_for_each(pair, &work->pairs) {
		if (pair->touched->orig)
			err = wish(&wishes, uk_work_orig(work), pair->touched->orig,
				   UK_VARIANT_SPLIT, &pair->orig);
		if (!err)
			err = wish(&wishes, uk_work_patched(work), pair->touched->patched,
				   UK_VARIANT_SPLIT, &pair->patched);
		if (err)
			return err;
	}
	return grant(work, &wishes);
}

static bool is_debug(const struct uk_section *section)
{
	return uk_str_starts(section->name, ".debug_") || !strcmp(section->name, ".comment");
}

static bool is_same_section(const struct uk_section *a, const struct uk_section *b)
{
	if (strcmp(a->name, b->name) || a->type != b->type || a->flags != b->flags ||
	    a->size != b->size || a->relocs.len != b->relocs.len)
		return false;
	if (a->data && memcmp(a->data, b->data, a->size))
		return false;
	for (size_t i = 0; i < a->relocs.len; i++) {
		const struct uk_reloc *x = &a->relocs.data[i], *y = &b->relocs.data[i];
		if (x->offset != y->offset || x->type != y->type || x->addend != y->addend ||
		    strcmp(x->symbol->name, y->symbol->name) ||
		    x->symbol->value != y->symbol->value)
			return false;
	}
	return true;
}

/* Whether two objects are the same to the byte but for debug information. */
static bool is_same_object(const struct uk_object *a, const struct uk_object *b)
{
	size_t i = 0, j = 0;
	for (;;) {
		while (i < a->sections.len && is_debug(a->sections.data[i]))
			i++;
		while (j < b->sections.len && is_debug(b->sections.data[j]))
			j++;
		if (i == a->sections.len || j == b->sections.len)
			return i == a->sections.len && j == b->sections.len;
		if (!is_same_section(a->sections.data[i++], b->sections.data[j++]))
			return false;
	}
}

/* The objects of a pair while they are compared. */
struct compared {
	struct uk_object *orig, *patched, *plain;
};

static void compared_deinit(struct compared *compared)
{
	uk_object_destroy(compared->orig);
	uk_object_destroy(compared->patched);
	uk_object_destroy(compared->plain);
}

/* An object that is new has an orig and a plain object with nothing in them. */
static struct uk_error *load_or_empty(const char *path, struct uk_object **ret)
{
	return path ? uk_object_load(path, ret) : uk_object_create("(new object)", ret);
}

static struct uk_error *compile_one(struct uk_work *work, const struct uk_view *view,
				    const struct uk_unit *unit, char **ret)
{
	uk_cleanup(wishes_deinit) struct wishes wishes = {};
	struct uk_error *err = wish(&wishes, view, unit, UK_VARIANT_PLAIN, ret);
	return err ? err : grant(work, &wishes);
}

/* The number of the part for a target, made when it is the first of that target. */
static struct uk_error *find_part(struct uk_work *work, const char *target, unsigned int *ret)
{
	struct uk_update *update = work->update;
	for (*ret = 0; *ret < update->parts.len; ++*ret) {
		if (!strcmp(update->parts.data[*ret].target, target))
			return NULL;
	}
	struct uk_update_part part = {};
	struct uk_error *err = uk_strdup(target, &part.target);
	if (!err)
		err = uk_asprintf(&part.module, "upkeep_%s_%u", update->id, *ret);
	if (!err)
		err = uk_asprintf(&part.member, "parts/%u.ko", *ret);
	if (!err && uk_vec_push(&update->parts, part))
		return NULL;
	free(part.target);
	free(part.module);
	free(part.member);
	return err ? err : uk_error_nomem();
}

static struct uk_error *keep_object(struct uk_work *work, const struct uk_object *object,
				    const char *name)
{
	char *data;
	size_t len;
	struct uk_error *err = uk_object_write(object, true, &data, &len);
	return err ? err : uk_work_add_member(work, name, data, len);
}

/*
 * What matching needs: the object as the kernel's own build compiled it, without any update;
 * and, where updates before ours changed its source, as they left it.
 */
static struct uk_error *keep_match_objects(struct uk_work *work, struct uk_pair *pair,
					   const struct compared *compared,
					   struct uk_update_object *object)
{
	const struct uk_unit *unit = NULL;
	uk_auto_object struct uk_object *plain = NULL;
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&object->plain, "orig/%u.o", pair->number);
	if (err)
		return err;
	if (!work->after.len)
		return keep_object(work, compared->plain, object->plain);

	if (pair->touched->orig)
		unit = uk_units_find(uk_view_units(uk_work_base(work)),
				     pair->touched->orig->object);
	if (unit)
		err = compile_one(work, uk_work_base(work), unit, &path);
	if (!err)
		err = load_or_empty(path, &plain);
	if (!err)
		err = keep_object(work, plain, object->plain);
	if (!err)
		err = uk_asprintf(&object->prev, "prev/%u.o", pair->number);
	return err ? err : keep_object(work, compared->orig, object->prev);
}

static struct uk_error *add_object(struct uk_work *work, struct uk_pair *pair,
				   const struct compared *compared)
{
	struct uk_update_object object = {};
	struct uk_error *err = uk_strdup(pair->touched->patched->object, &object.path);
	if (!err)
		err = find_part(work, uk_unit_target(pair->touched->patched), &object.part);
	if (!err)
		err = keep_match_objects(work, pair, compared, &object);
	if (!err && uk_vec_push(&work->update->objects, object))
		return NULL;
	free(object.path);
	free(object.plain);
	free(object.prev);
	return err ? err : uk_error_nomem();
}

/* Moves all elements of a result's vector to the update's. */
#define move_all(to, from)                                                                         \
	(uk_vec_reserve((to), (from)->len) ? ({                                                    \
		if ((from)->len)                                                                   \
			memcpy((to)->data + (to)->len, (from)->data,                               \
			       (from)->len * sizeof(*(from)->data));                               \
		(to)->len += (from)->len;                                                          \
		(from)->len = 0;                                                                   \
		true;                                                                              \
	})                                                                                         \
					   : false)

static struct uk_error *take_result(struct uk_work *work, struct uk_pair *pair,
				    struct uk_diff_result *result)
{
	struct uk_update *update = work->update;
	if (!move_all(&update->functions, &result->functions) ||
	    !move_all(&update->data, &result->data) ||
	    !move_all(&update->writes, &result->writes) ||
	    !move_all(&update->pointers, &result->pointers))
		return uk_error_nomem();
	struct uk_error *err = NULL;
	size_t i = 0;
	for (; !err && i < result->findings.len; i++)
		err = uk_work_add_finding(work, &result->findings.data[i]);
	if (i < result->findings.len)
		memmove(result->findings.data, result->findings.data + i,
			(result->findings.len - i) * sizeof(*result->findings.data));
	result->findings.len -= i;
	pair->carried = uk_take(result->carried);
	return err;
}

/* Nothing is done to this object: findings are all there is. */
static bool is_told_only(const struct uk_diff_result *result)
{
	return !result->functions.len && !result->data.len && !result->writes.len &&
	       !result->carried;
}

static struct uk_error *diff_pair(struct uk_work *work, struct uk_pair *pair,
				  struct compared *compared)
{
	const struct uk_unit *unit = pair->touched->patched;
	pair->number = (unsigned int)work->update->objects.len;
	struct uk_error *err = NULL;
	if (pair->touched->orig)
		err = compile_one(work, uk_work_orig(work), pair->touched->orig, &pair->plain);
	if (!err)
		err = load_or_empty(pair->plain, &compared->plain);
	if (err)
		return err;
	struct uk_diff_input input = {
		.number = pair->number,
		.path = unit->object,
		.target = uk_unit_target(unit),
		.orig = compared->orig,
		.patched = compared->patched,
		.plain = compared->plain,
	};
	uk_auto_diff_result struct uk_diff_result *result = NULL;
	err = uk_diff_object(&input, &result);
	if (!err && !move_all(&pair->gone, &result->gone))
		err = uk_error_nomem();
	if (err)
		return uk_error_wrap(err, "diff %s", unit->object);
	if (uk_diff_result_is_empty(result))
		return NULL;
	work->report->changed_units++;
	if (!is_told_only(result))
		err = add_object(work, pair, compared);
	return err ? err : take_result(work, pair, result);
}

static struct uk_error *compare_pair(struct uk_work *work, struct uk_pair *pair)
{
	uk_cleanup(compared_deinit) struct compared compared = {};
	struct uk_error *err = load_or_empty(pair->orig, &compared.orig);
	if (!err)
		err = uk_object_load(pair->patched, &compared.patched);
	if (err || is_same_object(compared.orig, compared.patched))
		return err;
	return diff_pair(work, pair, &compared);
}

static struct uk_error *check_moves(const struct uk_work *work)
{
	uk_auto_free struct uk_diff_moves *moves = calloc(work->pairs.len + 1, sizeof(*moves));
	if (!moves)
		return uk_error_nomem();
	for (size_t i = 0; i < work->pairs.len; i++) {
		const struct uk_pair *pair = &work->pairs.data[i];
		moves[i] = (struct uk_diff_moves){
			.path = pair->touched->patched->object,
			.gone = pair->gone.data,
			.nr_gone = pair->gone.len,
			.carried = pair->carried,
		};
	}
	return uk_diff_check_moves(moves, work->pairs.len);
}

struct uk_error *uk_work_compare(struct uk_work *work)
{
	for (size_t i = 0; i < work->pairs.len; i++) {
		uk_progress(work->sink, "compare", i, work->pairs.len);
		struct uk_error *err = compare_pair(work, &work->pairs.data[i]);
		if (err)
			return err;
	}
	return check_moves(work);
}
