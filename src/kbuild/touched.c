// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which units a patch can affect, in steps from coarse to fine: the units' own sources
 * and commands; who includes a changed file at all; who can tell (taint); and, when
 * those are many, whose preprocessed code differs.
 */
#include "kbuild/touched.h"

#include "base/strbuf.h"
#include "kbuild/include.h"
#include "kbuild/included.h"
#include "kbuild/likely.h"
#include "kbuild/preprocess.h"
#include "kbuild/role.h"
#include "kbuild/taint.h"
#include "kbuild/view_private.h"

#include <string.h>

/* From so many on it is quicker to preprocess than to compile what need not be. */
enum { WORTH_PREPROCESSING = 24 };

/* Then a few are looked at before, of those the ones that do differ. */
enum { LIKELY_UNITS = 6, TRIED_UNITS = 3 };

struct change {
	const char *path;     /* borrowed from the view */
	char *orig, *patched; /* NULL: there is no such file */
	size_t orig_len, patched_len;
	bool is_unit; /* some unit is compiled from it */
	bool used;    /* some unit includes it */
};

struct finder {
	const struct uk_view *orig, *patched;
	const struct uk_touched_trial *trial; /* or NULL */
	UK_VEC(struct change) changes;
	struct uk_map by_path; /* path -> index into changes */
	struct uk_include_graph *graph;
	struct uk_taint *taint;
	struct uk_touched_list *list;
	UK_VEC(struct uk_touched) candidates; /* that include a changed file; no reason yet */
};

static void touched_deinit(struct uk_touched *touched)
{
	free(touched->reason);
}

void uk_touched_list_destroy(struct uk_touched_list *list)
{
	if (!list)
		return;
	uk_vec_for_each(touched, &list->all)
		touched_deinit(touched);
	uk_vec_deinit(&list->all);
	free(list);
}

static void finder_deinit(struct finder *finder)
{
	uk_vec_for_each(change, &finder->changes) {
		free(change->orig);
		free(change->patched);
	}
	uk_vec_deinit(&finder->changes);
	uk_map_deinit(&finder->by_path);
	uk_include_graph_destroy(finder->graph);
	uk_taint_destroy(finder->taint);
	uk_touched_list_destroy(finder->list);
	uk_vec_deinit(&finder->candidates);
}

static struct change *find_change(const struct finder *finder, const char *path)
{
	const struct uk_map_entry *entry = uk_map_find_str(&finder->by_path, path);
	return entry ? &finder->changes.data[entry->num] : NULL;
}

static struct uk_error *add_change(struct finder *finder, const char *path)
{
	struct change change = { .path = path };
	struct uk_error *err = uk_view_read(finder->orig, path, &change.orig, &change.orig_len);
	if (!err)
		err = uk_view_read(finder->patched, path, &change.patched, &change.patched_len);
	bool same = !err && !change.orig == !change.patched &&
		    change.orig_len == change.patched_len &&
		    (!change.orig || !memcmp(change.orig, change.patched, change.orig_len));
	struct uk_map_entry *entry =
		err || same ? NULL : uk_map_insert_str(&finder->by_path, path, NULL);
	if (entry)
		entry->num = finder->changes.len;
	if (!entry || !uk_vec_push(&finder->changes, change)) {
		free(change.orig);
		free(change.patched);
		if (!err && !same)
			err = uk_error_nomem();
	}
	return err;
}

static struct uk_error *find_changes(struct finder *finder)
{
	uk_map_for_each(entry, &finder->patched->files) {
		struct uk_error *err = add_change(finder, entry->key);
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *add_touched(struct finder *finder, const struct uk_unit *orig,
				    const struct uk_unit *patched, const char *fmt, ...)
	uk_printf(4, 5);

static struct uk_error *add_touched(struct finder *finder, const struct uk_unit *orig,
				    const struct uk_unit *patched, const char *fmt, ...)
{
	struct uk_touched touched = { .orig = orig, .patched = patched };
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&touched.reason, fmt, args) < 0)
		touched.reason = NULL;
	va_end(args);
	if (touched.reason && uk_vec_push(&finder->list->all, touched))
		return NULL;
	free(touched.reason);
	return uk_error_nomem();
}

/* The same object of the same module in other units. */
static const struct uk_unit *twin(const struct uk_units *units, const struct uk_unit *unit)
{
	const struct uk_unit *found = uk_units_find(units, unit->object);
	const struct uk_unit *end = units->all.data + units->all.len;
	for (; found && found < end && !strcmp(found->object, unit->object); found++) {
		if (!strcmp(uk_unit_target(found), uk_unit_target(unit)))
			return found;
	}
	return NULL;
}

/* By its command or its own source; *settled_ret when there is no more to ask. */
static struct uk_error *judge_unit(struct finder *finder, const struct uk_unit *orig,
				   const struct uk_unit *patched, bool *settled_ret)
{
	struct change *change = find_change(finder, patched->source);
	if (change)
		change->is_unit = true;
	*settled_ret = true;
	if (!orig)
		return add_touched(finder, NULL, patched, "is new in %s", uk_unit_target(patched));
	if (strcmp(orig->command, patched->command))
		return add_touched(finder, orig, patched, "its command changes");
	if (change)
		return add_touched(finder, orig, patched, "%s is patched", patched->source);
	*settled_ret = false;
	return NULL;
}

static struct uk_error *find_removed(struct finder *finder)
{
	const struct uk_units *patched = uk_view_units(finder->patched);
	const struct uk_units *orig = uk_view_units(finder->orig);
	if (orig == patched)
		return NULL;
	uk_vec_for_each(unit, &orig->all) {
		if (twin(patched, unit))
			continue;
		struct uk_error *err =
			add_touched(finder, unit, NULL, "goes from %s", uk_unit_target(unit));
		if (err)
			return err;
	}
	return NULL;
}

/* For the include graph a changed file includes what either version does. */
static struct uk_error *read_both(void *ctx, const char *path, char **ret, size_t *len_ret)
{
	const struct finder *finder = ctx;
	const struct change *change = find_change(finder, path);
	if (!change)
		return uk_view_read(finder->patched, path, ret, len_ret);
	*ret = NULL;
	*len_ret = change->orig_len + change->patched_len + 1;
	if (!change->orig && !change->patched)
		return NULL;
	return uk_asprintf(ret, "%s\n%s", change->orig ? change->orig : "",
			   change->patched ? change->patched : "");
}

static bool in_both(void *ctx, const char *path)
{
	const struct change *change = find_change(ctx, path);
	return !change || (change->orig && change->patched);
}

/* Whether the unit includes a changed file; if so, what it includes goes into the taint. */
static struct uk_error *judge_closure(struct finder *finder, const struct uk_unit *orig,
				      const struct uk_unit *patched)
{
	const uint32_t *files;
	size_t nr;
	bool complete;
	struct uk_error *err = uk_include_closure(finder->graph, patched, &files, &nr, &complete);
	if (err)
		return err;
	if (!complete)
		return add_touched(finder, orig, patched, "its source is not there to be read");
	bool hit = false;
	for (size_t i = 0; i < nr; i++) {
		struct change *change =
			find_change(finder, uk_include_path(finder->graph, files[i]));
		if (change)
			hit = change->used = true;
	}
	const struct uk_touched candidate = { .orig = orig, .patched = patched };
	return !hit || uk_vec_push(&finder->candidates, candidate) ? NULL : uk_error_nomem();
}

/* A source of its own may also be included by another one: whatever C changed counts. */
static bool has_source(const struct finder *finder)
{
	uk_vec_for_each(change, &finder->changes) {
		if (change->is_unit || uk_role_of(change->path) == UK_ROLE_SOURCE)
			return true;
	}
	return false;
}

/*
 * A unit that is not settled yet is made from a changed file only if an unchanged file
 * includes that one, by its name.
 */
static struct uk_error *needs_closures(const struct finder *finder, bool *ret)
{
	uk_auto_included struct uk_included included = {};
	*ret = has_source(finder);
	if (!*ret || finder->orig->below ||
	    uk_view_units(finder->orig) != uk_view_units(finder->patched))
		return NULL;
	uk_vec_for_each(change, &finder->changes) {
		if (!change->is_unit || !uk_str_ends(change->path, ".c"))
			return NULL;
	}
	struct uk_error *err = uk_included_load(finder->orig, &included);
	if (err)
		return err;
	*ret = false;
	uk_vec_for_each(change, &finder->changes)
		*ret |= uk_included_has(&included, change->path);
	return NULL;
}

static struct uk_error *judge_units(struct finder *finder)
{
	const struct uk_units *patched = uk_view_units(finder->patched);
	const struct uk_units *orig = uk_view_units(finder->orig);
	uk_auto_free bool *settled = calloc(patched->all.len + 1, sizeof(*settled));
	if (!settled)
		return uk_error_nomem();
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < patched->all.len; i++) {
		const struct uk_unit *unit = &patched->all.data[i];
		err = judge_unit(finder, orig == patched ? unit : twin(orig, unit), unit,
				 &settled[i]);
	}
	bool open = false;
	if (!err)
		err = find_removed(finder);
	if (!err)
		err = needs_closures(finder, &open);
	if (err || !open)
		return err;
	for (size_t i = 0; !err && i < patched->all.len; i++) {
		const struct uk_unit *unit = &patched->all.data[i];
		uk_progress(finder->patched->tree->sink, "following includes", i, patched->all.len);
		if (!settled[i])
			err = judge_closure(finder, orig == patched ? unit : twin(orig, unit),
					    unit);
	}
	return err;
}

/* What no unit is made from must be known to have no part in the code. */
static struct uk_error *check_roles(const struct finder *finder)
{
	uk_vec_for_each(change, &finder->changes) {
		enum uk_role role = uk_role_of(change->path);
		bool seen = change->is_unit || change->used;
		if (role == UK_ROLE_GENERATOR || (role == UK_ROLE_UNKNOWN && !seen))
			return uk_error_create(UK_ERR_REFUSED,
					       "%s: what it changes in the kernel's code cannot be "
					       "told; leave it out of the patch if nothing",
					       change->path);
		if (role == UK_ROLE_LAYOUT && !seen)
			return uk_error_create(UK_ERR_REFUSED,
					       "%s: the layout of a kernel that runs cannot be "
					       "changed",
					       change->path);
		if (role == UK_ROLE_SOURCE && !seen)
			uk_remark(finder->patched->tree->sink, UK_LEVEL_INFO,
				  "%s is not part of this kernel", change->path);
	}
	return NULL;
}

/* The files that candidates are made from, by their numbers in the graph. */
static struct uk_error *list_members(struct finder *finder, bool *members, size_t nr_members)
{
	for (size_t i = 0; i < finder->candidates.len; i++) {
		const uint32_t *files;
		size_t nr;
		bool complete;
		struct uk_error *err = uk_include_closure(
			finder->graph, finder->candidates.data[i].patched, &files, &nr, &complete);
		if (err)
			return err;
		for (size_t f = 0; f < nr; f++) {
			if (files[f] < nr_members)
				members[files[f]] = true;
		}
	}
	return NULL;
}

static struct uk_error *add_member(struct finder *finder, const char *path, bool uses)
{
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = uk_view_read(finder->patched, path, &text, &len);
	if (err || !text)
		return err;
	return uses ? uk_taint_add_uses(finder->taint, text)
		    : uk_taint_add_file(finder->taint, path, text);
}

static struct uk_error *add_members(struct finder *finder, const bool *members, size_t nr,
				    bool uses)
{
	const struct uk_sink *sink = finder->patched->tree->sink;
	const char *step = uses ? "reading headers again" : "reading headers";
	for (size_t i = 0; i < nr; i++) {
		if (i % 256 == 0)
			uk_progress(sink, step, i, nr);
		if (!members[i])
			continue;
		struct uk_error *err =
			add_member(finder, uk_include_path(finder->graph, (uint32_t)i), uses);
		if (err)
			return err;
	}
	uk_progress(sink, step, nr, nr);
	return NULL;
}

static struct uk_error *add_changes(struct finder *finder, bool uses)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(change, &finder->changes) {
		if (err || !change->used)
			continue;
		if (!uses)
			err = uk_taint_add_change(finder->taint, change->path, change->orig,
						  change->patched);
		else if (change->orig)
			err = uk_taint_add_uses(finder->taint, change->orig);
	}
	return err;
}

static struct uk_error *spread_taint(struct finder *finder)
{
	size_t nr = uk_include_count(finder->graph);
	uk_auto_free bool *members = calloc(nr + 1, sizeof(*members));
	if (!members)
		return uk_error_nomem();
	struct uk_error *err = uk_taint_create(&finder->taint);
	if (!err)
		err = list_members(finder, members, nr);
	if (!err)
		err = add_changes(finder, false);
	if (!err)
		err = add_members(finder, members, nr, false);
	if (!err)
		err = add_changes(finder, true);
	if (!err)
		err = add_members(finder, members, nr, true);
	return err ? err : uk_taint_spread(finder->taint);
}

static struct uk_error *judge_candidate(struct finder *finder, struct uk_touched *candidate,
					bool *hit_ret)
{
	const uint32_t *files;
	size_t nr;
	bool complete;
	const char *reason;
	struct uk_error *err =
		uk_taint_hits_source(finder->taint, candidate->patched->source, hit_ret, &reason);
	if (!err && !*hit_ret)
		err = uk_include_closure(finder->graph, candidate->patched, &files, &nr, &complete);
	if (err)
		return err;
	for (size_t i = 0; !*hit_ret && i < nr; i++)
		*hit_ret = uk_taint_hits_includers(
			finder->taint, uk_include_path(finder->graph, files[i]), &reason);
	return *hit_ret ? uk_strdup(reason, &candidate->reason) : NULL;
}

/* Keeps the candidates that the taint hits. */
static struct uk_error *judge_candidates(struct finder *finder)
{
	size_t kept = 0;
	for (size_t i = 0; i < finder->candidates.len; i++) {
		struct uk_touched candidate = finder->candidates.data[i];
		bool hit;
		struct uk_error *err = judge_candidate(finder, &candidate, &hit);
		if (err) {
			finder->candidates.len = kept;
			return err;
		}
		if (hit)
			finder->candidates.data[kept++] = candidate;
	}
	finder->candidates.len = kept;
	return NULL;
}

static int compare_touched(const void *a, const void *b)
{
	const struct uk_touched *x = a, *y = b;
	const struct uk_unit *one = x->patched ? x->patched : x->orig;
	const struct uk_unit *other = y->patched ? y->patched : y->orig;
	int order = strcmp(one->object, other->object);
	return order ? order : strcmp(uk_unit_target(one), uk_unit_target(other));
}

/* Takes the candidates into the list; with @err (handed on) they go away. */
static struct uk_error *keep_candidates(struct finder *finder, struct uk_error *err)
{
	size_t nr = finder->candidates.len;
	if (!err && nr && !uk_vec_reserve(&finder->list->all, nr))
		err = uk_error_nomem();
	for (size_t i = 0; i < nr; i++) {
		if (err)
			touched_deinit(&finder->candidates.data[i]);
		else
			finder->list->all.data[finder->list->all.len++] =
				finder->candidates.data[i];
	}
	finder->candidates.len = 0;
	return err;
}

static struct uk_error *filter_candidates(struct finder *finder)
{
	return uk_preprocess_filter(finder->orig, finder->patched, finder->candidates.data,
				    &finder->candidates.len);
}

/* Their reasons stay where they are. */
struct few {
	UK_VEC(struct uk_touched) all;
};

static void few_deinit(struct few *few)
{
	uk_vec_deinit(&few->all);
}

static void keep_first(struct few *few, size_t nr)
{
	if (few->all.len > nr)
		few->all.len = nr;
}

/* What can be compiled in both views and is linked into the kernel or a module. */
static struct uk_error *add_for_trial(struct few *few, const struct uk_touched *touched)
{
	struct uk_touched unit = { .orig = touched->orig, .patched = touched->patched };
	if (!unit.orig || !unit.patched || unit.patched->place == UK_UNIT_APART ||
	    !uk_str_ends(unit.patched->source, ".c"))
		return NULL;
	return uk_vec_push(&few->all, unit) ? NULL : uk_error_nomem();
}

/* A few units that are touched for certain, those first that tell most. */
static struct uk_error *find_few(struct finder *finder, struct few *few)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(touched, &finder->list->all)
		if (!err)
			err = add_for_trial(few, touched);
	uk_vec_for_each(candidate, &finder->candidates)
		if (!err)
			err = add_for_trial(few, candidate);
	if (!err)
		err = uk_likely_sort(finder->patched, finder->taint, few->all.data, &few->all.len);
	if (err)
		return err;
	keep_first(few, LIKELY_UNITS);
	err = uk_preprocess_filter(finder->orig, finder->patched, few->all.data, &few->all.len);
	keep_first(few, TRIED_UNITS);
	return err;
}

static struct uk_error *try_few(struct finder *finder)
{
	uk_cleanup(few_deinit) struct few few = {};
	const struct uk_touched_trial *trial = finder->trial;
	if (!trial)
		return NULL;
	struct uk_error *err = find_few(finder, &few);
	if (err || !few.all.len)
		return err;
	return trial->run(trial->ctx, few.all.data, few.all.len,
			  finder->list->all.len + finder->candidates.len);
}

static struct uk_error *take_candidates(struct finder *finder)
{
	struct uk_error *err = NULL;
	if (finder->candidates.len >= WORTH_PREPROCESSING) {
		err = try_few(finder);
		if (!err)
			err = filter_candidates(finder);
	}
	return keep_candidates(finder, err);
}

/* In both views, by the same command, and linked into neither the kernel nor a module. */
static bool is_apart_in_both(const struct uk_touched *touched)
{
	return touched->orig && touched->patched && touched->patched->place == UK_UNIT_APART &&
	       !strcmp(touched->orig->command, touched->patched->command);
}

/*
 * The objects of such units are not compared later on, for an update does not reach them.
 * Whether their code changes at all is asked here: a comment is no reason to refuse.
 */
static struct uk_error *drop_same_apart(struct finder *finder)
{
	size_t kept = 0;
	if (!uk_vec_reserve(&finder->candidates, finder->list->all.len))
		return uk_error_nomem();
	uk_vec_for_each(touched, &finder->list->all) {
		if (is_apart_in_both(touched))
			finder->candidates.data[finder->candidates.len++] = *touched;
		else
			finder->list->all.data[kept++] = *touched;
	}
	finder->list->all.len = kept;
	if (!finder->candidates.len)
		return NULL;
	return keep_candidates(finder, filter_candidates(finder));
}

struct uk_error *uk_touched_find(const struct uk_view *orig, const struct uk_view *patched,
				 const struct uk_touched_trial *trial, struct uk_touched_list **ret)
{
	uk_cleanup(finder_deinit) struct finder finder = {
		.orig = orig,
		.patched = patched,
		.trial = trial,
	};
	const struct uk_include_source source = {
		.read = read_both,
		.is_certain = in_both,
		.ctx = &finder,
	};
	finder.list = calloc(1, sizeof(*finder.list));
	if (!finder.list)
		return uk_error_nomem();
	struct uk_error *err = uk_include_graph_create(&source, &finder.graph);
	if (!err)
		err = find_changes(&finder);
	if (!err)
		err = judge_units(&finder);
	if (!err)
		err = check_roles(&finder);
	if (!err && finder.candidates.len)
		err = spread_taint(&finder);
	if (!err && finder.candidates.len)
		err = judge_candidates(&finder);
	if (!err)
		err = take_candidates(&finder);
	if (!err)
		err = drop_same_apart(&finder);
	if (err)
		return err;
	if (finder.list->all.len)
		qsort(finder.list->all.data, finder.list->all.len, sizeof(*finder.list->all.data),
		      compare_touched);
	*ret = uk_take(finder.list);
	return NULL;
}
