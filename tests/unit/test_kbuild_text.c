// SPDX-License-Identifier: GPL-2.0-or-later
/* Source text through patches: where hunks fit, which number each line has. */
/* rooms: kbuild elf base */
#include "base/file.h"
#include "base/strbuf.h"
#include "kbuild/text.h"
#include "tap.h"

#include <string.h>

/* Applies the hunks of a patch of a.c to a text. */
static struct uk_error *apply(const char *text, const char *hunks, struct uk_text **ret)
{
	uk_auto_free char *whole = NULL;
	uk_auto_patch struct uk_patch *patch = NULL;
	ck_ok(uk_asprintf(&whole, "--- a/a.c\n+++ b/a.c\n%s", hunks));
	ck_ok(uk_patch_parse(whole, strlen(whole), "x.patch", &patch));
	uk_auto_text struct uk_text *result = NULL;
	ck_ok(uk_text_parse(text, strlen(text), "a.c", &result));
	struct uk_error *err = uk_text_apply(result, &patch->files.data[0]);
	if (!err)
		*ret = uk_take(result);
	return err;
}

static void gives(const char *text, const char *hunks, const char *plain, const char *numbered)
{
	uk_auto_text struct uk_text *result = NULL;
	uk_auto_free char *out = NULL, *lines = NULL;
	size_t len;
	ck_ok(apply(text, hunks, &result));
	ck_ok(uk_text_plain(result, &out, &len));
	ck_assert_str_eq(out, plain);
	ck_assert_uint_eq(len, strlen(plain));
	if (!numbered)
		return;
	ck_ok(uk_text_numbered(result, &lines, &len));
	ck_assert_str_eq(lines, numbered);
}

START_TEST(lines_that_move_keep_their_numbers)
{
	gives("1\n2\n3\n4\n", "@@ -1,3 +1,4 @@\n 1\n+new\n 2\n 3\n", "1\nnew\n2\n3\n4\n",
	      "1\nnew\n#line 2\n2\n3\n4\n");
	gives("1\n2\n3\n4\n", "@@ -1,4 +1,3 @@\n 1\n-2\n 3\n 4\n", "1\n3\n4\n",
	      "1\n#line 3\n3\n4\n");
	/* The new line has the number of its place in the new file. */
	gives("1\n2\n3\n4\n5\n", "@@ -1,2 +1,1 @@\n-1\n 2\n@@ -4,2 +3,3 @@\n 4\n+new\n 5\n",
	      "2\n3\n4\nnew\n5\n", "#line 2\n2\n3\n4\n#line 4\nnew\n5\n");
	gives("1\n2\n", "@@ -1,2 +1,2 @@\n 1\n-2\n+two\n", "1\ntwo\n", "1\ntwo\n");
}
END_TEST

START_TEST(directives_wait_where_c_has_no_place_for_them)
{
	gives("/*\n * a\n */\nint x;\n", "@@ -1,3 +1,4 @@\n /*\n+ * new\n  * a\n  */\n",
	      "/*\n * new\n * a\n */\nint x;\n", "/*\n * new\n * a\n */\n#line 4\nint x;\n");
	gives("#define A \\\n 1\nint x;\n", "@@ -1,2 +1,3 @@\n #define A \\\n+ 2 + \\\n  1\n",
	      "#define A \\\n 2 + \\\n 1\nint x;\n",
	      "#define A \\\n 2 + \\\n 1\n#line 3\nint x;\n");
	/* A comment in a string is none. */
	gives("char *s = \"/*\";\nint x;\n",
	      "@@ -1,2 +1,3 @@\n char *s = \"/*\";\n+int n;\n int x;\n",
	      "char *s = \"/*\";\nint n;\nint x;\n",
	      "char *s = \"/*\";\nint n;\n#line 2\nint x;\n");
}
END_TEST

/* In a group that is left out directives do nothing: the number is set again behind it. */
START_TEST(numbers_are_set_again_behind_conditionals)
{
	gives("#if X\n2\n#else\n4\n#endif\n6\n", "@@ -1,3 +1,4 @@\n #if X\n+new\n 2\n #else\n",
	      "#if X\nnew\n2\n#else\n4\n#endif\n6\n",
	      "#if X\nnew\n#line 2\n2\n#else\n#line 4\n4\n#endif\n#line 6\n6\n");
}
END_TEST

START_TEST(hunks_may_move_to_the_one_place_where_they_fit)
{
	gives("a\nb\n1\n2\n3\n", "@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n", "a\nb\n1\ntwo\n3\n", NULL);
	struct uk_text *none = NULL;
	ck_fails(apply("a\n1\n2\n1\n2\n", "@@ -1,2 +1,2 @@\n 1\n-2\n+two\n", &none), UK_ERR_REFUSED,
		 "hunk 1 (line 1) does not apply: it fits at 2 other places");
	/* At its own place it fits, however often it fits elsewhere. */
	gives("1\n2\n1\n2\n", "@@ -3,2 +3,2 @@\n 1\n-2\n+two\n", "1\n2\n1\ntwo\n", NULL);
}
END_TEST

START_TEST(hunks_that_do_not_fit_are_named)
{
	struct uk_text *none = NULL;
	ck_fails(apply("1\n2\n3\n4\n5\n6\n",
		       "@@ -1,1 +1,1 @@\n-1\n+one\n@@ -5,2 +5,2 @@\n 5\n-six\n+6\n", &none),
		 UK_ERR_REFUSED, "a.c: hunk 2 (line 5) does not apply: 'six' is not there");
	ck_fails(apply("1\n", "@@ -7,0 +8,1 @@\n+x\n", &none), UK_ERR_REFUSED,
		 "the file has 1 lines only");
	/* Never before what an earlier hunk has changed. */
	ck_fails(apply("1\n2\n", "@@ -2,1 +2,1 @@\n-2\n+two\n@@ -1,1 +1,1 @@\n-1\n+one\n", &none),
		 UK_ERR_REFUSED, "hunk 2 (line 1)");
}
END_TEST

START_TEST(later_hunks_follow_what_earlier_ones_shift)
{
	gives("x\nx\nx\nx\n", "@@ -1,1 +1,3 @@\n x\n+n1\n+n2\n@@ -3,1 +5,1 @@\n-x\n+y\n",
	      "x\nn1\nn2\nx\ny\nx\n", NULL);
	gives("x\nx\nx\n", "@@ -1,0 +2,1 @@\n+n\n@@ -3,1 +4,1 @@\n-x\n+y\n", "x\nn\nx\ny\n", NULL);
}
END_TEST

START_TEST(the_end_of_a_file_is_kept)
{
	gives("1\n2", "@@ -1,1 +1,1 @@\n-1\n+one\n", "one\n2", NULL);
	gives("1\n2", "@@ -1,2 +1,2 @@\n 1\n-2\n\\ No newline at end of file\n+two\n", "1\ntwo\n",
	      NULL);
	gives("1\n2\n", "@@ -1,2 +1,2 @@\n 1\n-2\n+two\n\\ No newline at end of file\n", "1\ntwo",
	      NULL);
}
END_TEST

/* A second patch on top: what it does not touch keeps the numbers of the first text. */
START_TEST(numbers_outlive_a_second_patch)
{
	uk_auto_text struct uk_text *text = NULL;
	uk_auto_patch struct uk_patch *patch = NULL;
	uk_auto_free char *lines = NULL;
	size_t len;
	const char *second = "--- a/a.c\n+++ b/a.c\n@@ -4,1 +4,2 @@\n 3\n+n2\n";
	ck_ok(apply("1\n2\n3\n4\n", "@@ -1,1 +1,2 @@\n 1\n+n1\n", &text));
	ck_ok(uk_patch_parse(second, strlen(second), "y.patch", &patch));
	ck_ok(uk_text_apply(text, &patch->files.data[0]));
	ck_ok(uk_text_numbered(text, &lines, &len));
	ck_assert_str_eq(lines, "1\nn1\n#line 2\n2\n3\n#line 5\nn2\n#line 4\n4\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kbuild text");
	TCase *tcase = tcase_create("text");
	tcase_add_test(tcase, lines_that_move_keep_their_numbers);
	tcase_add_test(tcase, directives_wait_where_c_has_no_place_for_them);
	tcase_add_test(tcase, numbers_are_set_again_behind_conditionals);
	tcase_add_test(tcase, hunks_may_move_to_the_one_place_where_they_fit);
	tcase_add_test(tcase, hunks_that_do_not_fit_are_named);
	tcase_add_test(tcase, later_hunks_follow_what_earlier_ones_shift);
	tcase_add_test(tcase, the_end_of_a_file_is_kept);
	tcase_add_test(tcase, numbers_outlive_a_second_patch);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
