// SPDX-License-Identifier: GPL-2.0-or-later
/* The steps of a comparison, one after the other. */
#include "diff/diff.h"

#include "base/strbuf.h"
#include "diff/carry.h"
#include "diff/compare.h"
#include "diff/correlate.h"
#include "diff/data.h"
#include "diff/job.h"
#include "diff/plain.h"
#include "diff/select.h"
#include "diff/written.h"

#include <string.h>

static void function_clear(struct uk_update_function *function)
{
	free(function->name);
	free(function->section);
}

static void write_clear(struct uk_update_write *write)
{
	free(write->symbol);
	free(write->old_bytes);
	free(write->new_bytes);
}

void uk_diff_result_destroy(struct uk_diff_result *result)
{
	if (!result)
		return;
	uk_vec_for_each(function, &result->functions)
		function_clear(function);
	uk_vec_deinit(&result->functions);
	uk_vec_for_each(datum, &result->data)
		free(datum->name);
	uk_vec_deinit(&result->data);
	uk_vec_for_each(write, &result->writes)
		write_clear(write);
	uk_vec_deinit(&result->writes);
	uk_vec_for_each(pointer, &result->pointers) {
		free(pointer->symbol);
		free(pointer->section);
	}
	uk_vec_deinit(&result->pointers);
	uk_vec_for_each(finding, &result->findings) {
		free(finding->name);
		free(finding->place);
		free(finding->text);
	}
	uk_vec_deinit(&result->findings);
	uk_vec_for_each(name, &result->gone)
		free(*name);
	uk_vec_deinit(&result->gone);
	uk_object_destroy(result->carried);
	free(result);
}

bool uk_diff_result_is_empty(const struct uk_diff_result *result)
{
	return !result->functions.len && !result->data.len && !result->writes.len &&
	       !result->pointers.len && !result->findings.len && !result->carried;
}

/* What changes and can be neither redirected nor reported as without effect. */
static struct uk_error *check_functions(const struct uk_diff_job *job)
{
	uk_vec_for_each(item, &job->patched->entities) {
		const struct uk_entity *entity = *item;
		if (!entity->changed || !uk_entity_is_function(entity) ||
		    uk_section_kind_is_transient(entity->kind))
			continue;
		if (entity->kind == UK_SECTION_TRAMPOLINE)
			return uk_job_refuse(job, entity, NULL,
					     "the function that this static call begins with "
					     "changes; it may have been set to another one since");
		if (!entity->symbol)
			return uk_job_refuse(job, entity, NULL,
					     "this code changes and has no symbol of its own");
	}
	return NULL;
}

/* A global datum that moved between writable, read-only and per CPU would exist twice. */
static struct uk_error *check_moves(const struct uk_diff_job *job)
{
	uk_vec_for_each(item, &job->patched->entities) {
		const struct uk_entity *entity = *item;
		if (!entity->rival || !uk_entity_is_global(entity) || entity->twin)
			continue;
		return uk_job_refuse(job, entity, NULL,
				     "it moves from section %s to %s, and code in other objects "
				     "goes on using the running kernel's",
				     entity->rival->section->name, entity->section->name);
	}
	return NULL;
}

static struct uk_error *push_function(struct uk_diff_job *job, struct uk_update_function function)
{
	if (uk_vec_push(&job->result->functions, function))
		return NULL;
	function_clear(&function);
	return uk_error_nomem();
}

static struct uk_error *list_carried(struct uk_diff_job *job, const struct uk_entity *entity)
{
	struct uk_update_function function = {
		.change = entity->twin ? UK_CHANGE_CHANGED : UK_CHANGE_NEW,
		.object = job->input->number,
		.new_size = entity->size,
		.offset = entity->offset - entity->chunk->start,
		.redirect = entity->twin && !uk_entity_is_cold(entity),
	};
	const char *name = entity->name;
	if (entity->twin) {
		struct uk_entity *plain;
		struct uk_error *err = uk_plain_find(job, entity->twin, &plain);
		if (err)
			return err;
		function.old_size = plain->size;
		name = plain->name;
	}
	struct uk_error *err = uk_strdup(name, &function.name);
	if (!err)
		err = uk_strdup(entity->chunk->out->name, &function.section);
	if (!err)
		return push_function(job, function);
	function_clear(&function);
	return err;
}

static struct uk_error *list_removed(struct uk_diff_job *job, const struct uk_entity *entity)
{
	struct uk_update_function function = {
		.change = UK_CHANGE_REMOVED,
		.object = job->input->number,
		.old_size = entity->size,
	};
	struct uk_error *err = uk_strdup(entity->name, &function.name);
	return err ? err : push_function(job, function);
}

static int function_order(const void *a, const void *b)
{
	const struct uk_update_function *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order ? order : (int)x->change - (int)y->change;
}

static bool is_listed_function(const struct uk_entity *entity)
{
	return entity->kind == UK_SECTION_TEXT && entity->symbol;
}

static struct uk_error *list_functions(struct uk_diff_job *job)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(item, &job->patched->entities)
		if (!err && (*item)->chunk && is_listed_function(*item) &&
		    (!(*item)->twin || (*item)->changed))
			err = list_carried(job, *item);
	uk_vec_for_each(item, &job->orig->entities)
		if (!err && !(*item)->twin && is_listed_function(*item))
			err = list_removed(job, *item);
	if (job->result->functions.len)
		qsort(job->result->functions.data, job->result->functions.len,
		      sizeof(*job->result->functions.data), function_order);
	return err;
}

static struct uk_error *list_data(struct uk_diff_job *job)
{
	uk_vec_for_each(item, &job->patched->entities) {
		if (!(*item)->chunk || uk_entity_is_function(*item) || (*item)->pattern)
			continue;
		struct uk_error *err = uk_job_add_datum(
			job, (*item)->twin ? UK_DATUM_CARRIED : UK_DATUM_NEW, *item);
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *list_gone(struct uk_diff_job *job)
{
	uk_vec_for_each(item, &job->orig->entities) {
		const struct uk_entity *entity = *item;
		if (entity->twin || !uk_entity_is_global(entity) ||
		    uk_section_kind_is_transient(entity->kind))
			continue;
		uk_auto_free char *name = NULL;
		struct uk_error *err = uk_strdup(entity->name, &name);
		if (!err && !uk_vec_push(&job->result->gone, name))
			err = uk_error_nomem();
		if (err)
			return err;
		name = NULL;
	}
	return NULL;
}

static bool is_new_in(const struct uk_diff_moves *moves, const char *name)
{
	const struct uk_symbol *symbol =
		moves->carried ? uk_object_symbol(moves->carried, name) : NULL;
	return symbol && symbol->place == UK_SYMBOL_DEFINED && symbol->bind != STB_LOCAL;
}

struct uk_error *uk_diff_check_moves(const struct uk_diff_moves *moves, size_t nr)
{
	for (size_t from = 0; from < nr; from++)
		for (size_t i = 0; i < moves[from].nr_gone; i++)
			for (size_t to = 0; to < nr; to++)
				if (is_new_in(&moves[to], moves[from].gone[i]))
					return uk_error_create(
						UK_ERR_REFUSED,
						"%s moves from %s to %s: code that does not change "
						"would go on using the old one; leave it where it "
						"is",
						moves[from].gone[i], moves[from].path,
						moves[to].path);
	return NULL;
}

static struct uk_error *compare(struct uk_diff_job *job)
{
	struct uk_error *err = uk_correlate(job->orig, job->patched);
	if (err)
		return err;
	uk_split_descriptors(job->orig);
	err = uk_compare_functions(job->orig, job->patched);
	if (!err)
		err = uk_decide_data(job);
	if (!err)
		err = check_functions(job);
	return err ? err : check_moves(job);
}

static struct uk_error *carry(struct uk_diff_job *job)
{
	struct uk_selection selection = {};
	struct uk_error *err = uk_select(job, &selection);
	if (!err && selection.chunks.len)
		err = uk_carry(job, &selection, &job->result->carried);
	if (!err)
		err = list_functions(job);
	if (!err)
		err = list_data(job);
	if (!err)
		err = uk_list_pointers(job);
	if (!err)
		err = list_gone(job);
	uk_selection_deinit(&selection);
	return err;
}

static struct uk_error *load(struct uk_diff_job *job)
{
	const struct uk_diff_input *input = job->input;
	struct uk_error *err = uk_model_create(input->orig, input->path, "orig", &job->orig);
	if (!err)
		err = uk_model_create(input->patched, input->path, "patched", &job->patched);
	if (!err)
		err = uk_model_create(input->plain, input->path, "plain", &job->plain);
	return err;
}

struct uk_error *uk_diff_object(const struct uk_diff_input *input, struct uk_diff_result **ret)
{
	uk_auto_diff_result struct uk_diff_result *result = calloc(1, sizeof(*result));
	if (!result)
		return uk_error_nomem();
	struct uk_diff_job job = { .input = input, .result = result };
	struct uk_error *err = load(&job);
	if (!err)
		err = compare(&job);
	if (!err)
		err = carry(&job);
	uk_model_destroy(job.orig);
	uk_model_destroy(job.patched);
	uk_model_destroy(job.plain);
	if (err)
		return err;
	*ret = uk_take(result);
	return NULL;
}
