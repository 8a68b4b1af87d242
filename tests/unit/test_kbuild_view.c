// SPDX-License-Identifier: GPL-2.0-or-later
/* Views, compiling and what a patch touches, on a made-up tree with a real compiler. */
/* rooms: kbuild elf base */
#include "base/file.h"
#include "base/strbuf.h"
#include "kbuild/compile.h"
#include "kbuild/touched.h"
#include "tap.h"

#include <string.h>
#include <sys/stat.h>

#define CC_LINE(name, more)                                                                        \
	"CMD|" name ".o|" name ".c|y|" name "|-|gcc-12 -Wp,-MMD,." name ".o.d -I./include " more   \
	" -O2 -c -o " name ".o " name ".c\n"

static const char dump[] =
	"LINK|ld -r\n"
	"CMD|upkeep/part.o|upkeep/part.c|m|part|-|gcc-12 -c -o upkeep/part.o "
	"upkeep/part.c\n" CC_LINE("one", "") CC_LINE("two", "") CC_LINE(
		"three",
		"-pedantic-errors") "CMD|apart.o|apart.c|x|apart|-|gcc-12 -c -o apart.o apart.c\n";

static const struct {
	const char *path, *text;
} sources[] = {
	{ "one.c", "#include <h.h>\n\nint one(void)\n{\n\treturn __LINE__;\n}\n" },
	{ "two.c", "#include <h.h>\n\nint two(void)\n{\n\treturn FIRST;\n}\n" },
	{ "three.c", "int three(void)\n{\n\treturn 3;\n}\n" },
	{ "include/h.h", "#define FIRST 1\n#define SECOND 2\n" },
};

struct world {
	char dir[32];
	struct uk_cache *cache;
	struct uk_tree tree;
	struct uk_view *orig;
};

static struct world world;

static void write_at(const char *path, const char *text)
{
	uk_auto_free char *full = NULL, *parent = NULL;
	ck_ok(uk_asprintf(&full, "%s/%s", world.tree.dir, path));
	ck_ok(uk_strdup(full, &parent));
	*strrchr(parent, '/') = '\0';
	ck_ok(uk_dir_make(parent, 0755));
	ck_ok(uk_file_write(full, text, strlen(text), 0644));
}

static void setup(void)
{
	world = (struct world){ .dir = "/tmp/upkeep-test-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(world.dir));
	ck_ok(uk_cache_open(world.dir, &world.cache));
	world.tree = (struct uk_tree){ .cache = world.cache, .jobs = 2, .id = (char *)"tree" };
	ck_ok(uk_cache_path(world.cache, &world.tree.dir, "trees/x/linux"));
	for (size_t i = 0; i < UK_ARRAY_SIZE(sources); i++)
		write_at(sources[i].path, sources[i].text);
	ck_ok(uk_units_parse(dump, strlen(dump), "dump", &world.tree.units));
	ck_ok(uk_view_plain(&world.tree, &world.orig));
}

static void teardown(void)
{
	uk_view_close(world.orig);
	uk_units_destroy(world.tree.units);
	free(world.tree.dir);
	ck_ok(uk_tree_remove(world.cache->root));
	uk_cache_close(world.cache);
}

static struct uk_error *patch_view(const struct uk_view *below, const char *name, const char *diff,
				   struct uk_view **ret)
{
	uk_auto_patch struct uk_patch *patch = NULL;
	uk_auto_free char *work = NULL;
	ck_ok(uk_patch_parse(diff, strlen(diff), name, &patch));
	ck_ok(uk_asprintf(&work, "%s/work-%s", world.dir, name));
	return uk_view_patched(below, patch, work, ret);
}

/* Compiles one unit; the object's bytes. */
static struct uk_error *object(const struct uk_view *view, const char *name,
			       enum uk_variant variant, char **path_ret, bool *own_lines_ret)
{
	struct uk_compile_job job = {
		.view = view,
		.unit = uk_units_find(uk_view_units(view), name),
		.variant = variant,
	};
	ck_assert_ptr_nonnull(job.unit);
	struct uk_error *err = uk_compile_all(&job, 1, NULL);
	*path_ret = job.object;
	*own_lines_ret = job.own_lines;
	return err;
}

static bool same_bytes(const char *one, const char *other)
{
	uk_auto_free char *a = NULL, *b = NULL;
	size_t a_len, b_len;
	ck_ok(uk_file_read(one, 1 << 20, &a, &a_len));
	ck_ok(uk_file_read(other, 1 << 20, &b, &b_len));
	return a_len == b_len && !memcmp(a, b, a_len);
}

static bool objects_are_same(const struct uk_view *one, const struct uk_view *other,
			     const char *name)
{
	uk_auto_free char *a = NULL, *b = NULL;
	bool own;
	ck_ok(object(one, name, UK_VARIANT_PLAIN, &a, &own));
	ck_ok(object(other, name, UK_VARIANT_PLAIN, &b, &own));
	ck_assert_str_ne(a, b);
	return same_bytes(a, b);
}

#define MOVE_ONE                                                                                   \
	"--- a/one.c\n+++ b/one.c\n@@ -1,3 +1,5 @@\n #include <h.h>\n+/* moved */\n+\n \n"         \
	" int one(void)\n"

START_TEST(a_line_that_only_moves_changes_no_code)
{
	uk_auto_view struct uk_view *moved = NULL;
	ck_ok(patch_view(world.orig, "moved", MOVE_ONE, &moved));
	ck_assert(objects_are_same(world.orig, moved, "one.o"));
	uk_auto_free char *text = NULL;
	size_t len;
	ck_ok(uk_view_read(moved, "one.c", &text, &len));
	ck_assert_ptr_nonnull(strstr(text, "/* moved */"));
	ck_assert_ptr_null(strstr(text, "#line"));
}
END_TEST

START_TEST(a_change_of_code_shows_and_the_tree_stays_as_it_is)
{
	uk_auto_view struct uk_view *patched = NULL;
	ck_ok(patch_view(world.orig, "changed",
			 "--- a/three.c\n+++ b/three.c\n@@ -3,1 +3,1 @@\n-\treturn 3;\n"
			 "+\treturn 33;\n",
			 &patched));
	ck_assert(!objects_are_same(world.orig, patched, "three.o"));
	uk_auto_free char *path = NULL, *text = NULL;
	size_t len;
	ck_ok(uk_asprintf(&path, "%s/three.c", world.tree.dir));
	ck_ok(uk_file_read(path, 1000, &text, &len));
	ck_assert_str_eq(text, sources[2].text);
	char **names;
	size_t nr;
	ck_ok(uk_dir_list(world.tree.dir, &names, &nr));
	ck_assert_uint_eq(nr, 4); /* no object and no .d file */
	uk_strv_destroy(names, nr);
}
END_TEST

START_TEST(objects_are_compiled_once)
{
	uk_auto_free char *first = NULL, *again = NULL, *split = NULL;
	bool own;
	struct stat before, after;
	ck_ok(object(world.orig, "two.o", UK_VARIANT_PLAIN, &first, &own));
	ck_assert_int_eq(stat(first, &before), 0);
	ck_ok(object(world.orig, "two.o", UK_VARIANT_PLAIN, &again, &own));
	ck_assert_str_eq(first, again);
	ck_assert_int_eq(stat(again, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_ok(object(world.orig, "two.o", UK_VARIANT_SPLIT, &split, &own));
	ck_assert_str_ne(first, split);
	/* -ffunction-sections took effect. */
	uk_auto_free char *bytes = NULL;
	size_t len;
	ck_ok(uk_file_read(split, 1 << 20, &bytes, &len));
	ck_assert_ptr_nonnull(memmem(bytes, len, ".text.two", 9));
}
END_TEST

START_TEST(views_have_ids_of_what_they_are)
{
	uk_auto_view struct uk_view *a = NULL, *b = NULL, *c = NULL;
	ck_ok(patch_view(world.orig, "a", MOVE_ONE, &a));
	ck_ok(patch_view(world.orig, "b", MOVE_ONE, &b));
	ck_ok(patch_view(world.orig, "c",
			 "--- a/one.c\n+++ b/one.c\n@@ -1,1 +1,2 @@\n+/* x */\n #include <h.h>\n",
			 &c));
	uk_auto_view struct uk_view *d = NULL;
	ck_ok(patch_view(world.orig, "d",
			 "--- a/one.c\n+++ b/one.c\n@@ -1,1 +1,2 @@\n+/* y */\n #include <h.h>\n",
			 &d));
	ck_assert_str_ne(uk_view_id(c), uk_view_id(d));
	ck_assert_str_eq(uk_view_id(a), uk_view_id(b));
	ck_assert_str_ne(uk_view_id(a), uk_view_id(c));
	ck_assert_str_ne(uk_view_id(a), uk_view_id(world.orig));
}
END_TEST

START_TEST(compile_errors_carry_the_compilers_words)
{
	uk_auto_view struct uk_view *broken = NULL;
	char *path = NULL;
	bool own;
	ck_ok(patch_view(world.orig, "broken",
			 "--- a/three.c\n+++ b/three.c\n@@ -3,1 +3,1 @@\n-\treturn 3;\n"
			 "+\treturn nothing_known;\n",
			 &broken));
	ck_fails(object(broken, "three.o", UK_VARIANT_PLAIN, &path, &own), UK_ERR_INVALID,
		 "nothing_known");
	ck_assert_ptr_null(path);
}
END_TEST

/* With -pedantic-errors no directive may stand among the arguments of a macro. */
START_TEST(what_does_not_compile_with_numbers_keeps_its_own)
{
	uk_auto_view struct uk_view *view = NULL;
	uk_auto_free char *path = NULL, *again = NULL;
	bool own;
	write_at("three.c", "#define C(a, b) ((a) + (b))\nint three(void);\nint three(void)\n{\n"
			    "\treturn C(1,\n\t2);\n}\n");
	ck_ok(patch_view(world.orig, "args",
			 "--- a/three.c\n+++ b/three.c\n@@ -5,2 +5,3 @@\n \treturn C(1,\n"
			 "+\t3 +\n \t2);\n",
			 &view));
	ck_ok(object(view, "three.o", UK_VARIANT_PLAIN, &path, &own));
	ck_assert(own);
	ck_ok(object(view, "three.o", UK_VARIANT_PLAIN, &again, &own));
	ck_assert(own);
}
END_TEST

START_TEST(patches_stack)
{
	uk_auto_view struct uk_view *one = NULL, *two = NULL;
	ck_ok(patch_view(world.orig, "one", MOVE_ONE, &one));
	ck_ok(patch_view(one, "two",
			 "--- a/one.c\n+++ b/one.c\n@@ -2,1 +2,2 @@\n /* moved */\n+/* again */\n",
			 &two));
	ck_assert(objects_are_same(one, two, "one.o"));
	ck_assert(objects_are_same(world.orig, two, "one.o"));
	uk_auto_free char *text = NULL;
	size_t len;
	ck_ok(uk_view_read(two, "one.c", &text, &len));
	ck_assert_ptr_nonnull(strstr(text, "/* moved */\n/* again */\n"));
	struct uk_view *none = NULL;
	ck_fails(patch_view(one, "three", MOVE_ONE, &none), UK_ERR_REFUSED,
		 "three: one.c: hunk 1 (line 1) does not apply");
}
END_TEST

START_TEST(files_come_and_go)
{
	uk_auto_view struct uk_view *view = NULL;
	uk_auto_free char *gone = NULL, *came = NULL;
	size_t len;
	ck_ok(patch_view(world.orig, "files",
			 "--- /dev/null\n+++ b/new.c\n@@ -0,0 +1,1 @@\n+int x;\n"
			 "--- a/three.c\n+++ /dev/null\n@@ -1,4 +0,0 @@\n-int three(void)\n-{\n"
			 "-\treturn 3;\n-}\n",
			 &view));
	ck_ok(uk_view_read(view, "three.c", &gone, &len));
	ck_assert_ptr_null(gone);
	ck_ok(uk_view_read(view, "new.c", &came, &len));
	ck_assert_str_eq(came, "int x;\n");
	char *path = NULL;
	bool own;
	ck_fails(object(view, "three.o", UK_VARIANT_PLAIN, &path, &own), UK_ERR_SYSTEM, "three");
	struct uk_view *none = NULL;
	ck_fails(patch_view(world.orig, "again",
			    "--- /dev/null\n+++ b/one.c\n@@ -0,0 +1,1 @@\n+int x;\n", &none),
		 UK_ERR_REFUSED, "one.c: is there already");
	ck_fails(patch_view(world.orig, "missing",
			    "--- a/four.c\n+++ b/four.c\n@@ -1,1 +1,1 @@\n-a\n+b\n", &none),
		 UK_ERR_REFUSED, "four.c: there is no such file");
	ck_fails(patch_view(world.orig, "part",
			    "--- a/three.c\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-int three(void)\n",
			    &none),
		 UK_ERR_REFUSED, "3 lines would be left");
}
END_TEST

static void touches(const char *name, const char *diff, const char *const *wanted, size_t nr)
{
	uk_auto_view struct uk_view *view = NULL;
	uk_auto_touched_list struct uk_touched_list *list = NULL;
	ck_ok(patch_view(world.orig, name, diff, &view));
	ck_ok(uk_touched_find(world.orig, view, NULL, &list));
	ck_assert_uint_eq(list->all.len, nr);
	for (size_t i = 0; i < nr; i++) {
		ck_assert_str_eq(list->all.data[i].orig->object, wanted[i]);
		ck_assert_ptr_nonnull(list->all.data[i].reason);
	}
}

START_TEST(only_what_a_patch_can_affect_is_touched)
{
	const char *const one[] = { "one.o" };
	touches("source", MOVE_ONE, one, 1);
	touches("nothing",
		"--- a/README\n+++ b/README\n@@ -1,1 +1,1 @@\n-readme\n+README\n"
		"--- a/unused.c\n+++ b/unused.c\n@@ -1,1 +1,1 @@\n-int x;\n+int y;\n",
		NULL, 0);
	/* Nobody uses SECOND; FIRST is used by two.c. The header lies where no header is
	 * generated from, so that nothing is prepared anew. */
	const char *const two[] = { "two.o" };
	touches("inner",
		"--- a/inner.h\n+++ b/inner.h\n@@ -1,1 +1,1 @@\n-#define IN 1\n+#define IN 2\n",
		two, 1);
	touches("spared",
		"--- a/inner.h\n+++ b/inner.h\n@@ -1,1 +1,2 @@\n #define IN 1\n+#define OUT 2\n",
		NULL, 0);
	touches("included",
		"--- a/body.c\n+++ b/body.c\n@@ -1,1 +1,1 @@\n-int body(void) { return 1; }\n"
		"+int body(void) { return 2; }\n",
		two, 1);
}
END_TEST

static void setup_touched(void)
{
	setup();
	write_at("README", "readme\n");
	write_at("unused.c", "int x;\n");
	write_at("inner.h", "#define IN 1\n");
	write_at("body.c", "int body(void) { return 1; }\n");
	write_at("x.asn1", "a\n");
	write_at("apart.c", "int apart(void) { return 1; }\n");
	write_at("one.c", "#include <h.h>\n\nint one(void)\n{\n\treturn 1;\n}\n"
			  "#include \"inner.h\"\n");
	write_at("two.c",
		 "#include \"inner.h\"\n#include \"body.c\"\nint two(void) { return IN; }\n");
}

#define CHANGE_THREE                                                                               \
	"--- a/three.c\n+++ b/three.c\n@@ -1,4 +1,4 @@\n int three(void)\n {\n-\treturn 3;\n"      \
	"+\treturn 4;\n }\n"

START_TEST(the_source_of_a_unit_may_be_included_by_another)
{
	const char *const both[] = { "three.o", "two.o" };
	const char *const alone[] = { "three.o" };
	uk_auto_free char *kept = NULL, *text = NULL;
	size_t len;
	ck_ok(uk_asprintf(&kept, "%s/trees/x/included", world.cache->root));
	touches("alone", CHANGE_THREE, alone, 1);
	ck_ok(uk_file_read(kept, 1 << 20, &text, &len));
	ck_assert_str_eq(text, "included 1 tree\nbody.c\n");

	/* What is kept is of the tree with this id, and counts for no other. */
	write_at("two.c", "#include \"./three.c\"\nint two(void) { return three(); }\n");
	touches("kept", CHANGE_THREE, alone, 1);
	world.tree.id = (char *)"other tree";
	touches("both", CHANGE_THREE, both, 2);
	touches("both-kept", CHANGE_THREE, both, 2);

	/* Without the source of one unit nothing is known, and that one is touched. */
	const char *const unknown[] = { "one.o", "three.o" };
	write_at("two.c", "int two;\n");
	world.tree.id = (char *)"third tree";
	uk_auto_free char *gone = NULL;
	ck_ok(uk_asprintf(&gone, "%s/one.c", world.tree.dir));
	ck_assert_int_eq(remove(gone), 0);
	touches("unknown", CHANGE_THREE, unknown, 2);
}
END_TEST

/* Nobody compares such objects later. */
START_TEST(what_is_linked_apart_is_touched_if_its_code_changes)
{
	const char *const apart[] = { "apart.o" };
	touches("apart",
		"--- a/apart.c\n+++ b/apart.c\n@@ -1,1 +1,1 @@\n-int apart(void) { return 1; }\n"
		"+int apart(void) { return 2; }\n",
		apart, 1);
	touches("comment",
		"--- a/apart.c\n+++ b/apart.c\n@@ -1,1 +1,2 @@\n+/* A word. */\n"
		" int apart(void) { return 1; }\n",
		NULL, 0);
	/* Whatever is wrong, it is not passed over. */
	touches("broken",
		"--- a/apart.c\n+++ b/apart.c\n@@ -1,1 +1,2 @@\n+#error no\n"
		" int apart(void) { return 1; }\n",
		apart, 1);
}
END_TEST

START_TEST(what_has_an_unknown_part_is_refused)
{
	uk_auto_view struct uk_view *view = NULL;
	struct uk_touched_list *list = NULL;
	ck_ok(patch_view(world.orig, "asn1",
			 "--- a/x.asn1\n+++ b/x.asn1\n@@ -1,1 +1,1 @@\n-a\n+b\n", &view));
	ck_fails(uk_touched_find(world.orig, view, NULL, &list), UK_ERR_REFUSED,
		 "x.asn1: what it changes");
	/* Also when some unit includes it: the file that it makes would be an old one. */
	write_at("lib/crc32defs.h", "#define CRC 1\n");
	write_at("one.c", "#include \"lib/crc32defs.h\"\nint one(void) { return CRC; }\n");
	uk_auto_view struct uk_view *generator = NULL;
	ck_ok(patch_view(world.orig, "generator",
			 "--- a/lib/crc32defs.h\n+++ b/lib/crc32defs.h\n@@ -1,1 +1,1 @@\n"
			 "-#define CRC 1\n+#define CRC 2\n",
			 &generator));
	ck_fails(uk_touched_find(world.orig, generator, NULL, &list), UK_ERR_REFUSED,
		 "lib/crc32defs.h: what it changes");
	ck_assert_ptr_null(list);
}
END_TEST

/* Many units that include one header, of which they have a type in different ways. */
enum { MANY = 30, SHORT = 3, HOLDS = 7, HOLDS_MORE = 11, HOLDS_NOTHING = 20 };

static const char *many_source(size_t i)
{
	static const char *const own[MANY] = {
		[SHORT] = "int m(struct wide *w) { return w->a; }\n",
		[HOLDS] = "struct wide wide; int get(struct wide *w) { return w->a + wide.a; }\n",
		[HOLDS_MORE] = "int size(struct wide *w) { return w->a + sizeof(struct wide); }\n"
			       "int more(void) { return 1; }\n",
		[HOLDS_NOTHING] = "#if 0\nstruct wide w;\n#endif\n",
	};
	return own[i] ? own[i] : "int many(struct wide *const wide) { return wide->a; }\n";
}

static void setup_many(void)
{
	setup();
	uk_auto_strbuf struct uk_strbuf lines = {};
	uk_strbuf_addstr(&lines, dump);
	for (size_t i = 0; i < MANY; i++) {
		uk_auto_free char *path = NULL, *text = NULL;
		ck_ok(uk_asprintf(&path, "m%zu.c", i));
		ck_ok(uk_asprintf(&text, "#include \"wide.h\"\n%s", many_source(i)));
		write_at(path, text);
		uk_strbuf_addf(&lines, "CMD|m%zu.o|m%zu.c|y|m%zu|-|gcc-12 -c -o m%zu.o m%zu.c\n", i,
			       i, i, i, i);
	}
	write_at("upkeep/part.c", "int part;\n");
	write_at("apart.c", "int apart;\n");
	write_at("wide.h", "struct wide { int a; };\n#define FEW 1\n");
	write_at("one.c", "#include \"wide.h\"\nint one(void) { return FEW; }\n");
	uk_units_destroy(world.tree.units);
	ck_ok(uk_units_parse(lines.data, lines.len, "dump", &world.tree.units));
}

#define GROW_WIDE                                                                                  \
	"--- a/wide.h\n+++ b/wide.h\n@@ -1,1 +1,1 @@\n-struct wide { int a; };\n"                  \
	"+struct wide { int a, b; };\n"

struct asked {
	char text[256];
	bool refuse;
};

static struct uk_error *ask(void *ctx, const struct uk_touched *units, size_t nr, size_t of)
{
	struct asked *asked = ctx;
	uk_auto_strbuf struct uk_strbuf text = {};
	uk_strbuf_addf(&text, "%s%zu:", asked->text, of);
	for (size_t i = 0; i < nr; i++) {
		ck_assert_ptr_nonnull(units[i].orig);
		uk_strbuf_addf(&text, " %s", units[i].patched->object);
	}
	ck_assert_uint_lt(text.len, sizeof(asked->text));
	memcpy(asked->text, text.data, text.len + 1);
	return asked->refuse ? uk_error_create(UK_ERR_REFUSED, "not accepted") : NULL;
}

static struct uk_error *find_asking(const char *name, const char *diff, struct asked *asked,
				    size_t *nr_ret)
{
	uk_auto_view struct uk_view *view = NULL;
	uk_auto_touched_list struct uk_touched_list *list = NULL;
	const struct uk_touched_trial trial = { .run = ask, .ctx = asked };
	ck_ok(patch_view(world.orig, name, diff, &view));
	struct uk_error *err = uk_touched_find(world.orig, view, &trial, &list);
	*nr_ret = list ? list->all.len : 0;
	return err;
}

/* What holds the type comes first; what only seems to is not asked about. */
START_TEST(a_few_of_many_are_tried_first)
{
	struct asked asked = {};
	size_t nr;
	ck_ok(find_asking("on", GROW_WIDE, &asked, &nr));
	ck_assert_str_eq(asked.text, "31: m7.o m11.o m3.o");
	ck_assert_uint_eq(nr, MANY - 1);

	asked = (struct asked){ .refuse = true };
	ck_fails(find_asking("refused", GROW_WIDE, &asked, &nr), UK_ERR_REFUSED, "not accepted");
	ck_assert_str_eq(asked.text, "31: m7.o m11.o m3.o");

	/* One whose own source is patched is touched for certain, and stands among the others. */
	asked = (struct asked){};
	ck_ok(find_asking("own",
			  GROW_WIDE "--- a/m20.c\n+++ b/m20.c\n@@ -1,3 +1,3 @@\n"
				    " #include \"wide.h\"\n-#if 0\n+#if 1\n struct wide w;\n",
			  &asked, &nr));
	ck_assert_str_eq(asked.text, "31: m20.o m7.o m11.o");
	ck_assert_uint_eq(nr, MANY);
}
END_TEST

START_TEST(nobody_is_tried_where_few_can_be_touched)
{
	struct asked asked = { .refuse = true };
	size_t nr;
	ck_ok(find_asking("few",
			  "--- a/wide.h\n+++ b/wide.h\n@@ -2,1 +2,1 @@\n-#define FEW 1\n"
			  "+#define FEW 2\n",
			  &asked, &nr));
	ck_assert_str_eq(asked.text, "");
	ck_assert_uint_eq(nr, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kbuild view");
	TCase *tcase = tcase_create("view");
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_line_that_only_moves_changes_no_code);
	tcase_add_test(tcase, a_change_of_code_shows_and_the_tree_stays_as_it_is);
	tcase_add_test(tcase, objects_are_compiled_once);
	tcase_add_test(tcase, views_have_ids_of_what_they_are);
	tcase_add_test(tcase, compile_errors_carry_the_compilers_words);
	tcase_add_test(tcase, what_does_not_compile_with_numbers_keeps_its_own);
	tcase_add_test(tcase, patches_stack);
	tcase_add_test(tcase, files_come_and_go);
	suite_add_tcase(suite, tcase);
	TCase *touched = tcase_create("touched");
	tcase_set_timeout(touched, 120);
	tcase_add_checked_fixture(touched, setup_touched, teardown);
	tcase_add_test(touched, only_what_a_patch_can_affect_is_touched);
	tcase_add_test(touched, the_source_of_a_unit_may_be_included_by_another);
	tcase_add_test(touched, what_is_linked_apart_is_touched_if_its_code_changes);
	tcase_add_test(touched, what_has_an_unknown_part_is_refused);
	suite_add_tcase(suite, touched);
	TCase *many = tcase_create("many");
	tcase_set_timeout(many, 120);
	tcase_add_checked_fixture(many, setup_many, teardown);
	tcase_add_test(many, a_few_of_many_are_tried_first);
	tcase_add_test(many, nobody_is_tried_where_few_can_be_touched);
	suite_add_tcase(suite, many);
	return tap_run(suite);
}
