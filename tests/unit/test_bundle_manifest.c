// SPDX-License-Identifier: GPL-2.0-or-later
/* manifest.json: round trip, determinism and every refusal. */
/* rooms: bundle base */
#include "bundle/identity.h"
#include "bundle_sample.h"

static char *sample_json(void)
{
	uk_auto_update struct uk_update *update = sample_update();
	char *text = NULL;
	ck_ok(uk_update_to_json(update, &text));
	return text;
}

START_TEST(round_trip_gives_the_same_text)
{
	uk_auto_free char *text = sample_json(), *again = NULL, *third = sample_json();
	uk_auto_update struct uk_update *read = NULL;
	ck_ok(uk_update_from_json(text, strlen(text), &read));
	ck_ok(uk_update_to_json(read, &again));
	ck_assert_str_eq(text, again);
	ck_assert_str_eq(text, third);
	ck_assert_str_eq(read->id, SAMPLE_ID);
	ck_assert_str_eq(read->description, "Shows \"more\" \xc3\xa4\nof it");
	ck_assert_uint_eq(read->functions.len, 3);
	ck_assert_int_eq(read->functions.data[1].change, UK_CHANGE_NEW);
	ck_assert_uint_eq(read->functions.data[0].offset, 16);
	ck_assert(read->functions.data[0].redirect && !read->functions.data[1].redirect);
	ck_assert_ptr_null(read->objects.data[1].prev);
	ck_assert_uint_eq(read->writes.data[0].len, 3);
	ck_assert_mem_eq(read->writes.data[0].new_bytes, "xyz", 3);
	ck_assert_uint_eq(read->pointers.data[0].at, 16);
	ck_assert_str_eq(read->pointers.data[0].section, ".rodata.upk.1.table");
	ck_assert(read->ibt && read->findings.data[0].accepted);
}
END_TEST

START_TEST(optional_texts_may_be_missing)
{
	uk_auto_update struct uk_update *update = sample_update(), *read = NULL;
	uk_auto_free char *text = NULL;
	free(uk_take(update->version));
	free(uk_take(update->build_id));
	free(uk_take(update->description));
	ck_ok(uk_update_to_json(update, &text));
	ck_ok(uk_update_from_json(text, strlen(text), &read));
	ck_assert_ptr_null(read->version);
	ck_assert_ptr_null(read->build_id);
	ck_assert_ptr_null(read->description);
}
END_TEST

START_TEST(a_model_without_what_it_needs_is_not_written)
{
	uk_auto_update struct uk_update *update = sample_update();
	char *text = NULL;
	free(uk_take(update->release));
	ck_fails(uk_update_to_json(update, &text), UK_ERR_INVALID,
		 "manifest.json: release: missing");
	update->release = sample_copy("6.1");
	free(uk_take(update->functions.data[2].name));
	ck_fails(uk_update_to_json(update, &text), UK_ERR_INVALID, "functions[2]: name: missing");
	update->functions.data[2].name = sample_copy("gone");
	update->functions.data[2].change = 77;
	ck_fails(uk_update_to_json(update, &text), UK_ERR_INVALID,
		 "functions[2]: change: unknown value 77");
	update->functions.data[2].change = UK_CHANGE_REMOVED;
	ck_assert_ptr_null(text);
}
END_TEST

/* @from (found once or more; the first is replaced) becomes @to, and the text is refused. */
static const struct {
	const char *from, *to, *message;
} refusals[] = {
	{ "\"schema\": 1", "\"schema\": 2",
	  "manifest.json: schema: 2 is newer than 1, which this upkeep (" UPKEEP_VERSION
	  ") understands; install the upkeep that made the update" },
	{ "\"schema\": 1", "\"schema\": 0", "schema: expected a number from 1 on" },
	{ "\"schema\": 1", "\"schema\": \"1\"", "schema: expected a number from 1 on" },
	{ "\"schema\": 1,", "", "schema: missing" },
	{ "{", "[", "not JSON at byte" },
	{ "\"schema\"", "schema", "not JSON at byte" },
	{ "\"" SAMPLE_ID "\"", "\"0123456789ABCDEF\"",
	  "id: '0123456789ABCDEF' is not 16 lower-case" },
	{ "\"" SAMPLE_ID "\"", "\"0123\"", "id: '0123' is not 16" },
	{ "\"" SAMPLE_ID "\"", "7", "id: expected string, found int" },
	{ "\"" SAMPLE_ID "\"", "null", "id: expected string, found null" },
	{ "\"" SAMPLE_ID "\"", "\"012345\\u00006789\"", "id: a NUL inside the string" },
	{ "\"ibt\": true", "\"ibt\": 1", "ibt: expected boolean, found int" },
	{ "\"ibt\": true", "\"ibt\": true, \"extra\": 1", "top level: unknown field 'extra'" },
	{ "\"ibt\": true,", "", "ibt: missing" },
	{ "6.12.107+deb12", "6.12/../..",
	  "release: '6.12/../..-cloud-amd64' is not a kernel release" },
	{ "\"x86_64\"", "\"arm64\"", "arch: 'arm64' is not x86_64, the only architecture served" },
	{ "\"00112233", "\"0011223x", "build_id: " },
	{ "\"00112233", "\"0", "build_id: " },
	{ "CVE-2026-1234", "CVE 2026", "cves[0]: 'CVE 2026' is not a name" },
	{ "fedcba9876543210", SAMPLE_ID, "after[0]: it stands on itself" },
	{ "\"fedcba9876543210\"", "\"fedcba9876543210\", \"fedcba9876543210\"",
	  "after[1]: fedcba9876543210 twice" },
	{ "patches/0-fix.patch", "/etc/passwd",
	  "patches[0]: '/etc/passwd' is not a relative path" },
	{ "patches/0-fix.patch", "patches/../../x", "patches[0]: 'patches/../../x' is not" },
	{ "patches/0-fix.patch", "patches//x", "patches[0]: " },
	{ "patches/0-fix.patch", "patches/", "patches[0]: " },
	{ "patches/0-fix.patch", "./x", "patches[0]: " },
	{ "patches/0-fix.patch", "a b", "patches[0]: " },
	{ "patches/0-fix.patch", "", "patches[0]: " },
	{ "patches/0-fix.patch", "core/upkeep.ko", "member core/upkeep.ko is named twice" },
	{ "patches/0-fix.patch", "manifest.json", "member manifest.json is named twice" },
	{ "\"target\": \"nft_limit\"", "\"target\": \"nft-limit\"",
	  "parts[1].target: 'nft-limit'" },
	{ "\"target\": \"nft_limit\"", "\"target\": \"vmlinux\"",
	  "parts[1]: a second part for vmlinux" },
	{ "upkeep_" SAMPLE_ID "_1", "upkeep_" SAMPLE_ID "_0",
	  "parts[1]: a second part with module" },
	{ "upkeep_" SAMPLE_ID "_1", "ext4", "parts[1]: module 'ext4' is not upkeep_" },
	{ "upkeep_" SAMPLE_ID "_1", "upkeep_" SAMPLE_ID "_", "parts[1]: module 'upkeep_" },
	{ "\"upkeep_" SAMPLE_ID "_1\"", "null", "parts[1].module: expected string, found null" },
	{ "\"part\": 1", "\"part\": 2", "objects[1]: part 2 of 2" },
	{ "\"part\": 1", "\"part\": -1", "objects[1].part: -1 is not between 0 and" },
	{ "\"part\": 1", "\"part\": 1.0", "objects[1].part: expected int, found double" },
	{ "\"part\": 1", "\"part\": 99999999999999999999", "objects[1].part: " },
	{ "\"orig/fs/proc/cmdline.o\"", "null", "objects[0].plain: expected string, found null" },
	{ "\"change\": \"changed\"", "\"change\": \"other\"",
	  "functions[0].change: unknown value 'other'" },
	{ "\"change\": \"changed\"", "\"change\": \"new\"",
	  "functions[0]: old_size 38 of a function that is new" },
	{ "\"change\": \"changed\"", "\"change\": \"removed\"",
	  "functions[0]: section .text.upk.0.cmdline_proc_show of a removed function" },
	{ "\"object\": 0", "\"object\": 2", "functions[0]: object 2 of 2" },
	{ "\"old_size\": 38", "\"old_size\": 0",
	  "functions[0]: old_size 0 of a function that is not new" },
	{ "\"old_size\": 38", "\"old_size\": 9223372036854775807", "functions[0].old_size: " },
	{ "\".text.upk.0.cmdline_proc_show\"", "null",
	  "functions[0]: redirect without old and new code" },
	{ "\".text.upk.1.helper.isra.0\"", "null", "functions[1]: no section" },
	{ "\"redirect\": false", "\"redirect\": true",
	  "functions[1]: redirect without old and new" },
	{ "\"offset\": 16", "\"offset\": 4294967296",
	  "functions[0].offset: 4294967296 is not between" },
	{ "\"helper.isra.0\"", "\"help\\u001ber\"", "functions[1].name: " },
	{ "\"change\": \"written\"", "\"change\": \"changed\"", "data[0].change: unknown value" },
	{ "\"616263\"", "\"6162\"", "writes[0].new: 3 bytes, expected 2" },
	{ "\"616263\"", "\"61626\"", "writes[0].old: not lower-case hexadecimal" },
	{ "\"616263\"", "\"61626G\"", "writes[0].old: not lower-case hexadecimal" },
	{ "\"at\": 16", "\"at\": -1", "pointers[0].at: -1 is not between" },
	{ "\".rodata.upk.1.table\"", "null", "pointers[0].section: expected string" },
	{ "\"616263\"", "\"\"", "writes[0].old: 0 bytes, expected 1 to" },
	{ "net/foo.c:12", "net/foo.c\\n12", "findings[0].place: " },
	{ "nothing sets", "nothing\\u0007sets", "findings[0].text: " },
	{ "\xc3\xa4", "\xc3(", "not JSON" },
};

static char *replace_once(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	ck_assert_msg(at != NULL, "the sample has no '%s'", from);
	char *changed = NULL;
	ck_ok(uk_asprintf(&changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)));
	return changed;
}

START_TEST(every_refusal_names_its_place)
{
	uk_auto_free char *text = sample_json();
	uk_auto_free char *changed = replace_once(text, refusals[_i].from, refusals[_i].to);
	struct uk_update *read = NULL;
	ck_fails(uk_update_from_json(changed, strlen(changed), &read), UK_ERR_INVALID,
		 refusals[_i].message);
	ck_assert_ptr_null(read);
}
END_TEST

START_TEST(texts_cut_anywhere_are_refused)
{
	uk_auto_free char *text = sample_json();
	size_t len = strlen(text);
	for (size_t cut = 0; cut < len - 1; cut++) {
		/* An exact copy, so that reading behind the end shows under ASan. */
		uk_auto_free char *copy = malloc(cut ? cut : 1);
		struct uk_update *read = NULL;
		memcpy(copy, text, cut);
		ck_fails(uk_update_from_json(copy, cut, &read), UK_ERR_INVALID, "not JSON");
	}
}
END_TEST

START_TEST(text_behind_the_end_is_refused)
{
	uk_auto_free char *text = sample_json(), *longer = NULL;
	struct uk_update *read = NULL;
	ck_ok(uk_asprintf(&longer, "%s {}", text));
	ck_fails(uk_update_from_json(longer, strlen(longer), &read), UK_ERR_INVALID, "not JSON");
	ck_fails(uk_update_from_json("[]", 2, &read), UK_ERR_INVALID, "top level: expected object");
	ck_fails(uk_update_from_json("[[[[[[[[[[]]]]]]]]]]", 20, &read), UK_ERR_INVALID,
		 "too deep");
}
END_TEST

static void id_of(struct uk_update_identity identity, char ret[UK_UPDATE_ID_LEN + 1])
{
	ck_ok(uk_update_id(&identity, ret));
}

START_TEST(the_id_depends_on_everything)
{
	const char *patches[] = { "one", "two" }, *swapped[] = { "two", "one" };
	const char *accepted[] = { "a", "b" }, *backwards[] = { "b", "a" };
	const struct uk_update_identity base = { .release = "6.1",
						 .version = "#1",
						 .build_id = "00",
						 .compiler = "gcc",
						 .patches = patches,
						 .nr_patches = 2,
						 .after = patches,
						 .nr_after = 1,
						 .accepted = accepted,
						 .nr_accepted = 2 };
	struct uk_update_identity others[9];
	for (size_t i = 0; i < UK_ARRAY_SIZE(others); i++)
		others[i] = base;
	others[0].release = "6.2";
	others[1].version = "";
	others[2].build_id = NULL;
	others[3].compiler = "cc";
	others[4].patches = swapped;
	others[5].nr_patches = 1;
	others[6].nr_after = 0;
	others[7].nr_accepted = 1;
	others[8].nr_after = 2;
	char id[UK_UPDATE_ID_LEN + 1], other[UK_UPDATE_ID_LEN + 1];
	id_of(base, id);
	ck_assert(uk_update_id_ok(id));
	for (size_t i = 0; i < UK_ARRAY_SIZE(others); i++) {
		id_of(others[i], other);
		ck_assert_msg(strcmp(id, other) != 0, "variant %zu has the same id", i);
	}
	struct uk_update_identity same = base;
	same.accepted = backwards;
	id_of(same, other);
	ck_assert_str_eq(id, other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bundle_manifest");
	TCase *tcase = tcase_create("manifest");
	tcase_add_test(tcase, round_trip_gives_the_same_text);
	tcase_add_test(tcase, optional_texts_may_be_missing);
	tcase_add_test(tcase, a_model_without_what_it_needs_is_not_written);
	tcase_add_loop_test(tcase, every_refusal_names_its_place, 0, UK_ARRAY_SIZE(refusals));
	tcase_add_test(tcase, texts_cut_anywhere_are_refused);
	tcase_add_test(tcase, text_behind_the_end_is_refused);
	tcase_add_test(tcase, the_id_depends_on_everything);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
