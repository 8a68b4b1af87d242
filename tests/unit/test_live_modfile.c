// SPDX-License-Identifier: GPL-2.0-or-later
/* A module's file in memory: undefined symbols become absolute; damage is refused. */
/* rooms: live match bundle elf base */
#include "live_sample.h"

#include "base/process.h"
#include "live/modfile.h"
#include "live/module.h"

#include <elf.h>

static struct machine machine;
static char *object;
static size_t object_len;

static const char source[] =
	"extern int old_function(int);\n"
	"extern int hidden __asm__(\".upk.0.counter\");\n"
	"extern int maybe(void) __attribute__((weak));\n"
	"int new_function(int x) { return old_function(x) + hidden + (maybe ? maybe() : 0); }\n";

/* As diff marks a runtime constant of one byte. */
static const char shifting[] = "unsigned f(unsigned x) { asm(\"shrl $12,%0\\n1: .set "
			       ".upk.byte.bits, 1b - 1\" : \"+r\"(x)); "
			       "return x; }\n";

static void set_up(void)
{
	machine_make(&machine);
	uk_auto_free char *from = sample_path(machine.root, "m.c");
	uk_auto_free char *to = sample_path(machine.root, "m.o");
	machine_put(&machine, "m.c", source);
	ck_ok(uk_process_call(NULL, "gcc-12", "-O2", "-mcmodel=kernel", "-fno-pic", "-c", "-o", to,
			      from, NULL));
	ck_ok(uk_file_read(to, 1 << 20, &object, &object_len));
}

static void tear_down(void)
{
	free(object);
	machine_remove(&machine);
}

static bool resolve(void *ctx, const char *name, uint64_t *ret)
{
	static const struct {
		const char *name;
		uint64_t address;
	} known[] = {
		{ "old_function", 0xffffffff81234560 },
		{ ".upk.0.counter", 0xffffffff82345678 },
	};
	++*(int *)ctx;
	for (size_t i = 0; i < UK_ARRAY_SIZE(known); i++) {
		if (!strcmp(known[i].name, name)) {
			*ret = known[i].address;
			return true;
		}
	}
	return false;
}

static bool resolve_nothing(void *ctx, const char *name, uint64_t *ret)
{
	return false;
}

static const Elf64_Sym *find(const struct uk_modfile *file, const char *name)
{
	for (size_t i = 0; i < file->nr_symbols; i++) {
		if (!strcmp(file->strings + file->symbols[i].st_name, name))
			return &file->symbols[i];
	}
	ck_abort_msg("no symbol %s", name);
}

START_TEST(undefined_symbols_become_absolute)
{
	int asked = 0;
	uk_auto_modfile struct uk_modfile *file = NULL;
	ck_ok(uk_modfile_parse(object, object_len, "m.ko", &file));
	ck_ok(uk_modfile_resolve(file, resolve, &asked));
	ck_assert_int_eq(asked, 3);
	ck_assert_uint_eq(find(file, "old_function")->st_shndx, SHN_ABS);
	ck_assert_uint_eq(find(file, "old_function")->st_value, 0xffffffff81234560);
	ck_assert_uint_eq(find(file, ".upk.0.counter")->st_value, 0xffffffff82345678);
	ck_assert_uint_eq(find(file, "maybe")->st_shndx, SHN_UNDEF);
	ck_assert_uint_ne(find(file, "new_function")->st_shndx, SHN_ABS);
	/* Nothing but the table of symbols has changed. */
	size_t changed = 0, inside = 0;
	const uint8_t *table = (const uint8_t *)file->symbols;
	for (size_t i = 0; i < object_len; i++) {
		const uint8_t *at = file->data + i;
		changed += *at != (uint8_t)object[i];
		inside += *at != (uint8_t)object[i] && at >= table &&
			  at < table + file->nr_symbols * sizeof(Elf64_Sym);
	}
	ck_assert_uint_gt(changed, 0);
	ck_assert_uint_eq(changed, inside);
}
END_TEST

static bool resolve_value(void *ctx, const char *name, uint64_t *ret)
{
	ck_assert_str_eq(name, ".upk.value.bits");
	*ret = *(uint64_t *)ctx;
	return true;
}

START_TEST(bytes_are_filled_in)
{
	static const struct {
		uint64_t value;
		bool good;
	} values[] = { { 19, true },
		       { 0xffffffff00000007, true },
		       { 0, false },
		       { 64, false },
		       { 0x100, false } };
	machine_put(&machine, "s.c", shifting);
	uk_auto_free char *from = sample_path(machine.root, "s.c");
	uk_auto_free char *to = sample_path(machine.root, "s.o");
	uk_auto_free char *bytes = NULL;
	size_t len;
	ck_ok(uk_process_call(NULL, "gcc-12", "-O2", "-mcmodel=kernel", "-fno-pic", "-c", "-o", to,
			      from, NULL));
	ck_ok(uk_file_read(to, 1 << 20, &bytes, &len));
	for (size_t i = 0; i < UK_ARRAY_SIZE(values); i++) {
		uint64_t value = values[i].value;
		uk_auto_modfile struct uk_modfile *file = NULL;
		ck_ok(uk_modfile_parse(bytes, len, "s.ko", &file));
		Elf64_Sym *symbol = (Elf64_Sym *)(uintptr_t)find(file, ".upk.byte.bits");
		uint8_t *at =
			file->data + file->sections[symbol->st_shndx].sh_offset + symbol->st_value;
		ck_assert_uint_eq(*at, 12);
		if (!values[i].good) {
			ck_fails(uk_modfile_fill(file, resolve_value, &value), UK_ERR_REFUSED,
				 "s.ko: the running kernel's bits is no shift");
			continue;
		}
		ck_ok(uk_modfile_fill(file, resolve_value, &value));
		ck_assert_uint_eq(*at, (uint8_t)value);
		ck_assert_uint_eq(symbol->st_name, 0);
	}
	uk_auto_modfile struct uk_modfile *file = NULL;
	uint64_t value = 7;
	ck_ok(uk_modfile_parse(bytes, len, "s.ko", &file));
	((Elf64_Sym *)(uintptr_t)find(file, ".upk.byte.bits"))->st_value = 4096;
	ck_fails(uk_modfile_fill(file, resolve_value, &value), UK_ERR_INVALID, "lies outside");
}
END_TEST

START_TEST(an_unknown_symbol_is_refused_by_name)
{
	uk_auto_modfile struct uk_modfile *file = NULL;
	ck_ok(uk_modfile_parse(object, object_len, "m.ko", &file));
	ck_fails(uk_modfile_resolve(file, resolve_nothing, NULL), UK_ERR_REFUSED,
		 "m.ko: the running kernel has no address for '");
}
END_TEST

static void parse_signed(const char *tail, size_t tail_len, struct uk_modfile **ret,
			 enum uk_error_kind kind, const char *message)
{
	uk_auto_strbuf struct uk_strbuf buf = {};
	uk_strbuf_add(&buf, object, object_len);
	uk_strbuf_add(&buf, tail, tail_len);
	uk_strbuf_addstr(&buf, "~Module signature appended~\n");
	if (message)
		ck_fails(uk_modfile_parse(buf.data, buf.len, "m.ko", ret), kind, message);
	else
		ck_ok(uk_modfile_parse(buf.data, buf.len, "m.ko", ret));
}

START_TEST(a_signature_is_cut_off)
{
	uk_auto_modfile struct uk_modfile *file = NULL, *none = NULL;
	parse_signed("SIGN\2\0\0\0\0\0\0\0\0\0\0\4", 16, &file, 0, NULL);
	ck_assert_uint_eq(file->len, object_len);
	ck_assert_mem_eq(file->data, object, object_len);
	parse_signed("\2\0\0\0\0\0\0\0\x7f\xff\xff\xff", 12, &none, UK_ERR_INVALID,
		     "its signature is longer than the file");
	static const char alone[] = "~Module signature appended~\n";
	ck_fails(uk_modfile_parse(alone, sizeof(alone) - 1, "m.ko", &none), UK_ERR_INVALID,
		 "its signature is cut off");
}
END_TEST

START_TEST(cut_files_are_refused)
{
	for (size_t cut = 0; cut < object_len; cut++) {
		struct uk_modfile *file = NULL;
		uk_auto_free char *copy = malloc(cut ? cut : 1);
		memcpy(copy, object, cut);
		ck_fails(uk_modfile_parse(copy, cut, "m.ko", &file), UK_ERR_INVALID,
			 "m.ko: not a kernel module: ");
	}
}
END_TEST

/* No check on meaning, only that nothing outside the file is read or written (ASan). */
START_TEST(damaged_bytes_do_no_harm)
{
	int asked = 0, refused = 0;
	for (size_t at = 0; at < object_len; at++) {
		static const char values[] = { 0, 1, 0x7f, (char)0xff };
		for (size_t v = 0; v < sizeof(values); v++) {
			uk_auto_modfile struct uk_modfile *file = NULL;
			char old = object[at];
			object[at] = values[v];
			struct uk_error *err = uk_modfile_parse(object, object_len, "m.ko", &file);
			if (!err)
				err = uk_modfile_resolve(file, resolve, &asked);
			refused += err != NULL;
			uk_error_destroy(err);
			object[at] = old;
		}
	}
	ck_assert_int_gt(refused, 100);
}
END_TEST

static const struct {
	size_t at;
	char value;
	const char *message;
} headers[] = {
	{ 0, 'x', "no ELF header" },
	{ EI_CLASS, ELFCLASS32, "not for x86-64" },
	{ EI_DATA, ELFDATA2MSB, "not for x86-64" },
	{ offsetof(Elf64_Ehdr, e_machine), EM_386, "not for x86-64" },
	{ offsetof(Elf64_Ehdr, e_type), ET_EXEC, "not relocatable" },
	{ offsetof(Elf64_Ehdr, e_shentsize), 1, "its section table lies outside" },
	{ offsetof(Elf64_Ehdr, e_shoff) + 7, 0x7f, "its section table lies outside" },
	{ offsetof(Elf64_Ehdr, e_shnum), 1, "exactly one symbol table" },
};

START_TEST(headers_say_what_is_wrong)
{
	struct uk_modfile *file = NULL;
	object[headers[_i].at] = headers[_i].value;
	ck_fails(uk_modfile_parse(object, object_len, "m.ko", &file), UK_ERR_INVALID,
		 headers[_i].message);
}
END_TEST

START_TEST(kernels_that_take_no_foreign_modules_say_why)
{
	ck_ok(uk_module_may_load(&machine.paths, NULL));
	machine_put(&machine, "sys/module/module/parameters/sig_enforce", "N\n");
	machine_put(&machine, "sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	machine_put(&machine, "proc/sys/kernel/modules_disabled", "0\n");
	ck_ok(uk_module_may_load(&machine.paths, NULL));
	machine_put(&machine, "sys/module/module/parameters/sig_enforce", "Y\n");
	ck_fails(uk_module_may_load(&machine.paths, NULL), UK_ERR_REFUSED,
		 "module.sig_enforce is set");
	machine_put(&machine, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	ck_fails(uk_module_may_load(&machine.paths, NULL), UK_ERR_REFUSED,
		 "kernel lockdown is 'integrity'");
	machine_put(&machine, "proc/sys/kernel/modules_disabled", "1\n");
	ck_fails(uk_module_may_load(&machine.paths, NULL), UK_ERR_REFUSED, "modules_disabled is 1");
}
END_TEST

START_TEST(sections_and_states_are_read)
{
	uk_auto_map struct uk_map map = {};
	enum uk_module_state state;
	machine_put(&machine, "sys/module/m/initstate", "coming\n");
	machine_put(&machine, "sys/module/m/sections/.text", "0xffffffffc0100000\n");
	machine_put(&machine, "sys/module/m/sections/.data", "0xffffffffc0102000\n");
	ck_ok(uk_module_state(&machine.paths, "m", &state));
	ck_assert_int_eq(state, UK_MODULE_COMING);
	ck_ok(uk_module_state(&machine.paths, "none", &state));
	ck_assert_int_eq(state, UK_MODULE_ABSENT);
	ck_ok(uk_module_sections(&machine.paths, "m", &map));
	ck_assert_uint_eq(map.len, 2);
	ck_assert_uint_eq(uk_map_find_str(&map, ".text")->num, 0xffffffffc0100000);
	machine_put(&machine, "sys/module/m/sections/.bss", "0x0000000000000000\n");
	ck_fails(uk_module_sections(&machine.paths, "m", &map), UK_ERR_INVALID,
		 "is not an address; is this process root?");
	machine_put(&machine, "sys/module/m/initstate", "odd\n");
	ck_fails(uk_module_state(&machine.paths, "m", &state), UK_ERR_INVALID,
		 "unknown state 'odd'");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("live_modfile");
	TCase *tcase = tcase_create("modfile");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, undefined_symbols_become_absolute);
	tcase_add_test(tcase, bytes_are_filled_in);
	tcase_add_test(tcase, an_unknown_symbol_is_refused_by_name);
	tcase_add_test(tcase, a_signature_is_cut_off);
	tcase_add_test(tcase, cut_files_are_refused);
	tcase_add_test(tcase, damaged_bytes_do_no_harm);
	tcase_add_loop_test(tcase, headers_say_what_is_wrong, 0, UK_ARRAY_SIZE(headers));
	tcase_add_test(tcase, kernels_that_take_no_foreign_modules_say_why);
	tcase_add_test(tcase, sections_and_states_are_read);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
