// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* Files of criu's images, and a repair of them; what is not as expected is refused. */
#include "replace/image.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "criu_sample.h"
#include "tap.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static void make_dir(void)
{
	strcpy(dir, "/tmp/upkeep-image.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
	uk_error_destroy(uk_tree_remove(dir));
}

struct bytes {
	uint8_t data[256];
	size_t len;
};

static void add(struct bytes *to, const void *data, size_t len)
{
	ck_assert_uint_le(to->len + len, sizeof(to->data));
	memcpy(to->data + to->len, data, len);
	to->len += len;
}

#define ADD(to, ...) add(to, (const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }))

/* Little endian; see criu/include/magic.h. */
static const uint8_t inventory_magic[] = { 0x16, 0x31, 0x31, 0x58 };
static const uint8_t ids_magic[] = { 0x19, 0x43, 0x56, 0x54, 0x30, 0x20, 0x43, 0x54 };

/* @magic, the length of @message plus @excess, @message. */
static struct bytes frame(const uint8_t *magic, size_t len, const struct bytes *message, int excess)
{
	struct bytes file = {};
	add(&file, magic, len);
	size_t size = message->len + (size_t)excess;
	ADD(&file, (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16), 0);
	add(&file, message->data, message->len);
	return file;
}

#define INVENTORY(message, excess) frame(inventory_magic, sizeof(inventory_magic), message, excess)
#define IDS(message, excess) frame(ids_magic, sizeof(ids_magic), message, excess)

/* task_kobj_ids_entry: vm, files, fs, sighand, pid to mnt, user, cgroup. */
static struct bytes ids(uint8_t users)
{
	struct bytes message = {};
	/* Two bytes for a number, and those of a tag of @users in the wrong place. */
	ADD(&message, 0x08, 0x81, 0x01, 0x10, 0x50, 0x18, 0x01, 0x20, 0x01);
	ADD(&message, 0x28, 0x02, 0x30, 0x03, 0x38, 0x04, 0x40, 0x05, 0x48, 0x06);
	ADD(&message, 0x50, users, 0x58, 0x07);
	return message;
}

/* inventory_entry: img_version, fdinfo_per_id, @root_ids, ntcg, root_cg_set. */
static struct bytes inventory(const struct bytes *root_ids)
{
	struct bytes message = {};
	ADD(&message, 0x08, 0x01, 0x10, 0x01);
	if (root_ids) {
		ADD(&message, 0x1a, (uint8_t)root_ids->len);
		add(&message, root_ids->data, root_ids->len);
	}
	ADD(&message, 0x28, 0x01, 0x32, 0x02, 0x50, 0x63, 0x38, 0x01);
	return message;
}

static void put(const char *name, const uint8_t *data, size_t len)
{
	uk_auto_free char *path = NULL;
	ck_ok(uk_asprintf(&path, "%s/%s", dir, name));
	ck_ok(uk_file_write(path, data, len, 0600));
}

static void put_inventory(uint8_t users)
{
	struct bytes inner = ids(users), outer = inventory(&inner);
	struct bytes file = INVENTORY(&outer, 0);
	put("inventory.img", file.data, file.len);
}

static struct bytes put_ids(const char *name, uint8_t users)
{
	struct bytes message = ids(users), file = IDS(&message, 0);
	put(name, file.data, file.len);
	return file;
}

static void check_file(const char *name, const struct bytes *wanted)
{
	uk_auto_free char *path = NULL, *got = NULL;
	size_t len = 0;
	ck_ok(uk_asprintf(&path, "%s/%s", dir, name));
	ck_ok(uk_file_read(path, 4096, &got, &len));
	ck_assert_uint_eq(len, wanted->len);
	ck_assert_mem_eq(got, wanted->data, len);
}

static void check_refused(const char *name)
{
	uk_auto_free char *path = NULL;
	ck_ok(uk_asprintf(&path, "%s/%s", dir, name));
	ck_fails(uk_image_leave_users(dir), UK_ERR_REFUSED, path);
}

START_TEST(users_become_those_of_the_inventory)
{
	put_inventory(9);
	put_ids("ids-1.img", 77);
	put_ids("ids-4711.img", 127);
	put_ids("ids-2.img", 9);
	struct bytes other = put_ids("core-1.img", 77);
	put_ids("ids-1.img.bak", 77);
	struct bytes wanted = ids(9), same = IDS(&wanted, 0);
	ck_ok(uk_image_leave_users(dir));
	check_file("ids-1.img", &same);
	check_file("ids-4711.img", &same);
	check_file("ids-2.img", &same);
	check_file("core-1.img", &other);
	check_file("ids-1.img.bak", &other);
	/* The inventory is read only. */
	struct bytes outer = inventory(&wanted), file = INVENTORY(&outer, 0);
	check_file("inventory.img", &file);
}
END_TEST

START_TEST(one_byte_of_a_file_is_changed)
{
	put_inventory(9);
	struct bytes before = put_ids("ids-1.img", 77);
	ck_ok(uk_image_leave_users(dir));
	/* The last four bytes are that field and the one behind it. */
	ck_assert_uint_eq(before.data[before.len - 3], 77);
	before.data[before.len - 3] = 9;
	check_file("ids-1.img", &before);
}
END_TEST

START_TEST(only_the_inventory_is_fine)
{
	put_inventory(9);
	ck_ok(uk_image_leave_users(dir));
}
END_TEST

START_TEST(no_inventory_is_an_error)
{
	put_ids("ids-1.img", 77);
	ck_fails(uk_image_leave_users(dir), UK_ERR_SYSTEM, "inventory.img");
}
END_TEST

/* Each is @ids without its last field; what comes instead is not understood. */
static struct bytes without_users(void)
{
	struct bytes message = ids(77);
	message.len -= 4;
	return message;
}

static void refuse_ids(const struct bytes *file)
{
	put_inventory(9);
	put("ids-1.img", file->data, file->len);
	check_refused("ids-1.img");
	/* It stays as it was. */
	check_file("ids-1.img", file);
}

static void refuse_inventory(const struct bytes *file)
{
	struct bytes before = put_ids("ids-1.img", 77);
	put("inventory.img", file->data, file->len);
	check_refused("inventory.img");
	check_file("ids-1.img", &before);
}

/* As the ids of a process and of the inventory. */
static void refuse_message(const struct bytes *message)
{
	struct bytes outer = inventory(message);
	struct bytes file = IDS(message, 0), whole = INVENTORY(&outer, 0);
	refuse_ids(&file);
	refuse_inventory(&whole);
}

START_TEST(a_missing_field_is_refused)
{
	struct bytes message = without_users(), empty = {}, outer = inventory(NULL);
	struct bytes file = INVENTORY(&outer, 0);
	ADD(&message, 0x58, 0x07);
	refuse_message(&message);
	refuse_message(&empty);
	refuse_inventory(&file);
}
END_TEST

/* It grows, or shrinks, and what is behind it moves. */
START_TEST(a_number_of_more_bytes_is_replaced)
{
	struct bytes message = without_users();
	ADD(&message, 0x50, 0x80, 0x01, 0x58, 0x07);
	struct bytes file = IDS(&message, 0), wanted = ids(9), same = IDS(&wanted, 0);
	put_inventory(9);
	put("ids-1.img", file.data, file.len);
	ck_ok(uk_image_leave_users(dir));
	check_file("ids-1.img", &same);

	struct bytes outer = inventory(&message), whole = INVENTORY(&outer, 0);
	put("inventory.img", whole.data, whole.len);
	put_ids("ids-1.img", 77);
	ck_ok(uk_image_leave_users(dir));
	check_file("ids-1.img", &file);
}
END_TEST

START_TEST(a_field_that_is_there_twice_is_refused)
{
	struct bytes message = ids(77);
	ADD(&message, 0x50, 0x01);
	refuse_message(&message);
}
END_TEST

START_TEST(a_number_without_end_is_refused)
{
	struct bytes message = without_users();
	ADD(&message, 0x50, 0x89);
	refuse_message(&message);
	message = without_users();
	ADD(&message, 0x58, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x50, 0x01);
	refuse_message(&message);
}
END_TEST

START_TEST(an_unknown_wire_type_is_refused)
{
	static const uint8_t types[] = { 3, 4, 6, 7 };
	for (size_t i = 0; i < sizeof(types); i++) {
		struct bytes message = {};
		ADD(&message, 0x08 | types[i], 1, 1, 1, 1, 1, 1, 1, 1, 0x50, 0x01);
		refuse_message(&message);
	}
}
END_TEST

/* Field 10, but of the wire type of a text of one byte. */
START_TEST(a_text_for_a_number_is_refused)
{
	struct bytes message = without_users();
	ADD(&message, 0x52, 0x01, 0x09);
	refuse_message(&message);
}
END_TEST

START_TEST(a_number_for_a_message_is_refused)
{
	struct bytes outer = {};
	/* The byte of the number would be read as a tag. */
	ADD(&outer, 0x08, 0x01, 0x18, 0x50, 0x50, 0x09);
	struct bytes file = INVENTORY(&outer, 0);
	refuse_inventory(&file);
}
END_TEST

START_TEST(a_length_beyond_the_end_is_refused)
{
	struct bytes message = without_users();
	ADD(&message, 0x5a, 0x04, 0x50, 0x01);
	refuse_message(&message);
	message = without_users();
	ADD(&message, 0x5a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x50, 0x01);
	refuse_message(&message);
}
END_TEST

START_TEST(a_wrong_length_is_refused)
{
	struct bytes message = ids(77), outer = inventory(&message);
	static const int excess[] = { -1, 1, 2, 256, 0xffff00, -4 };
	for (size_t i = 0; i < UK_ARRAY_SIZE(excess); i++) {
		struct bytes file = IDS(&message, excess[i]);
		struct bytes whole = INVENTORY(&outer, excess[i]);
		refuse_ids(&file);
		refuse_inventory(&whole);
	}
}
END_TEST

START_TEST(the_other_head_is_refused)
{
	struct bytes message = ids(77), outer = inventory(&message);
	struct bytes file = frame(inventory_magic, sizeof(inventory_magic), &message, 0);
	struct bytes whole = frame(ids_magic, sizeof(ids_magic), &outer, 0);
	refuse_ids(&file);
	refuse_inventory(&whole);
}
END_TEST

START_TEST(every_prefix_is_refused)
{
	struct bytes message = ids(77), outer = inventory(&message);
	struct bytes file = IDS(&message, 0), whole = INVENTORY(&outer, 0);
	for (size_t len = 0; len < file.len; len++) {
		struct bytes cut = file;
		cut.len = len;
		refuse_ids(&cut);
	}
	for (size_t len = 0; len < whole.len; len++) {
		struct bytes cut = whole;
		cut.len = len;
		refuse_inventory(&cut);
	}
}
END_TEST

/* With a length that fits: refused, or read by what is left of it; never past its end. */
START_TEST(every_prefix_of_a_message_is_read_within)
{
	struct bytes message = ids(77);
	for (size_t len = 0; len <= message.len; len++) {
		struct bytes cut = message;
		cut.len = len;
		if (len < message.len - 2 || len == message.len - 1) {
			refuse_message(&cut);
			continue;
		}
		struct bytes outer = inventory(&cut);
		struct bytes file = IDS(&cut, 0), whole = INVENTORY(&outer, 0);
		put("ids-1.img", file.data, file.len);
		put("inventory.img", whole.data, whole.len);
		ck_ok(uk_image_leave_users(dir));
		check_file("ids-1.img", &file);
	}
}
END_TEST

/* As criu wrote them: each is read and written again, the same to the byte. */
static void check_same(const char *name, enum uk_image_kind kind, const uint8_t *data, size_t len)
{
	uk_auto_image struct uk_image image = {};
	uk_auto_free char *path = NULL, *got = NULL;
	size_t got_len = 0;
	put(name, data, len);
	ck_ok(uk_image_read(dir, name, kind, &image));
	ck_assert_uint_gt(image.messages.len, 0);
	ck_ok(uk_image_write(&image));
	ck_ok(uk_asprintf(&path, "%s/%s", dir, name));
	ck_ok(uk_file_read(path, 4096, &got, &got_len));
	ck_assert_uint_eq(got_len, len);
	ck_assert_mem_eq(got, data, len);
}

#define CHECK_SAME(name, kind, data) check_same(name, kind, data, sizeof(data))

START_TEST(what_criu_wrote_is_written_the_same)
{
	CHECK_SAME("inventory.img", UK_IMAGE_INVENTORY, sample_inventory);
	CHECK_SAME("ids-352.img", UK_IMAGE_IDS, sample_ids);
	CHECK_SAME("pstree.img", UK_IMAGE_PSTREE, sample_pstree);
	CHECK_SAME("timens-0.img", UK_IMAGE_TIMENS, sample_timens);
	CHECK_SAME("fdinfo-2.img", UK_IMAGE_FDINFO, sample_fdinfo);
	CHECK_SAME("files.img", UK_IMAGE_FILES, sample_files);
	ck_ok(uk_image_leave_users(dir));
}
END_TEST

START_TEST(another_kind_is_refused)
{
	uk_auto_image struct uk_image image = {};
	put("files.img", sample_files, sizeof(sample_files));
	ck_fails(uk_image_read(dir, "files.img", UK_IMAGE_CORE, &image), UK_ERR_REFUSED,
		 "it begins with another number");
}
END_TEST

/* Of the one file in there that has a size, which is field 8, a number of three bytes. */
START_TEST(sizes_of_files_are_forgotten)
{
	static const uint8_t size[] = { 0x40, 0xd8, 0xa9, 0x5c };
	uk_auto_free char *text = NULL;
	uint8_t expected[sizeof(sample_files)];
	size_t len, at = 56;
	ck_assert_mem_eq(sample_files + at, size, sizeof(size));
	memcpy(expected, sample_files, at);
	memcpy(expected + at, sample_files + at + sizeof(size),
	       sizeof(sample_files) - at - sizeof(size));
	/* Lengths of the message and of the one in it. */
	expected[8] -= sizeof(size);
	expected[17] -= sizeof(size);
	put("files.img", sample_files, sizeof(sample_files));
	ck_ok(uk_image_forget_sizes(dir));
	uk_auto_free char *path = NULL;
	ck_ok(uk_asprintf(&path, "%s/files.img", dir));
	ck_ok(uk_file_read(path, 65536, &text, &len));
	ck_assert_uint_eq(len, sizeof(expected) - sizeof(size));
	ck_assert_mem_eq(text, expected, len);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("image");
	TCase *tests = tcase_create("image");
	tcase_add_checked_fixture(tests, make_dir, remove_dir);
	tcase_add_test(tests, users_become_those_of_the_inventory);
	tcase_add_test(tests, one_byte_of_a_file_is_changed);
	tcase_add_test(tests, only_the_inventory_is_fine);
	tcase_add_test(tests, no_inventory_is_an_error);
	tcase_add_test(tests, a_missing_field_is_refused);
	tcase_add_test(tests, a_number_of_more_bytes_is_replaced);
	tcase_add_test(tests, a_field_that_is_there_twice_is_refused);
	tcase_add_test(tests, what_criu_wrote_is_written_the_same);
	tcase_add_test(tests, another_kind_is_refused);
	tcase_add_test(tests, sizes_of_files_are_forgotten);
	tcase_add_test(tests, a_number_without_end_is_refused);
	tcase_add_test(tests, an_unknown_wire_type_is_refused);
	tcase_add_test(tests, a_text_for_a_number_is_refused);
	tcase_add_test(tests, a_number_for_a_message_is_refused);
	tcase_add_test(tests, a_length_beyond_the_end_is_refused);
	tcase_add_test(tests, a_wrong_length_is_refused);
	tcase_add_test(tests, the_other_head_is_refused);
	tcase_add_test(tests, every_prefix_is_refused);
	tcase_add_test(tests, every_prefix_of_a_message_is_read_within);
	suite_add_tcase(suite, tests);
	return tap_run(suite);
}
