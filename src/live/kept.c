// SPDX-License-Identifier: GPL-2.0-or-later
/* Copies of bundles. */
#include "live/kept.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "live/paths.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const suffixes[] = {
	[UK_KEPT_PENDING] = "pending",
	[UK_KEPT_APPLIED] = "upk",
	[UK_KEPT_UNDONE] = "undone",
};

static struct uk_error *make_path(const struct uk_live_paths *paths, const char *id,
				  enum uk_kept_stage stage, char **ret)
{
	return uk_asprintf(ret, "%s/%s.%s", paths->state, id, suffixes[stage]);
}

/* Later stages first: of two copies, the one that says more about what may be in use. */
static struct uk_error *find(const struct uk_live_paths *paths, const char *id,
			     enum uk_kept_stage *stage_ret, char **path_ret)
{
	static const enum uk_kept_stage order[] = { UK_KEPT_APPLIED, UK_KEPT_UNDONE,
						    UK_KEPT_PENDING };
	for (size_t i = 0; i < UK_ARRAY_SIZE(order); i++) {
		uk_auto_free char *path = NULL;
		struct uk_error *err = make_path(paths, id, order[i], &path);
		if (err)
			return err;
		if (uk_file_exists(path)) {
			*stage_ret = order[i];
			*path_ret = uk_take(path);
			return NULL;
		}
	}
	*stage_ret = UK_KEPT_NONE;
	return NULL;
}

enum uk_kept_stage uk_kept_stage(const struct uk_live_paths *paths, const char *id)
{
	uk_auto_free char *path = NULL;
	enum uk_kept_stage stage = UK_KEPT_NONE;
	uk_error_destroy(find(paths, id, &stage, &path));
	return stage;
}

static struct uk_error *remove_others(const struct uk_live_paths *paths, const char *id,
				      enum uk_kept_stage but)
{
	for (enum uk_kept_stage stage = UK_KEPT_PENDING; stage <= UK_KEPT_UNDONE; stage++) {
		uk_auto_free char *path = NULL;
		struct uk_error *err = make_path(paths, id, stage, &path);
		if (err)
			return err;
		if (stage != but && unlink(path) < 0 && errno != ENOENT)
			return uk_error_errno(errno, "remove %s", path);
	}
	return NULL;
}

struct uk_error *uk_kept_save(const struct uk_live_paths *paths, const struct uk_bundle *bundle)
{
	uk_auto_free char *path = NULL;
	const char *id = uk_bundle_update(bundle)->id;
	size_t len;
	const void *bytes = uk_bundle_bytes(bundle, &len);
	struct uk_error *err = uk_dir_make(paths->state, 0700);
	if (!err)
		err = make_path(paths, id, UK_KEPT_PENDING, &path);
	if (!err)
		err = uk_file_write(path, bytes, len, 0600);
	if (!err)
		err = remove_others(paths, id, UK_KEPT_PENDING);
	return uk_error_wrap(err, "keep a copy of the update");
}

struct uk_error *uk_kept_move(const struct uk_live_paths *paths, const char *id,
			      enum uk_kept_stage to)
{
	uk_auto_free char *from = NULL, *path = NULL;
	enum uk_kept_stage stage;
	struct uk_error *err = find(paths, id, &stage, &from);
	if (err || stage == UK_KEPT_NONE)
		return err;
	if (stage != to && to != UK_KEPT_NONE) {
		err = make_path(paths, id, to, &path);
		if (!err && rename(from, path) < 0)
			err = uk_error_errno(errno, "rename %s to %s", from, path);
	}
	return err ? err : remove_others(paths, id, to);
}

struct uk_error *uk_kept_open(const struct uk_live_paths *paths, const char *id,
			      struct uk_bundle **ret)
{
	/* It was verified before it was kept; only root can have changed it since. */
	static const struct uk_trust_policy policy = { .trusted_dir = "/nonexistent",
						       .allow_untrusted = true };
	uk_auto_free char *path = NULL;
	enum uk_kept_stage stage;
	struct uk_error *err = find(paths, id, &stage, &path);
	if (err)
		return err;
	if (stage == UK_KEPT_NONE)
		return uk_error_create(UK_ERR_INVALID, "%s holds no copy of update %s",
				       paths->state, id);
	uk_auto_bundle struct uk_bundle *bundle = NULL;
	err = uk_bundle_open(path, &policy, &bundle);
	if (err)
		return err;
	if (strcmp(uk_bundle_update(bundle)->id, id))
		return uk_error_create(UK_ERR_INVALID, "%s: it is update %s", path,
				       uk_bundle_update(bundle)->id);
	*ret = uk_take(bundle);
	return NULL;
}

/* Cuts the suffix off. False: it is not the name of a copy. */
static bool cut_suffix(char *name)
{
	char *dot = strchr(name, '.');
	if (!dot)
		return false;
	*dot = '\0';
	for (enum uk_kept_stage stage = UK_KEPT_PENDING; stage <= UK_KEPT_UNDONE; stage++) {
		if (!strcmp(dot + 1, suffixes[stage]))
			return uk_update_id_ok(name);
	}
	return false;
}

struct uk_error *uk_kept_list(const struct uk_live_paths *paths, char ***ret, size_t *nr_ret)
{
	char **names = NULL;
	size_t nr = 0, kept = 0;
	if (uk_file_exists(paths->state)) {
		struct uk_error *err = uk_dir_list(paths->state, &names, &nr);
		if (err)
			return err;
	}
	for (size_t i = 0; i < nr; i++) {
		if (cut_suffix(names[i]) && (!kept || strcmp(names[kept - 1], names[i])))
			names[kept++] = names[i];
		else
			free(names[i]);
	}
	*ret = names;
	*nr_ret = kept;
	return NULL;
}

struct uk_error *uk_live_bundle_open(const struct uk_live_paths *paths, const char *id,
				     struct uk_bundle **ret)
{
	if (!uk_update_id_ok(id))
		return uk_error_create(UK_ERR_USAGE, "'%s' is not the id of an update", id);
	return uk_kept_open(uk_live_paths_get(paths), id, ret);
}
