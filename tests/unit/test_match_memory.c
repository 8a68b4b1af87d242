// SPDX-License-Identifier: GPL-2.0-or-later
/* Sources of kernel memory: ranges, images, what is wrong with an image. */
/* rooms: match elf base */
#include "base/bytes.h"
#include "base/strbuf.h"
#include "match/memory.h"
#include "match/note.h"
#include "tap.h"

#include <elf.h>
#include <string.h>
#include <zstd.h>

#define BASE 0xffffffff81000000ul
#define BANNER "Linux version 6.1.0-1-amd64 (who@where) (gcc, ld) #1 SMP Debian 6.1.1-1\n"

enum { PAGE = 4096, SETUP = 2 * 512 };

/* A vmlinux: header, two segments (code with the banner; a build id), nothing else. */
static size_t make_vmlinux(uint8_t *image)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)image;
	Elf64_Phdr *segments = (Elf64_Phdr *)(image + sizeof(*header));
	memset(image, 0, 2 * PAGE);
	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_type = ET_EXEC;
	header->e_machine = EM_X86_64;
	header->e_phoff = sizeof(*header);
	header->e_phentsize = sizeof(*segments);
	header->e_phnum = 2;
	segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				    .p_offset = PAGE,
				    .p_vaddr = BASE,
				    .p_filesz = PAGE,
				    .p_memsz = 2 * PAGE };
	segments[1] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = 2048, .p_filesz = 20 };
	const uint32_t note[] = { 4, 4, NT_GNU_BUILD_ID };
	memcpy(image + 2048, note, sizeof(note));
	memcpy(image + 2060, "GNU\0\xde\xad\xbe\xef", 8);
	/* The banners that are not the kernel's own come first. */
	strcpy((char *)image + PAGE + 64, "Linux version %s (who@where) (gcc, ld) %s\n");
	strcpy((char *)image + PAGE + 256, "Linux version 6.1.0-1-amd64 (w) (gcc) # SMP\n");
	strcpy((char *)image + PAGE + 512, BANNER);
	return 2 * PAGE;
}

/* A bzImage around a payload: setup header, two sectors, payload. */
static size_t wrap(uint8_t *file, const void *payload, size_t len)
{
	memset(file, 0, SETUP);
	file[0x1f1] = 1;
	memcpy(file + 0x202, "HdrS", 4);
	file[0x206] = 15;
	file[0x207] = 2;
	uk_put_u32(file + 0x248, 0);
	uk_put_u32(file + 0x24c, (uint32_t)len);
	memcpy(file + SETUP, payload, len);
	return SETUP + len;
}

/* Compressed as the kernel's build does it: with the unpacked size behind. */
static size_t make_bzimage(uint8_t *file)
{
	uint8_t vmlinux[2 * PAGE], packed[4 * PAGE];
	size_t len = make_vmlinux(vmlinux);
	size_t size = ZSTD_compress(packed, sizeof(packed) - 4, vmlinux, len, 3);
	ck_assert(!ZSTD_isError(size));
	uk_put_u32(packed + size, (uint32_t)len);
	return wrap(file, packed, size + 4);
}

static void check_image(const struct uk_memory *memory)
{
	ck_assert_str_eq(memory->identity.release, "6.1.0-1-amd64");
	ck_assert_str_eq(memory->identity.version, "#1 SMP Debian 6.1.1-1");
	ck_assert_str_eq(memory->identity.build_id, "deadbeef");
	ck_assert(!memory->live);
	char text[sizeof(BANNER)];
	ck_ok(uk_memory_read(memory, BASE + 512, text, sizeof(text)));
	ck_assert_str_eq(text, BANNER);
	/* What the file does not hold (.bss) is not there. */
	ck_assert(!uk_memory_has(memory, BASE + PAGE, 1));
	ck_fails(uk_memory_read(memory, BASE + PAGE - 1, text, 2), UK_ERR_INVALID,
		 "has no 2 bytes at 0xffffffff81000fff");
}

START_TEST(a_plain_vmlinux_is_read)
{
	uint8_t vmlinux[2 * PAGE];
	uk_auto_memory struct uk_memory *memory = NULL;
	ck_ok(uk_memory_parse_image(vmlinux, make_vmlinux(vmlinux), "vmlinux", &memory));
	check_image(memory);
}
END_TEST

START_TEST(a_bzimage_is_unpacked)
{
	uint8_t file[8 * PAGE];
	uk_auto_memory struct uk_memory *memory = NULL;
	ck_ok(uk_memory_parse_image(file, make_bzimage(file), "bzImage", &memory));
	check_image(memory);
}
END_TEST

START_TEST(an_uncompressed_payload_is_read)
{
	uint8_t vmlinux[2 * PAGE], file[8 * PAGE];
	uk_auto_memory struct uk_memory *memory = NULL;
	size_t len = wrap(file, vmlinux, make_vmlinux(vmlinux));
	ck_ok(uk_memory_parse_image(file, len, "bzImage", &memory));
	check_image(memory);
}
END_TEST

#define bad_image(text)                                                                            \
	do {                                                                                       \
		struct uk_memory *bad = NULL;                                                      \
		ck_fails(uk_memory_parse_image(file, len, "img", &bad), UK_ERR_INVALID, (text));   \
		ck_assert_ptr_null(bad);                                                           \
	} while (0)

START_TEST(damaged_bzimages_are_refused)
{
	uint8_t file[8 * PAGE];
	size_t len = make_bzimage(file);
	file[0x202] = 'X';
	bad_image("neither a bzImage nor an ELF file");
	make_bzimage(file);
	file[0x207] = 1;
	bad_image("older than 2.08");
	make_bzimage(file);
	uk_put_u32(file + 0x248, 0xfffffff0);
	bad_image("payload lies outside the file");
	make_bzimage(file);
	uk_put_u32(file + 0x24c, (uint32_t)len);
	bad_image("payload lies outside the file");
	make_bzimage(file);
	uk_put_u32(file + len - 4, 12345);
	bad_image("not to the 12345 that it says");
	make_bzimage(file);
	memset(file + SETUP + 100, 0xff, 50);
	bad_image("payload");
	make_bzimage(file);
	memset(file + SETUP, 0, 16);
	bad_image("payload");
	len = 100;
	bad_image("neither a bzImage nor an ELF file");
}
END_TEST

START_TEST(damaged_vmlinux_are_refused)
{
	uint8_t file[2 * PAGE];
	size_t len = make_vmlinux(file);
	Elf64_Ehdr *header = (Elf64_Ehdr *)file;
	Elf64_Phdr *segments = (Elf64_Phdr *)(file + sizeof(*header));
	header->e_machine = EM_386;
	bad_image("not an x86-64 executable");
	make_vmlinux(file);
	header->e_phnum = 0xffff;
	bad_image("program headers");
	make_vmlinux(file);
	header->e_phoff = UINT64_MAX - 8;
	bad_image("program headers");
	make_vmlinux(file);
	segments[0].p_filesz = UINT64_MAX;
	bad_image("a segment of its vmlinux lies outside it");
	make_vmlinux(file);
	segments[0].p_vaddr = UINT64_MAX - 16;
	bad_image("wraps around");
	make_vmlinux(file);
	segments[1] = segments[0];
	bad_image("overlap");
	make_vmlinux(file);
	memset(file + PAGE + 512, 'x', 5);
	bad_image("no version banner");
	make_vmlinux(file);
	memset(file + PAGE + 512 + 20, ' ', PAGE - 532); /* a banner without an end */
	bad_image("no version banner");
	len = 20;
	bad_image("holds no ELF vmlinux");
}
END_TEST

START_TEST(notes_that_do_not_fit_are_passed_over)
{
	uint8_t note[32] = {};
	char *id;
	memcpy(note, (const uint32_t[]){ 4, 4, NT_GNU_BUILD_ID }, 12);
	memcpy(note + 12, "GNU\0\x01\x02\x03\x04", 8);
	ck_ok(uk_note_build_id(note, 20, &id));
	ck_assert_str_eq(id, "01020304");
	free(id);
	ck_ok(uk_note_build_id(note, 19, &id));
	ck_assert_ptr_null(id);
	uk_put_u32(note, 0xffffffff);
	ck_ok(uk_note_build_id(note, 32, &id));
	ck_assert_ptr_null(id);
	memset(note, 0, sizeof(note));
	ck_ok(uk_note_build_id(note, 32, &id));
	ck_assert_ptr_null(id);
}
END_TEST

START_TEST(ranges_are_kept_apart)
{
	uk_auto_memory struct uk_memory *memory = NULL;
	ck_ok(uk_memory_create("m", NULL, false, &memory));
	ck_ok(uk_memory_add(memory, 0x2000, "bbbb", 4));
	ck_ok(uk_memory_add(memory, 0x1000, "aaaa", 4));
	ck_ok(uk_memory_add(memory, 0x2004, "cccc", 4));
	ck_fails(uk_memory_add(memory, 0x1ffd, "xxxx", 4), UK_ERR_INVALID, "overlap at 0x1ffd");
	ck_fails(uk_memory_add(memory, 0x2007, "xxxx", 4), UK_ERR_INVALID, "overlap");
	ck_fails(uk_memory_add(memory, UINT64_MAX - 1, "xxxx", 4), UK_ERR_INVALID, "wraps");
	char byte;
	ck_ok(uk_memory_read(memory, 0x1003, &byte, 1));
	ck_assert_int_eq(byte, 'a');
	ck_assert(uk_memory_has(memory, 0x2000, 4));
	ck_assert(!uk_memory_has(memory, 0x2002, 4)); /* two ranges */
	ck_assert(!uk_memory_has(memory, 0xfff, 1));
	ck_assert_ptr_null(uk_memory_bytes(memory, 0x1001, 4));
	*uk_memory_bytes(memory, 0x1000, 1) = 'z';
	ck_ok(uk_memory_read(memory, 0x1000, &byte, 1));
	ck_assert_int_eq(byte, 'z');
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("match memory");
	TCase *tcase = tcase_create("sources");
	tcase_add_test(tcase, a_plain_vmlinux_is_read);
	tcase_add_test(tcase, a_bzimage_is_unpacked);
	tcase_add_test(tcase, an_uncompressed_payload_is_read);
	tcase_add_test(tcase, damaged_bzimages_are_refused);
	tcase_add_test(tcase, damaged_vmlinux_are_refused);
	tcase_add_test(tcase, notes_that_do_not_fit_are_passed_over);
	tcase_add_test(tcase, ranges_are_kept_apart);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
