// SPDX-License-Identifier: GPL-2.0-or-later
/* Parsing unified diffs, strictly; what stands between the diffs is skipped. */
#include "kbuild/patch.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "kbuild/path.h"

#include <stdint.h>
#include <string.h>

enum { LINE_LIMIT = 10000000 };

struct parser {
	const char *name;
	char *at;      /* the rest of the text */
	size_t number; /* of the line that was taken last */
	struct uk_patch *patch;
	/* Of the file whose headers are being read: */
	struct uk_patch_file file;
	const char *git_name; /* where both names of git's first line are this one; or NULL */
	bool open, has_names;
	bool old_epoch, new_epoch; /* its times are those of a file that is not there */
};

static void hunk_deinit(struct uk_patch_hunk *hunk)
{
	uk_vec_for_each(line, &hunk->lines)
		free(line->text);
	uk_vec_deinit(&hunk->lines);
}

static void file_deinit(struct uk_patch_file *file)
{
	uk_vec_for_each(hunk, &file->hunks)
		hunk_deinit(hunk);
	uk_vec_deinit(&file->hunks);
	free(file->old_path);
	free(file->path);
	*file = (struct uk_patch_file){};
}

void uk_patch_destroy(struct uk_patch *patch)
{
	if (!patch)
		return;
	uk_vec_for_each(file, &patch->files)
		file_deinit(file);
	uk_vec_deinit(&patch->files);
	free(patch->name);
	free(patch->text);
	free(patch);
}

static struct uk_error *parser_error(const struct parser *parser, enum uk_error_kind kind,
				     const char *fmt, ...)
{
	va_list args;
	uk_auto_free char *what = NULL;
	va_start(args, fmt);
	if (vasprintf(&what, fmt, args) < 0)
		what = NULL;
	va_end(args);
	return uk_error_create(kind, "%s:%zu: %s", parser->name, parser->number, what ? what : "?");
}

/* The next line, NUL-terminated in place, or NULL at the end. */
static char *next_line(struct parser *parser)
{
	char *line = parser->at;
	if (!line)
		return NULL;
	char *end = strchr(line, '\n');
	if (end) {
		*end = '\0';
		parser->at = end[1] ? end + 1 : NULL;
	} else {
		parser->at = NULL;
	}
	parser->number++;
	return line;
}

static bool next_starts(const struct parser *parser, const char *prefix)
{
	return parser->at && uk_str_starts(parser->at, prefix);
}

/* A path of the tree as it must be spelled; .git is nobody's source. */
static struct uk_error *check_path(const struct parser *parser, const char *path, char **ret)
{
	uk_auto_free char *normal = NULL;
	struct uk_error *err = uk_path_normalise(path, &normal);
	if (err)
		return uk_error_wrap(err, "%s:%zu", parser->name, parser->number);
	if (strcmp(normal, path) || *path == '"' || uk_str_starts(path, ".git/"))
		return parser_error(parser, UK_ERR_INVALID, "path '%s' is not accepted", path);
	*ret = uk_take(normal);
	return NULL;
}

/* The path of a --- or +++ line without its first folder; *ret stays NULL for /dev/null. */
static struct uk_error *parse_name(const struct parser *parser, char *name, char **ret)
{
	name[strcspn(name, "\t\r")] = '\0';
	if (!strcmp(name, "/dev/null"))
		return NULL;
	char *slash = strchr(name, '/');
	if (!slash || slash == name)
		return parser_error(parser, UK_ERR_INVALID,
				    "path '%s' has no leading folder (a/ or b/) to leave out",
				    name);
	free(*ret);
	*ret = NULL;
	return check_path(parser, slash + 1, ret);
}

/* diff -N gives a file that is not there the beginning of time, in some time zone. */
static bool has_epoch(const char *line)
{
	const char *time = strchr(line, '\t');
	return time &&
	       (uk_str_starts(time + 1, "1970-01-01 ") || uk_str_starts(time + 1, "1969-12-31 "));
}

static void settle_change(struct parser *parser)
{
	struct uk_patch_file *file = &parser->file;
	const struct uk_patch_hunk *hunk = file->hunks.len == 1 ? file->hunks.data : NULL;
	if (!hunk || file->change != UK_PATCH_MODIFIED)
		return;
	if (parser->old_epoch && !hunk->old_line && !hunk->old_count)
		file->change = UK_PATCH_CREATED;
	else if (parser->new_epoch && !hunk->new_line && !hunk->new_count)
		file->change = UK_PATCH_DELETED;
}

/* An empty file that comes or goes has no other name than that of git's first line. */
static struct uk_error *settle_names(struct parser *parser)
{
	struct uk_patch_file *file = &parser->file;
	if (file->path || file->old_path || !parser->git_name)
		return NULL;
	struct uk_error *err = check_path(parser, parser->git_name, &file->path);
	if (!err && file->change != UK_PATCH_CREATED)
		err = uk_strdup(file->path, &file->old_path);
	return err;
}

/* The file at hand is complete: it goes into the patch if anything in it changes. */
static struct uk_error *close_file(struct parser *parser)
{
	struct uk_patch_file *file = &parser->file;
	if (!parser->open)
		return NULL;
	parser->open = false;
	if (!file->hunks.len && file->change == UK_PATCH_MODIFIED) {
		file_deinit(file); /* a mode alone */
		return NULL;
	}
	settle_change(parser);
	struct uk_error *err = settle_names(parser);
	if (err)
		return err;
	if (!file->path || (file->change != UK_PATCH_CREATED && !file->old_path))
		return parser_error(parser, UK_ERR_INVALID,
				    "the file before this line has no name");
	if (!uk_vec_push(&parser->patch->files, *file))
		return uk_error_nomem();
	*file = (struct uk_patch_file){};
	return NULL;
}

static struct uk_error *open_file(struct parser *parser)
{
	struct uk_error *err = close_file(parser);
	parser->open = true;
	parser->has_names = false;
	parser->git_name = NULL;
	return err;
}

/* "diff --git a/PATH b/PATH": needed where no --- follows (an empty file, a rename). */
static struct uk_error *parse_git_line(struct parser *parser, char *rest)
{
	struct uk_error *err = open_file(parser);
	size_t len = strlen(rest);
	if (err || len < 7 || len % 2 == 0 || rest[len / 2] != ' ')
		return err;
	rest[len / 2] = '\0';
	char *old = strchr(rest, '/'), *new = strchr(rest + len / 2 + 1, '/');
	if (old && new && !strcmp(old, new))
		parser->git_name = old + 1;
	return NULL;
}

static struct uk_error *check_mode(const struct parser *parser, const char *mode)
{
	if (uk_str_starts(mode, "100"))
		return NULL;
	return parser_error(parser, UK_ERR_REFUSED,
			    "mode %s: links and submodules cannot be patched", mode);
}

static struct uk_error *set_change(struct parser *parser, enum uk_patch_change change)
{
	if (parser->file.change != UK_PATCH_MODIFIED && parser->file.change != change)
		return parser_error(parser, UK_ERR_INVALID,
				    "a file is created, deleted or renamed, not two of these");
	parser->file.change = change;
	return NULL;
}

static struct uk_error *set_renamed(struct parser *parser, const char *path, char **ret)
{
	struct uk_error *err = set_change(parser, UK_PATCH_RENAMED);
	free(*ret);
	*ret = NULL;
	return err ? err : check_path(parser, path, ret);
}

/* The lines that git writes between "diff --git" and the hunks. */
static struct uk_error *parse_extended(struct parser *parser, const char *line)
{
	struct uk_patch_file *file = &parser->file;
	if (uk_str_starts(line, "new file mode ")) {
		struct uk_error *err = set_change(parser, UK_PATCH_CREATED);
		return err ? err : check_mode(parser, line + strlen("new file mode "));
	}
	if (uk_str_starts(line, "deleted file mode ")) {
		struct uk_error *err = set_change(parser, UK_PATCH_DELETED);
		return err ? err : check_mode(parser, line + strlen("deleted file mode "));
	}
	if (uk_str_starts(line, "new mode "))
		return check_mode(parser, line + strlen("new mode "));
	if (uk_str_starts(line, "rename from "))
		return set_renamed(parser, line + strlen("rename from "), &file->old_path);
	if (uk_str_starts(line, "rename to "))
		return set_renamed(parser, line + strlen("rename to "), &file->path);
	if (uk_str_starts(line, "copy from ") || uk_str_starts(line, "copy to "))
		return parser_error(parser, UK_ERR_REFUSED,
				    "copies are not supported: make the patch with --no-renames");
	return NULL;
}

static bool parse_number(const char **at, size_t *ret)
{
	size_t value = 0;
	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; (*at)++) {
		value = value * 10 + (size_t)(**at - '0');
		if (value > LINE_LIMIT)
			return false;
	}
	*ret = value;
	return true;
}

/* "12,3" or "12", which means one line. */
static bool parse_range(const char **at, size_t *line, size_t *count)
{
	*count = 1;
	if (!parse_number(at, line))
		return false;
	if (**at != ',')
		return true;
	(*at)++;
	return parse_number(at, count);
}

static bool parse_hunk_header(const char *line, struct uk_patch_hunk *hunk)
{
	const char *at = line + strlen("@@ -");
	if (!parse_range(&at, &hunk->old_line, &hunk->old_count) || strncmp(at, " +", 2))
		return false;
	at += 2;
	return parse_range(&at, &hunk->new_line, &hunk->new_count) && !strncmp(at, " @@", 3) &&
	       hunk->old_count + hunk->new_count;
}

static struct uk_error *add_hunk_line(const struct parser *parser, struct uk_patch_hunk *hunk,
				      char *text, size_t *old, size_t *new)
{
	/* An empty context line loses its blank in some mail programs. */
	struct uk_patch_line line = { .kind = *text ? *text : ' ' };
	if (!strchr(" +-", line.kind))
		return parser_error(
			parser, UK_ERR_INVALID,
			"the hunk ends too early: %zu old and %zu new lines are missing", *old,
			*new);
	if ((line.kind != '+' && !*old) || (line.kind != '-' && !*new))
		return parser_error(parser, UK_ERR_INVALID, "the hunk has more lines than it says");
	*old -= line.kind != '+';
	*new -= line.kind != '-';
	struct uk_error *err = uk_strdup(*text ? text + 1 : "", &line.text);
	if (!err && !uk_vec_push(&hunk->lines, line)) {
		free(line.text);
		err = uk_error_nomem();
	}
	return err;
}

static struct uk_error *parse_hunk_lines(struct parser *parser, struct uk_patch_hunk *hunk)
{
	size_t old = hunk->old_count, new = hunk->new_count;
	while (old || new) {
		char *line = next_line(parser);
		if (!line)
			return parser_error(parser, UK_ERR_INVALID,
					    "the patch ends in the middle of a hunk");
		if (*line == '\\' && hunk->lines.len) {
			hunk->lines.data[hunk->lines.len - 1].no_newline = true;
			continue;
		}
		struct uk_error *err = add_hunk_line(parser, hunk, line, &old, &new);
		if (err)
			return err;
	}
	if (next_starts(parser, "\\ ")) {
		next_line(parser);
		hunk->lines.data[hunk->lines.len - 1].no_newline = true;
	}
	return NULL;
}

static struct uk_error *parse_hunk(struct parser *parser, const char *line)
{
	struct uk_patch_hunk hunk = {};
	if (!parser->open || !parser->has_names)
		return parser_error(parser, UK_ERR_INVALID, "a hunk without --- and +++ before it");
	if (!parse_hunk_header(line, &hunk))
		return parser_error(parser, UK_ERR_INVALID, "'%s' is not the head of a hunk", line);
	struct uk_error *err = parse_hunk_lines(parser, &hunk);
	if (!err && !uk_vec_push(&parser->file.hunks, hunk))
		err = uk_error_nomem();
	if (err)
		hunk_deinit(&hunk);
	return err;
}

/* --- and +++: begins a file, unless git's line above has begun it. */
static struct uk_error *parse_names(struct parser *parser, char *old_line)
{
	struct uk_error *err = parser->open && !parser->has_names ? NULL : open_file(parser);
	if (err)
		return err;
	struct uk_patch_file *file = &parser->file;
	uk_auto_free char *old = NULL, *new = NULL;
	parser->old_epoch = has_epoch(old_line);
	err = parse_name(parser, old_line + 4, &old);
	char *new_line = next_line(parser);
	parser->new_epoch = has_epoch(new_line);
	if (!err)
		err = parse_name(parser, new_line + 4, &new);
	if (err)
		return err;
	if (!old && !new)
		return parser_error(parser, UK_ERR_INVALID, "both names are /dev/null");
	parser->has_names = true;
	if (file->change == UK_PATCH_RENAMED)
		return NULL; /* its names are known already */
	file->change = !old ? UK_PATCH_CREATED : !new ? UK_PATCH_DELETED : UK_PATCH_MODIFIED;
	if (old && new &&strcmp(old, new))
		return parser_error(parser, UK_ERR_INVALID, "'%s' becomes '%s' without a rename",
				    old, new);
	free(file->path);
	file->path = NULL;
	free(file->old_path);
	file->old_path = NULL;
	err = uk_strdup(new ? new : old, &file->path);
	if (!err && old)
		file->old_path = uk_take(old);
	return err;
}

static struct uk_error *parse_line(struct parser *parser, char *line)
{
	if (uk_str_starts(line, "diff --git "))
		return parse_git_line(parser, line + strlen("diff --git "));
	if (uk_str_starts(line, "--- ") && next_starts(parser, "+++ "))
		return parse_names(parser, line);
	if (uk_str_starts(line, "@@ -"))
		return parse_hunk(parser, line);
	if (uk_str_starts(line, "GIT binary patch") ||
	    (uk_str_starts(line, "Binary files ") && uk_str_ends(line, " differ")))
		return parser_error(parser, UK_ERR_REFUSED, "binary changes cannot be patched (%s)",
				    line);
	if (parser->open && !parser->has_names)
		return parse_extended(parser, line);
	return NULL;
}

static void render_hunk(const struct uk_patch_hunk *hunk, struct uk_strbuf *out)
{
	uk_strbuf_addf(out, "@@ -%zu,%zu +%zu,%zu @@\n", hunk->old_line, hunk->old_count,
		       hunk->new_line, hunk->new_count);
	uk_vec_for_each(line, &hunk->lines)
		uk_strbuf_addf(out, "%c%s\n%s", line->kind, line->text,
			       line->no_newline ? "\\ No newline at end of file\n" : "");
}

static void render_file(const struct uk_patch_file *file, struct uk_strbuf *out)
{
	const char *old = file->old_path ? file->old_path : file->path;
	uk_strbuf_addf(out, "diff --git a/%s b/%s\n", old, file->path);
	if (file->change == UK_PATCH_CREATED)
		uk_strbuf_addstr(out, "new file mode 100644\n");
	else if (file->change == UK_PATCH_DELETED)
		uk_strbuf_addstr(out, "deleted file mode 100644\n");
	else if (file->change == UK_PATCH_RENAMED)
		uk_strbuf_addf(out, "rename from %s\nrename to %s\n", old, file->path);
	if (!file->hunks.len)
		return;
	const char *minus = file->change == UK_PATCH_CREATED ? NULL : old;
	const char *plus = file->change == UK_PATCH_DELETED ? NULL : file->path;
	uk_strbuf_addf(out, "--- %s%s\n", minus ? "a/" : "/dev/null", minus ? minus : "");
	uk_strbuf_addf(out, "+++ %s%s\n", plus ? "b/" : "/dev/null", plus ? plus : "");
	uk_vec_for_each(hunk, &file->hunks)
		render_hunk(hunk, out);
}

static struct uk_error *render(struct uk_patch *patch)
{
	uk_auto_strbuf struct uk_strbuf out = {};
	uk_vec_for_each(file, &patch->files)
		render_file(file, &out);
	free(patch->text);
	patch->text = NULL;
	return uk_strbuf_finish(&out, &patch->text);
}

static struct uk_error *finish(struct parser *parser)
{
	struct uk_error *err = close_file(parser);
	if (err)
		return err;
	if (!parser->patch->files.len)
		return uk_error_create(UK_ERR_INVALID,
				       "%s: there is no change in it (a unified diff, as of diff "
				       "-u or git diff, is wanted)",
				       parser->name);
	return render(parser->patch);
}

struct uk_error *uk_patch_drop(struct uk_patch *patch, bool (*drop)(const char *path))
{
	size_t kept = 0;
	for (size_t i = 0; i < patch->files.len; i++) {
		if (drop(patch->files.data[i].path))
			file_deinit(&patch->files.data[i]);
		else
			patch->files.data[kept++] = patch->files.data[i];
	}
	patch->files.len = kept;
	if (!kept)
		return uk_error_create(UK_ERR_NOTHING, "%s: no source differs", patch->name);
	return render(patch);
}

static struct uk_error *check_text(const char *text, size_t len, const char *name)
{
	if (len > UK_PATCH_LIMIT)
		return uk_error_create(UK_ERR_REFUSED, "%s: larger than %d MiB", name,
				       UK_PATCH_LIMIT >> 20);
	if (memchr(text, '\0', len))
		return uk_error_create(UK_ERR_INVALID, "%s: is not text", name);
	return NULL;
}

struct uk_error *uk_patch_parse(const char *text, size_t len, const char *name,
				struct uk_patch **ret)
{
	struct uk_error *err = check_text(text, len, name);
	if (err)
		return err;
	uk_auto_free char *copy = strndup(text, len);
	uk_auto_patch struct uk_patch *patch = calloc(1, sizeof(*patch));
	if (!copy || !patch)
		return uk_error_nomem();
	err = uk_strdup(name, &patch->name);
	struct parser parser = { .name = name, .at = *copy ? copy : NULL, .patch = patch };
	char *line;
	while (!err && (line = next_line(&parser)))
		err = parse_line(&parser, line);
	if (!err)
		err = finish(&parser);
	file_deinit(&parser.file);
	if (!err)
		*ret = uk_take(patch);
	return err;
}
