// SPDX-License-Identifier: GPL-2.0-or-later
/* .upk files: round trip, determinism, trust, tampering, truncation. */
/* rooms: bundle base */
#include "bundle_sample.h"

#include "base/bytes.h"
#include "bundle/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <sodium.h>
#include <sys/stat.h>

static char *dir, *secret, *public, *file;
static struct uk_trust_policy trusted, lax;

static void set_up(void)
{
	dir = sample_dir();
	secret = sample_path(dir, "key");
	public = sample_path(dir, "key.pub");
	file = sample_path(dir, "x.upk");
	ck_ok(uk_key_generate(secret, public, NULL));
	trusted = (struct uk_trust_policy){ .trusted_dir = dir };
	lax = (struct uk_trust_policy){ .trusted_dir = "/nonexistent", .allow_untrusted = true };
}

static void tear_down(void)
{
	ck_ok(uk_tree_remove(dir));
	free(dir);
	free(secret);
	free(public);
	free(file);
}

static void pack(bool sign)
{
	uk_auto_update struct uk_update *update = sample_update();
	uk_auto_secret_key struct uk_secret_key *key = NULL;
	struct uk_member members[SAMPLE_MEMBERS];
	sample_members(members);
	if (sign)
		ck_ok(uk_secret_key_load(secret, &key));
	ck_ok(uk_bundle_pack(update, members, SAMPLE_MEMBERS, key, file));
}

static uint8_t *read_file(size_t *len_ret)
{
	char *bytes;
	ck_ok(uk_file_read(file, 1 << 20, &bytes, len_ret));
	return (uint8_t *)bytes;
}

START_TEST(what_was_packed_comes_out)
{
	uk_auto_bundle struct uk_bundle *bundle = NULL;
	pack(true);
	ck_ok(uk_bundle_open(file, &trusted, &bundle));
	ck_assert_int_eq(uk_bundle_verdict(bundle), UK_VERDICT_TRUSTED);
	ck_assert(uk_update_id_ok(uk_bundle_key_id(bundle)));
	ck_assert_str_eq(uk_bundle_name(bundle), file);
	ck_assert_str_eq(uk_bundle_update(bundle)->id, SAMPLE_ID);
	struct uk_member members[SAMPLE_MEMBERS];
	sample_members(members);
	for (size_t i = 0; i < SAMPLE_MEMBERS; i++) {
		const struct uk_member *member = uk_bundle_member(bundle, members[i].name);
		ck_assert_ptr_nonnull(member);
		ck_assert_uint_eq(member->len, members[i].len);
		ck_assert_str_eq(member->data, members[i].data);
	}
	ck_assert_ptr_null(uk_bundle_member(bundle, "nothing"));
	size_t len, file_len;
	const void *bytes = uk_bundle_bytes(bundle, &len);
	uk_auto_free uint8_t *expected = read_file(&file_len);
	ck_assert_uint_eq(len, file_len);
	ck_assert_mem_eq(bytes, expected, len);
}
END_TEST

START_TEST(packing_twice_gives_the_same_bytes)
{
	size_t len, again_len, unsigned_len;
	pack(true);
	uk_auto_free uint8_t *first = read_file(&len);
	pack(true);
	uk_auto_free uint8_t *again = read_file(&again_len);
	pack(false);
	uk_auto_free uint8_t *plain = read_file(&unsigned_len);
	ck_assert_uint_eq(len, again_len);
	ck_assert_mem_eq(first, again, len);
	ck_assert_uint_eq(len, unsigned_len);
	ck_assert_mem_eq(first + UK_BUNDLE_HEADER_LEN, plain + UK_BUNDLE_HEADER_LEN,
			 len - UK_BUNDLE_HEADER_LEN);
}
END_TEST

START_TEST(unsigned_only_when_allowed)
{
	uk_auto_bundle struct uk_bundle *bundle = NULL;
	pack(false);
	ck_fails(uk_bundle_open(file, &trusted, &bundle), UK_ERR_INVALID,
		 "not signed; sign it with a trusted key, or take it as it is with "
		 "--allow-untrusted");
	ck_ok(uk_bundle_open(file, &lax, &bundle));
	ck_assert_int_eq(uk_bundle_verdict(bundle), UK_VERDICT_UNSIGNED);
	ck_assert_ptr_null(uk_bundle_key_id(bundle));
}
END_TEST

START_TEST(an_unknown_key_only_when_allowed)
{
	uk_auto_bundle struct uk_bundle *bundle = NULL;
	struct uk_trust_policy empty = { .trusted_dir = "/nonexistent" };
	pack(true);
	ck_fails(uk_bundle_open(file, &empty, &bundle), UK_ERR_INVALID,
		 "which is not among the 0 trusted ones in /nonexistent");
	ck_ok(uk_bundle_open(file, &lax, &bundle));
	ck_assert_int_eq(uk_bundle_verdict(bundle), UK_VERDICT_UNKNOWN);
}
END_TEST

START_TEST(a_forged_signature_is_refused_even_when_lax)
{
	size_t len;
	struct uk_bundle *bundle = NULL;
	struct uk_trust_policy lax_here = { .trusted_dir = dir, .allow_untrusted = true };
	pack(true);
	uk_auto_free uint8_t *bytes = read_file(&len);
	bytes[64] ^= 1;
	ck_fails(uk_bundle_parse(bytes, len, "x.upk", &lax_here, &bundle), UK_ERR_INVALID,
		 "does not fit: the file was changed after it was signed");
	ck_assert_ptr_null(bundle);
}
END_TEST

/* The key of somebody else under the id of a trusted one cannot be: ids are hashes. */
START_TEST(another_key_does_not_verify)
{
	size_t len;
	struct uk_bundle *bundle = NULL;
	pack(true);
	uk_auto_free uint8_t *bytes = read_file(&len);
	uk_auto_free char *other_secret = sample_path(dir, "other");
	uk_auto_free char *other_public = sample_path(dir, "other.pub");
	uk_auto_secret_key struct uk_secret_key *other = NULL;
	ck_ok(uk_key_generate(other_secret, other_public, NULL));
	ck_ok(uk_secret_key_load(other_secret, &other));
	uk_secret_key_sign(other, bytes, 64, bytes + 64);
	ck_fails(uk_bundle_parse(bytes, len, "x.upk", &trusted, &bundle), UK_ERR_INVALID,
		 "does not fit");
}
END_TEST

START_TEST(every_flipped_bit_is_refused)
{
	size_t len;
	pack(true);
	uk_auto_free uint8_t *bytes = read_file(&len);
	for (size_t at = 0; at < len; at++) {
		struct uk_bundle *bundle = NULL;
		bytes[at] ^= (uint8_t)(1 << (at % 8));
		struct uk_error *err = uk_bundle_parse(bytes, len, "x.upk", &trusted, &bundle);
		ck_assert_msg(err != NULL, "accepted with byte %zu changed", at);
		ck_assert_int_eq(uk_error_kind(err), UK_ERR_INVALID);
		uk_error_destroy(err);
		bytes[at] ^= (uint8_t)(1 << (at % 8));
	}
	uk_auto_bundle struct uk_bundle *bundle = NULL;
	ck_ok(uk_bundle_parse(bytes, len, "x.upk", &trusted, &bundle));
}
END_TEST

START_TEST(a_changed_payload_is_refused_though_unsigned)
{
	size_t len;
	pack(false);
	uk_auto_free uint8_t *bytes = read_file(&len);
	for (size_t at = UK_BUNDLE_HEADER_LEN; at < len; at += 7) {
		struct uk_bundle *bundle = NULL;
		bytes[at] ^= 0x80;
		ck_fails(uk_bundle_parse(bytes, len, "x.upk", &lax, &bundle), UK_ERR_INVALID,
			 "damaged: the payload does not have the SHA-256");
		bytes[at] ^= 0x80;
	}
}
END_TEST

START_TEST(cut_anywhere_is_refused)
{
	size_t len;
	pack(true);
	uk_auto_free uint8_t *bytes = read_file(&len);
	for (size_t cut = 0; cut < len; cut++) {
		struct uk_bundle *bundle = NULL;
		uk_auto_free uint8_t *copy = malloc(cut ? cut : 1);
		memcpy(copy, bytes, cut);
		ck_fails(uk_bundle_parse(copy, cut, "x.upk", &trusted, &bundle), UK_ERR_INVALID,
			 cut < 8 ? "no magic" : "cut off");
	}
}
END_TEST

static const struct {
	size_t at;
	uint8_t value;
	const char *message;
} headers[] = {
	{ 0, 'U', "not an update (.upk)" },
	{ 8, 2, "format 2 is newer than 1, which this upkeep (" UPKEEP_VERSION ") reads" },
	{ 8, 0, "format 0 does not exist" },
	{ 12, 3, "unknown flags 0x3" },
	{ 12, 0, "unsigned, but byte 24 of the header is not 0" },
	{ 16, 0, "bytes behind the payload" },
	{ 23, 1, "bytes, more than" },
};

START_TEST(headers_say_what_is_wrong)
{
	size_t len;
	struct uk_bundle *bundle = NULL;
	pack(true);
	uk_auto_free uint8_t *bytes = read_file(&len);
	bytes[24] |= 1;
	bytes[headers[_i].at] = headers[_i].value;
	ck_fails(uk_bundle_parse(bytes, len, "x.upk", &lax, &bundle), UK_ERR_INVALID,
		 headers[_i].message);
}
END_TEST

START_TEST(members_must_be_those_of_the_manifest)
{
	uk_auto_update struct uk_update *update = sample_update();
	struct uk_member members[SAMPLE_MEMBERS + 1];
	sample_members(members);
	ck_fails(uk_bundle_pack(update, members, SAMPLE_MEMBERS - 1, NULL, file), UK_ERR_INVALID,
		 "member orig/net/netfilter/nft_limit.o is named in the manifest but not there");
	members[SAMPLE_MEMBERS] = (struct uk_member){ "extra", "x", 1 };
	ck_fails(uk_bundle_pack(update, members, SAMPLE_MEMBERS + 1, NULL, file), UK_ERR_INVALID,
		 "member extra is not named in the manifest");
	members[SAMPLE_MEMBERS] = members[0];
	ck_fails(uk_bundle_pack(update, members, SAMPLE_MEMBERS + 1, NULL, file), UK_ERR_INVALID,
		 "member parts/1.ko is not named in the manifest");
	update->id[0] = 'x';
	ck_fails(uk_bundle_pack(update, members, SAMPLE_MEMBERS, NULL, file), UK_ERR_INVALID,
		 "id: ");
	ck_assert(!uk_file_exists(file));
}
END_TEST

/* An unsigned bundle around a payload of one's own. */
static struct uk_error *open_payload(const void *payload, size_t len)
{
	uk_auto_free uint8_t *bytes = calloc(1, UK_BUNDLE_HEADER_LEN + len);
	struct uk_bundle *bundle = NULL;
	memcpy(bytes, "\177UPKEEP\n", 8);
	uk_put_u32(bytes + 8, UK_BUNDLE_FORMAT);
	uk_put_u64(bytes + 16, len);
	crypto_hash_sha256(bytes + 32, payload, len);
	memcpy(bytes + UK_BUNDLE_HEADER_LEN, payload, len);
	struct uk_error *err =
		uk_bundle_parse(bytes, UK_BUNDLE_HEADER_LEN + len, "x.upk", &lax, &bundle);
	uk_bundle_destroy(bundle);
	return err;
}

static struct uk_error *open_members(const struct uk_member *const *members, size_t nr)
{
	uk_auto_free void *payload = NULL;
	size_t len;
	ck_ok(uk_archive_pack(members, nr, &payload, &len));
	return open_payload(payload, len);
}

START_TEST(payloads_from_strangers_are_refused)
{
	uk_auto_update struct uk_update *update = sample_update();
	uk_auto_free char *text = NULL;
	ck_ok(uk_update_to_json(update, &text));
	struct uk_member members[SAMPLE_MEMBERS],
		manifest = { "manifest.json", text, strlen(text) };
	sample_members(members);
	const struct uk_member *order[SAMPLE_MEMBERS + 3] = { &manifest };
	for (size_t i = 0; i < SAMPLE_MEMBERS; i++)
		order[1 + i] = &members[i];
	ck_ok(open_members(order, SAMPLE_MEMBERS + 1));
	ck_fails(open_members(order, 0), UK_ERR_INVALID, "x.upk: ");
	ck_fails(open_members(order, SAMPLE_MEMBERS), UK_ERR_INVALID,
		 "is named in the manifest but not there");
	ck_fails(open_members(order + 1, SAMPLE_MEMBERS), UK_ERR_INVALID,
		 "the first member is not manifest.json");
	order[SAMPLE_MEMBERS + 1] = &members[3];
	ck_fails(open_members(order, SAMPLE_MEMBERS + 2), UK_ERR_INVALID,
		 "member patches/0-fix.patch is there twice");
	struct uk_member stranger = { "stranger", "", 0 }, outside = { "../outside", "", 0 };
	order[SAMPLE_MEMBERS + 1] = &stranger;
	ck_fails(open_members(order, SAMPLE_MEMBERS + 2), UK_ERR_INVALID,
		 "member stranger is not named in the manifest");
	order[SAMPLE_MEMBERS + 1] = &outside;
	ck_fails(open_members(order, SAMPLE_MEMBERS + 2), UK_ERR_INVALID,
		 "a name that is not allowed");
	ck_fails(open_payload("not zstd at all", 15), UK_ERR_INVALID, "unpack: ");
	ck_fails(open_payload("", 0), UK_ERR_INVALID, "x.upk: ");
}
END_TEST

static la_ssize_t append(struct archive *archive, void *buf, const void *bytes, size_t len)
{
	uk_strbuf_add(buf, bytes, len);
	return (la_ssize_t)len;
}

/* A tar of one entry that is not a plain file, or one of @size zeroes. */
static struct uk_error *open_odd(unsigned int type, const char *link, int64_t size)
{
	uk_auto_strbuf struct uk_strbuf buf = {};
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	archive_write_set_format_pax_restricted(archive);
	archive_write_add_filter_zstd(archive);
	archive_write_set_bytes_in_last_block(archive, 1);
	archive_write_open(archive, &buf, NULL, append, NULL);
	archive_entry_set_pathname(entry, "odd");
	archive_entry_set_filetype(entry, type);
	archive_entry_set_size(entry, size);
	if (link && type == AE_IFLNK)
		archive_entry_set_symlink(entry, link);
	else if (link)
		archive_entry_set_hardlink(entry, link);
	ck_assert_int_eq(archive_write_header(archive, entry), ARCHIVE_OK);
	uk_auto_free char *zeroes = calloc(1, 1 << 20);
	for (int64_t at = 0; at < size; at += 1 << 20)
		archive_write_data(archive, zeroes, 1 << 20);
	archive_entry_free(entry);
	archive_write_close(archive);
	archive_write_free(archive);
	return open_payload(buf.data, buf.len);
}

START_TEST(only_plain_files_of_sane_size)
{
	ck_fails(open_odd(AE_IFDIR, NULL, 0), UK_ERR_INVALID, "a name that is not allowed");
	ck_fails(open_odd(AE_IFLNK, "/etc/passwd", 0), UK_ERR_INVALID, "is not a plain file");
	ck_fails(open_odd(AE_IFREG, "manifest.json", 0), UK_ERR_INVALID, "is not a plain file");
	ck_fails(open_odd(AE_IFIFO, NULL, 0), UK_ERR_INVALID, "is not a plain file");
	ck_fails(open_odd(AE_IFREG, NULL, (int64_t)UK_ARCHIVE_MEMBER_MAX + (1 << 20)),
		 UK_ERR_INVALID, "member odd: 269484032 bytes, more than 268435456");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bundle_file");
	TCase *tcase = tcase_create("file");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, what_was_packed_comes_out);
	tcase_add_test(tcase, packing_twice_gives_the_same_bytes);
	tcase_add_test(tcase, unsigned_only_when_allowed);
	tcase_add_test(tcase, an_unknown_key_only_when_allowed);
	tcase_add_test(tcase, a_forged_signature_is_refused_even_when_lax);
	tcase_add_test(tcase, another_key_does_not_verify);
	tcase_add_test(tcase, every_flipped_bit_is_refused);
	tcase_add_test(tcase, a_changed_payload_is_refused_though_unsigned);
	tcase_add_test(tcase, cut_anywhere_is_refused);
	tcase_add_loop_test(tcase, headers_say_what_is_wrong, 0, UK_ARRAY_SIZE(headers));
	tcase_add_test(tcase, members_must_be_those_of_the_manifest);
	tcase_add_test(tcase, payloads_from_strangers_are_refused);
	tcase_add_test(tcase, only_plain_files_of_sane_size);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
