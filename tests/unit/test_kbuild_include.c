// SPDX-License-Identifier: GPL-2.0-or-later
/* What a unit is made from: #include followed through a small tree. */
/* rooms: kbuild base */
#include "base/file.h"
#include "base/strbuf.h"
#include "kbuild/include.h"
#include "tap.h"

#include <string.h>

static char dir[64];

struct tree_file {
	const char *path, *text;
};

static const struct tree_file tree[] = {
	{ "a/s.c", "#include \"local.h\"\n #\tinclude <lib.h> /* x */\n#include HEADER\n" },
	{ "a/local.h", "#include \"../b/other.h\"\nint x; // #include <unused.h>\n" },
	{ "a/lib.h", "" },
	{ "b/other.h", "#include \"beside.h\"" },
	{ "b/beside.h", "" },
	{ "a/beside.h", "" },
	{ "include/lib.h", "#ifdef NEVER\n#include <deep/deep.h>\n#endif\n"
			   "#define HEADER \"macro.h\"\n#define NAME \"no header\"\n" },
	{ "include/deep/deep.h", "#include <lib.h>\n#include <both.h>\n" },
	{ "include/macro.h", "" },
	{ "include/both.h", "" },
	{ "include/unused.h", "" },
	{ "include/kconfig.h", "#include <generated.h>\n" },
	{ "include/generated.h", "" },
	{ "uapi/lib.h", "" },
	{ "uapi/both.h", "#include <u.h>\n" },
	{ "uapi/u.h", "" },
	{ "a/odd.c", "#include <missing.h>\n#include \"../../etc/passwd\"\n#include </etc/passwd>\n"
		     "#include <>\n#include \"open.h\n#include\n#includes <both.h>\n#" },
	{ "a/dots.c", "#include \"./../a/./local.h\"\n" },
	{ "root.c", "#include \"root.h\"\n" },
	{ "root.h", "" },
	{ "a/uncertain.c", "#include <maybe.h>\n" },
	{ "include/maybe.h", "" },
	{ "uapi/maybe.h", "" },
};

static void setup(void)
{
	strcpy(dir, "/tmp/upkeep-include-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	for (size_t i = 0; i < UK_ARRAY_SIZE(tree); i++) {
		uk_auto_free char *path = NULL;
		ck_ok(uk_asprintf(&path, "%s/%s", dir, tree[i].path));
		*strrchr(path, '/') = '\0';
		ck_ok(uk_dir_make(path, 0700));
		path[strlen(path)] = '/';
		ck_ok(uk_file_write(path, tree[i].text, strlen(tree[i].text), 0600));
	}
}

static void teardown(void)
{
	ck_ok(uk_tree_remove(dir));
}

static struct uk_error *read_file(void *ctx, const char *path, char **ret, size_t *len_ret)
{
	uk_auto_free char *full = NULL;
	(*(unsigned int *)ctx)++;
	ck_assert_msg(*path != '/' && !uk_str_starts(path, ".."), "asked for %s", path);
	ck_ok(uk_asprintf(&full, "%s/%s", dir, path));
	if (uk_file_exists(full))
		return uk_file_read(full, 1 << 20, ret, len_ret);
	*ret = NULL;
	return NULL;
}

static bool is_certain(void *ctx, const char *path)
{
	return strcmp(path, "include/maybe.h") != 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The closure, sorted, a blank behind each. */
static char *closure(struct uk_include_graph *graph, const char *source, const char *command)
{
	struct uk_unit unit = {
		.object = (char *)"a.o",
		.source = (char *)source,
		.command = (char *)command,
	};
	const uint32_t *files;
	const char *names[32];
	size_t nr;
	bool complete;
	struct uk_strbuf out = {};
	ck_ok(uk_include_closure(graph, &unit, &files, &nr, &complete));
	ck_assert(nr <= UK_ARRAY_SIZE(names));
	ck_assert_msg(complete == (nr && !strcmp(uk_include_path(graph, files[0]), source)),
		      "%s: complete is %d", source, complete);
	for (size_t i = 0; i < nr; i++) {
		names[i] = uk_include_path(graph, files[i]);
		ck_assert_int_eq(uk_include_find(graph, names[i]), files[i]);
		ck_assert_uint_lt(files[i], uk_include_count(graph));
	}
	qsort(names, nr, sizeof(*names), compare);
	for (size_t i = 0; i < nr; i++)
		uk_strbuf_addf(&out, "%s ", names[i]);
	uk_strbuf_addstr(&out, "");
	char *text;
	ck_ok(uk_strbuf_finish(&out, &text));
	return text;
}

static const struct {
	const char *source, *command, *files;
} cases[] = {
	{ "a/s.c", "gcc -c", "a/local.h a/s.c b/beside.h b/other.h " },
	{ "a/s.c", "gcc -I./include -Iuapi -c",
	  "a/local.h a/s.c b/beside.h b/other.h include/both.h include/deep/deep.h include/lib.h "
	  "include/macro.h " },
	{ "a/s.c", "gcc -Iuapi -I ./include -c",
	  "a/local.h a/s.c b/beside.h b/other.h uapi/lib.h " },
	{ "a/s.c", "gcc -isystem uapi -c", "a/local.h a/s.c b/beside.h b/other.h uapi/lib.h " },
	{ "a/s.c", "gcc -idirafter uapi '-iquote' a -c",
	  "a/local.h a/s.c b/beside.h b/other.h uapi/lib.h " },
	{ "root.c", "gcc -include ./include/kconfig.h -Iinclude",
	  "include/generated.h include/kconfig.h root.c root.h " },
	{ "root.c", "gcc -include missing.h -I/usr/include -I../up", "root.c root.h " },
	{ "a/odd.c", "gcc -Iinclude", "a/odd.c " },
	{ "a/dots.c", "gcc", "a/dots.c a/local.h b/beside.h b/other.h " },
	{ "a/uncertain.c", "gcc -Iinclude -Iuapi", "a/uncertain.c include/maybe.h uapi/maybe.h " },
	{ "a/uncertain.c", "gcc -Iuapi -Iinclude", "a/uncertain.c uapi/maybe.h " },
	{ "a/none.c", "gcc -Iinclude", "" },
	{ "a/none.c", "gcc -Iinclude -include include/both.h", "include/both.h " },
};

START_TEST(units_reach_their_files)
{
	unsigned int reads = 0;
	const struct uk_include_source source = { read_file, is_certain, &reads };
	uk_auto_include_graph struct uk_include_graph *graph = NULL;
	ck_ok(uk_include_graph_create(&source, &graph));
	uk_auto_free char *got = closure(graph, cases[_i].source, cases[_i].command);
	ck_assert_msg(!strcmp(got, cases[_i].files), "%s with '%s': got %s", cases[_i].source,
		      cases[_i].command, got);
}
END_TEST

/* One graph for all units: what one of them reached is not taken for another's. */
START_TEST(units_share_a_graph)
{
	unsigned int reads = 0;
	const struct uk_include_source source = { read_file, is_certain, &reads };
	uk_auto_include_graph struct uk_include_graph *graph = NULL;
	ck_ok(uk_include_graph_create(&source, &graph));
	for (size_t i = 0; i < 2 * UK_ARRAY_SIZE(cases); i++) {
		size_t which = i % UK_ARRAY_SIZE(cases);
		uk_auto_free char *got = closure(graph, cases[which].source, cases[which].command);
		ck_assert_str_eq(got, cases[which].files);
	}
	ck_assert_uint_eq(reads, uk_include_count(graph)); /* each but once */
	ck_assert_int_eq(uk_include_find(graph, "include/unused.h"), -1);
}
END_TEST

START_TEST(without_certainty_what_is_there_is_certain)
{
	unsigned int reads = 0;
	const struct uk_include_source source = { .read = read_file, .ctx = &reads };
	uk_auto_include_graph struct uk_include_graph *graph = NULL;
	ck_ok(uk_include_graph_create(&source, &graph));
	uk_auto_free char *got = closure(graph, "a/uncertain.c", "gcc -Iinclude -Iuapi");
	ck_assert_str_eq(got, "a/uncertain.c include/maybe.h ");
}
END_TEST

static struct uk_error *fail_to_read(void *ctx, const char *path, char **ret, size_t *len_ret)
{
	return uk_error_create(UK_ERR_SYSTEM, "no reading of %s", path);
}

START_TEST(errors_come_through)
{
	unsigned int reads = 0;
	const struct uk_include_source good = { .read = read_file, .ctx = &reads },
				       bad = { .read = fail_to_read };
	uk_auto_include_graph struct uk_include_graph *graph = NULL, *failing = NULL;
	struct uk_unit unit = {
		.object = (char *)"a/s.o",
		.source = (char *)"a/s.c",
		.command = (char *)"gcc $(X)",
	};
	const uint32_t *files;
	size_t nr;
	bool complete;
	ck_ok(uk_include_graph_create(&good, &graph));
	ck_fails(uk_include_closure(graph, &unit, &files, &nr, &complete), UK_ERR_INVALID,
		 "a/s.o: command of kbuild needs a shell at '$(X)'");
	unit.command = (char *)"gcc";
	ck_ok(uk_include_graph_create(&bad, &failing));
	ck_fails(uk_include_closure(failing, &unit, &files, &nr, &complete), UK_ERR_SYSTEM,
		 "no reading of a/s.c");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kbuild: includes");
	TCase *tcase = tcase_create("includes");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, units_reach_their_files, 0, UK_ARRAY_SIZE(cases));
	tcase_add_test(tcase, units_share_a_graph);
	tcase_add_test(tcase, without_certainty_what_is_there_is_certain);
	tcase_add_test(tcase, errors_come_through);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
