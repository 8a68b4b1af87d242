// SPDX-License-Identifier: GPL-2.0-or-later
/* Patches: what is accepted, what is refused, what they are turned into. */
/* rooms: kbuild elf base */
#include "base/file.h"
#include "base/strbuf.h"
#include "kbuild/patch.h"
#include "kbuild/path.h"
#include "tap.h"

#include <string.h>
#include <sys/stat.h>

#define HUNK "@@ -1,3 +1,4 @@ int f(void)\n one\n-two\n+2\n+2b\n three\n"

static struct uk_error *parse(const char *text, struct uk_patch **ret)
{
	return uk_patch_parse(text, strlen(text), "x.patch", ret);
}

static void refused(const char *text, enum uk_error_kind kind, const char *message)
{
	struct uk_patch *patch = NULL;
	ck_fails(parse(text, &patch), kind, message);
	ck_assert_ptr_null(patch);
}

START_TEST(plain_diffs_are_parsed)
{
	uk_auto_patch struct uk_patch *patch = NULL;
	ck_ok(parse("--- linux/a.c\t2024-01-01\n+++ linux.new/a.c\t2024-01-02\n" HUNK, &patch));
	ck_assert_uint_eq(patch->files.len, 1);
	const struct uk_patch_file *file = &patch->files.data[0];
	ck_assert_str_eq(file->path, "a.c");
	ck_assert_str_eq(file->old_path, "a.c");
	ck_assert_int_eq(file->change, UK_PATCH_MODIFIED);
	ck_assert_uint_eq(file->hunks.len, 1);
	ck_assert_uint_eq(file->hunks.data[0].new_count, 4);
	ck_assert_uint_eq(file->hunks.data[0].lines.len, 5);
	ck_assert_str_eq(file->hunks.data[0].lines.data[1].text, "two");
}
END_TEST

START_TEST(mails_of_git_are_parsed)
{
	const char *text = "From 0123 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] fix\n\n"
			   "-- a line of the message\n--- another\n---\n a.c | 2 +-\n\n"
			   "diff --git a/d/a.c b/d/a.c\nindex 12..34 100644\n"
			   "--- a/d/a.c\n+++ b/d/a.c\n" HUNK "-- \n2.39.2\n";
	uk_auto_patch struct uk_patch *patch = NULL;
	ck_ok(parse(text, &patch));
	ck_assert_uint_eq(patch->files.len, 1);
	ck_assert_str_eq(patch->files.data[0].path, "d/a.c");
	ck_assert_str_eq(patch->text, "diff --git a/d/a.c b/d/a.c\n--- a/d/a.c\n+++ b/d/a.c\n"
				      "@@ -1,3 +1,4 @@\n one\n-two\n+2\n+2b\n three\n");
}
END_TEST

START_TEST(the_canonical_text_parses_to_itself)
{
	const char *text = "--- /dev/null\n+++ b/new.c\n@@ -0,0 +1,2 @@\n+a\n+b\n"
			   "\\ No newline at end of file\n"
			   "--- a/gone.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
			   "diff --git a/old.c b/moved.c\nsimilarity index 90%\nrename from old.c\n"
			   "rename to moved.c\n--- a/old.c\n+++ b/moved.c\n@@ -1 +1 @@\n-a\n+b\n"
			   "diff --git a/empty.c b/empty.c\nnew file mode 100644\nindex 000..e69\n"
			   "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n";
	uk_auto_patch struct uk_patch *patch = NULL, *again = NULL;
	ck_ok(parse(text, &patch));
	ck_assert_uint_eq(patch->files.len, 4);
	ck_assert_int_eq(patch->files.data[0].change, UK_PATCH_CREATED);
	ck_assert_ptr_null(patch->files.data[0].old_path);
	ck_assert(patch->files.data[0].hunks.data[0].lines.data[1].no_newline);
	ck_assert_int_eq(patch->files.data[1].change, UK_PATCH_DELETED);
	ck_assert_int_eq(patch->files.data[2].change, UK_PATCH_RENAMED);
	ck_assert_str_eq(patch->files.data[2].old_path, "old.c");
	ck_assert_str_eq(patch->files.data[2].path, "moved.c");
	ck_assert_int_eq(patch->files.data[3].change, UK_PATCH_CREATED);
	ck_ok(parse(patch->text, &again));
	ck_assert_str_eq(again->text, patch->text);
}
END_TEST

START_TEST(paths_stay_in_the_tree)
{
	refused("--- a/../x.c\n+++ b/../x.c\n" HUNK, UK_ERR_INVALID, "leaves the tree");
	refused("--- a//etc/x.c\n+++ b//etc/x.c\n" HUNK, UK_ERR_INVALID, "is absolute");
	refused("--- a/d/./x.c\n+++ b/d/./x.c\n" HUNK, UK_ERR_INVALID, "not accepted");
	refused("--- a/.git/config\n+++ b/.git/config\n" HUNK, UK_ERR_INVALID, "not accepted");
	refused("--- x.c\n+++ x.c\n" HUNK, UK_ERR_INVALID, "no leading folder");
	refused("diff --git a/x b/x\nrename from ../x\nrename to y\n", UK_ERR_INVALID,
		"leaves the tree");
}
END_TEST

/* What the canonical text cannot say in one way only must not be accepted. */
START_TEST(contradictions_are_refused)
{
	const char *two = "not two of these";
	refused("diff --git a/x b/y\nrename from x\nrename to y\ndeleted file mode 100644\n",
		UK_ERR_INVALID, two);
	refused("diff --git a/x b/y\nnew file mode 100644\nrename from x\nrename to y\n",
		UK_ERR_INVALID, two);
	refused("diff --git a/x b/x\nnew file mode 100644\ndeleted file mode 100644\n",
		UK_ERR_INVALID, two);
	refused("diff --git a/x b/x\nrename from x\n", UK_ERR_INVALID, "has no name");
	refused("diff --git a/../x b/../x\nnew file mode 100644\n", UK_ERR_INVALID,
		"leaves the tree");
}
END_TEST

START_TEST(what_is_no_patch_is_refused)
{
	refused("", UK_ERR_INVALID, "no change in it");
	refused("hello\n", UK_ERR_INVALID, "no change in it");
	refused(HUNK, UK_ERR_INVALID, "a hunk without --- and +++");
	refused("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n one\n", UK_ERR_INVALID,
		"ends in the middle of a hunk");
	refused("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n one\n*two\n", UK_ERR_INVALID,
		"ends too early: 1 old and 1 new");
	refused("--- a/x\n+++ b/x\n@@ -1,2 +1,0 @@\n-one\n+two\n", UK_ERR_INVALID,
		"more lines than it says");
	refused("--- a/x\n+++ b/x\n@@ -1,99999999999 +1 @@\n", UK_ERR_INVALID, "head of a hunk");
	refused("--- a/x\n+++ b/y\n" HUNK, UK_ERR_INVALID, "without a rename");
	refused("diff --git a/x b/x\nGIT binary patch\n", UK_ERR_REFUSED, "binary");
	refused("diff --git a/x b/x\nnew file mode 120000\n", UK_ERR_REFUSED, "links");
	refused("diff --git a/x b/y\ncopy from x\ncopy to y\n", UK_ERR_REFUSED, "--no-renames");
	struct uk_patch *patch = NULL;
	ck_fails(uk_patch_parse("a\0b", 3, "x", &patch), UK_ERR_INVALID, "is not text");
}
END_TEST

static void put(const char *dir, const char *name, const char *text)
{
	uk_auto_free char *path = NULL;
	ck_ok(uk_asprintf(&path, "%s/%s", dir, name));
	ck_ok(uk_file_write(path, text, strlen(text), 0600));
}

START_TEST(two_trees_give_a_patch_of_their_sources)
{
	char dir[] = "/tmp/upkeep-test-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(dir));
	const char *folders[] = { "a", "a/include/generated", "b", "b/include/generated" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(folders); i++) {
		uk_auto_free char *path = NULL;
		ck_ok(uk_asprintf(&path, "%s/%s", dir, folders[i]));
		ck_ok(uk_dir_make(path, 0700));
	}
	put(dir, "a/x.c", "one\n");
	put(dir, "b/x.c", "two\n");
	put(dir, "b/new.c", "new\n");
	put(dir, "b/x.o", "object\n");
	put(dir, "b/vmlinux.lds.S", "lds\n");
	put(dir, "b/include/generated/g.h", "generated\n");
	uk_auto_free char *a = NULL, *b = NULL;
	ck_ok(uk_asprintf(&a, "%s/a", dir));
	ck_ok(uk_asprintf(&b, "%s/b", dir));
	uk_auto_patch struct uk_patch *patch = NULL;
	ck_ok(uk_patch_diff(a, b, &patch));
	ck_assert_uint_eq(patch->files.len, 3);
	ck_assert_str_eq(patch->files.data[0].path, "new.c");
	ck_assert_int_eq(patch->files.data[0].change, UK_PATCH_CREATED);
	ck_assert_str_eq(patch->files.data[1].path, "vmlinux.lds.S");
	ck_assert_str_eq(patch->files.data[2].path, "x.c");
	ck_assert_int_eq(patch->files.data[2].change, UK_PATCH_MODIFIED);
	uk_auto_patch struct uk_patch *back = NULL;
	ck_ok(uk_patch_diff(b, a, &back));
	ck_assert_int_eq(back->files.data[0].change, UK_PATCH_DELETED);
	struct uk_patch *none = NULL;
	ck_fails(uk_patch_diff(a, a, &none), UK_ERR_NOTHING, "are the same");
	ck_ok(uk_tree_remove(dir));
}
END_TEST

START_TEST(ranges_of_git_are_no_options)
{
	struct uk_patch *patch = NULL;
	ck_fails(uk_patch_git("/", "--output=/tmp/x", &patch), UK_ERR_USAGE, "not a range");
}
END_TEST

START_TEST(paths_are_normalised)
{
	uk_auto_free char *path = NULL;
	ck_ok(uk_path_normalise("arch/x86/kvm/../../../virt//kvm/./x.c", &path));
	ck_assert_str_eq(path, "virt/kvm/x.c");
	char *none = NULL;
	ck_fails(uk_path_normalise("a/../..", &none), UK_ERR_INVALID, "leaves the tree");
	ck_fails(uk_path_normalise("a/..", &none), UK_ERR_INVALID, "names nothing");
	ck_fails(uk_path_normalise("a\nb", &none), UK_ERR_INVALID, "control character");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kbuild patch");
	TCase *tcase = tcase_create("patch");
	tcase_add_test(tcase, plain_diffs_are_parsed);
	tcase_add_test(tcase, mails_of_git_are_parsed);
	tcase_add_test(tcase, the_canonical_text_parses_to_itself);
	tcase_add_test(tcase, paths_stay_in_the_tree);
	tcase_add_test(tcase, contradictions_are_refused);
	tcase_add_test(tcase, what_is_no_patch_is_refused);
	tcase_add_test(tcase, two_trees_give_a_patch_of_their_sources);
	tcase_add_test(tcase, ranges_of_git_are_no_options);
	tcase_add_test(tcase, paths_are_normalised);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
