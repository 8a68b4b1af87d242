// SPDX-License-Identifier: GPL-2.0-or-later
/* What is applied: the core's word, the loaded part modules, the kept bundles. */
#include "live/status.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "live/kept.h"
#include "live/module.h"
#include "live/paths.h"
#include "live/sysfs.h"

#include <string.h>

#define PART_PREFIX "upkeep_"

void uk_live_function_deinit(struct uk_live_function *function)
{
	free(function->object);
	free(function->name);
}

void uk_live_update_deinit(struct uk_live_update *update)
{
	free(update->id);
	free(update->description);
	uk_vec_for_each(cve, &update->cves)
		free(*cve);
	uk_vec_deinit(&update->cves);
	uk_vec_for_each(module, &update->modules)
		free(*module);
	uk_vec_deinit(&update->modules);
	uk_vec_for_each(function, &update->functions)
		uk_live_function_deinit(function);
	uk_vec_deinit(&update->functions);
	uk_vec_for_each(write, &update->writes)
		free(write->module);
	uk_vec_deinit(&update->writes);
}

void uk_live_status_destroy(struct uk_live_status *status)
{
	if (!status)
		return;
	uk_vec_for_each(update, &status->updates)
		uk_live_update_deinit(update);
	uk_vec_deinit(&status->updates);
	free(status->core_version);
	free(status);
}

static struct uk_live_update *find_update(const struct uk_live_status *status, const char *id)
{
	uk_vec_for_each(update, &status->updates) {
		if (!strcmp(update->id, id))
			return update;
	}
	return NULL;
}

const struct uk_live_update *uk_live_status_get(const struct uk_live_status *status, const char *id)
{
	return find_update(status, id);
}

/* The id in "upkeep_<id>_<n>". False: it is not the name of a part module. */
static bool part_id(const char *module, char ret[17])
{
	const char *id = module + strlen(PART_PREFIX);
	if (!uk_str_starts(module, PART_PREFIX) || strlen(id) < 18 || id[16] != '_' ||
	    strspn(id + 17, "0123456789") != strlen(id + 17))
		return false;
	memcpy(ret, id, 16);
	ret[16] = '\0';
	return uk_update_id_ok(ret);
}

static struct uk_error *add_unapplied(const struct uk_live_paths *paths, const char *id,
				      struct uk_live_status *status)
{
	struct uk_live_update update = { .state = UK_LIVE_UNDONE };
	if (uk_kept_stage(paths, id) == UK_KEPT_PENDING)
		update.state = UK_LIVE_LEFTOVER;
	struct uk_error *err = uk_strdup(id, &update.id);
	if (!err && uk_vec_push(&status->updates, update))
		return NULL;
	free(update.id);
	return err ? err : uk_error_nomem();
}

static struct uk_error *add_part(const struct uk_live_paths *paths, const char *module,
				 struct uk_live_status *status)
{
	char id[17];
	char *copy;
	if (!part_id(module, id))
		return NULL;
	struct uk_live_update *update = find_update(status, id);
	if (update && update->state == UK_LIVE_APPLIED)
		return NULL; /* the core has named its modules */
	struct uk_error *err = update ? NULL : add_unapplied(paths, id, status);
	if (!err)
		err = uk_strdup(module, &copy);
	if (err)
		return err;
	update = find_update(status, id);
	if (uk_vec_push(&update->modules, copy))
		return NULL;
	free(copy);
	return uk_error_nomem();
}

static struct uk_error *add_parts(const struct uk_live_paths *paths, struct uk_live_status *status)
{
	char **modules;
	size_t nr;
	struct uk_error *err = uk_modules_list(paths, PART_PREFIX, &modules, &nr);
	if (err)
		return err;
	for (size_t i = 0; !err && i < nr; i++)
		err = add_part(paths, modules[i], status);
	uk_strv_destroy(modules, nr);
	return err;
}

static struct uk_error *copy_words(const struct uk_update *from, struct uk_live_update *update)
{
	struct uk_error *err = NULL;
	if (from->description)
		err = uk_strdup(from->description, &update->description);
	for (size_t i = 0; !err && i < from->cves.len; i++) {
		char *copy;
		err = uk_strdup(from->cves.data[i], &copy);
		if (!err && !uk_vec_push(&update->cves, copy)) {
			free(copy);
			err = uk_error_nomem();
		}
	}
	return err;
}

/* A copy that is missing or damaged takes the description with it, nothing else. */
static struct uk_error *describe(const struct uk_live_paths *paths, struct uk_live_update *update)
{
	uk_auto_bundle struct uk_bundle *bundle = NULL;
	struct uk_error *err = uk_kept_open(paths, update->id, &bundle);
	if (err) {
		uk_error_destroy(err);
		return NULL;
	}
	return copy_words(uk_bundle_update(bundle), update);
}

struct uk_error *uk_live_status_read(const struct uk_live_paths *paths, struct uk_live_status **ret)
{
	paths = uk_live_paths_get(paths);
	uk_auto_live_status struct uk_live_status *status = calloc(1, sizeof(*status));
	if (!status)
		return uk_error_nomem();
	struct uk_error *err = uk_sysfs_read(paths, status);
	if (!err)
		err = add_parts(paths, status);
	for (size_t i = 0; !err && i < status->updates.len; i++)
		err = describe(paths, &status->updates.data[i]);
	if (err)
		return uk_error_wrap(err, "status");
	*ret = uk_take(status);
	return NULL;
}

struct uk_error *uk_live_status_find(const struct uk_live_status *status, const char *id,
				     const struct uk_live_update **ret)
{
	const struct uk_live_update *found = NULL;
	size_t len = strlen(id);
	uk_vec_for_each(update, &status->updates) {
		if (!len || strncmp(update->id, id, len))
			continue;
		if (found)
			return uk_error_create(UK_ERR_USAGE,
					       "'%s' begins the ids of %s and %s; give more of it",
					       id, found->id, update->id);
		found = update;
	}
	if (!found)
		return uk_error_create(UK_ERR_NOTHING,
				       "no update '%s' is applied or loaded (upkeep status lists "
				       "them)",
				       id);
	*ret = found;
	return NULL;
}
