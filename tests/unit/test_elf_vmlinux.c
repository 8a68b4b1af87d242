// SPDX-License-Identifier: GPL-2.0-or-later
/* What a bzImage says of itself, and a vmlinux that is moved to other addresses. */
/* rooms: elf base */
#include "base/bytes.h"
#include "elf/bzimage.h"
#include "elf/vmlinux.h"
#include "tap.h"

#include <elf.h>
#include <string.h>

#define KERNEL 0xffffffff81000000ul

enum {
	PAGE = 4096,
	PHYSICAL = 0x1000000,
	PERCPU = 0x1002000, /* physical; its virtual addresses begin at 0 */
	SECTIONS = 3 * PAGE,
	FILE_END = SECTIONS + 2 * 64,
	ROOM = 4 * PAGE,
};

/*
 * A page of code at 0x81000000, one of what processors have of their own behind it, which is linked
 * for 0; a table of two sections, which is the last of the file.
 */
static size_t make_vmlinux(uint8_t *file)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)file;
	Elf64_Phdr *segments = (Elf64_Phdr *)(file + sizeof(*header));
	memset(file, 0, ROOM);
	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_type = ET_EXEC;
	header->e_machine = EM_X86_64;
	header->e_entry = PHYSICAL + 0x53;
	header->e_phoff = sizeof(*header);
	header->e_phentsize = sizeof(*segments);
	header->e_phnum = 2;
	header->e_shoff = SECTIONS;
	header->e_shentsize = 64;
	header->e_shnum = 2;
	segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				    .p_offset = PAGE,
				    .p_vaddr = KERNEL,
				    .p_paddr = PHYSICAL,
				    .p_filesz = PAGE,
				    .p_memsz = 2 * PAGE };
	segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
				    .p_offset = 2 * PAGE,
				    .p_paddr = PERCPU,
				    .p_filesz = PAGE,
				    .p_memsz = PAGE };
	return FILE_END;
}

/* The list behind it. */
static size_t add_words(uint8_t *file, const uint32_t *words, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		uk_put_u32(file + FILE_END + 4 * i, words[i]);
	return FILE_END + 4 * nr;
}

static struct uk_error *move(uint8_t *file, const uint32_t *words, size_t nr, uint64_t by)
{
	uk_cleanup(uk_vmlinux_deinit) struct uk_vmlinux vmlinux = {};
	size_t len = add_words(file, words, nr);
	struct uk_error *err = uk_vmlinux_parse(file, len, "vmlinux", &vmlinux);
	return err ? err : uk_vmlinux_relocate(&vmlinux, file, len, by);
}

START_TEST(segments_are_where_the_file_says)
{
	uk_cleanup(uk_vmlinux_deinit) struct uk_vmlinux vmlinux = {};
	uint8_t file[ROOM];
	ck_ok(uk_vmlinux_parse(file, make_vmlinux(file), "vmlinux", &vmlinux));
	ck_assert_uint_eq(vmlinux.entry, PHYSICAL + 0x53);
	ck_assert_uint_eq(vmlinux.end, FILE_END);
	ck_assert_uint_eq(vmlinux.segments.len, 2);
	ck_assert_uint_eq(vmlinux.segments.data[0].virtual, KERNEL);
	ck_assert_uint_eq(vmlinux.segments.data[0].room, 2 * PAGE);
	ck_assert_uint_eq(vmlinux.segments.data[0].len, PAGE);
	ck_assert_uint_eq(vmlinux.segments.data[1].physical, PERCPU);
	ck_assert_uint_eq(vmlinux.segments.data[1].offset, 2 * PAGE);
}
END_TEST

START_TEST(addresses_are_moved_each_in_its_way)
{
	static const uint32_t words[] = { 0, 0x81000010, 0x81002008, 0, 0x81000020, 0, 0x81000030 };
	uint8_t file[ROOM];
	make_vmlinux(file);
	uint8_t *code = file + PAGE, *percpu = file + 2 * PAGE;
	uk_put_u64(code + 0x10, KERNEL + 0x123);
	uk_put_u64(percpu + 8, KERNEL + 0x456);
	uk_put_u32(code + 0x20, 0x7f000000);
	uk_put_u32(code + 0x30, 0x81000777);
	uk_put_u32(code + 0x34, 0x11223344);
	ck_ok(move(file, words, UK_ARRAY_SIZE(words), 0x1a00000));
	ck_assert_uint_eq(uk_get_u64(code + 0x10), KERNEL + 0x1a00123);
	ck_assert_uint_eq(uk_get_u64(percpu + 8), KERNEL + 0x1a00456);
	ck_assert_uint_eq(uk_get_u32(code + 0x20), 0x7f000000 - 0x1a00000);
	ck_assert_uint_eq(uk_get_u32(code + 0x30), 0x82a00777);
	ck_assert_uint_eq(uk_get_u32(code + 0x34), 0x11223344); /* and nothing beside it */
}
END_TEST

START_TEST(a_kernel_without_the_second_list_is_moved)
{
	static const uint32_t words[] = { 0, 0x81000010, 0, 0x81000030 };
	uint8_t file[ROOM];
	make_vmlinux(file);
	uk_put_u64(file + PAGE + 0x10, KERNEL);
	uk_put_u32(file + PAGE + 0x30, 0x81000777);
	ck_ok(move(file, words, UK_ARRAY_SIZE(words), 0x200000));
	ck_assert_uint_eq(uk_get_u64(file + PAGE + 0x10), KERNEL + 0x200000);
	ck_assert_uint_eq(uk_get_u32(file + PAGE + 0x30), 0x81200777);
}
END_TEST

START_TEST(lists_that_are_none_are_refused)
{
	static const uint32_t one[] = { 0, 0x81000010 }, headless[] = { 0x81000010, 0, 0, 0 };
	static const uint32_t four[] = { 0, 0, 0, 0 }, outside[] = { 0, 0x81001000, 0, 0 };
	static const uint32_t across[] = { 0, 0x81000ffc, 0, 0 }, below[] = { 0, 0, 0, 0x80ffffff };
	uint8_t file[ROOM];
	make_vmlinux(file);
	ck_fails(move(file, NULL, 0, 1), UK_ERR_REFUSED, "runs only where it was linked for");
	ck_fails(move(file, one, UK_ARRAY_SIZE(one), 1), UK_ERR_INVALID, "is no list");
	ck_fails(move(file, headless, UK_ARRAY_SIZE(headless), 1), UK_ERR_INVALID, "is no list");
	ck_fails(move(file, four, UK_ARRAY_SIZE(four), 1), UK_ERR_INVALID, "is no list");
	ck_fails(move(file, outside, UK_ARRAY_SIZE(outside), 1), UK_ERR_INVALID,
		 "has 0xffffffff81001000, which is not loaded");
	ck_fails(move(file, across, UK_ARRAY_SIZE(across), 1), UK_ERR_INVALID, "not loaded");
	ck_fails(move(file, below, UK_ARRAY_SIZE(below), 1), UK_ERR_INVALID, "not loaded");
}
END_TEST

START_TEST(a_file_that_is_cut_off_is_refused)
{
	uk_cleanup(uk_vmlinux_deinit) struct uk_vmlinux vmlinux = {};
	uint8_t file[ROOM];
	size_t len = make_vmlinux(file);
	ck_ok(uk_vmlinux_parse(file, len - 4, "vmlinux", &vmlinux));
	ck_fails(uk_vmlinux_relocate(&vmlinux, file, len - 4, 1), UK_ERR_INVALID, "cut off");
	ck_fails(uk_vmlinux_relocate(&vmlinux, file, len + 3, 1), UK_ERR_INVALID, "cut off");
}
END_TEST

START_TEST(a_bzimage_tells_of_itself)
{
	uint8_t file[2 * 512 + 64] = {};
	struct uk_bzimage image;
	file[0x1f1] = 1;
	file[0x201] = 0x6a;
	memcpy(file + 0x202, "HdrS\x0f\x02", 6);
	uk_put_u32(file + 0x230, 0x200000);
	file[0x236] = 0x7f;
	uk_put_u32(file + 0x238, 2047);
	uk_put_u32(file + 0x24c, 64);
	uk_put_u64(file + 0x258, PHYSICAL);
	uk_put_u32(file + 0x260, 0x3377000);
	ck_ok(uk_bzimage_parse(file, sizeof(file), "bzImage", &image));
	ck_assert_uint_eq(image.protocol, 0x20f);
	ck_assert_uint_eq(image.alignment, 0x200000);
	ck_assert_uint_eq(image.flags, 0x7f);
	ck_assert_uint_eq(image.line_size, 2047);
	ck_assert_uint_eq(image.preferred, PHYSICAL);
	ck_assert_uint_eq(image.room, 0x3377000);
	ck_assert_uint_eq(image.header_len, 0x202 + 0x6a - 0x1f1);
	ck_assert_ptr_eq(image.payload, file + 1024);
	ck_assert_uint_eq(image.payload_len, 64);
	file[0x206] = 8; /* a protocol that has none of these fields but the payload */
	ck_ok(uk_bzimage_parse(file, sizeof(file), "bzImage", &image));
	ck_assert_uint_eq(image.flags | image.alignment | image.room, 0);
	ck_fails(uk_bzimage_parse(file, sizeof(file) - 1, "bzImage", &image), UK_ERR_INVALID,
		 "outside the file");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vmlinux");
	TCase *tcase = tcase_create("vmlinux");
	tcase_add_test(tcase, segments_are_where_the_file_says);
	tcase_add_test(tcase, addresses_are_moved_each_in_its_way);
	tcase_add_test(tcase, a_kernel_without_the_second_list_is_moved);
	tcase_add_test(tcase, lists_that_are_none_are_refused);
	tcase_add_test(tcase, a_file_that_is_cut_off_is_refused);
	tcase_add_test(tcase, a_bzimage_tells_of_itself);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
