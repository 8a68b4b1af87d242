// SPDX-License-Identifier: GPL-2.0-or-later
/* Key files: making, modes, damage; trusted folders. */
/* rooms: bundle base */
#include "bundle_sample.h"

#include <sys/stat.h>

static char *dir, *secret, *public;

static void set_up(void)
{
	dir = sample_dir();
	secret = sample_path(dir, "key");
	public = sample_path(dir, "key.pub");
}

static void tear_down(void)
{
	ck_ok(uk_tree_remove(dir));
	free(dir);
	free(secret);
	free(public);
}

START_TEST(a_pair_signs_and_verifies)
{
	char id[UK_KEY_ID_LEN + 1];
	uint8_t signature[UK_SIGNATURE_LEN], again[UK_SIGNATURE_LEN];
	uk_auto_secret_key struct uk_secret_key *key = NULL;
	struct uk_public_key verifier;
	ck_ok(uk_key_generate(secret, public, id));
	ck_ok(uk_secret_key_load(secret, &key));
	ck_ok(uk_public_key_load(public, &verifier));
	ck_assert_str_eq(uk_secret_key_id(key), id);
	ck_assert_str_eq(verifier.id, id);
	ck_assert(uk_update_id_ok(id));
	uk_secret_key_sign(key, "message", 7, signature);
	uk_secret_key_sign(key, "message", 7, again);
	ck_assert_mem_eq(signature, again, sizeof(signature));
	ck_assert(uk_public_key_verify(&verifier, "message", 7, signature));
	ck_assert(!uk_public_key_verify(&verifier, "massage", 7, signature));
	signature[0] ^= 1;
	ck_assert(!uk_public_key_verify(&verifier, "message", 7, signature));
	uk_public_key_deinit(&verifier);
}
END_TEST

START_TEST(the_secret_file_is_private_under_any_umask)
{
	struct stat st;
	umask(0);
	ck_ok(uk_key_generate(secret, public, NULL));
	ck_assert_int_eq(stat(secret, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(keys_are_never_overwritten)
{
	ck_ok(uk_file_write(public, "mine", 4, 0644));
	ck_fails(uk_key_generate(secret, public, NULL), UK_ERR_USAGE,
		 "exists already; keys are never overwritten");
	ck_assert_msg(!uk_file_exists(secret), "a secret key without its public one stays");
	ck_assert_int_eq(unlink(public), 0);
	ck_ok(uk_key_generate(secret, public, NULL));
	ck_fails(uk_key_generate(secret, public, NULL), UK_ERR_USAGE, secret);
}
END_TEST

START_TEST(loose_modes_are_refused)
{
	static const mode_t loose[] = { 0640, 0604, 0620, 0602, 0610, 0644, 0666 };
	struct uk_secret_key *key = NULL;
	struct uk_public_key verifier;
	ck_ok(uk_key_generate(secret, public, NULL));
	for (size_t i = 0; i < UK_ARRAY_SIZE(loose); i++) {
		ck_assert_int_eq(chmod(secret, loose[i]), 0);
		ck_fails(uk_secret_key_load(secret, &key), UK_ERR_INVALID,
			 "is too loose: run chmod 600 on it");
	}
	ck_assert_int_eq(chmod(secret, 0400), 0);
	ck_ok(uk_secret_key_load(secret, &key));
	uk_secret_key_destroy(key);
	ck_assert_int_eq(chmod(public, 0664), 0);
	ck_fails(uk_public_key_load(public, &verifier), UK_ERR_INVALID, "run chmod go-w on it");
}
END_TEST

START_TEST(damaged_files_are_refused)
{
	struct uk_secret_key *key = NULL;
	struct uk_public_key verifier;
	ck_ok(uk_key_generate(secret, public, NULL));
	ck_assert_int_eq(chmod(public, 0600), 0);
	ck_fails(uk_secret_key_load(public, &key), UK_ERR_INVALID,
		 "does not begin with the line 'upkeep secret key ed25519'");
	ck_fails(uk_public_key_load(secret, &verifier), UK_ERR_INVALID,
		 "does not begin with the line 'upkeep public key ed25519'");
	ck_fails(uk_public_key_load(dir, &verifier), UK_ERR_INVALID, "not a regular file");
	char *text;
	size_t len;
	ck_ok(uk_file_read(secret, 4096, &text, &len));
	for (size_t cut = 0; cut + 1 < len; cut++) {
		ck_ok(uk_file_write(secret, text, cut, 0600));
		struct uk_error *err = uk_secret_key_load(secret, &key);
		ck_assert_msg(err != NULL, "accepted when cut to %zu of %zu bytes", cut, len);
		ck_assert_int_eq(uk_error_kind(err), UK_ERR_INVALID);
		uk_error_destroy(err);
	}
	free(text);
}
END_TEST

START_TEST(a_folder_gives_its_keys)
{
	char id[UK_KEY_ID_LEN + 1];
	uk_auto_trust struct uk_trust trust = {};
	uk_auto_free char *none = sample_path(dir, "none");
	ck_ok(uk_key_generate(secret, public, id));
	ck_ok(uk_trust_load(dir, &trust));
	ck_assert_uint_eq(trust.keys.len, 1);
	ck_assert_str_eq(uk_trust_find(&trust, id)->path, public);
	ck_assert_ptr_null(uk_trust_find(&trust, "0000000000000000"));
	struct uk_trust empty;
	ck_ok(uk_trust_load(none, &empty));
	ck_assert_uint_eq(empty.keys.len, 0);
	uk_auto_free char *other = sample_path(dir, "other.pub");
	ck_ok(uk_file_write(other, "hello\n", 6, 0644));
	ck_fails(uk_trust_load(dir, &empty), UK_ERR_INVALID, "other.pub: does not begin");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bundle_keys");
	TCase *tcase = tcase_create("keys");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_pair_signs_and_verifies);
	tcase_add_test(tcase, the_secret_file_is_private_under_any_umask);
	tcase_add_test(tcase, keys_are_never_overwritten);
	tcase_add_test(tcase, loose_modes_are_refused);
	tcase_add_test(tcase, damaged_files_are_refused);
	tcase_add_test(tcase, a_folder_gives_its_keys);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
