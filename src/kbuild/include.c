// SPDX-License-Identifier: GPL-2.0-or-later
/* The graph of #include, and what a unit reaches in it. */
#include "kbuild/include.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "kbuild/path.h"
#include "kbuild/token.h"

#include <string.h>

struct directive {
	char *name;  /* as it stands between the quotes */
	bool quoted; /* "name": looked for beside the file first */
};

struct file {
	char *path;
	bool scanned, exists, certain;
	UK_VEC(struct directive) directives;
	uint32_t mark; /* of the closure that reached it last */
};

struct words {
	UK_VEC(char *) all;
};

/* One search path and what it finds: units with the same -I share it. */
struct search {
	struct words dirs;
	struct words forced;	/* -include */
	struct uk_map children; /* file -> struct children * */
	struct uk_map by_name;	/* name that is included -> struct children * */
};

struct children {
	UK_VEC(uint32_t) files;
};

struct uk_include_graph {
	struct uk_include_source source;
	UK_VEC(struct file) files;
	struct uk_map by_path;	/* path -> index */
	struct uk_map searches; /* options -> struct search * */
	UK_VEC(uint32_t) reached;
	uint32_t mark;
};

static void children_destroy(struct uk_map *map)
{
	uk_map_for_each(entry, map) {
		struct children *children = entry->ptr;
		if (children)
			uk_vec_deinit(&children->files);
		free(children);
	}
	uk_map_deinit(map);
}

static void search_destroy(struct search *search)
{
	if (!search)
		return;
	uk_strv_destroy(search->dirs.all.data, search->dirs.all.len);
	uk_strv_destroy(search->forced.all.data, search->forced.all.len);
	children_destroy(&search->children);
	children_destroy(&search->by_name);
	free(search);
}

void uk_include_graph_destroy(struct uk_include_graph *graph)
{
	if (!graph)
		return;
	uk_vec_for_each(file, &graph->files) {
		uk_vec_for_each(directive, &file->directives)
			free(directive->name);
		uk_vec_deinit(&file->directives);
		free(file->path);
	}
	uk_vec_deinit(&graph->files);
	uk_map_for_each(entry, &graph->searches)
		search_destroy(entry->ptr);
	uk_map_deinit(&graph->searches);
	uk_map_deinit(&graph->by_path);
	uk_vec_deinit(&graph->reached);
	free(graph);
}

struct uk_error *uk_include_graph_create(const struct uk_include_source *source,
					 struct uk_include_graph **ret)
{
	struct uk_include_graph *graph = calloc(1, sizeof(*graph));
	if (!graph)
		return uk_error_nomem();
	graph->source = *source;
	*ret = graph;
	return NULL;
}

const char *uk_include_path(const struct uk_include_graph *graph, uint32_t file)
{
	return graph->files.data[file].path;
}

size_t uk_include_count(const struct uk_include_graph *graph)
{
	return graph->files.len;
}

int64_t uk_include_find(const struct uk_include_graph *graph, const char *path)
{
	const struct uk_map_entry *entry = uk_map_find_str(&graph->by_path, path);
	return entry ? (int64_t)entry->num : -1;
}

struct uk_error *uk_include_each_name(const struct uk_include_graph *graph,
				      struct uk_error *(*take)(void *ctx, const char *name),
				      void *ctx)
{
	uk_vec_for_each(file, &graph->files) {
		uk_vec_for_each(directive, &file->directives) {
			struct uk_error *err = take(ctx, directive->name);
			if (err)
				return err;
		}
	}
	return NULL;
}

static struct uk_error *add_directive(struct file *file, const char *text, size_t len, bool quoted)
{
	struct directive directive = { .name = strndup(text, len), .quoted = quoted };
	if (directive.name && uk_vec_push(&file->directives, directive))
		return NULL;
	free(directive.name);
	return uk_error_nomem();
}

/* <name> or "name" behind @at, which ends with its line. */
static struct uk_error *scan_name(struct file *file, const char *at)
{
	at += strspn(at, " \t");
	char close = *at == '<' ? '>' : *at == '"' ? '"' : '\0';
	const char *end = close ? strchr(at + 1, close) : NULL;
	const char *newline = strchr(at, '\n');
	if (!end || (newline && newline < end) || end == at + 1)
		return NULL;
	return add_directive(file, at + 1, (size_t)(end - at - 1), close == '"');
}

/* Whether the name between the quotes could be a header's: for macros that stand for one. */
static bool value_is_header(const char *at)
{
	at += strspn(at, " \t");
	size_t len = strcspn(at, "\n");
	const char *dot = memchr(at, '.', len);
	return (*at == '<' || *at == '"') && dot;
}

static struct uk_error *scan_line(struct file *file, const char *line)
{
	line += strspn(line, " \t");
	if (*line != '#')
		return NULL;
	line++;
	line += strspn(line, " \t");
	if (uk_str_starts(line, "include_next"))
		return scan_name(file, line + strlen("include_next"));
	if (uk_str_starts(line, "include"))
		return scan_name(file, line + strlen("include"));
	if (!uk_str_starts(line, "define"))
		return NULL;
	line += strlen("define");
	line += strspn(line, " \t");
	line += strcspn(line, " \t\n");
	return value_is_header(line) ? scan_name(file, line) : NULL;
}

static struct uk_error *scan_file(struct uk_include_graph *graph, uint32_t number)
{
	struct file *file = &graph->files.data[number];
	uk_auto_free char *text = NULL;
	size_t len;
	if (file->scanned)
		return NULL;
	file->scanned = true;
	struct uk_error *err = graph->source.read(graph->source.ctx, file->path, &text, &len);
	file->exists = text != NULL;
	file->certain = file->exists && (!graph->source.is_certain ||
					 graph->source.is_certain(graph->source.ctx, file->path));
	for (char *line = text; !err && line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		err = scan_line(file, line);
	}
	return err;
}

static struct uk_error *file_number(struct uk_include_graph *graph, const char *path, uint32_t *ret)
{
	bool added;
	struct uk_map_entry *entry = uk_map_insert_str(&graph->by_path, path, &added);
	if (!entry)
		return uk_error_nomem();
	if (added) {
		struct file file = { .path = strdup(path) };
		if (!file.path || !uk_vec_push(&graph->files, file))
			return uk_error_nomem();
		entry->num = graph->files.len - 1;
	}
	*ret = (uint32_t)entry->num;
	return scan_file(graph, *ret);
}

/* DIR/NAME, if it lies in the tree and there is such a file: adds it. */
static struct uk_error *try_path(struct uk_include_graph *graph, const char *dir, const char *name,
				 struct children *children, bool *found)
{
	uk_auto_free char *joined = NULL, *path = NULL;
	uint32_t number;
	struct uk_error *err = uk_asprintf(&joined, "%s/%s", dir, name);
	if (err)
		return err;
	err = uk_path_normalise(joined, &path);
	if (err) {
		uk_error_destroy(err); /* outside of the tree: the compiler's own headers */
		return NULL;
	}
	err = file_number(graph, path, &number);
	if (err || !graph->files.data[number].exists)
		return err;
	*found = graph->files.data[number].certain;
	return uk_vec_push(&children->files, number) ? NULL : uk_error_nomem();
}

/* The list of a key, made empty when it is new. */
static struct children *children_get(struct uk_map *map, const void *key, size_t len, bool *added)
{
	struct uk_map_entry *entry = uk_map_insert(map, key, len, added);
	if (entry && *added)
		entry->ptr = calloc(1, sizeof(struct children));
	return entry ? entry->ptr : NULL;
}

/* What a name means on the search path, wherever it is included. */
static struct uk_error *search_name(struct uk_include_graph *graph, struct search *search,
				    const char *name, const struct children **ret)
{
	bool added, found = false;
	struct children *children = children_get(&search->by_name, name, strlen(name), &added);
	if (!children)
		return uk_error_nomem();
	struct uk_error *err = NULL;
	for (size_t i = 0; added && !err && !found && i < search->dirs.all.len; i++)
		err = try_path(graph, search->dirs.all.data[i], name, children, &found);
	*ret = children;
	return err;
}

static struct uk_error *resolve(struct uk_include_graph *graph, struct search *search,
				uint32_t from, size_t index, struct children *children)
{
	/* Files move when one is added: nothing is kept across try_path(). */
	uk_auto_free char *name = strdup(graph->files.data[from].directives.data[index].name);
	uk_auto_free char *dir = strdup(graph->files.data[from].path);
	const struct children *named = NULL;
	bool found = false;
	struct uk_error *err = NULL;
	if (!name || !dir)
		return uk_error_nomem();
	char *slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	if (graph->files.data[from].directives.data[index].quoted)
		err = try_path(graph, slash ? dir : ".", name, children, &found);
	if (!err && !found)
		err = search_name(graph, search, name, &named);
	for (size_t i = 0; !err && named && i < named->files.len; i++) {
		if (!uk_vec_push(&children->files, named->files.data[i]))
			err = uk_error_nomem();
	}
	return err;
}

static struct uk_error *children_of(struct uk_include_graph *graph, struct search *search,
				    uint32_t file, const struct children **ret)
{
	bool added;
	struct children *children = children_get(&search->children, &file, sizeof(file), &added);
	if (!children)
		return uk_error_nomem();
	size_t nr = added ? graph->files.data[file].directives.len : 0;
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < nr; i++)
		err = resolve(graph, search, file, i, children);
	*ret = children;
	return err;
}

/* What an option says about the search; *next_ret when its value is the word behind. */
static const char *option_value(const char *word, const char *name, const char *next,
				bool *next_ret)
{
	*next_ret = false;
	if (!uk_str_starts(word, name))
		return NULL;
	word += strlen(name);
	if (*word)
		return word;
	*next_ret = true;
	return next;
}

static bool push_copy(struct words *words, const char *text)
{
	char *copy = strdup(text);
	if (copy && uk_vec_push(&words->all, copy))
		return true;
	free(copy);
	return false;
}

static struct uk_error *parse_options(struct search *search, char *const *words, size_t nr)
{
	static const char *const dirs[] = { "-I", "-isystem", "-iquote", "-idirafter" };
	for (size_t i = 0; i < nr; i++) {
		const char *next = i + 1 < nr ? words[i + 1] : "";
		bool skip;
		const char *value = option_value(words[i], "-include", next, &skip);
		bool ok = !value || push_copy(&search->forced, value);
		for (size_t d = 0; ok && !value && d < UK_ARRAY_SIZE(dirs); d++) {
			value = option_value(words[i], dirs[d], next, &skip);
			ok = !value || push_copy(&search->dirs, value);
		}
		if (!ok)
			return uk_error_nomem();
		i += value && skip;
	}
	return NULL;
}

/* The options that matter, as a key. */
static struct uk_error *search_key(const struct search *search, char **ret)
{
	uk_auto_strbuf struct uk_strbuf key = {};
	uk_vec_for_each(dir, &search->dirs.all)
		uk_strbuf_addf(&key, "I%s\n", *dir);
	uk_vec_for_each(name, &search->forced.all)
		uk_strbuf_addf(&key, "i%s\n", *name);
	return uk_strbuf_finish(&key, ret);
}

static struct uk_error *find_search(struct uk_include_graph *graph, const struct uk_unit *unit,
				    struct search **ret)
{
	char **words;
	size_t nr;
	uk_auto_free char *key = NULL;
	struct uk_error *err = uk_command_split(unit->command, &words, &nr);
	if (err)
		return uk_error_wrap(err, "%s", unit->object);
	struct search *search = calloc(1, sizeof(*search));
	err = search ? parse_options(search, words, nr) : uk_error_nomem();
	uk_strv_destroy(words, nr);
	if (!err)
		err = search_key(search, &key);
	struct uk_map_entry *entry = err ? NULL : uk_map_insert_str(&graph->searches, key, NULL);
	if (!entry) {
		search_destroy(search);
		return err ? err : uk_error_nomem();
	}
	if (entry->ptr)
		search_destroy(search);
	else
		entry->ptr = search;
	*ret = entry->ptr;
	return NULL;
}

static struct uk_error *reach(struct uk_include_graph *graph, uint32_t file)
{
	if (graph->files.data[file].mark == graph->mark)
		return NULL;
	graph->files.data[file].mark = graph->mark;
	return uk_vec_push(&graph->reached, file) ? NULL : uk_error_nomem();
}

static struct uk_error *reach_path(struct uk_include_graph *graph, const char *path)
{
	uk_auto_free char *normal = NULL;
	uint32_t number;
	struct uk_error *err = uk_path_normalise(path, &normal);
	if (err) {
		uk_error_destroy(err);
		return NULL;
	}
	err = file_number(graph, normal, &number);
	return err || !graph->files.data[number].exists ? err : reach(graph, number);
}

struct uk_error *uk_include_closure(struct uk_include_graph *graph, const struct uk_unit *unit,
				    const uint32_t **ret, size_t *nr_ret, bool *complete_ret)
{
	struct search *search = NULL;
	struct uk_error *err = find_search(graph, unit, &search);
	if (err)
		return err;
	graph->mark++;
	graph->reached.len = 0;
	err = reach_path(graph, unit->source);
	*complete_ret = graph->reached.len > 0;
	for (size_t i = 0; !err && search && i < search->forced.all.len; i++)
		err = reach_path(graph, search->forced.all.data[i]);
	for (size_t i = 0; !err && i < graph->reached.len; i++) {
		const struct children *children = NULL;
		err = children_of(graph, search, graph->reached.data[i], &children);
		for (size_t c = 0; !err && children && c < children->files.len; c++)
			err = reach(graph, children->files.data[c]);
	}
	if (err)
		return err;
	*ret = graph->reached.data;
	*nr_ret = graph->reached.len;
	return NULL;
}
