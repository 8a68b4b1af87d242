// SPDX-License-Identifier: GPL-2.0-or-later
/* Source text through patches. */
#include "kbuild/text.h"

#include "base/strbuf.h"

#include <string.h>

void uk_text_destroy(struct uk_text *text)
{
	if (!text)
		return;
	uk_vec_for_each(line, &text->lines)
		free(line->text);
	uk_vec_deinit(&text->lines);
	free(text);
}

static struct uk_error *push_line(struct uk_text *text, const char *data, size_t len, size_t number)
{
	struct uk_text_line line = { .text = strndup(data, len), .number = number };
	if (line.text && uk_vec_push(&text->lines, line))
		return NULL;
	free(line.text);
	return uk_error_nomem();
}

struct uk_error *uk_text_parse(const char *data, size_t len, const char *name, struct uk_text **ret)
{
	uk_auto_text struct uk_text *text = calloc(1, sizeof(*text));
	if (!text)
		return uk_error_nomem();
	if (memchr(data, '\0', len))
		return uk_error_create(UK_ERR_INVALID, "%s: is not text", name);
	for (size_t at = 0; at < len;) {
		const char *end = memchr(data + at, '\n', len - at);
		size_t line = end ? (size_t)(end - data) - at : len - at;
		struct uk_error *err = push_line(text, data + at, line, text->lines.len + 1);
		if (err)
			return err;
		text->no_newline = !end;
		at += line + 1;
	}
	*ret = uk_take(text);
	return NULL;
}

struct uk_error *uk_text_copy(const struct uk_text *text, struct uk_text **ret)
{
	uk_auto_text struct uk_text *copy = calloc(1, sizeof(*copy));
	if (!copy)
		return uk_error_nomem();
	copy->no_newline = text->no_newline;
	uk_vec_for_each(line, &text->lines) {
		struct uk_error *err =
			push_line(copy, line->text, strlen(line->text), line->number);
		if (err)
			return err;
	}
	*ret = uk_take(copy);
	return NULL;
}

/* The first line of the hunk that is not there when its old lines begin at @at, or NULL. */
static const struct uk_patch_line *mismatch(const struct uk_text *text,
					    const struct uk_patch_hunk *hunk, size_t at)
{
	uk_vec_for_each(line, &hunk->lines) {
		if (line->kind == '+')
			continue;
		if (at >= text->lines.len || strcmp(text->lines.data[at].text, line->text))
			return line;
		at++;
	}
	return NULL;
}

/*
 * Where a hunk that is not at @wanted fits, not before @floor: how many places there are,
 * and the last of them.
 */
static size_t search(const struct uk_text *text, const struct uk_patch_hunk *hunk, size_t floor,
		     size_t *at_ret)
{
	size_t places = 0;
	for (size_t at = floor; at + hunk->old_count <= text->lines.len; at++) {
		if (!mismatch(text, hunk, at)) {
			places++;
			*at_ret = at;
		}
	}
	return places;
}

static struct uk_error *refuse(const struct uk_patch_file *file, size_t number,
			       const struct uk_patch_hunk *hunk, const char *fmt, ...)
	uk_printf(4, 5);

static struct uk_error *refuse(const struct uk_patch_file *file, size_t number,
			       const struct uk_patch_hunk *hunk, const char *fmt, ...)
{
	va_list args;
	uk_auto_free char *what = NULL;
	va_start(args, fmt);
	if (vasprintf(&what, fmt, args) < 0)
		what = NULL;
	va_end(args);
	return uk_error_create(UK_ERR_REFUSED, "%s: hunk %zu (line %zu) does not apply: %s",
			       file->old_path ? file->old_path : file->path, number, hunk->old_line,
			       what ? what : "?");
}

/* @shift: how much longer the text has become through the hunks before. */
static struct uk_error *locate(const struct uk_text *text, const struct uk_patch_file *file,
			       size_t number, size_t floor, long shift, size_t *at_ret)
{
	const struct uk_patch_hunk *hunk = &file->hunks.data[number];
	/* A hunk without old lines stands behind the line that it names. */
	long wanted = (long)hunk->old_line + shift - (hunk->old_count ? 1 : 0);
	size_t at = wanted < (long)floor ? floor : (size_t)wanted;
	const struct uk_patch_line *line = mismatch(text, hunk, at);
	if (wanted >= (long)floor && !line && at <= text->lines.len) {
		*at_ret = at;
		return NULL;
	}
	if (!hunk->old_count)
		return refuse(file, number + 1, hunk, "the file has %zu lines only",
			      text->lines.len);
	size_t places = search(text, hunk, floor, at_ret);
	if (places == 1)
		return NULL;
	if (places)
		return refuse(file, number + 1, hunk, "it fits at %zu other places", places);
	return refuse(file, number + 1, hunk, "'%s' is not there", line ? line->text : "");
}

/* The lines of the hunk in the place of its old ones. */
static struct uk_error *splice(struct uk_text *text, const struct uk_patch_hunk *hunk, size_t at)
{
	UK_VEC(struct uk_text_line) lines = {};
	if (!uk_vec_reserve(&lines, text->lines.len + hunk->new_count + 1))
		return uk_error_nomem();
	struct uk_text_line *old = text->lines.data, *end = old + text->lines.len;
	if (at)
		memcpy(lines.data, old, at * sizeof(*old));
	lines.len = at;
	old += at;
	bool failed = false;
	uk_vec_for_each(line, &hunk->lines) {
		if (line->kind == ' ') {
			lines.data[lines.len++] = *old++;
		} else if (line->kind == '-') {
			free(old++->text);
		} else {
			struct uk_text_line new = { .text = strdup(line->text) };
			failed |= !new.text;
			lines.data[lines.len++] = new;
		}
	}
	if (end > old)
		memcpy(lines.data + lines.len, old, (size_t)(end - old) * sizeof(*old));
	lines.len += (size_t)(end - old);
	free(text->lines.data);
	text->lines.data = lines.data;
	text->lines.len = lines.len;
	text->lines.cap = lines.cap;
	return failed ? uk_error_nomem() : NULL;
}

/* Whether the new text ends in a newline: as the last hunk says when it reaches the end. */
static void settle_newline(struct uk_text *text, const struct uk_patch_hunk *hunk, bool at_end)
{
	if (!at_end)
		return;
	text->no_newline = false; /* the line before is the last now, and had a newline */
	for (size_t i = hunk->lines.len; i-- > 0;) {
		if (hunk->lines.data[i].kind == '-')
			continue;
		text->no_newline = hunk->lines.data[i].no_newline;
		return;
	}
}

struct uk_error *uk_text_apply(struct uk_text *text, const struct uk_patch_file *file)
{
	size_t floor = 0;
	long shift = 0;
	for (size_t i = 0; i < file->hunks.len; i++) {
		const struct uk_patch_hunk *hunk = &file->hunks.data[i];
		size_t at = 0;
		struct uk_error *err = locate(text, file, i, floor, shift, &at);
		if (err)
			return err;
		bool at_end = at + hunk->old_count == text->lines.len;
		err = splice(text, hunk, at);
		if (err)
			return err;
		settle_newline(text, hunk, at_end);
		floor = at + hunk->new_count;
		shift = (long)floor - (long)(hunk->old_line + hunk->old_count) +
			(hunk->old_count ? 1 : 0);
	}
	for (size_t i = 0; i < text->lines.len; i++) {
		if (!text->lines.data[i].number)
			text->lines.data[i].number = i + 1;
	}
	return NULL;
}

struct uk_error *uk_text_plain(const struct uk_text *text, char **ret, size_t *len_ret)
{
	uk_auto_strbuf struct uk_strbuf out = {};
	for (size_t i = 0; i < text->lines.len; i++) {
		uk_strbuf_addstr(&out, text->lines.data[i].text);
		if (i + 1 < text->lines.len || !text->no_newline)
			uk_strbuf_addstr(&out, "\n");
	}
	return uk_strbuf_finish_len(&out, ret, len_ret);
}
