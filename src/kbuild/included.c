// SPDX-License-Identifier: GPL-2.0-or-later
/* The names of included .c files: from the include graph of all units, kept in a file. */
#include "kbuild/included.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "kbuild/include.h"
#include "kbuild/view_private.h"

#include <string.h>

/* Raised when what the file says would come out differently. */
#define INCLUDED_FORMAT "included 1"

enum { MAX_SIZE = 1 << 20 };

void uk_included_deinit(struct uk_included *included)
{
	uk_map_deinit(&included->names);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

bool uk_included_has(const struct uk_included *included, const char *path)
{
	return !included->complete || uk_map_find_str(&included->names, base_of(path));
}

static struct uk_error *read_view(void *ctx, const char *path, char **ret, size_t *len_ret)
{
	return uk_view_read(ctx, path, ret, len_ret);
}

static struct uk_error *add_name(void *ctx, const char *name)
{
	struct uk_map *names = ctx;
	return !uk_str_ends(name, ".c") || uk_map_insert_str(names, base_of(name), NULL)
		       ? NULL
		       : uk_error_nomem();
}

static struct uk_error *follow_units(const struct uk_view *view, struct uk_included *included)
{
	const struct uk_include_source source = { .read = read_view, .ctx = (void *)view };
	const struct uk_units *units = uk_view_units(view);
	uk_auto_include_graph struct uk_include_graph *graph = NULL;
	struct uk_error *err = uk_include_graph_create(&source, &graph);
	included->complete = true;
	for (size_t i = 0; !err && included->complete && i < units->all.len; i++) {
		const uint32_t *files;
		size_t nr;
		uk_progress(uk_view_tree(view)->sink, "following includes", i, units->all.len);
		err = uk_include_closure(graph, &units->all.data[i], &files, &nr,
					 &included->complete);
	}
	return err ? err : uk_include_each_name(graph, add_name, &included->names);
}

/* Its first line names what it was made from. */
static struct uk_error *first_line(const struct uk_view *view, char **ret)
{
	return uk_asprintf(ret, INCLUDED_FORMAT " %s\n", uk_view_tree(view)->id);
}

static struct uk_error *keep(const struct uk_view *view, const char *path,
			     const struct uk_included *included)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	uk_auto_free char *first = NULL;
	struct uk_error *err = first_line(view, &first);
	if (err)
		return err;
	uk_strbuf_addstr(&text, first);
	uk_map_for_each(entry, &included->names)
		uk_strbuf_addf(&text, "%s\n", entry->key);
	return text.failed ? uk_error_nomem() : uk_file_write(path, text.data, text.len, 0600);
}

/* What was kept; names stay empty and *known_ret false when that is of another tree. */
static struct uk_error *recall(const struct uk_view *view, const char *path,
			       struct uk_included *included, bool *known_ret)
{
	uk_auto_free char *text = NULL, *first = NULL;
	size_t len;
	char *save;
	*known_ret = false;
	if (!uk_file_exists(path))
		return NULL;
	struct uk_error *err = uk_file_read(path, MAX_SIZE, &text, &len);
	if (!err)
		err = first_line(view, &first);
	if (err || !uk_str_starts(text, first))
		return err;
	for (char *name = strtok_r(text + strlen(first), "\n", &save); !err && name;
	     name = strtok_r(NULL, "\n", &save))
		err = add_name(&included->names, name);
	included->complete = *known_ret = true;
	return err;
}

struct uk_error *uk_included_load(const struct uk_view *view, struct uk_included *ret)
{
	const char *dir = uk_view_tree(view)->dir;
	uk_auto_free char *path = NULL;
	uk_auto_included struct uk_included included = {};
	bool known = false;
	struct uk_error *err =
		uk_asprintf(&path, "%.*s/included", (int)(strrchr(dir, '/') - dir), dir);
	if (!err)
		err = recall(view, path, &included, &known);
	if (!err && !known)
		err = follow_units(view, &included);
	if (!err && !known && included.complete)
		err = keep(view, path, &included);
	if (err)
		return uk_error_wrap(err, "the included files of %s", dir);
	*ret = included;
	included = (struct uk_included){};
	return NULL;
}
