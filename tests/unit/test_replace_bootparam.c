// SPDX-License-Identifier: GPL-2.0-or-later
/* Where in memory a kernel has room, and what it is told by who starts it. */
/* rooms: replace match elf base */
#include "base/bytes.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "replace/bootparam.h"
#include "replace/cmdline.h"
#include "replace/ram.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define MIB(n) ((uint64_t)(n) << 20)

enum { PAGE = 4096, ALIGN = 2 << 20 };

static struct uk_ram ram;

static void forget_ram(void)
{
	uk_vec_deinit(&ram.pieces);
}

static void check_piece(size_t i, uint64_t start, uint64_t end)
{
	ck_assert_uint_lt(i, ram.pieces.len);
	ck_assert_uint_eq(ram.pieces.data[i].start, start);
	ck_assert_uint_eq(ram.pieces.data[i].end, end);
}

START_TEST(memory_of_the_kernel_is_what_iomem_calls_so)
{
	ck_ok(uk_ram_parse("00000000-00000fff : Reserved\n"
			   "00001000-0009fbff : System RAM\n"
			   "00100000-3fffffff : System RAM\n"
			   "  01000000-01ffffff : Kernel code\n"
			   "  20000000-20ffffff : System RAM\n"
			   "40000000-4fffffff : System RAM (kmem)\n"
			   "c0000000-bfffffff : System RAM\n"
			   "100000000-13fffffff : System RAM\n",
			   &ram));
	ck_assert_uint_eq(ram.pieces.len, 3);
	check_piece(0, 0x1000, 0x9fc00);
	check_piece(1, 0x100000, 0x40000000);
	check_piece(2, 0x100000000, 0x140000000);
}
END_TEST

START_TEST(pieces_are_added_and_taken)
{
	struct uk_ram other = {};
	ck_ok(uk_ram_add(&ram, MIB(100), MIB(100)));
	ck_ok(uk_ram_add(&ram, 0, MIB(10)));
	ck_ok(uk_ram_add(&ram, MIB(150), MIB(100))); /* half of it is there */
	ck_ok(uk_ram_add(&ram, MIB(500), 0));
	ck_assert_uint_eq(ram.pieces.len, 3);
	check_piece(0, 0, MIB(10));
	check_piece(1, MIB(100), MIB(150));
	check_piece(2, MIB(150), MIB(250));
	ck_ok(uk_ram_take(&ram, MIB(140), MIB(20)));
	check_piece(1, MIB(100), MIB(140));
	check_piece(2, MIB(160), MIB(250));
	ck_ok(uk_ram_take(&ram, MIB(5), MIB(1)));
	check_piece(0, 0, MIB(5));
	check_piece(1, MIB(6), MIB(10));
	ck_ok(uk_ram_add(&other, MIB(8), MIB(100)));
	ck_ok(uk_ram_intersect(&ram, &other));
	ck_assert_uint_eq(ram.pieces.len, 2);
	check_piece(0, MIB(8), MIB(10));
	check_piece(1, MIB(100), MIB(108));
	uk_vec_deinit(&other.pieces);
}
END_TEST

START_TEST(places_are_counted_and_found)
{
	uint64_t at = 1;
	ck_ok(uk_ram_add(&ram, MIB(1), MIB(9)));  /* 2, 4 and 6 for 4 MiB */
	ck_ok(uk_ram_add(&ram, MIB(20), MIB(3))); /* too small */
	ck_ok(uk_ram_add(&ram, MIB(30), MIB(5))); /* 30 */
	ck_assert_uint_eq(uk_ram_count(&ram, MIB(4), ALIGN, 0), 4);
	ck_assert_uint_eq(uk_ram_nth(&ram, MIB(4), ALIGN, 0, 0), MIB(2));
	ck_assert_uint_eq(uk_ram_nth(&ram, MIB(4), ALIGN, 0, 2), MIB(6));
	ck_assert_uint_eq(uk_ram_nth(&ram, MIB(4), ALIGN, 0, 3), MIB(30));
	ck_assert_uint_eq(uk_ram_count(&ram, MIB(4), ALIGN, MIB(5)), 2);
	ck_assert_uint_eq(uk_ram_nth(&ram, MIB(4), ALIGN, MIB(5), 0), MIB(6));
	ck_assert_uint_eq(uk_ram_count(&ram, MIB(10), ALIGN, 0), 0);
	ck_assert(uk_ram_find_high(&ram, MIB(4), PAGE, &at));
	ck_assert_uint_eq(at, MIB(31));
	ck_assert(uk_ram_find_high(&ram, MIB(4), ALIGN, &at));
	ck_assert_uint_eq(at, MIB(30));
	ck_assert(uk_ram_find_high(&ram, MIB(8), PAGE, &at));
	ck_assert_uint_eq(at, MIB(2));
	ck_assert(!uk_ram_find_high(&ram, MIB(10), PAGE, &at));
}
END_TEST

static struct boot_params make_told(void)
{
	struct boot_params told = {};
	told.screen_info.orig_video_lines = 25;
	told.acpi_rsdp_addr = 0xf5230;
	told.hdr.setup_data = 0x12345000;
	told.hdr.ramdisk_image = 0x7000000;
	told.edd_mbr_sig_buffer[0] = 77;
	told.e820_entries = 4;
	told.e820_table[0] = (struct boot_e820_entry){ MIB(1), MIB(1023), 1 };
	told.e820_table[1] = (struct boot_e820_entry){ 0, 0x9fc00, 1 };
	told.e820_table[2] = (struct boot_e820_entry){ MIB(500), MIB(4), 3 };
	told.e820_table[3] = (struct boot_e820_entry){ MIB(8192), UINT64_MAX, 2 };
	return told;
}

START_TEST(the_firmware_says_what_is_memory)
{
	struct boot_params told = make_told();
	ck_ok(uk_bootparam_check(&told));
	ck_ok(uk_bootparam_ram(&told, &ram));
	ck_assert_uint_eq(ram.pieces.len, 3);
	check_piece(0, 0, 0x9fc00);
	check_piece(1, MIB(1), MIB(500));
	check_piece(2, MIB(504), MIB(1024));
}
END_TEST

#define refuses(change, text)                                                                      \
	do {                                                                                       \
		struct boot_params told = make_told();                                             \
		change;                                                                            \
		ck_fails(uk_bootparam_check(&told), UK_ERR_REFUSED, text);                         \
	} while (0)

START_TEST(what_is_not_handed_on_is_refused)
{
	refuses(memcpy(&told.efi_info, "EL32", 4), "an EFI of 32 bits");
	refuses(told.cc_blob_address = 1, "encrypted");
	refuses(told.tboot_addr = 1, "tboot");
	refuses(told.e820_entries = 128, "memory map has 128 entries");
	refuses(told.e820_entries = 0, "memory map has 0 entries");
}
END_TEST

START_TEST(a_kernel_is_told_where_all_is)
{
	uint8_t setup[1024] = {}, block[4 * PAGE];
	struct boot_params told = make_told();
	struct boot_params *next = (struct boot_params *)(block + PAGE);
	struct uk_bzimage image = { .data = setup, .len = sizeof(setup), .header_len = 0x7b };
	struct uk_bootparam bootparam = { .at = 0x234567000,
					  .entry = 0x3000b53,
					  .ramdisk = 0x187654000,
					  .ramdisk_len = 2880000,
					  .line = "root=/dev/vda quiet",
					  .moved = true };
	setup[0x1f1] = 39;
	uk_put_u32(setup + 0x260, 0x3377000);
	setup[0x26c] = 0xee; /* behind the header */
	ck_assert_uint_eq(uk_bootparam_size(&bootparam), 3 * PAGE);
	memset(block, 0xaa, sizeof(block));
	uk_bootparam_write(&bootparam, &told, &image, block);
	/* mov $...,%rsi; mov $...,%rax; jmp *%rax */
	ck_assert_mem_eq(block, "\x48\xbe", 2);
	ck_assert_uint_eq(uk_get_u64(block + 2), 0x234568000);
	ck_assert_mem_eq(block + 10, "\x48\xb8", 2);
	ck_assert_uint_eq(uk_get_u64(block + 12), 0x3000b53);
	ck_assert_mem_eq(block + 20, "\xff\xe0", 2);
	ck_assert_uint_eq(next->hdr.setup_sects, 39);
	ck_assert_uint_eq(next->hdr.init_size, 0x3377000);
	ck_assert_uint_eq(block[PAGE + 0x26c], 0);
	ck_assert_uint_eq(next->hdr.cmd_line_ptr, 0x34569000);
	ck_assert_uint_eq(next->ext_cmd_line_ptr, 2);
	ck_assert_str_eq((char *)block + 2 * PAGE, "root=/dev/vda quiet");
	ck_assert_uint_eq(next->hdr.ramdisk_image, 0x87654000);
	ck_assert_uint_eq(next->ext_ramdisk_image, 1);
	ck_assert_uint_eq(next->hdr.ramdisk_size, 2880000);
	ck_assert_uint_eq(next->hdr.loadflags, KASLR_FLAG);
	ck_assert_uint_eq(next->hdr.type_of_loader, 0xd0);
	ck_assert_uint_eq(next->acpi_rsdp_addr, 0xf5230);
	ck_assert_uint_eq(next->screen_info.orig_video_lines, 25);
	ck_assert_uint_eq(next->edd_mbr_sig_buffer[0], 77);
	ck_assert_uint_eq(next->e820_entries, 4);
	ck_assert_mem_eq(next->e820_table, told.e820_table, sizeof(told.e820_table));
	ck_assert_uint_eq(block[3 * PAGE], 0xaa);
	bootparam.moved = false;
	uk_bootparam_write(&bootparam, &told, &image, block);
	ck_assert_uint_eq(next->hdr.loadflags, 0);
}
END_TEST

START_TEST(a_kernel_gets_a_seed_of_its_own)
{
	uint8_t setup[1024] = {}, one[3 * PAGE], other[3 * PAGE];
	struct boot_params told = make_told();
	struct uk_bzimage image = { .data = setup, .len = sizeof(setup), .header_len = 0x7b };
	struct uk_bootparam bootparam = { .at = 0x10000000, .line = "quiet" };
	uk_bootparam_write(&bootparam, &told, &image, one);
	uk_bootparam_write(&bootparam, &told, &image, other);
	uint64_t at = ((struct boot_params *)(one + PAGE))->hdr.setup_data - bootparam.at;
	ck_assert_uint_lt(at, sizeof(one));
	struct setup_data *seed = (struct setup_data *)(one + at);
	ck_assert_uint_eq(seed->type, SETUP_RNG_SEED);
	ck_assert_uint_eq(seed->len, 32);
	ck_assert_uint_eq(seed->next, 0);
	ck_assert_mem_ne(one + at + sizeof(*seed), other + at + sizeof(*seed), 32);
	ck_assert_mem_eq(one, other, at);
}
END_TEST

static char folder[] = "/tmp/upkeep-efi.XXXXXX";

static void put(const char *name, const char *text)
{
	uk_auto_free char *path = NULL, *parent = NULL;
	ck_ok(uk_asprintf(&path, "%s/%s", folder, name));
	ck_ok(uk_strdup(path, &parent));
	*strrchr(parent, '/') = '\0';
	ck_ok(uk_dir_make(parent, 0700));
	ck_ok(uk_file_write(path, text, strlen(text), 0600));
}

static void put_descriptor(unsigned int number, const char *type, const char *virtual)
{
	static const char *const names[] = { "type", "phys_addr", "virt_addr", "num_pages",
					     "attribute" };
	const char *const values[] = { type, "0x7f8ec000\n", virtual, "0x5\n",
				       "0x800000000000000f\n" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(names); i++) {
		uk_auto_free char *name = NULL;
		ck_ok(uk_asprintf(&name, "runtime-map/%u/%s", number, names[i]));
		put(name, values[i]);
	}
}

/* As the kernel shows it in /sys/firmware/efi. */
static void make_efi(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	put("systab", "ACPI20=0x7fb7e014\nACPI=0x7fb7e000\nSMBIOS3=0x7f900000\n"
		      "SMBIOS=0x7f910000\n");
	put("fw_vendor", "0x7fe12018\n");
	put("config_table", "0x7f9ee018\n");
	put_descriptor(0, "0x5\n", "0xfffffffeffe00000\n");
	put_descriptor(1, "0x6\n", "0xfffffffeffa00000\n");
}

static void remove_efi(void)
{
	ck_ok(uk_tree_remove(folder));
}

START_TEST(what_is_known_of_efi_is_read)
{
	uk_cleanup(uk_efi_deinit) struct uk_efi efi = {};
	ck_ok(uk_efi_read(folder, 48, &efi));
	ck_assert_uint_eq(efi.acpi, 0x7fb7e014);
	ck_assert_uint_eq(efi.smbios, 0x7f910000);
	ck_assert_uint_eq(efi.vendor, 0x7fe12018);
	ck_assert_uint_eq(efi.tables, 0x7f9ee018);
	ck_assert_uint_eq(efi.map.len, 2 * 48);
	const char *second = efi.map.data + 48;
	ck_assert_uint_eq(uk_get_u32(second), 6);
	ck_assert_uint_eq(uk_get_u64(second + 8), 0x7f8ec000);
	ck_assert_uint_eq(uk_get_u64(second + 16), 0xfffffffeffa00000);
	ck_assert_uint_eq(uk_get_u64(second + 24), 5);
	ck_assert_uint_eq(uk_get_u64(second + 32), 0x800000000000000f);
}
END_TEST

#define bad_efi(size, text)                                                                        \
	do {                                                                                       \
		uk_cleanup(uk_efi_deinit) struct uk_efi bad = {};                                  \
		ck_fails(uk_efi_read(folder, size, &bad), UK_ERR_REFUSED, text);                   \
	} while (0)

START_TEST(what_is_missing_of_efi_is_refused)
{
	bad_efi(39, "descriptors of 39 bytes");
	bad_efi(257, "descriptors of 257 bytes");
	put("config_table", "7f9ee018\n");
	bad_efi(48, "config_table: is no number");
	put("config_table", "0x\n");
	bad_efi(48, "config_table: is no number");
	put("runtime-map/1/num_pages", "0x5 \n");
	bad_efi(48, "num_pages: is no number");
	put("systab", "SMBIOS=somewhere\n");
	bad_efi(48, "SMBIOS: is no number");
	put_descriptor(1, "0x6\n", "0x0\n");
	put("runtime-map/2/type", "0x6\n");
	put("systab", "SMBIOS=0x7f910000\n");
	bad_efi(48, "runtime-map/2/phys_addr: is not there");
}
END_TEST

START_TEST(a_kernel_is_told_of_efi)
{
	uk_cleanup(uk_efi_deinit) struct uk_efi efi = {};
	uint8_t setup[1024] = {}, block[3 * PAGE];
	struct boot_params told = make_told();
	struct boot_params *next = (struct boot_params *)(block + PAGE);
	struct uk_bzimage image = { .data = setup, .len = sizeof(setup), .header_len = 0x7b };
	struct uk_bootparam bootparam = { .at = 0x110000000, .line = "quiet", .efi = &efi };
	told.acpi_rsdp_addr = 0;
	told.secure_boot = 2;
	told.efi_info.efi_systab = 0x7f9ec000;
	told.efi_info.efi_memmap = 0x1234000;
	told.efi_info.efi_memdesc_version = 1;
	memcpy(&told.efi_info, "EL64", 4);
	ck_ok(uk_bootparam_check(&told));
	ck_ok(uk_efi_read(folder, 48, &efi));
	ck_assert_uint_eq(uk_bootparam_size(&bootparam), sizeof(block));
	uk_bootparam_write(&bootparam, &told, &image, block);
	ck_assert_uint_eq(next->acpi_rsdp_addr, 0x7fb7e014);
	ck_assert_uint_eq(next->secure_boot, 2);
	ck_assert_mem_eq(&next->efi_info, "EL64", 4);
	ck_assert_uint_eq(next->efi_info.efi_systab, 0x7f9ec000);
	ck_assert_uint_eq(next->efi_info.efi_memdesc_size, 48);
	ck_assert_uint_eq(next->efi_info.efi_memdesc_version, 1);
	ck_assert_uint_eq(next->efi_info.efi_memmap_size, 96);
	ck_assert_uint_eq(next->efi_info.efi_memmap_hi, 1);
	uint64_t map = 0x100000000 + next->efi_info.efi_memmap - bootparam.at;
	ck_assert_mem_eq(block + map, efi.map.data, 96);
	/* The seed, and behind it in the chain what EFI is told by. */
	struct setup_data *seed =
		(struct setup_data *)(block + next->hdr.setup_data - bootparam.at);
	ck_assert_uint_eq(seed->type, SETUP_RNG_SEED);
	struct setup_data *data = (struct setup_data *)(block + seed->next - bootparam.at);
	ck_assert_uint_eq(data->type, SETUP_EFI);
	ck_assert_uint_eq(data->len, 96);
	ck_assert_uint_eq(data->next, 0);
	ck_assert_uint_eq(uk_get_u64(data->data), 0x7fe12018);
	ck_assert_uint_eq(uk_get_u64(data->data + 16), 0x7f9ee018);
	ck_assert_uint_eq(uk_get_u64(data->data + 24), 0x7f910000);
	/* Without the firmware's services only the tables of ACPI are told of. */
	efi.map.len = 0;
	uk_bootparam_write(&bootparam, &told, &image, block);
	ck_assert_uint_eq(next->acpi_rsdp_addr, 0x7fb7e014);
	ck_assert_uint_eq(next->efi_info.efi_loader_signature, 0);
	seed = (struct setup_data *)(block + next->hdr.setup_data - bootparam.at);
	ck_assert_uint_eq(seed->next, 0);
}
END_TEST

START_TEST(words_of_a_line_are_whole)
{
	ck_assert(uk_cmdline_has("ro nokaslr quiet", "nokaslr"));
	ck_assert(uk_cmdline_has("nokaslr\n", "nokaslr"));
	ck_assert(!uk_cmdline_has("ro nokaslr2 xnokaslr nokaslr=1", "nokaslr"));
	ck_assert(uk_cmdline_has("ro panic=10", "panic="));
	ck_assert(!uk_cmdline_has("ro nopanic=10 panic", "panic="));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("boot parameters");
	TCase *tcase = tcase_create("boot parameters");
	tcase_add_checked_fixture(tcase, NULL, forget_ram);
	tcase_add_test(tcase, memory_of_the_kernel_is_what_iomem_calls_so);
	tcase_add_test(tcase, pieces_are_added_and_taken);
	tcase_add_test(tcase, places_are_counted_and_found);
	tcase_add_test(tcase, the_firmware_says_what_is_memory);
	tcase_add_test(tcase, what_is_not_handed_on_is_refused);
	tcase_add_test(tcase, a_kernel_is_told_where_all_is);
	tcase_add_test(tcase, a_kernel_gets_a_seed_of_its_own);
	tcase_add_test(tcase, words_of_a_line_are_whole);
	suite_add_tcase(suite, tcase);
	TCase *efi = tcase_create("EFI");
	tcase_add_checked_fixture(efi, make_efi, remove_efi);
	tcase_add_test(efi, what_is_known_of_efi_is_read);
	tcase_add_test(efi, what_is_missing_of_efi_is_refused);
	tcase_add_test(efi, a_kernel_is_told_of_efi);
	suite_add_tcase(suite, efi);
	return tap_run(suite);
}
