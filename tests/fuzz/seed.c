// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes seeds: "seed DIR" fills a folder of DIR for each fuzz program that starts from one. */
/* rooms: bundle base */
#include "base/process.h"
#include "bundle_sample.h"

static const char *top;

static char *make_path(const char *folder, const char *name)
{
	uk_auto_free char *dir = sample_path(top, folder);
	ck_ok(uk_dir_make(dir, 0755));
	return sample_path(dir, name);
}

START_TEST(seeds)
{
	static const char patch[] = "--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n";
	static const char symbols[] = "ffffffff81000000 T _text\nffffffffc0000000 t f\t[mod]\n";
	static const char code[] = "extern int f(int); int g(int x) { return f(x); }\n";
	uk_auto_update struct uk_update *update = sample_update();
	uk_auto_free char *manifest = make_path("fuzz_manifest", "sample.json"), *text = NULL;
	uk_auto_free char *bundle = make_path("fuzz_bundle", "sample.upk");
	uk_auto_free char *module = make_path("fuzz_modfile", "sample.o");
	uk_auto_free char *object = make_path("fuzz_object", "sample.o");
	uk_auto_free char *patch_path = make_path("fuzz_patch", "sample.patch");
	uk_auto_free char *symbols_path = make_path("fuzz_kallsyms", "sample");
	uk_auto_free char *source = sample_path(top, "seed.c");
	struct uk_member members[SAMPLE_MEMBERS];
	sample_members(members);
	ck_ok(uk_update_to_json(update, &text));
	ck_ok(uk_file_write(manifest, text, strlen(text), 0644));
	ck_ok(uk_bundle_pack(update, members, SAMPLE_MEMBERS, NULL, bundle));
	ck_ok(uk_file_write(source, code, sizeof(code) - 1, 0644));
	ck_ok(uk_process_call(NULL, "gcc-12", "-c", "-o", module, source, NULL));
	ck_ok(uk_file_copy(module, object, 0644));
	ck_ok(uk_file_write(patch_path, patch, sizeof(patch) - 1, 0644));
	ck_ok(uk_file_write(symbols_path, symbols, sizeof(symbols) - 1, 0644));
}
END_TEST

/* The sample asserts as tests do, so this is one. */
int main(int argc, char **argv)
{
	if (argc != 2)
		return 1;
	top = argv[1];
	Suite *suite = suite_create("seed");
	TCase *tcase = tcase_create("seed");
	tcase_add_test(tcase, seeds);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
