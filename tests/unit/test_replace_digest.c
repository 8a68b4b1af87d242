// SPDX-License-Identifier: GPL-2.0-or-later
/* A file has one hash under a key, whether as it is written or by many processors; whatever
 * changes, it does.
 */
/* rooms: replace seat base */
#include "replace/digest.h"

#include "base/file.h"
#include "tap.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

enum { PART = 256 * UK_DIGEST_CHUNK, SIZE = 3 * PART + 12345 };

static const uint8_t secret[UK_DIGEST_SECRET] = "of one swap";
static struct uk_digest_key key;

static char path[32];
static uint8_t *data;

static void begin(void)
{
	strcpy(path, "build/digest.XXXXXX");
	close(mkstemp(path));
	ck_assert_int_ge(sodium_init(), 0);
	uk_digest_key_derive(secret, &key);
	data = malloc(SIZE);
	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)((uint64_t)i * 2654435761u >> 24);
}

static void end(void)
{
	free(data);
	unlink(path);
}

static void add_up(size_t size, size_t piece, char *ret)
{
	struct uk_digest digest;
	uk_digest_init(&digest, &key);
	for (size_t at = 0; at < size; at += piece)
		uk_digest_add(&digest, data + at, size - at < piece ? size - at : piece);
	uk_digest_finish(&digest, ret);
}

static void of_file(size_t size, char *ret)
{
	uint64_t found = 1;
	ck_ok(uk_file_write(path, data, size, 0600));
	ck_ok(uk_digest_file(path, &key, &found, ret));
	ck_assert_uint_eq(found, size);
}

START_TEST(as_it_is_written_and_as_it_is_read)
{
	static const size_t sizes[] = { 0,
					1,
					UK_DIGEST_CHUNK - 1,
					UK_DIGEST_CHUNK,
					UK_DIGEST_CHUNK + 1,
					2 * UK_DIGEST_CHUNK,
					PART,
					PART + 1,
					SIZE };
	char written[UK_DIGEST_HEX], other[UK_DIGEST_HEX], read[UK_DIGEST_HEX];
	size_t size = sizes[_i];
	add_up(size, 1003, written);
	add_up(size, 2 * UK_DIGEST_CHUNK + 7, other);
	of_file(size, read);
	ck_assert_str_eq(written, other);
	ck_assert_str_eq(written, read);
}
END_TEST

START_TEST(it_is_the_hash_of_the_hashes)
{
	enum { ONE = crypto_shorthash_siphashx24_BYTES };
	uint8_t hashes[2 * ONE], whole[UK_DIGEST_LEN], keys[48];
	char hex[UK_DIGEST_HEX], read[UK_DIGEST_HEX];
	crypto_generichash(keys, sizeof(keys), (const uint8_t *)"upkeep files", 12, secret,
			   sizeof(secret));
	crypto_shorthash_siphashx24(hashes, data, UK_DIGEST_CHUNK, keys);
	crypto_shorthash_siphashx24(hashes + ONE, data + UK_DIGEST_CHUNK, 5, keys);
	crypto_generichash(whole, sizeof(whole), hashes, sizeof(hashes), keys + 16, 32);
	sodium_bin2hex(hex, sizeof(hex), whole, sizeof(whole));
	of_file(UK_DIGEST_CHUNK + 5, read);
	ck_assert_str_eq(hex, read);
}
END_TEST

START_TEST(what_changes_changes_it)
{
	static const size_t places[] = { 0, UK_DIGEST_CHUNK - 1, UK_DIGEST_CHUNK, PART + 9,
					 SIZE - 1 };
	char before[UK_DIGEST_HEX], after[UK_DIGEST_HEX];
	of_file(SIZE, before);
	data[places[_i]] ^= 1;
	of_file(SIZE, after);
	ck_assert_str_ne(before, after);
}
END_TEST

START_TEST(another_key_has_another)
{
	uint8_t other[UK_DIGEST_SECRET];
	char before[UK_DIGEST_HEX], after[UK_DIGEST_HEX];
	struct uk_digest_key ours = key;
	of_file(UK_DIGEST_CHUNK, before);
	memcpy(other, secret, sizeof(other));
	other[31] ^= 1;
	uk_digest_key_derive(other, &key);
	of_file(UK_DIGEST_CHUNK, after);
	ck_assert_str_ne(before, after);
	/* Either of the two keys counts. */
	struct uk_digest_key theirs = key;
	key = ours;
	memcpy(key.chunk, theirs.chunk, sizeof(key.chunk));
	of_file(UK_DIGEST_CHUNK, after);
	ck_assert_str_ne(before, after);
	key = ours;
	memcpy(key.whole, theirs.whole, sizeof(key.whole));
	of_file(UK_DIGEST_CHUNK, after);
	ck_assert_str_ne(before, after);
}
END_TEST

START_TEST(chunks_in_another_order_are_others)
{
	char before[UK_DIGEST_HEX], after[UK_DIGEST_HEX];
	of_file(2 * UK_DIGEST_CHUNK, before);
	uint8_t *first = malloc(UK_DIGEST_CHUNK);
	memcpy(first, data, UK_DIGEST_CHUNK);
	memcpy(data, data + UK_DIGEST_CHUNK, UK_DIGEST_CHUNK);
	memcpy(data + UK_DIGEST_CHUNK, first, UK_DIGEST_CHUNK);
	free(first);
	of_file(2 * UK_DIGEST_CHUNK, after);
	ck_assert_str_ne(before, after);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	char link[64], hash[UK_DIGEST_HEX];
	uint64_t size;
	snprintf(link, sizeof(link), "%s.link", path);
	ck_assert_int_eq(symlink("/etc/passwd", link), 0);
	ck_fails(uk_digest_file(link, &key, &size, hash), UK_ERR_SYSTEM, link);
	unlink(link);
	ck_fails(uk_digest_file(link, &key, &size, hash), UK_ERR_SYSTEM, "No such file");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("digest");
	TCase *tc = tcase_create("digest");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, as_it_is_written_and_as_it_is_read, 0, 9);
	tcase_add_test(tc, it_is_the_hash_of_the_hashes);
	tcase_add_loop_test(tc, what_changes_changes_it, 0, 5);
	tcase_add_test(tc, another_key_has_another);
	tcase_add_test(tc, chunks_in_another_order_are_others);
	tcase_add_test(tc, a_link_is_not_followed);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
