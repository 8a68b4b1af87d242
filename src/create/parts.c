// SPDX-License-Identifier: GPL-2.0-or-later
/* The modules of the update, and the bundle. */
#include "create/work.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <string.h>

enum { MAX_MODULE_SIZE = 1 << 28 };

struct uk_error *uk_work_add_member(struct uk_work *work, const char *name, char *data, size_t len)
{
	struct uk_member member = { .data = data, .len = len };
	struct uk_error *err = uk_strdup(name, &member.name);
	if (!err && uk_vec_push(&work->members, member))
		return NULL;
	free(member.name);
	free(data);
	return err ? err : uk_error_nomem();
}

static struct uk_error *add_file(struct uk_work *work, const char *path, const char *name)
{
	char *data;
	size_t len;
	struct uk_error *err = uk_file_read(path, MAX_MODULE_SIZE, &data, &len);
	return err ? err : uk_work_add_member(work, name, data, len);
}

static struct uk_error *write_object(struct uk_work *work, const struct uk_object *object,
				     const char *kind, unsigned int number, char **path_ret)
{
	uk_auto_free char *data = NULL, *path = NULL;
	size_t len;
	struct uk_error *err = uk_object_write(object, true, &data, &len);
	if (!err)
		err = uk_asprintf(&path, "%s/%s-%u.o", work->folder, kind, number);
	if (!err)
		err = uk_file_write(path, data, len, 0600);
	if (!err)
		*path_ret = uk_take(path);
	return err;
}

struct paths {
	UK_VEC(char *) all;
};

static void paths_deinit(struct paths *paths)
{
	uk_strv_destroy(paths->all.data, paths->all.len);
}

/* A part that only writes data has no code; its module is there to be held. */
static struct uk_error *write_empty(struct uk_work *work, unsigned int part, char **path_ret)
{
	uk_auto_object struct uk_object *empty = NULL;
	struct uk_error *err = uk_object_create("(no code)", &empty);
	return err ? err : write_object(work, empty, "empty", part, path_ret);
}

static struct uk_error *push_path(struct paths *paths, char *path)
{
	if (uk_vec_push(&paths->all, path))
		return NULL;
	free(path);
	return uk_error_nomem();
}

static struct uk_error *collect_carried(struct uk_work *work, unsigned int part,
					struct paths *paths)
{
	char *path = NULL;
	struct uk_error *err = NULL;
	uk_vec_for_each(pair, &work->pairs) {
		if (!pair->carried || work->update->objects.data[pair->number].part != part)
			continue;
		err = write_object(work, pair->carried, "carried", pair->number, &path);
		if (!err)
			err = push_path(paths, path);
		if (err)
			return err;
	}
	if (paths->all.len)
		return NULL;
	err = write_empty(work, part, &path);
	return err ? err : push_path(paths, path);
}

static struct uk_error *link_part(struct uk_work *work, unsigned int number)
{
	const struct uk_update_part *part = &work->update->parts.data[number];
	uk_cleanup(paths_deinit) struct paths paths = {};
	uk_auto_free char *out = NULL;
	struct uk_error *err = collect_carried(work, number, &paths);
	if (!err)
		err = uk_asprintf(&out, "%s/%s.ko", work->folder, part->module);
	if (!err)
		err = uk_link_module(work->tree, part->module, (const char *const *)paths.all.data,
				     paths.all.len, out, work->sink);
	if (!err)
		err = add_file(work, out, part->member);
	return err ? uk_error_wrap(err, "link the part for %s", part->target) : NULL;
}

struct uk_error *uk_work_link_parts(struct uk_work *work)
{
	for (unsigned int i = 0; i < work->update->parts.len; i++) {
		struct uk_error *err = link_part(work, i);
		if (err)
			return err;
	}
	return NULL;
}

struct uk_error *uk_work_pack(struct uk_work *work)
{
	struct uk_error *err = uk_asprintf(&work->packed, "%s/update.upk", work->folder);
	if (!err)
		err = uk_bundle_pack(work->update, work->members.data, work->members.len, work->key,
				     work->packed);
	return err;
}
