// SPDX-License-Identifier: GPL-2.0-or-later
/* What the applied updates made of the kernel. */
#include "live/stack.h"

#include "live/kept.h"
#include "live/module.h"
#include "live/status.h"

#include <inttypes.h>
#include <string.h>
#include <upkeep/abi.h>

void uk_stack_deinit(struct uk_stack *stack)
{
	uk_vec_for_each(bundle, &stack->bundles)
		uk_bundle_destroy(*bundle);
	uk_vec_deinit(&stack->bundles);
	uk_vec_deinit(&stack->replaced);
	uk_vec_deinit(&stack->written);
}

/* Where the redirect of a function stands: the writes that begin inside it. */
static bool find_jumps(const struct uk_live_update *update, const struct uk_live_function *function,
		       struct uk_match_replaced *ret, bool *gone_ret)
{
	uk_vec_for_each(write, &update->writes) {
		if (!write->text || write->addr < function->old_addr ||
		    write->addr - function->old_addr >= function->old_size)
			continue;
		if (ret->nr_jumps == UK_REDIRECT_JUMPS)
			return false;
		ret->jumps[ret->nr_jumps++] = write->addr;
		*gone_ret = write->gone;
	}
	return ret->nr_jumps;
}

/* The core cuts long names and replaces what could confuse a reader of the file. */
static bool same_name(const char *shown, const char *name)
{
	for (size_t i = 0; i < UPKEEP_NAME_LEN - 1; i++) {
		if (shown[i] != name[i] && shown[i] != '?')
			return false;
		if (!shown[i])
			return true;
	}
	return true;
}

static struct uk_error *unlike(const struct uk_live_update *update, const char *what)
{
	return uk_error_create(UK_ERR_INVALID,
			       "what is applied as update %s is not what its kept copy describes "
			       "(%s); undo it before another one is applied",
			       update->id, what);
}

static struct uk_error *add_replaced(struct uk_stack *stack, const struct uk_live_update *update,
				     const struct uk_live_function *function,
				     const struct uk_update *model,
				     const struct uk_update_function *described)
{
	if (!same_name(function->name, described->name))
		return unlike(update, function->name);
	struct uk_match_replaced replaced = {
		.id = update->id,
		.object = model->objects.data[described->object].path,
		.function = described->name,
		.old_addr = function->old_addr,
		.old_size = function->old_size,
		.new_addr = function->new_addr,
		.new_size = function->new_size,
	};
	bool gone;
	if (!find_jumps(update, function, &replaced, &gone))
		return unlike(update, replaced.nr_jumps ? "too many jumps" : "no redirect");
	if (gone)
		return NULL;
	return uk_vec_push(&stack->replaced, replaced) ? NULL : uk_error_nomem();
}

/* The core has the redirected functions in the order of the model. */
static struct uk_error *add_functions(struct uk_stack *stack, const struct uk_live_update *update,
				      const struct uk_update *model)
{
	size_t at = 0;
	uk_vec_for_each(described, &model->functions) {
		if (!described->redirect)
			continue;
		if (at == update->functions.len)
			return unlike(update, described->name);
		struct uk_error *err = add_replaced(stack, update, &update->functions.data[at++],
						    model, described);
		if (err)
			return err;
	}
	return at == update->functions.len ? NULL : unlike(update, "too many functions");
}

static struct uk_error *add_new(struct uk_stack *stack, const char *id,
				const struct uk_update *model, const struct uk_map *sections,
				const struct uk_update_function *function)
{
	const struct uk_map_entry *base = uk_map_find_str(sections, function->section);
	if (!base)
		return uk_error_create(UK_ERR_INVALID,
				       "the loaded code of update %s has no section %s, where %s "
				       "should be",
				       id, function->section, function->name);
	struct uk_match_replaced replaced = {
		.id = id,
		.object = model->objects.data[function->object].path,
		.function = function->name,
		.new_addr = base->num + function->offset,
		.new_size = function->new_size,
	};
	return uk_vec_push(&stack->replaced, replaced) ? NULL : uk_error_nomem();
}

/* Functions that the update brought: a later one may change them, and finds them by this alone. */
static struct uk_error *add_new_of_part(const struct uk_live_paths *paths, struct uk_stack *stack,
					const char *id, const struct uk_update *model, size_t part)
{
	struct uk_map sections = {};
	bool read = false;
	struct uk_error *err = NULL;
	uk_vec_for_each(function, &model->functions) {
		if (err || function->change != UK_CHANGE_NEW ||
		    model->objects.data[function->object].part != part)
			continue;
		if (!read)
			err = uk_module_sections(paths, model->parts.data[part].module, &sections);
		read = true;
		if (!err)
			err = add_new(stack, id, model, &sections, function);
	}
	uk_map_deinit(&sections);
	return err;
}

static struct uk_error *add_new_functions(const struct uk_live_paths *paths, struct uk_stack *stack,
					  const char *id, const struct uk_update *model)
{
	for (size_t part = 0; part < model->parts.len; part++) {
		enum uk_module_state state;
		struct uk_error *err =
			uk_module_state(paths, model->parts.data[part].module, &state);
		if (!err && state == UK_MODULE_LIVE)
			err = add_new_of_part(paths, stack, id, model, part);
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *add_written(struct uk_stack *stack, const struct uk_live_update *update)
{
	uk_vec_for_each(write, &update->writes) {
		struct uk_match_written written = { update->id, write->addr, write->len, {} };
		memcpy(written.new_bytes, write->new_bytes, sizeof(written.new_bytes));
		if (write->text || write->gone)
			continue;
		if (!uk_vec_push(&stack->written, written))
			return uk_error_nomem();
	}
	return NULL;
}

static struct uk_error *add_update(const struct uk_live_paths *paths, struct uk_stack *stack,
				   const struct uk_live_update *update)
{
	uk_auto_bundle struct uk_bundle *bundle = NULL;
	struct uk_error *err = uk_kept_open(paths, update->id, &bundle);
	if (err)
		return uk_error_wrap(err,
				     "update %s is applied, but what it changed is not known "
				     "(undo it first)",
				     update->id);
	const struct uk_update *model = uk_bundle_update(bundle);
	if (!uk_vec_push(&stack->bundles, bundle))
		return uk_error_nomem();
	bundle = NULL;
	err = add_functions(stack, update, model);
	if (!err)
		err = add_new_functions(paths, stack, update->id, model);
	return err ? err : add_written(stack, update);
}

struct uk_error *uk_stack_load(const struct uk_live_paths *paths,
			       const struct uk_live_status *status, struct uk_stack *ret)
{
	uk_vec_for_each(update, &status->updates) {
		if (update->state != UK_LIVE_APPLIED)
			continue;
		struct uk_error *err = add_update(paths, ret, update);
		if (err)
			return err;
	}
	return NULL;
}

static bool stands_on(const struct uk_update *update, const char *id)
{
	uk_vec_for_each(after, &update->after) {
		if (!strcmp(*after, id))
			return true;
	}
	return false;
}

struct uk_error *uk_stack_check_free(const struct uk_live_paths *paths,
				     const struct uk_live_status *status, const char *id,
				     bool purge)
{
	uk_vec_for_each(update, &status->updates) {
		uk_auto_bundle struct uk_bundle *bundle = NULL;
		if (update->state != UK_LIVE_APPLIED && !purge)
			continue;
		struct uk_error *err = uk_kept_open(paths, update->id, &bundle);
		if (err) {
			uk_error_destroy(err); /* then nobody knows; the core looks at bytes */
			continue;
		}
		if (stands_on(uk_bundle_update(bundle), id))
			return uk_error_create(UK_ERR_BUSY,
					       "update %s was built on top of %s and is %s: %s it "
					       "first",
					       update->id, id,
					       update->state == UK_LIVE_APPLIED ? "applied"
										: "loaded",
					       update->state == UK_LIVE_APPLIED ? "undo" : "purge");
	}
	return NULL;
}
