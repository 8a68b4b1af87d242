// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory for images: which device it is, and which part of the memory is chosen for it. */
/* rooms: replace seat base */
#include "base/file.h"
#include "base/strbuf.h"
#include "replace/setup.h"
#include "replace/store.h"
#include "tap.h"

#include <string.h>
#include <unistd.h>

#define MIB(n) ((uint64_t)(n) << 20)

static char root[64];

static void make_root(void)
{
	strcpy(root, "/tmp/upkeep-store.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static void remove_root(void)
{
	uk_error_destroy(uk_tree_remove(root));
}

static char *below(const char *name)
{
	char *path;
	ck_ok(uk_asprintf(&path, "%s/%s", root, name));
	return path;
}

static void put(const char *name, const char *content)
{
	uk_auto_free char *path = below(name), *folder = below(name);
	*strrchr(folder, '/') = '\0';
	ck_ok(uk_dir_make(folder, 0755));
	ck_ok(uk_file_write(path, content, strlen(content), 0644));
}

/* As sysfs has one: /sys/block/NAME/device leads to its namespace. */
static void put_device(const char *name, const char *bus, const char *start, const char *sectors)
{
	uk_auto_free char *file = NULL, *to = NULL, *link = NULL;
	char device[128];
	snprintf(device, sizeof(device), "sys/devices/platform/%s/ndbus0/region0/%s", bus, name);
	ck_ok(uk_asprintf(&file, "%s/resource", device));
	put(file, start);
	uk_auto_free char *size = NULL;
	ck_ok(uk_asprintf(&size, "sys/block/%s/size", name));
	put(size, sectors);
	ck_ok(uk_asprintf(&to, "%s/%s", root, device));
	ck_ok(uk_asprintf(&link, "%s/sys/block/%s/device", root, name));
	ck_assert_int_eq(symlink(to, link), 0);
}

static void find(const char *line, const char *path, const char *why)
{
	uk_auto_store_device struct uk_store_device device = {};
	put("proc/cmdline", line);
	ck_ok(uk_store_find(root, &device));
	if (path) {
		ck_assert_ptr_null(device.why);
		ck_assert_str_eq(device.path, path);
	} else {
		ck_assert_ptr_null(device.path);
		ck_assert_ptr_nonnull(strstr(device.why, why));
	}
}

START_TEST(the_device_is_the_one_that_is_named)
{
	put_device("sda", "e820_pmem", "0x100000000\n", "100\n");
	put_device("pmem0", "e820_pmem", "0x80000000\n", "1048576\n");
	put_device("pmem1", "e820_pmem", "0x100000000\n", "524288\n");
	find("root=/dev/sda upkeep.store=4096M memmap=256M!4096M\n", "/dev/pmem1", NULL);
	find("upkeep.store=0x80000000", "/dev/pmem0", NULL);
	find("upkeep.store=2G upkeep.store=4G quiet", "/dev/pmem1", NULL);
	find("root=/dev/sda memmap=256M!4096M", NULL, "was not started with memory for images");
	find("xupkeep.store=4G", NULL, "was not started with memory for images");
	find("upkeep.store=", NULL, "was not started with memory for images");
	find("upkeep.store=4x", NULL, "was not started with memory for images");
	find("upkeep.store=8G", NULL, "no legacy persistent memory at 0x200000000");
}
END_TEST

START_TEST(its_size_is_told)
{
	uk_auto_store_device struct uk_store_device device = {};
	put_device("pmem1", "e820_pmem", "0x100000000\n", "524288\n");
	put("proc/cmdline", "upkeep.store=4G");
	ck_ok(uk_store_find(root, &device));
	ck_assert_uint_eq(device.size, MIB(256));
}
END_TEST

START_TEST(memory_of_another_kind_is_somebody_elses)
{
	put_device("pmem0", "ACPI0012:00", "0x100000000\n", "524288\n");
	find("upkeep.store=4G", NULL, "no legacy persistent memory at 0x100000000");
}
END_TEST

START_TEST(sizes_are_read_as_the_kernel_does)
{
	static const struct {
		const char *text;
		uint64_t value;
		bool good;
	} cases[] = {
		{ "0x80000000", 1ull << 31, true },
		{ "4096M", 1ull << 32, true },
		{ "4g", 1ull << 32, true },
		{ "16k", 16 << 10, true },
		{ "7", 7, true },
		{ "", 0, false },
		{ "M", 0, false },
		{ "-4G", 0, false },
		{ "4GB", 0, false },
		{ "4X", 0, false },
		{ "99999999999999999999", 0, false },
		{ "18446744073709551615K", 0, false },
	};
	for (size_t i = 0; i < UK_ARRAY_SIZE(cases); i++) {
		uint64_t value = 0;
		ck_assert_msg(uk_store_parse_size(cases[i].text, &value) == cases[i].good, "%s",
			      cases[i].text);
		if (cases[i].good)
			ck_assert_uint_eq(value, cases[i].value);
	}
}
END_TEST

/* --- on the disk ---------------------------------------------------------------------- */

START_TEST(without_a_device_images_are_on_the_disk)
{
	struct uk_store store;
	ck_ok(uk_store_make(root, NULL, &store));
	ck_assert_str_eq(store.dir, root);
	ck_assert_int_eq(store.fd, -1);
	uk_store_close(&store);
	ck_assert(!uk_store_is_marked(root));
	ck_ok(uk_store_open(root, &store));
	ck_assert_str_eq(store.dir, root);
	uk_store_close(&store);
}
END_TEST

START_TEST(what_is_marked_is_not_looked_for_on_the_disk)
{
	struct uk_store store;
	put("store", "memory\n");
	ck_assert(uk_store_is_marked(root));
	uk_auto_error struct uk_error *err = uk_store_open(root, &store);
	ck_assert_ptr_nonnull(err);
	ck_assert_ptr_null(store.dir);
	uk_store_close(&store);
}
END_TEST

/* --- setting it up -------------------------------------------------------------------- */

/* 3 GiB below, 5 GiB above. */
static const char iomem[] = "00000000-00000fff : Reserved\n"
			    "00001000-0009fbff : System RAM\n"
			    "00100000-bfffffff : System RAM\n"
			    "  01000000-01ffffff : Kernel code\n"
			    "fec00000-fec003ff : IOAPIC 0\n"
			    "100000000-23fffffff : System RAM\n"
			    "  200000000-23fffffff : System RAM (boot alias)\n";

START_TEST(it_lies_at_the_end_of_what_is_above)
{
	struct uk_setup setup;
	ck_ok(uk_setup_choose(iomem, MIB(1000), &setup));
	ck_assert_uint_eq(setup.size, MIB(1024));
	ck_assert_uint_eq(setup.start, 0x240000000 - MIB(1024));
	ck_ok(uk_setup_choose(iomem, 0, &setup));
	ck_assert_uint_eq(setup.size, MIB(2048));
}
END_TEST

START_TEST(an_end_that_is_not_even_is_left)
{
	struct uk_setup setup;
	ck_ok(uk_setup_choose("00100000-bfffffff : System RAM\n100000000-23bffffff : System RAM\n",
			      MIB(128), &setup));
	ck_assert_uint_eq(setup.start, 0x238000000 - MIB(128));
}
END_TEST

START_TEST(too_much_is_refused)
{
	struct uk_setup setup;
	ck_fails(uk_setup_choose(iomem, MIB(4224), &setup), UK_ERR_REFUSED,
		 "4224 MiB are too much: of 8191 MiB");
	ck_fails(uk_setup_choose("100000000-117ffffff : System RAM\n00100000-bfffffff : System "
				 "RAM\n",
				 MIB(512), &setup),
		 UK_ERR_REFUSED, "384 MiB lie above 4 GiB in one piece");
	ck_fails(uk_setup_choose(iomem, UINT64_MAX - MIB(200), &setup), UK_ERR_REFUSED, "too much");
}
END_TEST

START_TEST(a_piece_that_has_no_room_is_passed_over)
{
	static const char pieces[] = "00100000-bfffffff : System RAM\n"
				     "100000000-23fffffff : System RAM\n"
				     "240100000-247ffffff : System RAM\n"
				     "250000000-25fffffff : System RAM\n";
	struct uk_setup setup;
	ck_ok(uk_setup_choose(pieces, MIB(512), &setup));
	ck_assert_uint_eq(setup.start, 0x240000000 - MIB(512));
	ck_ok(uk_setup_choose(pieces, MIB(128), &setup));
	ck_assert_uint_eq(setup.start, 0x260000000 - MIB(128));
	ck_fails(uk_setup_choose("00100000-bfffffff : System RAM\n100100000-107ffffff : System "
				 "RAM\n",
				 MIB(128), &setup),
		 UK_ERR_REFUSED, "no memory above 4 GiB");
}
END_TEST

START_TEST(without_memory_above_it_is_refused)
{
	struct uk_setup setup;
	ck_fails(uk_setup_choose("00100000-bfffffff : System RAM\n", MIB(128), &setup),
		 UK_ERR_REFUSED, "no memory above 4 GiB");
	ck_fails(uk_setup_choose("", 0, &setup), UK_ERR_REFUSED, "no memory above 4 GiB");
}
END_TEST

START_TEST(the_words_go_to_grub)
{
	static const struct uk_setup setup = { .start = MIB(4096), .size = MIB(512) };
	uk_auto_free char *path = below("etc/default/grub.d/upkeep.cfg"), *text = NULL;
	ck_fails(uk_setup_write(root, &setup), UK_ERR_REFUSED, "GRUB is not what starts");
	put("etc/default/grub", "GRUB_TIMEOUT=5\n");
	ck_ok(uk_setup_write(root, &setup));
	ck_ok(uk_file_read(path, 4096, &text, NULL));
	ck_assert_ptr_nonnull(strstr(text, "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX "
					   "memmap=512M!4096M upkeep.store=4096M\"\n"));
	ck_ok(uk_setup_write(root, NULL));
	ck_assert(!uk_file_exists(path));
	ck_ok(uk_setup_write(root, NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");
	tcase_add_checked_fixture(tc, make_root, remove_root);
	tcase_add_test(tc, the_device_is_the_one_that_is_named);
	tcase_add_test(tc, its_size_is_told);
	tcase_add_test(tc, memory_of_another_kind_is_somebody_elses);
	tcase_add_test(tc, sizes_are_read_as_the_kernel_does);
	tcase_add_test(tc, without_a_device_images_are_on_the_disk);
	tcase_add_test(tc, what_is_marked_is_not_looked_for_on_the_disk);
	tcase_add_test(tc, it_lies_at_the_end_of_what_is_above);
	tcase_add_test(tc, an_end_that_is_not_even_is_left);
	tcase_add_test(tc, too_much_is_refused);
	tcase_add_test(tc, a_piece_that_has_no_room_is_passed_over);
	tcase_add_test(tc, without_memory_above_it_is_refused);
	tcase_add_test(tc, the_words_go_to_grub);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
