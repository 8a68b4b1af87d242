// SPDX-License-Identifier: GPL-2.0-or-later
/* Patches: read strictly, put in one form, applied to text. */
/* rooms: kbuild base */
#include "kbuild/patch.h"
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "kbuild/text.h"
#include "tap.h"

#include <string.h>

#define NAMES(path) "--- a/" path "\n+++ b/" path "\n"
#define HUNK "@@ -1 +1 @@\n-old\n+new\n"
#define NO_NEWLINE "\\ No newline at end of file\n"

struct parse_case {
	const char *name, *text;
	const char *files; /* describe(), or what the message says */
};

static const struct parse_case parsed[] = {
	{ "a plain diff", NAMES("fs/a.c") HUNK, "modified fs/a.c @1,1+1,1\n" },
	{ "with times behind the names", "--- a/a.c\t2026-01-01\n+++ b/a.c\t2026-01-02\n" HUNK,
	  "modified a.c @1,1+1,1\n" },
	{ "other first folders", "--- linux-6.1.orig/a.c\n+++ linux-6.1/a.c\n" HUNK,
	  "modified a.c @1,1+1,1\n" },
	{ "git's diff", "diff --git a/a.c b/a.c\nindex 1..2 100644\n" NAMES("a.c") HUNK,
	  "modified a.c @1,1+1,1\n" },
	{ "a mail",
	  "From 1234 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] x\n\n--- no name\n---\n"
	  " a.c | 2 +-\n\ndiff --git a/a.c b/a.c\n" NAMES("a.c") HUNK "-- \n2.39.5\n",
	  "modified a.c @1,1+1,1\n" },
	{ "two files and two hunks",
	  NAMES("a.c") "@@ -1,2 +1,3 @@ int f(void)\n x\n+n\n y\n@@ -9,2 +10 @@\n-p\n q\n" NAMES(
		  "b/b.c") HUNK,
	  "modified a.c @1,2+1,3 @9,2+10,1\nmodified b/b.c @1,1+1,1\n" },
	{ "a file that comes again", NAMES("a.c") HUNK NAMES("a.c") HUNK,
	  "modified a.c @1,1+1,1\nmodified a.c @1,1+1,1\n" },
	{ "a removed line that looks like a name",
	  NAMES("a.c") "@@ -1,2 +1,2 @@\n--- b/x.c\n-p\n+++ b/y.c\n+q\n",
	  "modified a.c @1,2+1,2\n" },
	{ "an empty context line that lost its blank", NAMES("a.c") "@@ -1,2 +1,3 @@\n\n+n\n y\n",
	  "modified a.c @1,2+1,3\n" },
	{ "created", "--- /dev/null\n+++ b/new.c\n@@ -0,0 +1,2 @@\n+a\n+b\n",
	  "created new.c @0,0+1,2\n" },
	{ "created, says git",
	  "diff --git a/new.c b/new.c\nnew file mode 100644\nindex 0..1\n--- /dev/null\n"
	  "+++ b/new.c\n@@ -0,0 +1 @@\n+a\n",
	  "created new.c @0,0+1,1\n" },
	{ "created empty", "diff --git a/new.c b/new.c\nnew file mode 100755\nindex 0..0\n",
	  "created new.c\n" },
	{ "deleted", "--- a/gone.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
	  "deleted gone.c @1,1+0,0\n" },
	{ "deleted empty", "diff --git a/gone.c b/gone.c\ndeleted file mode 100644\n",
	  "deleted gone.c\n" },
	{ "renamed",
	  "diff --git a/old.c b/dir/new.c\nsimilarity index 100%\nrename from old.c\n"
	  "rename to dir/new.c\n",
	  "renamed old.c dir/new.c\n" },
	{ "renamed and changed",
	  "diff --git a/old.c b/new.c\nsimilarity index 90%\nrename from old.c\nrename to new.c\n"
	  "--- a/old.c\n+++ b/new.c\n" HUNK,
	  "renamed old.c new.c @1,1+1,1\n" },
	{ "a mode alone is no change",
	  "diff --git a/m.c b/m.c\nold mode 100644\nnew mode 100755\n" NAMES("a.c") HUNK,
	  "modified a.c @1,1+1,1\n" },
	{ "no newline on both sides",
	  NAMES("a.c") "@@ -1 +1 @@\n-old\n" NO_NEWLINE "+new\n" NO_NEWLINE,
	  "modified a.c @1,1+1,1 -$ +$\n" },
	{ "a newline is added", NAMES("a.c") "@@ -1 +1 @@\n-old\n" NO_NEWLINE "+old\n",
	  "modified a.c @1,1+1,1 -$\n" },
	{ "no newline behind context", NAMES("a.c") "@@ -1,2 +1 @@\n-old\n new\n" NO_NEWLINE,
	  "modified a.c @1,2+1,1  $\n" },
	{ "no newline at the end of the patch", NAMES("a.c") "@@ -1 +1 @@\n-old\n+new",
	  "modified a.c @1,1+1,1\n" },
};

static const struct parse_case invalid[] = {
	{ "empty", "", "p: there is no change in it" },
	{ "no diff at all", "hello\nworld\n", "p: there is no change in it" },
	{ "a mode alone", "diff --git a/m b/m\nold mode 100644\nnew mode 100755\n",
	  "there is no change in it" },
	{ "out of the tree", NAMES("../etc/passwd") HUNK,
	  "p:1: path '../etc/passwd' leaves the tree" },
	{ "out of the tree further in", NAMES("a/../../b") HUNK, "leaves the tree" },
	{ "absolute", "--- a//etc/passwd\n+++ b//etc/passwd\n" HUNK,
	  "path '/etc/passwd' is absolute" },
	{ "absolute from the start", "--- /etc/passwd\n+++ /etc/passwd\n" HUNK,
	  "has no leading folder" },
	{ "no folder to leave out", "--- a.c\n+++ a.c\n" HUNK, "path 'a.c' has no leading folder" },
	{ "odd spelling", NAMES("x/../a.c") HUNK, "path 'x/../a.c' is not accepted" },
	{ "a doubled slash", NAMES("x//a.c") HUNK, "path 'x//a.c' is not accepted" },
	{ "git's own files", NAMES(".git/config") HUNK, "path '.git/config' is not accepted" },
	{ "a quoted name", "--- a/\"x\n+++ b/\"x\n" HUNK, "is not accepted" },
	{ "control characters", NAMES("a\033[2J.c") HUNK, "has a control character in it" },
	{ "a folder alone", "--- a/\n+++ b/\n" HUNK, "names nothing" },
	{ "out of the tree by renaming", "diff --git a/x b/y\nrename from x\nrename to ../../y\n",
	  "leaves the tree" },
	{ "out of the tree by creating", "diff --git a/../x b/../x\nnew file mode 100644\n",
	  "leaves the tree" },
	{ "half a rename", "diff --git a/x.c b/longer.c\nrename from x.c\n", "has no name" },
	{ "another name without a rename", "--- a/x.c\n+++ b/y.c\n" HUNK,
	  "'x.c' becomes 'y.c' without a rename" },
	{ "no names", "--- /dev/null\n+++ /dev/null\n" HUNK, "both names are /dev/null" },
	{ "a hunk of nothing", HUNK, "p:1: a hunk without --- and +++" },
	{ "a hunk behind git's line only", "diff --git a/a.c b/a.c\n" HUNK, "a hunk without ---" },
	{ "too few lines", NAMES("a.c") "@@ -1,3 +1,3 @@\n x\n-old\n+new\n",
	  "the patch ends in the middle of a hunk" },
	{ "too few lines before the next file",
	  NAMES("a.c") "@@ -1,3 +1,3 @@\n x\n-old\n+new\ndiff --git a/b.c b/b.c\n",
	  "p:7: the hunk ends too early: 1 old and 1 new lines are missing" },
	{ "more old lines", NAMES("a.c") "@@ -1 +1,2 @@\n-old\n-older\n+new\n+newer\n",
	  "p:5: the hunk has more lines than it says" },
	{ "more new lines", NAMES("a.c") "@@ -1,2 +1 @@\n+new\n+newer\n-old\n-older\n",
	  "the hunk has more lines than it says" },
	{ "no numbers", NAMES("a.c") "@@ -x +1 @@\n", "'@@ -x +1 @@' is not the head of a hunk" },
	{ "a huge number", NAMES("a.c") "@@ -99999999999999999999,1 +1 @@\n-a\n+b\n",
	  "is not the head of a hunk" },
	{ "a huge count", NAMES("a.c") "@@ -1,10000001 +1 @@\n-a\n+b\n",
	  "is not the head of a hunk" },
	{ "no lines in it", NAMES("a.c") "@@ -1,0 +1,0 @@\n", "is not the head of a hunk" },
	{ "a combined diff", NAMES("a.c") "@@ -1 -1 +1 @@@\n", "is not the head of a hunk" },
	{ "a newline of nothing", NAMES("a.c") "@@ -1 +1 @@\n" NO_NEWLINE "-a\n+b\n",
	  "the hunk ends too early" },
};

static const struct parse_case refused[] = {
	{ "git's binary patch",
	  "diff --git a/x.bin b/x.bin\nindex 1..2 100644\nGIT binary patch\nliteral 3\n",
	  "p:3: binary changes cannot be patched" },
	{ "binary files", "diff --git a/x.bin b/x.bin\nBinary files a/x.bin and b/x.bin differ\n",
	  "binary changes cannot be patched" },
	{ "a link", "diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n" HUNK,
	  "mode 120000: links and submodules" },
	{ "a submodule", "diff --git a/x b/x\nnew file mode 160000\n", "mode 160000" },
	{ "a link goes away", "diff --git a/x b/x\ndeleted file mode 120000\n", "mode 120000" },
	{ "a file becomes a link", "diff --git a/x b/x\nold mode 100644\nnew mode 120000\n",
	  "mode 120000" },
	{ "a copy", "diff --git a/x b/y\nsimilarity index 100%\ncopy from x\ncopy to y\n",
	  "p:3: copies are not supported: make the patch with --no-renames" },
};

/* A line for each file: its change, names, "@old+new" of each hunk, lines without newline. */
static char *describe(const struct uk_patch *patch)
{
	static const char *const changes[] = { "modified", "created", "deleted", "renamed" };
	struct uk_strbuf out = {};
	uk_vec_for_each(file, &patch->files) {
		bool renamed = file->change == UK_PATCH_RENAMED;
		ck_assert_int_eq(file->old_path == NULL, file->change == UK_PATCH_CREATED);
		uk_strbuf_addf(&out, "%s %s%s%s", changes[file->change],
			       renamed ? file->old_path : "", renamed ? " " : "", file->path);
		uk_vec_for_each(hunk, &file->hunks) {
			uk_strbuf_addf(&out, " @%zu,%zu+%zu,%zu", hunk->old_line, hunk->old_count,
				       hunk->new_line, hunk->new_count);
			uk_vec_for_each(line, &hunk->lines) {
				if (line->no_newline)
					uk_strbuf_addf(&out, " %c$", line->kind);
			}
		}
		uk_strbuf_addstr(&out, "\n");
	}
	char *text;
	ck_ok(uk_strbuf_finish(&out, &text));
	return text;
}

static struct uk_patch *parse(const char *text)
{
	struct uk_patch *patch = NULL;
	ck_ok(uk_patch_parse(text, strlen(text), "p", &patch));
	return patch;
}

START_TEST(patches_parse)
{
	const struct parse_case *test = &parsed[_i];
	uk_auto_patch struct uk_patch *patch = parse(test->text);
	uk_auto_free char *got = describe(patch);
	ck_assert_msg(!strcmp(got, test->files), "%s: got '%s'", test->name, got);
}
END_TEST

START_TEST(canonical_text_parses_to_itself)
{
	const struct parse_case *test = &parsed[_i];
	uk_auto_patch struct uk_patch *patch = parse(test->text);
	uk_auto_patch struct uk_patch *again = parse(patch->text);
	uk_auto_free char *got = describe(again);
	ck_assert_msg(!strcmp(got, test->files), "%s: got '%s'", test->name, got);
	ck_assert_str_eq(again->text, patch->text);
}
END_TEST

static void assert_fails(const struct parse_case *test, enum uk_error_kind kind)
{
	struct uk_patch *patch;
	uk_auto_error struct uk_error *err =
		uk_patch_parse(test->text, strlen(test->text), "p", &patch);
	ck_assert_msg(err != NULL, "%s: parsed", test->name);
	ck_assert_msg(strstr(uk_error_message(err), test->files) != NULL, "%s: '%s' lacks '%s'",
		      test->name, uk_error_message(err), test->files);
	ck_assert_int_eq(uk_error_kind(err), kind);
}

START_TEST(wrong_patches_are_errors)
{
	assert_fails(&invalid[_i], UK_ERR_INVALID);
}
END_TEST

START_TEST(what_cannot_be_patched_is_refused)
{
	assert_fails(&refused[_i], UK_ERR_REFUSED);
}
END_TEST

START_TEST(size_and_bytes_are_bounded)
{
	static const char head[] = NAMES("a.c") HUNK;
	size_t limit = 16 << 20;
	uk_auto_free char *text = malloc(limit + 1);
	struct uk_patch *patch = NULL;
	memset(text, '\n', limit + 1);
	memcpy(text, head, strlen(head));
	ck_fails(uk_patch_parse(text, limit + 1, "p", &patch), UK_ERR_REFUSED,
		 "p: larger than 16 MiB");
	ck_ok(uk_patch_parse(text, limit, "p", &patch));
	uk_patch_destroy(patch);
	ck_fails(uk_patch_parse(head, sizeof(head), "p", &patch), UK_ERR_INVALID, "p: is not text");
}
END_TEST

static bool is_documentation(const char *path)
{
	return uk_str_starts(path, "Documentation/");
}

START_TEST(files_can_be_left_out)
{
	uk_auto_patch struct uk_patch *patch = parse(NAMES("Documentation/x") HUNK NAMES("a.c")
							     HUNK NAMES("Documentation/y") HUNK);
	ck_ok(uk_patch_drop(patch, is_documentation));
	uk_auto_free char *got = describe(patch);
	ck_assert_str_eq(got, "modified a.c @1,1+1,1\n");
	ck_assert_ptr_null(strstr(patch->text, "Documentation"));
	uk_auto_patch struct uk_patch *none = parse(NAMES("Documentation/x") HUNK);
	ck_fails(uk_patch_drop(none, is_documentation), UK_ERR_NOTHING, "no source differs");
}
END_TEST

/* Whatever the bytes are, the parser answers, and what it takes is in one form. */
START_TEST(damaged_patches_do_no_harm)
{
	unsigned int refusals = 0;
	srandom(3);
	for (int round = 0; round < 6000; round++) {
		uk_auto_free char *text =
			strdup(parsed[(size_t)round % UK_ARRAY_SIZE(parsed)].text);
		size_t len = strlen(text);
		static const char bytes[] = " +-@\n,0123/a.\\\t";
		for (int i = 0; i < 3; i++)
			text[(size_t)random() % len] =
				bytes[(size_t)random() % (sizeof(bytes) - 1)];
		uk_auto_patch struct uk_patch *patch = NULL, *again = NULL;
		struct uk_error *err = uk_patch_parse(text, len, "p", &patch);
		refusals += err != NULL;
		uk_error_destroy(err);
		if (!patch)
			continue;
		ck_ok(uk_patch_parse(patch->text, strlen(patch->text), "again", &again));
		ck_assert_str_eq(again->text, patch->text);
	}
	ck_assert_uint_gt(refusals, 1000);
	ck_assert_uint_lt(refusals, 5900);
}
END_TEST

struct apply_case {
	const char *name, *orig, *hunks;
	const char *text; /* the patched text, or what the message says */
};

static const struct apply_case applied[] = {
	{ "a line", "a\nb\nc\n", "@@ -2 +2 @@\n-b\n+B\n", "a\nB\nc\n" },
	{ "in front", "a\nb\n", "@@ -0,0 +1 @@\n+n\n", "n\na\nb\n" },
	{ "behind a line, without context", "a\nb\n", "@@ -1,0 +2 @@\n+n\n", "a\nn\nb\n" },
	{ "at the end", "a\nb\n", "@@ -2 +2,2 @@\n b\n+n\n", "a\nb\nn\n" },
	{ "moved by the hunk before", "a\nb\nc\nd\n",
	  "@@ -1 +1,3 @@\n a\n+x\n+y\n@@ -4 +6 @@\n-d\n+D\n", "a\nx\ny\nb\nc\nD\n" },
	{ "moved by hunks without context", "a\nb\nc\nd\n",
	  "@@ -0,0 +1,2 @@\n+x\n+y\n@@ -2 +3,0 @@\n-b\n@@ -3,0 +5 @@\n+z\n", "x\ny\na\nc\nz\nd\n" },
	{ "moved, and there is one place only", "x\nx\nx\na\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n+B\n",
	  "x\nx\nx\na\nB\n" },
	{ "the right one of several places", "a\na\na\n", "@@ -2 +2 @@\n-a\n+A\n", "a\nA\na\n" },
	{ "everything goes", "a\nb\n", "@@ -1,2 +0,0 @@\n-a\n-b\n", "" },
	{ "a first line", "", "@@ -0,0 +1 @@\n+a\n", "a\n" },
	{ "a newline is added", "a\nb", "@@ -2 +2 @@\n-b\n" NO_NEWLINE "+b\n", "a\nb\n" },
	{ "a newline is taken", "a\nb\n", "@@ -2 +2 @@\n-b\n+b\n" NO_NEWLINE, "a\nb" },
	{ "no newline stays", "a\nb", "@@ -1,2 +1,2 @@\n-a\n+A\n b\n" NO_NEWLINE, "A\nb" },
	{ "no newline, changed elsewhere", "a\nb\nc", "@@ -1 +1 @@\n-a\n+A\n", "A\nb\nc" },
	{ "a line without a newline goes", "a\nb", "@@ -1,2 +1 @@\n a\n-b\n" NO_NEWLINE, "a\n" },
	{ "a line without a newline goes, no context", "a\nb", "@@ -2 +1,0 @@\n-b\n" NO_NEWLINE,
	  "a\n" },
};

static const struct apply_case misfits[] = {
	{ "another line", "a\nb\nc\n", "@@ -1,2 +1,2 @@\n a\n-x\n+y\n",
	  "f.c: hunk 1 (line 1) does not apply: 'x' is not there" },
	{ "another context", "a\nb\nc\n", "@@ -1,2 +1,2 @@\n z\n-b\n+y\n", "'z' is not there" },
	{ "the second hunk", "a\nb\nc\nd\n", "@@ -1 +1 @@\n-a\n+A\n@@ -3,2 +3 @@\n c\n-e\n",
	  "f.c: hunk 2 (line 3) does not apply: 'e' is not there" },
	{ "blanks count", "a\n\tb\n", "@@ -2 +2 @@\n-        b\n+\tc\n",
	  "hunk 1 (line 2) does not apply" },
	{ "two places", "x\na\ny\na\n", "@@ -1 +1 @@\n-a\n+b\n", "it fits at 2 other places" },
	{ "beyond the end", "a\n", "@@ -7,0 +8 @@\n+n\n", "the file has 1 lines only" },
	{ "over the end", "a\nb\n", "@@ -2,2 +2,2 @@\n b\n-c\n+d\n", "'c' is not there" },
	{ "in front of the hunk before", "a\nb\nc\n", "@@ -3 +3 @@\n-c\n+C\n@@ -1 +1 @@\n-a\n+A\n",
	  "hunk 2 (line 1) does not apply" },
	{ "into the hunk before", "a\nb\n",
	  "@@ -1 +1 @@\n-a\n+b\n@@ -1 +1 @@\n-b\n+c\n@@ -2 +2 @@\n-b\n+d\n",
	  "hunk 3 (line 2) does not apply" },
};

static struct uk_error *apply(const char *orig, const char *patch_text, char **ret)
{
	uk_auto_text struct uk_text *text = NULL;
	uk_auto_patch struct uk_patch *patch = parse(patch_text);
	size_t len;
	ck_ok(uk_text_parse(orig, strlen(orig), "f.c", &text));
	struct uk_error *err = uk_text_apply(text, &patch->files.data[0]);
	if (err)
		return err;
	ck_ok(uk_text_plain(text, ret, &len));
	ck_assert_uint_eq(strlen(*ret), len);
	return NULL;
}

static char *with_names(const char *hunks)
{
	char *text;
	ck_ok(uk_asprintf(&text, "%s%s", NAMES("f.c"), hunks));
	return text;
}

START_TEST(hunks_apply)
{
	const struct apply_case *test = &applied[_i];
	uk_auto_free char *got = NULL, *patch = with_names(test->hunks);
	ck_ok(apply(test->orig, patch, &got));
	ck_assert_msg(!strcmp(got, test->text), "%s: got '%s'", test->name, got);
}
END_TEST

START_TEST(hunks_that_do_not_fit_are_named)
{
	const struct apply_case *test = &misfits[_i];
	uk_auto_free char *got = NULL, *patch = with_names(test->hunks);
	uk_auto_error struct uk_error *err = apply(test->orig, patch, &got);
	ck_assert_msg(err != NULL, "%s: applied: '%s'", test->name, got);
	ck_assert_msg(strstr(uk_error_message(err), test->text) != NULL, "%s: '%s' lacks '%s'",
		      test->name, uk_error_message(err), test->text);
	ck_assert_int_eq(uk_error_kind(err), UK_ERR_REFUSED);
}
END_TEST

START_TEST(lines_keep_their_numbers)
{
	uk_auto_patch struct uk_patch *patch =
		parse(NAMES("f.c") "@@ -1,4 +1,5 @@\n a\n-b\n+x\n+y\n c\n d\n" NAMES(
			"f.c") "@@ -1,3 +1,2 @@\n-a\n x\n y\n");
	uk_auto_text struct uk_text *text = NULL, *copy = NULL;
	ck_ok(uk_text_parse("a\nb\nc\nd\n", 8, "f.c", &text));
	ck_ok(uk_text_apply(text, &patch->files.data[0]));
	ck_ok(uk_text_copy(text, &copy));
	ck_ok(uk_text_apply(copy, &patch->files.data[1]));
	static const size_t first[] = { 1, 2, 3, 3, 4 };
	ck_assert_uint_eq(text->lines.len, UK_ARRAY_SIZE(first));
	for (size_t i = 0; i < UK_ARRAY_SIZE(first); i++)
		ck_assert_uint_eq(text->lines.data[i].number, first[i]);
	ck_assert_uint_eq(copy->lines.len, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_uint_eq(copy->lines.data[i].number, first[i + 1]);
}
END_TEST

START_TEST(text_with_a_nul_is_refused)
{
	struct uk_text *text;
	ck_fails(uk_text_parse("a\0b", 3, "f.c", &text), UK_ERR_INVALID, "f.c: is not text");
}
END_TEST

/* A text of few different lines, so that diff has something to choose from. */
static char *random_text(void)
{
	struct uk_strbuf out = {};
	int nr = (int)(random() % 30);
	for (int i = 0; i < nr; i++)
		uk_strbuf_addf(&out, "%c%s", (int)('a' + random() % 6),
			       i + 1 == nr && random() % 3 == 0 ? "" : "\n");
	char *text;
	uk_strbuf_addstr(&out, "");
	ck_ok(uk_strbuf_finish(&out, &text));
	return text;
}

static char *diff(const char *from, const char *to, const char *patched)
{
	const char *const contexts[] = { "-U0", "-U1", "-U3" };
	const char *const argv[] = { "diff",	contexts[random() % 3],
				     "--label", "a/f.c",
				     "--label", "b/f.c",
				     "--",	from,
				     to,	NULL };
	struct uk_process process = { .argv = argv };
	uk_auto_process_result struct uk_process_result result = {};
	ck_ok(uk_file_write(to, patched, strlen(patched), 0600));
	ck_ok(uk_process_run(&process, &result));
	ck_assert_int_le(result.status, 1);
	return uk_take(result.out);
}

/* What diff says makes the one text the other, with any context. */
START_TEST(what_diff_says_applies)
{
	char dir[] = "/tmp/upkeep-patch-XXXXXX", from[64], to[64];
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(from, sizeof(from), "%s/from", dir);
	snprintf(to, sizeof(to), "%s/to", dir);
	srandom(5);
	for (int round = 0; round < 150; round++) {
		uk_auto_free char *orig = random_text(), *patched = random_text(), *got = NULL;
		ck_ok(uk_file_write(from, orig, strlen(orig), 0600));
		uk_auto_free char *patch = diff(from, to, patched);
		if (!*patch)
			continue;
		ck_ok(apply(orig, patch, &got));
		ck_assert_msg(!strcmp(got, patched), "'%s' with '%s' is '%s'", orig, patch, got);
	}
	ck_ok(uk_tree_remove(dir));
}
END_TEST

START_TEST(several_files_are_one_patch)
{
	char dir[] = "/tmp/upkeep-patch-XXXXXX", one[64], two[64];
	const char *const paths[] = { one, two };
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(one, sizeof(one), "%s/1", dir);
	snprintf(two, sizeof(two), "%s/2", dir);
	static const char first[] = "words\n" NAMES("a.c") HUNK "-- \n2.39\n",
			  second[] = NAMES("b.c") HUNK;
	ck_ok(uk_file_write(one, first, strlen(first), 0600));
	ck_ok(uk_file_write(two, second, strlen(second), 0600));
	uk_auto_patch struct uk_patch *patch = NULL;
	struct uk_patch *none;
	ck_ok(uk_patch_load(paths, 2, &patch));
	uk_auto_free char *got = describe(patch);
	ck_assert_str_eq(got, "modified a.c @1,1+1,1\nmodified b.c @1,1+1,1\n");
	ck_fails(uk_patch_load(paths, 0, &none), UK_ERR_USAGE, "no patch is named");
	ck_ok(uk_file_write(two, "x", 1, 0600));
	ck_fails(uk_patch_load(paths, 2, &none), UK_ERR_INVALID, two);
	unlink(two);
	ck_fails(uk_patch_load(paths, 2, &none), UK_ERR_SYSTEM, two);
	ck_ok(uk_tree_remove(dir));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kbuild: diffs");
	TCase *tcase = tcase_create("patches");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, patches_parse, 0, UK_ARRAY_SIZE(parsed));
	tcase_add_loop_test(tcase, canonical_text_parses_to_itself, 0, UK_ARRAY_SIZE(parsed));
	tcase_add_loop_test(tcase, wrong_patches_are_errors, 0, UK_ARRAY_SIZE(invalid));
	tcase_add_loop_test(tcase, what_cannot_be_patched_is_refused, 0, UK_ARRAY_SIZE(refused));
	tcase_add_test(tcase, size_and_bytes_are_bounded);
	tcase_add_test(tcase, files_can_be_left_out);
	tcase_add_test(tcase, damaged_patches_do_no_harm);
	tcase_add_loop_test(tcase, hunks_apply, 0, UK_ARRAY_SIZE(applied));
	tcase_add_loop_test(tcase, hunks_that_do_not_fit_are_named, 0, UK_ARRAY_SIZE(misfits));
	tcase_add_test(tcase, lines_keep_their_numbers);
	tcase_add_test(tcase, text_with_a_nul_is_refused);
	tcase_add_test(tcase, what_diff_says_applies);
	tcase_add_test(tcase, several_files_are_one_patch);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
