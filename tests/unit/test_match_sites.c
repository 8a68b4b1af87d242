// SPDX-License-Identifier: GPL-2.0-or-later
/* Collecting sites, and the tables that list them: what is refused of damaged ones. */
/* rooms: match elf base */
#include "match_sample.h"

static struct sample s;

/* A .text of 32 nops and a table. */
static struct uk_section *table(const char *name, const void *bytes, size_t len)
{
	uint8_t code[32];
	memset(code, 0x90, sizeof(code));
	sample_init(&s, 6001, true);
	sample_text(&s, code, sizeof(code));
	return sample_section(&s, name, 0, bytes, len);
}

static void refused(uk_version version, const char *text)
{
	struct uk_sites *sites = NULL;
	ck_fails(uk_sites_collect(s.object, version, &sites), UK_ERR_INVALID, text);
	ck_assert_ptr_null(sites);
	sample_deinit(&s);
}

static const uint8_t zeroes[64];

START_TEST(tables_must_be_whole)
{
	table(".altinstructions", zeroes, 13);
	refused(6001, ".altinstructions+0xd: ends inside an entry");
	table(".altinstructions", zeroes, 12);
	refused(6012, "ends inside an entry");
	table("__jump_table", zeroes, 17);
	refused(6001, "ends inside an entry");
	table(".smp_locks", zeroes, 6);
	refused(6001, "ends inside an entry");
}
END_TEST

START_TEST(fields_must_point_into_code)
{
	table(".smp_locks", zeroes, 4);
	refused(6001, ".smp_locks+0x0: a field without a relocation");
	struct uk_section *list = table(".smp_locks", zeroes, 4);
	sample_pointer(&s, list, 0, R_X86_64_PC32, s.text, 32);
	refused(6001, "does not point into this object's code");
	list = table(".smp_locks", zeroes, 4);
	sample_pointer(&s, list, 0, R_X86_64_PC32, list, 0);
	refused(6001, "does not point into this object's code");
	list = table(".smp_locks", zeroes, 4);
	sample_reloc(list, 0, R_X86_64_PC32, sample_undefined(&s, "elsewhere"), 0);
	refused(6001, "does not point into this object's code");
	list = table(".smp_locks", zeroes, 4);
	sample_pointer(&s, list, 0, R_X86_64_PC32, s.text, -1);
	refused(6001, "does not point into this object's code");
}
END_TEST

static struct uk_section *alternative(uint8_t len, uint8_t replacement_len)
{
	const uint8_t entry[12] = { [10] = len, [11] = replacement_len };
	struct uk_section *list = table(".altinstructions", entry, 12);
	struct uk_section *code =
		sample_section(&s, ".altinstr_replacement", SHF_EXECINSTR, zeroes, 4);
	sample_pointer(&s, list, 0, R_X86_64_PC32, s.text, 28);
	sample_pointer(&s, list, 4, R_X86_64_PC32, code, 2);
	return list;
}

START_TEST(alternatives_must_fit)
{
	alternative(5, 0);
	refused(6001, "alternative of 5 bytes at .text+0x1c does not lie in code");
	alternative(4, 3);
	refused(6001, "a replacement is longer than its section");
	alternative(1, 2);
	refused(6001, "a replacement is longer than its place");
	alternative(4, 2);
	struct uk_sites *sites;
	ck_ok(uk_sites_collect(s.object, 6001, &sites));
	ck_assert_uint_eq(sites->by_section[s.text->index].sites.len, 1);
	ck_assert_ptr_nonnull(uk_sites_overlap(sites, s.text, 31, 1));
	ck_assert_ptr_null(uk_sites_overlap(sites, s.text, 27, 1));
	uk_sites_destroy(sites);
	sample_deinit(&s);
}
END_TEST

START_TEST(other_entries_must_fit)
{
	const uint8_t paravirt[16] = { [9] = 6 };
	struct uk_section *list = table(".parainstructions", paravirt, 16);
	sample_pointer(&s, list, 0, R_X86_64_64, s.text, 27);
	refused(6001, "paravirtual call of 6 bytes at .text+0x1b does not lie in code");
	list = table("__jump_table", zeroes, 16);
	sample_pointer(&s, list, 0, R_X86_64_PC32, s.text, 0);
	sample_pointer(&s, list, 4, R_X86_64_PC32, s.text, 8);
	refused(6001, "neither a jump nor a nop");
	list = table("runtime_ptr_x", zeroes, 4);
	sample_pointer(&s, list, 0, R_X86_64_PC32, s.text, 25);
	refused(6012, "does not lie in code");
}
END_TEST

START_TEST(versions_say_which_tables_count)
{
	const uint8_t paravirt[16] = { [9] = 6 };
	struct uk_section *list = table(".parainstructions", paravirt, 16);
	sample_pointer(&s, list, 0, R_X86_64_64, s.text, 0);
	struct uk_sites *sites;
	ck_ok(uk_sites_collect(s.object, 6001, &sites));
	ck_assert_uint_eq(sites->by_section[s.text->index].sites.len, 1);
	uk_sites_destroy(sites);
	ck_ok(uk_sites_collect(s.object, 6012, &sites));
	ck_assert_uint_eq(sites->by_section[s.text->index].sites.len, 0);
	uk_sites_destroy(sites);
	sample_deinit(&s);
}
END_TEST

START_TEST(versions_are_parsed)
{
	uk_version version;
	ck_ok(uk_version_parse("6.1.0-47-cloud-amd64", &version));
	ck_assert_uint_eq(version, 6001);
	ck_ok(uk_version_parse("6.12.107+deb12-amd64", &version));
	ck_assert_uint_eq(version, 6012);
	ck_fails(uk_version_parse("5.10.0-1-amd64", &version), UK_ERR_REFUSED, "6.1 to 6.12");
	ck_fails(uk_version_parse("6.13.0", &version), UK_ERR_REFUSED, "6.1 to 6.12");
	ck_fails(uk_version_parse("linux", &version), UK_ERR_INVALID, "not a kernel release");
}
END_TEST

START_TEST(symbols_of_relocations_make_sites)
{
	sample_init(&s, 6001, true);
	sample_text(&s, BYTES(0xe8, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0, 0x2e, 0xe8, 0, 0, 0, 0, 0x0f,
			      0x84, 0, 0, 0, 0, 0x48, 0x8d, 0x05, 0, 0, 0, 0));
	sample_reloc(s.text, 1, R_X86_64_PLT32, sample_undefined(&s, "__fentry__"), -4);
	sample_reloc(s.text, 6, R_X86_64_PLT32, sample_undefined(&s, "__x86_return_thunk"), -4);
	sample_reloc(s.text, 12, R_X86_64_PLT32, sample_undefined(&s, "__x86_indirect_thunk_r9"),
		     -4);
	sample_reloc(s.text, 18, R_X86_64_PLT32, sample_undefined(&s, "__SCT__x"), -4);
	/* An address taken is no call. */
	sample_reloc(s.text, 25, R_X86_64_PC32, sample_undefined(&s, "__SCT__x"), -4);
	struct uk_sites *sites;
	ck_ok(uk_sites_collect(s.object, 6001, &sites));
	const struct uk_site *list = sites->by_section[s.text->index].sites.data;
	ck_assert_uint_eq(sites->by_section[s.text->index].sites.len, 4);
	ck_assert_int_eq(list[0].class, UK_SITE_FENTRY);
	ck_assert_int_eq(list[1].class, UK_SITE_RETURN);
	ck_assert_int_eq(list[2].class, UK_SITE_RETPOLINE);
	ck_assert_uint_eq(list[2].offset, 10);
	ck_assert_uint_eq(list[2].len, 6);
	ck_assert_uint_eq(list[2].reg, 9);
	ck_assert_int_eq(list[3].class, UK_SITE_STATIC_CALL);
	ck_assert_uint_eq(list[3].len, 6);
	ck_assert_str_eq(list[3].name, "x");
	uk_sites_destroy(sites);
	sample_deinit(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("match sites");
	TCase *tcase = tcase_create("sites");
	tcase_add_test(tcase, tables_must_be_whole);
	tcase_add_test(tcase, fields_must_point_into_code);
	tcase_add_test(tcase, alternatives_must_fit);
	tcase_add_test(tcase, other_entries_must_fit);
	tcase_add_test(tcase, versions_say_which_tables_count);
	tcase_add_test(tcase, versions_are_parsed);
	tcase_add_test(tcase, symbols_of_relocations_make_sites);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
