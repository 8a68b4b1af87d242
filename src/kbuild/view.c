// SPDX-License-Identifier: GPL-2.0-or-later
/* Views: a tree with patches on top. */
#include "kbuild/view.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "kbuild/regenerate.h"
#include "kbuild/view_private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { SOURCE_LIMIT = 64 << 20 };

static void file_destroy(struct uk_view_file *file)
{
	if (!file)
		return;
	uk_text_destroy(file->text);
	free(file);
}

void uk_view_close(struct uk_view *view)
{
	if (!view)
		return;
	uk_map_for_each(entry, &view->files)
		file_destroy(entry->ptr);
	uk_map_deinit(&view->files);
	uk_overlay_deinit(&view->numbered);
	uk_overlay_deinit(&view->plain);
	uk_units_destroy(view->units);
	free(view->work);
	free(view);
}

struct uk_error *uk_view_plain(const struct uk_tree *tree, struct uk_view **ret)
{
	uk_auto_view struct uk_view *view = calloc(1, sizeof(*view));
	if (!view)
		return uk_error_nomem();
	view->tree = tree;
	snprintf(view->id, sizeof(view->id), "%s", tree->id);
	struct uk_error *err = uk_overlay_none(&view->plain, tree->dir);
	if (!err)
		err = uk_overlay_none(&view->numbered, tree->dir);
	if (err)
		return err;
	*ret = uk_take(view);
	return NULL;
}

const struct uk_tree *uk_view_tree(const struct uk_view *view)
{
	return view->tree;
}

const struct uk_units *uk_view_units(const struct uk_view *view)
{
	for (; view->below; view = view->below) {
		if (view->units)
			return view->units;
	}
	return view->tree->units;
}

const char *uk_view_id(const struct uk_view *view)
{
	return view->id;
}

const struct uk_view_file *uk_view_file(const struct uk_view *view, const char *path)
{
	const struct uk_map_entry *entry = uk_map_find_str(&view->files, path);
	return entry ? entry->ptr : NULL;
}

/* The file in the tree itself; *ret NULL when there is none. */
static struct uk_error *read_tree(const struct uk_view *view, const char *path, char **ret,
				  size_t *len_ret)
{
	uk_auto_free char *full = NULL;
	struct stat st;
	*ret = NULL;
	*len_ret = 0;
	struct uk_error *err = uk_asprintf(&full, "%s/%s", view->tree->dir, path);
	if (err)
		return err;
	if (stat(full, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	return uk_file_read(full, SOURCE_LIMIT, ret, len_ret);
}

struct uk_error *uk_view_read(const struct uk_view *view, const char *path, char **ret,
			      size_t *len_ret)
{
	const struct uk_view_file *file = uk_view_file(view, path);
	if (!file)
		return read_tree(view, path, ret, len_ret);
	*ret = NULL;
	*len_ret = 0;
	return file->text ? uk_text_plain(file->text, ret, len_ret) : NULL;
}

struct uk_error *uk_view_set(struct uk_view *view, const char *path, struct uk_text *text,
			     bool generated)
{
	struct uk_view_file *file = calloc(1, sizeof(*file));
	struct uk_map_entry *entry = file ? uk_map_insert_str(&view->files, path, NULL) : NULL;
	if (!entry) {
		free(file);
		uk_text_destroy(text);
		return uk_error_nomem();
	}
	file->text = text;
	file->generated = generated;
	file_destroy(entry->ptr);
	entry->ptr = file;
	return NULL;
}

/* The text that a patch finds; *ret NULL when there is no such file. */
static struct uk_error *text_of(const struct uk_view *view, const char *path, struct uk_text **ret)
{
	const struct uk_view_file *file = uk_view_file(view, path);
	*ret = NULL;
	if (file)
		return file->text ? uk_text_copy(file->text, ret) : NULL;
	uk_auto_free char *data = NULL;
	size_t len;
	struct uk_error *err = read_tree(view, path, &data, &len);
	return err || !data ? err : uk_text_parse(data, len, path, ret);
}

static struct uk_error *apply_file(struct uk_view *view, const struct uk_patch_file *file)
{
	uk_auto_text struct uk_text *text = NULL;
	uk_auto_text struct uk_text *there = NULL;
	struct uk_error *err = text_of(
		view, file->change == UK_PATCH_CREATED ? file->path : file->old_path, &text);
	if (!err && file->change == UK_PATCH_CREATED) {
		if (text)
			return uk_error_create(UK_ERR_REFUSED, "%s: is there already", file->path);
		err = uk_text_parse("", 0, file->path, &text);
	} else if (!err && !text) {
		return uk_error_create(UK_ERR_REFUSED, "%s: there is no such file", file->old_path);
	}
	if (!err)
		err = uk_text_apply(text, file);
	if (!err && file->change == UK_PATCH_RENAMED)
		err = text_of(view, file->path, &there);
	if (!err && there)
		err = uk_error_create(UK_ERR_REFUSED, "%s: is there already", file->path);
	if (!err && file->change == UK_PATCH_DELETED && text->lines.len)
		err = uk_error_create(UK_ERR_REFUSED, "%s: is deleted, but %zu lines would be left",
				      file->path, text->lines.len);
	if (err)
		return err;
	if (file->change == UK_PATCH_DELETED || file->change == UK_PATCH_RENAMED)
		err = uk_view_set(view, file->old_path, NULL, false);
	if (!err && file->change != UK_PATCH_DELETED)
		err = uk_view_set(view, file->path, uk_take(text), false);
	return err;
}

static struct uk_error *apply(struct uk_view *view, const struct uk_patch *patch)
{
	uk_vec_for_each(file, &patch->files) {
		struct uk_error *err = apply_file(view, file);
		if (err)
			return uk_error_wrap(err, "%s", patch->name);
	}
	return NULL;
}

/* What the view below has in place of the tree's files, this one has too. */
static struct uk_error *inherit(struct uk_view *view)
{
	uk_map_for_each(entry, &view->below->files) {
		const struct uk_view_file *file = entry->ptr;
		struct uk_text *text = NULL;
		struct uk_error *err = file->text ? uk_text_copy(file->text, &text) : NULL;
		if (!err)
			err = uk_view_set(view, entry->key, text, file->generated);
		if (err)
			return err;
	}
	return NULL;
}

/* Numbers are for what the C compiler reads. */
static bool takes_numbers(const char *path)
{
	return uk_str_ends(path, ".c") || uk_str_ends(path, ".h");
}

static struct uk_error *write_file(const char *dir, const char *path,
				   const struct uk_view_file *file, bool numbered)
{
	uk_auto_free char *full = NULL, *parent = NULL, *data = NULL;
	size_t len;
	struct uk_error *err = uk_asprintf(&full, "%s/%s", dir, path);
	if (!err)
		err = uk_strdup(full, &parent);
	if (err)
		return err;
	*strrchr(parent, '/') = '\0';
	err = uk_dir_make(parent, 0755);
	if (err || !file->text)
		return err ? err : uk_overlay_whiteout(full);
	if (numbered && !file->generated && takes_numbers(path))
		err = uk_text_numbered(file->text, &data, &len);
	else
		err = uk_text_plain(file->text, &data, &len);
	return err ? err : uk_file_write(full, data, len, 0644);
}

/* A file that is gone and was not in the tree needs no trace. */
static bool needs_no_trace(const struct uk_view *view, const char *path,
			   const struct uk_view_file *file)
{
	uk_auto_free char *full = NULL;
	return !file->text && asprintf(&full, "%s/%s", view->tree->dir, path) >= 0 &&
	       !uk_file_exists(full);
}

struct uk_error *uk_view_write(const struct uk_view *view, const char *name, bool numbered,
			       char **dir_ret)
{
	uk_auto_free char *dir = NULL;
	struct uk_error *err = uk_asprintf(&dir, "%s/%s", view->work, name);
	if (!err)
		err = uk_tree_remove(dir);
	if (!err)
		err = uk_dir_make(dir, 0755);
	uk_map_for_each(entry, &view->files) {
		if (!err && !needs_no_trace(view, entry->key, entry->ptr))
			err = write_file(dir, entry->key, entry->ptr, numbered);
	}
	if (!err)
		*dir_ret = uk_take(dir);
	return err;
}

static struct uk_error *lay(const struct uk_view *view, const char *name, bool numbered,
			    struct uk_overlay *ret)
{
	uk_auto_free char *upper = NULL, *copy = NULL;
	struct uk_error *err = uk_view_write(view, name, numbered, &upper);
	if (!err)
		err = uk_asprintf(&copy, "%s/%s-copy", view->work, name);
	return err ? err : uk_overlay_init(ret, view->tree->dir, upper, NULL, copy);
}

static int compare_keys(const void *a, const void *b)
{
	const struct uk_map_entry *const *x = a, *const *y = b;
	return strcmp((*x)->key, (*y)->key);
}

/* Of what the files are, in an order of its own; their numbers count. */
static struct uk_error *hash_files(struct uk_view *view)
{
	size_t nr = view->files.len;
	uk_auto_free const struct uk_map_entry **sorted = calloc(nr + 1, sizeof(*sorted));
	if (!sorted)
		return uk_error_nomem();
	for (size_t i = 0; i < nr; i++)
		sorted[i] = view->files.entries + i;
	qsort(sorted, nr, sizeof(*sorted), compare_keys);
	struct uk_hash hash;
	uk_hash_init(&hash);
	uk_hash_addstr(&hash, view->tree->id);
	for (size_t i = 0; i < nr; i++) {
		const struct uk_view_file *file = sorted[i]->ptr;
		uk_auto_free char *data = NULL;
		size_t len = 0;
		struct uk_error *err =
			file->text ? uk_text_numbered(file->text, &data, &len) : NULL;
		if (err)
			return err;
		uk_hash_addstr(&hash, sorted[i]->key);
		uk_hash_add(&hash, &len, sizeof(len));
		uk_hash_add(&hash, data ? data : "", len);
	}
	uk_hash_hex(&hash, view->id);
	return NULL;
}

struct uk_error *uk_view_patched(const struct uk_view *below, const struct uk_patch *patch,
				 const char *work, struct uk_view **ret)
{
	uk_auto_view struct uk_view *view = calloc(1, sizeof(*view));
	if (!view)
		return uk_error_nomem();
	view->tree = below->tree;
	view->below = below;
	struct uk_error *err = uk_dir_make(work, 0700);
	if (err)
		return err;
	view->work = realpath(work, NULL);
	if (!view->work)
		return uk_error_errno(errno, "%s", work);
	err = inherit(view);
	if (!err)
		err = apply(view, patch);
	if (!err)
		err = uk_view_regenerate(view, patch);
	if (!err)
		err = hash_files(view);
	if (!err)
		err = lay(view, "plain", false, &view->plain);
	if (!err)
		err = lay(view, "numbered", true, &view->numbered);
	if (err)
		return err;
	*ret = uk_take(view);
	return NULL;
}
