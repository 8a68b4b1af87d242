// SPDX-License-Identifier: GPL-2.0-or-later
/* What modpost would have added to a module: compiled once, then with another name in it. */
/* rooms: kbuild base */
#include "kbuild/modinfo.h"
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "tap.h"

#include <string.h>
#include <unistd.h>

static char dir[64];
static struct uk_cache *cache;
static struct uk_units units;
static struct uk_tree tree;

static char *in_dir(const char *name)
{
	char *path;
	ck_ok(uk_asprintf(&path, "%s/%s", dir, name));
	return path;
}

static void put(const char *name, const char *text)
{
	uk_auto_free char *path = in_dir(name);
	ck_ok(uk_file_write(path, text, strlen(text), 0600));
}

static void make_folder(const char *name)
{
	uk_auto_free char *path = in_dir(name);
	ck_ok(uk_dir_make(path, 0700));
}

/* As much of a kernel's headers as the source asks for. */
static void setup(void)
{
	strcpy(dir, "/tmp/upkeep-modinfo-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	make_folder("linux");
	make_folder("work");
	put("linux/compiler.h", "");
	put("linux/vermagic.h", "#define VERMAGIC_STRING \"6.1 SMP\"\n");
	put("linux/module.h",
	    "#define __visible\n#define __used __attribute__((used))\n"
	    "#define __section(s) __attribute__((section(s)))\n"
	    "#define JOIN(a, b) a##b\n#define NAMED(n) JOIN(info, n)\n"
	    "#define MODULE_INFO(tag, text) static const char NAMED(__COUNTER__)[] __used "
	    "__section(\".modinfo\") = #tag \"=\" text\n"
	    "#define MODULE_LICENSE(text) MODULE_INFO(license, text)\n"
	    "#define MODULE_ARCH_INIT {}\n"
	    "int init_module(void);\nvoid cleanup_module(void);\n"
	    "struct modversion_info { unsigned long crc; char name[56]; };\n"
	    "struct module { char name[56]; int (*init)(void); void (*exit)(void); struct {} arch; "
	    "};"
	    "\n");
	put("symvers", "0x12345678 other\n0x00c0ffee module_layout\n");
	uk_auto_free char *root = in_dir("cache");
	ck_ok(uk_cache_open(root, &cache));
	ck_ok(uk_asprintf(&units.cc_module,
			  "gcc-12 -I%s -DKBUILD_MODNAME=\"part\" -o upkeep/part.o -c "
			  "upkeep/part.c",
			  dir));
	tree = (struct uk_tree){ .cache = cache,
				 .release = (char *)"6.1",
				 .dir = dir,
				 .id = (char *)"tree",
				 .modversions = true,
				 .symvers = in_dir("symvers"),
				 .units = &units };
}

static void teardown(void)
{
	uk_cache_close(cache);
	free(tree.symvers);
	free(units.cc_module);
	ck_ok(uk_tree_remove(dir));
}

static void make(const struct uk_modinfo *info, const char *name, char **data_ret, size_t *len_ret)
{
	uk_auto_free char *work = in_dir("work"), *out = in_dir(name);
	ck_ok(uk_modinfo_make(&tree, info, work, out));
	ck_ok(uk_file_read(out, 1 << 20, data_ret, len_ret));
}

static size_t count(const char *data, size_t len, const char *text)
{
	size_t nr = 0;
	for (const char *at = data;
	     (at = memmem(at, len - (size_t)(at - data), text, strlen(text))); at++)
		nr++;
	return nr;
}

static size_t cached(char **path_ret)
{
	uk_auto_free char *folder = in_dir("cache/modinfo");
	char **names;
	size_t nr;
	ck_ok(uk_dir_list(folder, &names, &nr));
	if (path_ret)
		ck_ok(uk_asprintf(path_ret, "%s/%s", folder, names[0]));
	uk_strv_destroy(names, nr);
	return nr;
}

START_TEST(one_object_serves_all_names)
{
	const struct uk_modinfo one = { .name = "upkeep_0123456789abcdef_0" };
	const struct uk_modinfo two = { .name = "upkeep_fedcba9876543210_1" };
	uk_auto_free char *first = NULL, *second = NULL, *again = NULL;
	size_t first_len, second_len, again_len;
	make(&one, "one.o", &first, &first_len);
	ck_assert_uint_eq(cached(NULL), 1);
	/* From here on nothing can be compiled. */
	put("linux/module.h", "#error \"compiled again\"\n");
	make(&two, "two.o", &second, &second_len);
	make(&one, "again.o", &again, &again_len);
	ck_assert_uint_eq(cached(NULL), 1);
	ck_assert_uint_eq(first_len, again_len);
	ck_assert_mem_eq(first, again, first_len);
	ck_assert_uint_ge(count(first, first_len, one.name), 2);
	ck_assert_uint_eq(count(first, first_len, one.name), count(second, second_len, two.name));
	ck_assert_uint_eq(count(second, second_len, one.name), 0);
	ck_assert_uint_eq(count(second, second_len, "qqqqqqqq"), 0);
	ck_assert_uint_eq(count(second, second_len, "name=upkeep_fedcba9876543210_1"), 1);
	ck_assert_uint_eq(count(second, second_len, "license=GPL"), 1);
	ck_assert_uint_eq(count(second, second_len, "\xee\xff\xc0"), 1);
	ck_assert_uint_eq(count(second, second_len, "other"), 0);
}
END_TEST

START_TEST(what_differs_is_compiled)
{
	const struct uk_modinfo plain = { .name = "upkeep_0123456789abcdef_0" };
	const struct uk_modinfo init = { .name = plain.name, .has_init = true };
	const struct uk_modinfo longer = { .name = "upkeep_0123456789abcdef_10" };
	const struct uk_modinfo core = {
		.name = "upkeep", .has_init = true, .has_exit = true, .has_license = true
	};
	uk_auto_free char *a = NULL, *b = NULL, *c = NULL, *d = NULL, *e = NULL;
	size_t len;
	make(&plain, "a.o", &a, &len);
	make(&init, "b.o", &b, &len);
	ck_assert_uint_eq(count(b, len, "init_module"), 1);
	make(&longer, "c.o", &c, &len);
	ck_assert_uint_eq(count(c, len, "name=upkeep_0123456789abcdef_10"), 1);
	ck_assert_uint_eq(cached(NULL), 3);
	make(&core, "d.o", &d, &len);
	ck_assert_uint_eq(count(d, len, "name=upkeep"), 1);
	ck_assert_uint_eq(count(d, len, "cleanup_module"), 1);
	ck_assert_uint_eq(count(d, len, "license"), 0);
	ck_assert_uint_eq(cached(NULL), 3);
	tree.id = (char *)"another";
	make(&plain, "e.o", &e, &len);
	ck_assert_uint_eq(cached(NULL), 4);
}
END_TEST

START_TEST(trouble_is_told)
{
	const struct uk_modinfo info = { .name = "upkeep_0123456789abcdef_0" };
	uk_auto_free char *data = NULL, *path = NULL, *work = in_dir("work"), *out = in_dir("x.o");
	size_t len;
	make(&info, "a.o", &data, &len);
	ck_assert_uint_eq(cached(&path), 1);
	ck_ok(uk_file_write(path, "nothing", 7, 0600));
	ck_fails(uk_modinfo_make(&tree, &info, work, out), UK_ERR_INVALID, "is damaged; remove it");
	put("symvers", "0x12345678 other\n");
	ck_fails(uk_modinfo_make(&tree, &info, work, out), UK_ERR_REFUSED,
		 "the CRC of module_layout is not known, without which 6.1 loads no module");
	tree.modversions = false;
	put("linux/module.h", "#error \"no such header\"\n");
	ck_fails(uk_modinfo_make(&tree, &info, work, out), UK_ERR_INVALID, "no such header");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kbuild modinfo");
	TCase *tcase = tcase_create("modinfo");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_object_serves_all_names);
	tcase_add_test(tcase, what_differs_is_compiled);
	tcase_add_test(tcase, trouble_is_told);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
