// SPDX-License-Identifier: GPL-2.0-or-later
/* What kbuild prints about its objects, and its command lines. */
/* rooms: kbuild elf base */
#include "base/file.h"
#include "kbuild/unit.h"
#include "tap.h"

#include <string.h>

#define ENDS                                                                                       \
	"LINK|ld -r -m elf_x86_64 -T scripts/module.lds\n"                                         \
	"CMD|upkeep/part.o|upkeep/part.c|m|part|--orc  --module|gcc -c -o upkeep/part.o "          \
	"upkeep/part.c ; ./tools/objtool/objtool --orc --module upkeep/part.o\n"

static struct uk_error *parse(const char *text, struct uk_units **ret)
{
	return uk_units_parse(text, strlen(text), "dump", ret);
}

START_TEST(objects_are_listed_with_what_they_belong_to)
{
	const char *text =
		"make -f x obj=. \\\n"
		"CMD|fs/open.o|fs/open.c|y|open|--orc|gcc -c -o fs/open.o fs/open.c ; objtool x\n"
		"CMD|fs/fat/dir.o|fs/fat/dir.c|m|fat-x|-|gcc -c -o fs/fat/dir.o fs/fat/dir.c\n"
		"CMD|lib/string.o|lib/string.c|l|string|-|gcc -c -o a b\n"
		"CMD|drivers/x/lib.o|drivers/x/lib.c|l|lib|-|gcc -c -o a b\n"
		"CMD|arch/x86/entry/vdso/v.o|arch/x86/entry/vdso/v.c|x|v|-|gcc -c -o a b\n"
		"CMD|arch/x86/v.lds|arch/x86/v.lds.S|x|v|-|gcc -E -o a b\n"
		"CMD|a/two.o|a/two.c|m|one:two|-|gcc -c -o a b\n"
		"CMD|kvm/../virt/x.o|kvm/../virt/x.c|m|kvm|-|gcc -c -o a b\n" ENDS;
	uk_auto_units struct uk_units *units = NULL;
	ck_ok(parse(text, &units));
	ck_assert_uint_eq(units->all.len, 8);
	const struct uk_unit *unit = uk_units_find(units, "fs/open.o");
	ck_assert_str_eq(unit->source, "fs/open.c");
	ck_assert_str_eq(unit->command, "gcc -c -o fs/open.o fs/open.c");
	ck_assert_str_eq(unit->objtool, "--orc");
	ck_assert_str_eq(uk_unit_target(unit), "vmlinux");
	unit = uk_units_find(units, "fs/fat/dir.o");
	ck_assert_str_eq(uk_unit_target(unit), "fat_x");
	ck_assert_ptr_null(unit->objtool);
	ck_assert_int_eq(uk_units_find(units, "lib/string.o")->place, UK_UNIT_BUILTIN);
	ck_assert_int_eq(uk_units_find(units, "drivers/x/lib.o")->place, UK_UNIT_APART);
	ck_assert_str_eq(uk_unit_target(uk_units_find(units, "arch/x86/entry/vdso/v.o")), "apart");
	ck_assert_ptr_null(uk_units_find(units, "arch/x86/v.lds"));
	unit = uk_units_find(units, "a/two.o");
	ck_assert_str_eq(unit->module, "one");
	ck_assert_str_eq(unit[1].module, "two");
	ck_assert_ptr_nonnull(uk_units_find(units, "virt/x.o"));
	ck_assert_str_eq(units->ld, "ld -r -m elf_x86_64 -T scripts/module.lds");
	ck_assert_str_eq(units->cc_module, "gcc -c -o upkeep/part.o upkeep/part.c");
	ck_assert_str_eq(units->objtool, "--orc  --module");
	ck_assert_ptr_null(uk_units_find(units, "upkeep/part.o"));
}
END_TEST

START_TEST(damaged_lists_are_refused)
{
	struct uk_units *units = NULL;
	ck_fails(parse(ENDS, &units), UK_ERR_INVALID, "kbuild listed no objects");
	ck_fails(parse("CMD|a.o|a.c|y|a|-|gcc\n", &units), UK_ERR_INVALID, "no linker");
	ck_fails(parse("CMD|a.o|a.c|y\n" ENDS, &units), UK_ERR_INVALID, "dump:1: has less than 7");
	ck_fails(parse("\nCMD|../a.o|a.c|y|a|-|gcc\n" ENDS, &units), UK_ERR_INVALID,
		 "dump:2: path '../a.o' leaves the tree");
	ck_fails(parse("CMD|a.o|/a.c|y|a|-|gcc\n" ENDS, &units), UK_ERR_INVALID, "is absolute");
}
END_TEST

static void splits(const char *command, const char *const *wanted, size_t nr_wanted)
{
	char **words;
	size_t nr;
	ck_ok(uk_command_split(command, &words, &nr));
	ck_assert_uint_eq(nr, nr_wanted);
	for (size_t i = 0; i < nr; i++)
		ck_assert_str_eq(words[i], wanted[i]);
	ck_assert_ptr_null(words[nr]);
	uk_strv_destroy(words, nr);
}

START_TEST(commands_are_split_as_a_shell_does)
{
	const char *const words[] = { "gcc", "-DX=\"a b\"", "-DY=c d", "-DZ=$x", "a\\b", "" };
	splits("  gcc -DX='\"a b\"' \"-DY=c d\" -DZ='$x' a\\\\b ''\t", words, UK_ARRAY_SIZE(words));
	splits("", NULL, 0);
}
END_TEST

START_TEST(commands_that_need_a_shell_are_refused)
{
	static const char *const commands[] = {
		"gcc; rm x",  "gcc $(x)", "gcc `x`", "gcc > x", "a && b",
		"gcc \"$x\"", "gcc 'x",	  "gcc \"x", "gcc x*",	"gcc \\",
	};
	for (size_t i = 0; i < UK_ARRAY_SIZE(commands); i++) {
		char **words = NULL;
		size_t nr;
		ck_fails(uk_command_split(commands[i], &words, &nr), UK_ERR_INVALID,
			 "needs a shell");
		ck_assert_ptr_null(words);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kbuild unit");
	TCase *tcase = tcase_create("unit");
	tcase_add_test(tcase, objects_are_listed_with_what_they_belong_to);
	tcase_add_test(tcase, damaged_lists_are_refused);
	tcase_add_test(tcase, commands_are_split_as_a_shell_does);
	tcase_add_test(tcase, commands_that_need_a_shell_are_refused);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
