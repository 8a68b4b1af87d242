// SPDX-License-Identifier: GPL-2.0-or-later
/* Objects: read, checked, found in, written, read again. */
/* rooms: elf base */
#include "elf/object.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/process.h"
#include "golden.h"
#include "tap.h"

#include <string.h>

static const char source[] = "extern int other(int);\n"
			     "static int counter = 5;\n"
			     "int table[4] = { 1, 2, 3, 4 };\n"
			     "const char *name(void) { return \"abc\"; }\n"
			     "int work(int x) { counter += x; return other(table[x]) + 1; }\n";
static const char *const split[] = { "-ffunction-sections", "-fdata-sections", "-g", NULL };

START_TEST(model_has_what_was_compiled)
{
	uk_auto_object struct uk_object *object = golden_compile(source, split);
	struct uk_symbol *work = uk_object_symbol(object, "work");
	ck_assert_ptr_nonnull(work);
	ck_assert(uk_symbol_is_function(work) && !uk_symbol_is_local(work));
	ck_assert_str_eq(work->section->name, ".text.work");
	ck_assert(uk_section_is_text(work->section));
	ck_assert_ptr_eq(uk_object_symbol_at(object, work->section, work->size - 1), work);
	ck_assert_ptr_null(uk_object_symbol_at(object, work->section, work->size));
	bool calls_other = false;
	uk_vec_for_each(reloc, &work->section->relocs) {
		ck_assert_ptr_eq(uk_section_reloc_at(work->section, reloc->offset + 3), reloc);
		if (!strcmp(reloc->symbol->name, "other")) {
			calls_other = true;
			ck_assert_int_eq(reloc->symbol->place, UK_SYMBOL_UNDEFINED);
			ck_assert(uk_reloc_is_pcrel(reloc->type));
		}
	}
	ck_assert(calls_other);
	ck_assert_ptr_null(uk_section_reloc_at(work->section, 1 << 20));
	ck_assert_uint_eq(uk_get_u32(uk_object_symbol(object, "counter")->section->data), 5);
}
END_TEST

static void assert_same(const struct uk_object *a, const struct uk_object *b)
{
	ck_assert_uint_eq(a->sections.len, b->sections.len);
	ck_assert_uint_eq(a->symbols.len, b->symbols.len);
	for (size_t i = 0; i < a->sections.len; i++) {
		const struct uk_section *x = a->sections.data[i], *y = b->sections.data[i];
		ck_assert_str_eq(x->name, y->name);
		ck_assert_uint_eq(x->size, y->size);
		ck_assert_uint_eq(x->flags & ~(uint64_t)SHF_GROUP, y->flags);
		ck_assert_uint_eq(x->relocs.len, y->relocs.len);
		if (x->data)
			ck_assert_mem_eq(x->data, y->data, x->size);
		for (size_t j = 0; j < x->relocs.len; j++) {
			ck_assert_uint_eq(x->relocs.data[j].offset, y->relocs.data[j].offset);
			ck_assert_int_eq(x->relocs.data[j].addend, y->relocs.data[j].addend);
			ck_assert_str_eq(x->relocs.data[j].symbol->name,
					 y->relocs.data[j].symbol->name);
		}
	}
}

START_TEST(written_objects_read_back)
{
	uk_auto_object struct uk_object *object = golden_compile(source, split);
	uk_auto_free char *data = NULL, *again = NULL;
	size_t len, again_len;
	ck_ok(uk_object_write(object, false, &data, &len));
	uk_auto_object struct uk_object *copy = NULL;
	ck_ok(uk_object_parse(data, len, "copy", &copy));
	assert_same(object, copy);
	ck_ok(uk_object_write(copy, false, &again, &again_len));
	ck_assert_uint_eq(len, again_len);
	ck_assert_mem_eq(data, again, len);
}
END_TEST

START_TEST(written_objects_link)
{
	uk_auto_object struct uk_object *object = golden_compile(source, split);
	uk_auto_free char *data = NULL;
	size_t len;
	ck_ok(uk_object_write(object, true, &data, &len));
	char path[] = "/tmp/upkeep-elf-XXXXXX";
	close(mkstemp(path));
	ck_ok(uk_file_write(path, data, len, 0600));
	ck_ok(uk_process_call(NULL, "ld", "-r", "-o", "/dev/null", path, NULL));
	uk_auto_object struct uk_object *stripped = NULL;
	ck_ok(uk_object_load(path, &stripped));
	ck_assert_ptr_null(uk_object_section(stripped, ".debug_info"));
	ck_assert_ptr_nonnull(uk_object_section(stripped, ".text.work"));
	unlink(path);
}
END_TEST

START_TEST(objects_are_built_by_hand)
{
	uk_auto_object struct uk_object *object = NULL, *copy = NULL;
	struct uk_section *text;
	struct uk_symbol *symbol, *section_symbol;
	static const uint8_t code[] = { 0xe8, 0, 0, 0, 0, 0xc3 };
	ck_ok(uk_object_create("made", &object));
	ck_ok(uk_object_add_section(object, ".text.upk.0.f", SHT_PROGBITS,
				    SHF_ALLOC | SHF_EXECINSTR, 16, 0, code, sizeof(code), &text));
	ck_ok(uk_object_add_symbol(object, ".upk.3.g", STT_NOTYPE, STB_GLOBAL, UK_SYMBOL_UNDEFINED,
				   NULL, 0, 0, &symbol));
	ck_ok(uk_object_section_symbol(object, text, &section_symbol));
	ck_ok(uk_section_add_reloc(text, 1, R_X86_64_PLT32, symbol, -4));
	uk_auto_free char *data = NULL;
	size_t len;
	ck_ok(uk_object_write(object, false, &data, &len));
	ck_ok(uk_object_parse(data, len, "copy", &copy));
	ck_assert_str_eq(copy->sections.data[0]->relocs.data[0].symbol->name, ".upk.3.g");
	ck_assert_ptr_nonnull(copy->sections.data[0]->symbol);
}
END_TEST

/* More sections than 16 bits can number. */
START_TEST(many_sections_are_numbered)
{
	uk_auto_object struct uk_object *object = NULL, *copy = NULL;
	ck_ok(uk_object_create("many", &object));
	for (int i = 0; i < 70000; i++) {
		char name[32];
		struct uk_section *section;
		struct uk_symbol *symbol;
		snprintf(name, sizeof(name), ".data.%d", i);
		ck_ok(uk_object_add_section(object, name, SHT_PROGBITS, SHF_ALLOC, 1, 0, "x", 1,
					    &section));
		ck_ok(uk_object_add_symbol(object, name + 1, STT_OBJECT, STB_GLOBAL,
					   UK_SYMBOL_DEFINED, section, 0, 1, &symbol));
	}
	uk_auto_free char *data = NULL;
	size_t len;
	ck_ok(uk_object_write(object, false, &data, &len));
	ck_ok(uk_object_parse(data, len, "copy", &copy));
	ck_assert_uint_eq(copy->sections.len, 70000);
	ck_assert_str_eq(copy->symbols.data[69999]->section->name, ".data.69999");
}
END_TEST

START_TEST(what_is_no_object_is_refused)
{
	struct uk_object *object;
	ck_fails(uk_object_parse("hello", 5, "x", &object), UK_ERR_INVALID, "x: not an ELF");
	uk_auto_free char *self = NULL;
	size_t len;
	ck_ok(uk_file_read("/bin/true", 1 << 26, &self, &len));
	ck_fails(uk_object_parse(self, len, "true", &object), UK_ERR_INVALID, "not a relocatable");
}
END_TEST

START_TEST(alignment_beyond_reason_is_refused)
{
	uk_auto_object struct uk_object *object = NULL;
	struct uk_section *section;
	struct uk_object *copy;
	ck_ok(uk_object_create("made", &object));
	ck_ok(uk_object_add_section(object, ".data", SHT_PROGBITS, SHF_ALLOC, 1 << 22, 0, "x", 1,
				    &section));
	uk_auto_free char *data = NULL;
	size_t len;
	ck_ok(uk_object_write(object, false, &data, &len));
	ck_fails(uk_object_parse(data, len, "copy", &copy), UK_ERR_INVALID,
		 "section .data: alignment 4194304");
}
END_TEST

/* Whatever happens to the bytes, the reader answers; sanitizers watch what it touches. */
START_TEST(damaged_objects_do_no_harm)
{
	size_t len;
	uk_auto_free char *data = golden_compile_bytes(source, split, &len);
	srandom(1);
	unsigned int refused = 0;
	for (int round = 0; round < 3000; round++) {
		uk_auto_free char *copy = malloc(len);
		memcpy(copy, data, len);
		for (int i = 0; i < 4; i++)
			copy[(size_t)random() % len] = (char)random();
		size_t cut = round % 3 ? len : (size_t)random() % len;
		uk_auto_object struct uk_object *object = NULL;
		struct uk_error *err = uk_object_parse(copy, cut, "damaged", &object);
		refused += err != NULL;
		uk_error_destroy(err);
	}
	ck_assert_uint_gt(refused, 900);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("object");
	TCase *tcase = tcase_create("object");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, model_has_what_was_compiled);
	tcase_add_test(tcase, written_objects_read_back);
	tcase_add_test(tcase, written_objects_link);
	tcase_add_test(tcase, objects_are_built_by_hand);
	tcase_add_test(tcase, many_sections_are_numbered);
	tcase_add_test(tcase, what_is_no_object_is_refused);
	tcase_add_test(tcase, alignment_beyond_reason_is_refused);
	tcase_add_test(tcase, damaged_objects_do_no_harm);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
