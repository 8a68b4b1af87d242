// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * #line directives: so that a line that a patch only moves keeps its number, and with it
 * the bytes of the code that has the number in it.
 *
 * A directive cannot stand inside a comment or behind a continued line; there it waits.
 * Inside a group that #if leaves out it does nothing, so numbers are set again behind
 * the group.
 */
#include "kbuild/text.h"

#include "base/strbuf.h"

#include <string.h>

struct numberer {
	struct uk_strbuf out;
	size_t next;	     /* the number that the compiler will give the next line */
	bool in_comment;     /* the next line begins inside of a comment */
	char quote;	     /* it begins inside of a constant, or ('\n') of a // comment */
	bool continued;	     /* the line before ended in a backslash */
	bool unsure;	     /* directives behind a conditional may have been left out */
	UK_VEC(bool) groups; /* per open #if: whether a directive stands inside */
};

/* Moves behind the constant or comment that is open; it stays open at the line's end. */
static const char *skip_quoted(struct numberer *numberer, const char *at)
{
	for (; *at && *at != numberer->quote; at++) {
		if (*at == '\\' && at[1])
			at++;
	}
	if (!*at)
		return at;
	numberer->quote = '\0';
	return at + 1;
}

/* Follows comments, constants and continuations through a line. */
static void follow(struct numberer *numberer, const char *text)
{
	const char *at = text;
	while (*at) {
		if (numberer->quote) {
			at = skip_quoted(numberer, at);
		} else if (numberer->in_comment) {
			const char *end = strstr(at, "*/");
			if (!end)
				break;
			at = end + 2;
			numberer->in_comment = false;
		} else if (!strncmp(at, "/*", 2)) {
			at += 2;
			numberer->in_comment = true;
		} else if (!strncmp(at, "//", 2)) {
			at += 2;
			numberer->quote = '\n';
		} else if (*at == '"' || *at == '\'') {
			numberer->quote = *at++;
		} else {
			at++;
		}
	}
	numberer->continued = uk_str_ends(text, "\\");
	if (!numberer->continued)
		numberer->quote = '\0';
}

/* Blanks, and comments that end on the line. */
static const char *skip_blanks(const char *text)
{
	for (;;) {
		text += strspn(text, " \t");
		const char *end = strncmp(text, "/*", 2) ? NULL : strstr(text + 2, "*/");
		if (!end)
			return text;
		text = end + 2;
	}
}

/* The word of a preprocessor directive, or NULL. */
static const char *directive(const char *text)
{
	text = skip_blanks(text);
	return *text == '#' ? skip_blanks(text + 1) : NULL;
}

static bool follow_conditional(struct numberer *numberer, const char *text)
{
	const char *word = directive(text);
	if (!word)
		return true;
	if (uk_str_starts(word, "if"))
		return uk_vec_push(&numberer->groups, false);
	if (!numberer->groups.len)
		return true;
	bool *marked = &numberer->groups.data[numberer->groups.len - 1];
	if (uk_str_starts(word, "el")) {
		numberer->unsure |= *marked;
	} else if (uk_str_starts(word, "endif")) {
		numberer->unsure |= *marked;
		numberer->groups.len--;
	}
	return true;
}

static void set_number(struct numberer *numberer, size_t number)
{
	uk_strbuf_addf(&numberer->out, "#line %zu\n", number);
	numberer->next = number;
	numberer->unsure = false;
	uk_vec_for_each(marked, &numberer->groups)
		*marked = true;
}

struct uk_error *uk_text_numbered(const struct uk_text *text, char **ret, size_t *len_ret)
{
	struct numberer numberer = { .next = 1 };
	bool ok = true;
	for (size_t i = 0; ok && i < text->lines.len; i++) {
		const struct uk_text_line *line = &text->lines.data[i];
		bool possible = !numberer.in_comment && !numberer.continued;
		if (possible && (numberer.unsure || line->number != numberer.next))
			set_number(&numberer, line->number);
		uk_strbuf_addstr(&numberer.out, line->text);
		if (i + 1 < text->lines.len || !text->no_newline)
			uk_strbuf_addstr(&numberer.out, "\n");
		if (possible)
			ok = follow_conditional(&numberer, line->text);
		follow(&numberer, line->text);
		numberer.next++;
	}
	uk_vec_deinit(&numberer.groups);
	struct uk_error *err =
		ok ? uk_strbuf_finish_len(&numberer.out, ret, len_ret) : uk_error_nomem();
	uk_strbuf_deinit(&numberer.out);
	return err;
}
