// SPDX-License-Identifier: GPL-2.0-or-later
/* #line directives: what the compiler says of __LINE__ in text that patches have changed. */
/* rooms: kbuild base */
#include "base/process.h"
#include "base/strbuf.h"
#include "kbuild/text.h"
#include "tap.h"

#include <ctype.h>
#include <string.h>

/*
 * A patched text, made line by line: "@" is a line of the text before the patch (the next
 * one), "+" one that the patch adds, "-" one that it takes. In its text, AT stands for
 * the number that __LINE__ must have there.
 */
struct number_case {
	const char *name, *lines;
	unsigned int marks; /* how many of them the compiler sees */
};

static const struct number_case cases[] = {
	{ "nothing changes", "@AT\n@AT\n@AT\n", 3 },
	{ "a line in front", "+AT\n@AT\n@AT\n", 3 },
	{ "a line less in front", "-x\n@AT\n@AT\n", 2 },
	{ "a line in the middle", "@AT\n+AT\n@AT\n@AT\n", 4 },
	{ "another line", "@AT\n-x\n+AT\n@AT\n", 3 },
	{ "more and less", "@AT\n+AT\n+AT\n@AT\n-x\n-x\n-x\n-x\n@AT\n+AT\n@AT\n", 7 },
	{ "at the end", "@AT\n+AT\n+AT\n", 3 },
	{ "inside a comment", "@AT\n@/* a\n+ b\n@ c */\n@AT\n@AT\n", 3 },
	{ "a comment is added", "@AT\n+/* a\n+ b */\n@AT\n", 2 },
	{ "a comment begins behind code", "@AT /* a\n+b\n@c */\n@AT\n", 2 },
	{ "a comment that begins in a comment", "@/* /* a\n+b\n@c */\n@AT\n", 1 },
	{ "a comment ends and another begins", "@/* a\n+ b */ /* c\n@ d */\n@AT\n", 1 },
	{ "a comment at the end of a comment's line", "@/* a */ /* b\n+c\n@*/\n@AT\n", 1 },
	{ "no comment in a string", "@char *a = \"/*\";\n+AT\n@AT\n@char *b = \"*/\";\n@AT\n", 3 },
	{ "a quote in a string", "@char *a = \"\\\"/*\";\n+AT\n@AT\n", 2 },
	{ "a quote as a character", "@char a = '\"'; /* b\n+c\n@ \" */\n+AT\n@AT\n", 2 },
	{ "a backslash as a character", "@char a = '\\\\'; /* b\n+c\n@ */ \n@AT\n", 1 },
	{ "no comment behind //", "@x; // /* y\n+AT\n@AT\n", 2 },
	{ "a quote in a comment", "@/* it's */ /* a\n+b\n@*/\n@AT\n", 1 },
	{ "a continued macro", "@#define A \\\n+ b \\\n@ c \\\n@ d\n@AT\n@AT\n", 2 },
	{ "a macro's first line goes", "-x\n@#define A \\\n@ c\n@AT\n", 1 },
	{ "a group that is left out", "@#if 0\n+AT\n@AT\n@#endif\n@AT\n@AT\n", 2 },
	{ "a group that is kept", "@#if 1\n+AT\n@AT\n@#endif\n@AT\n", 3 },
	{ "the first branch", "@#if 1\n+AT\n@AT\n@#else\n@AT\n@#endif\n@AT\n", 3 },
	{ "the second branch", "@#if 0\n+AT\n@AT\n@#else\n@AT\n@#endif\n@AT\n", 2 },
	{ "the third branch", "@#if 0\n+AT\n@#elif 0\n@AT\n@#elif 1\n@AT\n@#endif\n@AT\n", 2 },
	{ "a change in the other branch", "@#if 1\n@AT\n@#else\n+AT\n@AT\n@#endif\n@AT\n", 2 },
	{ "groups in groups",
	  "@#if 0\n@#ifdef X\n+AT\n@#endif\n@AT\n@#else\n@AT\n@#ifndef X\n+AT\n@AT\n@# "
	  "endif\n@#endif\n@AT\n",
	  4 },
	{ "a group in a group that is left out",
	  "@#if 1\n@#if 0\n+AT\n@#endif\n@AT\n@#endif\n@AT\n", 2 },
	{ "a condition goes away", "-#if 0\n@AT\n-#endif\n@AT\n", 2 },
	{ "a condition in a comment", "@/*\n+#if 0\n@#endif\n@*/\n@AT\n", 1 },
	{ "a condition that is continued", "@#if 0 || \\\n+ 0 || \\\n@ 0\n@AT\n@#endif\n@AT\n", 1 },
	{ "a condition behind blanks", "@ #  if 0\n+AT\n@ #  endif\n@AT\n", 1 },
	{ "a change right behind #else of a comment",
	  "@#if 0\n@/* a\n+b\n@*/\n@AT\n@#else\n@AT\n@#endif\n@AT\n", 2 },
	{ "a condition behind a comment", "@/* a */ #if 0\n+AT\n@AT\n@#endif\n@AT\n@AT\n", 2 },
	{ "a string over two lines", "+AT\n@char *a = \"b \\\n@/* c\";\n+AT\n@AT\n", 3 },
	{ "a // comment over two lines", "+AT\n@// it \\\n@ is /* c\n+AT\n@AT\n", 3 },
};

/* Appends @line with each AT as "mark <number> __LINE__". */
static void add_marked(struct uk_strbuf *out, const char *line, size_t len, size_t number)
{
	const char *mark = memmem(line, len, "AT", 2);
	if (!mark) {
		uk_strbuf_add(out, line, len);
		return;
	}
	uk_strbuf_add(out, line, (size_t)(mark - line));
	uk_strbuf_addf(out, "mark %zu __LINE__ ", number);
	uk_strbuf_add(out, mark + 2, len - (size_t)(mark + 2 - line));
}

/* The patched text, with the numbers that uk_text_apply() gives its lines. */
static struct uk_text *make_text(const char *lines)
{
	struct uk_strbuf plain = {};
	UK_VEC(size_t) numbers = {};
	size_t orig = 0;
	for (const char *line = lines; *line; line += strcspn(line, "\n") + 1) {
		size_t len = strcspn(line + 1, "\n") + 1;
		orig += *line != '+';
		if (*line == '-')
			continue;
		size_t number = *line == '+' ? numbers.len + 1 : orig;
		ck_assert(uk_vec_push(&numbers, number));
		add_marked(&plain, line + 1, len, number);
	}
	struct uk_text *text = NULL;
	ck_ok(uk_text_parse(plain.data, plain.len, "t.c", &text));
	ck_assert_uint_eq(text->lines.len, numbers.len);
	for (size_t i = 0; i < numbers.len; i++)
		text->lines.data[i].number = numbers.data[i];
	uk_strbuf_deinit(&plain);
	uk_vec_deinit(&numbers);
	return text;
}

static char *preprocess(const char *source)
{
	static const char *const argv[] = { "gcc-12", "-E", "-P", "-x", "c", "-", NULL };
	struct uk_process process = {
		.argv = argv,
		.input = source,
		.input_len = strlen(source),
	};
	char *out = NULL;
	ck_ok(uk_process_check(&process, &out));
	return out;
}

/* Every "mark A B" in what the compiler makes of a text must have A equal to B. */
static unsigned int check_marks(const char *name, const struct uk_text *text)
{
	uk_auto_free char *numbered = NULL;
	size_t len;
	ck_ok(uk_text_numbered(text, &numbered, &len));
	ck_assert_uint_eq(strlen(numbered), len);
	uk_auto_free char *out = preprocess(numbered);
	unsigned int marks = 0;
	for (const char *at = out; (at = strstr(at, "mark ")); marks++) {
		char *end;
		at += strlen("mark ");
		unsigned long wanted = strtoul(at, &end, 10), got = strtoul(end, NULL, 10);
		ck_assert_msg(wanted == got, "%s: line %lu has number %lu in:\n%s", name, wanted,
			      got, numbered);
	}
	return marks;
}

START_TEST(unchanged_lines_keep_their_numbers)
{
	const struct number_case *test = &cases[_i];
	uk_auto_text struct uk_text *text = make_text(test->lines);
	unsigned int marks = check_marks(test->name, text);
	ck_assert_msg(marks == test->marks, "%s: %u marks", test->name, marks);
}
END_TEST

/* Kinds of pieces; into each, lines can be added ('+') and from each taken. */
struct maker {
	struct uk_strbuf lines;
	int depth; /* of open #ifs */
};

static void add(struct maker *maker, const char *text)
{
	/* Directives and what opens or closes something stay. */
	bool fixed = *text == '#' || strstr(text, "/*") || strstr(text, "*/");
	const char *kind = fixed ? "@" : random() % 8 == 0 ? "+" : random() % 9 == 0 ? "-" : "@";
	uk_strbuf_addf(&maker->lines, "%s%s\n", kind, text);
}

static void add_some(struct maker *maker, const char *text)
{
	for (long i = random() % 4; i >= 0; i--)
		add(maker, text);
}

static void add_piece(struct maker *maker)
{
	switch (random() % 8) {
	case 0:
		add(maker, "/* it's a comment \"");
		add_some(maker, "text // of it AT");
		add(maker, "end */");
		break;
	case 1:
		add(maker, "#define MACRO \\");
		add_some(maker, "value \\");
		uk_strbuf_addstr(&maker->lines, "@last\n");
		break;
	case 2:
		if (maker->depth == 4)
			break;
		add(maker, random() % 2 ? "#if 0" : "#if 1");
		maker->depth++;
		break;
	case 3:
		if (maker->depth)
			add(maker, random() % 2 ? "#elif 1" : "#elif 0");
		break;
	case 4:
		if (maker->depth)
			add(maker, "#endif");
		maker->depth -= maker->depth > 0;
		break;
	case 5:
		add(maker, "char *s = \"/* \\\" '\"; AT");
		break;
	default:
		add_some(maker, "AT");
	}
}

START_TEST(any_change_keeps_the_numbers)
{
	unsigned int marks = 0;
	srandom(17);
	for (int round = 0; round < 80; round++) {
		struct maker maker = {};
		for (int i = 0; i < 60; i++)
			add_piece(&maker);
		while (maker.depth--)
			uk_strbuf_addstr(&maker.lines, "@#endif\n@AT\n");
		uk_auto_text struct uk_text *text = make_text(maker.lines.data);
		marks += check_marks("random", text);
		uk_strbuf_deinit(&maker.lines);
	}
	ck_assert_uint_gt(marks, 1200);
}
END_TEST

START_TEST(unchanged_text_has_no_directive)
{
	static const char source[] = "a\n/* b\n*/\n#if 1\nc\n#endif\nd";
	uk_auto_text struct uk_text *text = NULL;
	uk_auto_free char *numbered = NULL;
	size_t len;
	ck_ok(uk_text_parse(source, strlen(source), "t.c", &text));
	ck_ok(uk_text_numbered(text, &numbered, &len));
	ck_assert_str_eq(numbered, source);
}
END_TEST

/* Through a real patch, and through another on top: numbers are those of the text below. */
START_TEST(patched_text_keeps_its_numbers)
{
	static const char orig[] = "mark 1 __LINE__\nold\nmark 3 __LINE__\nmark 4 __LINE__\n";
	static const char patches[] =
		"--- a/t.c\n+++ b/t.c\n@@ -1,3 +1,4 @@\n mark 1 __LINE__\n"
		"-old\n+new\n+mark 3 __LINE__ second\n mark 3 __LINE__\n"
		"--- a/t.c\n+++ b/t.c\n@@ -1,2 +1 @@\n-mark 1 __LINE__\n-new\n"
		"+mark 1 __LINE__ again\n";
	uk_auto_patch struct uk_patch *patch = NULL;
	uk_auto_text struct uk_text *text = NULL;
	ck_ok(uk_patch_parse(patches, strlen(patches), "p", &patch));
	ck_ok(uk_text_parse(orig, strlen(orig), "t.c", &text));
	ck_ok(uk_text_apply(text, &patch->files.data[0]));
	ck_assert_uint_eq(check_marks("one patch", text), 4);
	ck_ok(uk_text_apply(text, &patch->files.data[1]));
	ck_assert_uint_eq(check_marks("two patches", text), 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kbuild: line numbers");
	TCase *tcase = tcase_create("numbers");
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, unchanged_lines_keep_their_numbers, 0, UK_ARRAY_SIZE(cases));
	tcase_add_test(tcase, any_change_keeps_the_numbers);
	tcase_add_test(tcase, unchanged_text_has_no_directive);
	tcase_add_test(tcase, patched_text_keeps_its_numbers);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
