// SPDX-License-Identifier: GPL-2.0-or-later
/* Units: what kbuild's dump says, and command lines as words. */
/* rooms: kbuild base */
#include "kbuild/unit.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "tap.h"

#include <string.h>

#define LINK "LINK|ld -r -m elf_x86_64 -T scripts/module.lds\n"
#define PART "CMD|upkeep/part.o|upkeep/part.c|m|part|--hacks=jump_label|gcc -DMODULE -c\n"
#define FRAME LINK PART

struct unit_case {
	const char *name, *line;
	const char *unit; /* object, source, place, module, objtool, command */
};

static const struct unit_case good[] = {
	{ "built in", "CMD|fs/namei.o|fs/namei.c|y||-|gcc -c fs/namei.c",
	  "fs/namei.o fs/namei.c 0 vmlinux - 'gcc -c fs/namei.c'" },
	{ "in a module", "CMD|fs/fat/dir.o|fs/fat/dir.c|m|fat|--orc|gcc -c -o x",
	  "fs/fat/dir.o fs/fat/dir.c 1 fat --orc 'gcc -c -o x'" },
	{ "dashes in a module's name", "CMD|a/b.o|a/b.c|m|snd-hda-intel|-|gcc",
	  "a/b.o a/b.c 1 snd_hda_intel - 'gcc'" },
	{ "a library of the kernel", "CMD|lib/x.o|lib/x.c|l||-|gcc",
	  "lib/x.o lib/x.c 0 vmlinux - 'gcc'" },
	{ "a library of the architecture", "CMD|arch/x86/lib/x.o|arch/x86/lib/x.S|l||-|gcc",
	  "arch/x86/lib/x.o arch/x86/lib/x.S 0 vmlinux - 'gcc'" },
	{ "a library of the EFI stub",
	  "CMD|drivers/firmware/efi/libstub/x.o|drivers/firmware/efi/libstub/x.c|l||-|gcc",
	  "drivers/firmware/efi/libstub/x.o drivers/firmware/efi/libstub/x.c 2 apart - 'gcc'" },
	{ "made on the way", "CMD|arch/x86/entry/vdso/v.o|arch/x86/entry/vdso/v.c|x||-|gcc",
	  "arch/x86/entry/vdso/v.o arch/x86/entry/vdso/v.c 2 apart - 'gcc'" },
	{ "extra-y", "CMD|arch/x86/kernel/head_64.o|arch/x86/kernel/head_64.S|e||-|gcc",
	  "arch/x86/kernel/head_64.o arch/x86/kernel/head_64.S 2 apart - 'gcc'" },
	{ "objtool behind the compiler", "CMD|a.o|a.c|y||-|gcc -c a.c ; ./objtool --orc a.o",
	  "a.o a.c 0 vmlinux - 'gcc -c a.c'" },
	{ "bars in the command", "CMD|a.o|a.c|y||-|gcc '-DX=a|b'",
	  "a.o a.c 0 vmlinux - 'gcc '-DX=a|b''" },
	{ "paths in their shortest spelling", "CMD|./a//b.o|a/c/../b.c|y||-|gcc",
	  "a/b.o a/b.c 0 vmlinux - 'gcc'" },
};

static struct uk_error *parse(const char *line, struct uk_units **ret)
{
	uk_auto_free char *text = NULL;
	ck_ok(uk_asprintf(&text, "%s%s\n", FRAME, line));
	return uk_units_parse(text, strlen(text), "dump", ret);
}

START_TEST(lines_become_units)
{
	const struct unit_case *test = &good[_i];
	uk_auto_units struct uk_units *units = NULL;
	uk_auto_free char *got = NULL;
	ck_ok(parse(test->line, &units));
	ck_assert_uint_eq(units->all.len, 1);
	const struct uk_unit *unit = &units->all.data[0];
	ck_assert_int_eq(unit->module != NULL, unit->place == UK_UNIT_MODULE);
	ck_ok(uk_asprintf(&got, "%s %s %d %s %s '%s'", unit->object, unit->source, unit->place,
			  uk_unit_target(unit), unit->objtool ? unit->objtool : "-",
			  unit->command));
	ck_assert_msg(!strcmp(got, test->unit), "%s: got %s", test->name, got);
	ck_assert_str_eq(units->ld, "ld -r -m elf_x86_64 -T scripts/module.lds");
	ck_assert_str_eq(units->cc_module, "gcc -DMODULE -c");
	ck_assert_str_eq(units->objtool, "--hacks=jump_label");
}
END_TEST

static const struct unit_case bad[] = {
	{ "a field is missing", "CMD|a.o|a.c|y|-|gcc", "dump:3: has less than 7 fields" },
	{ "nothing in it", "CMD|", "dump:3: has less than 7 fields" },
	{ "an object outside of the tree", "CMD|../a.o|a.c|y||-|gcc",
	  "dump:3: path '../a.o' leaves the tree" },
	{ "a source outside of the tree", "CMD|a.o|/etc/a.c|y||-|gcc",
	  "dump:3: path '/etc/a.c' is absolute" },
	{ "no source", "CMD|a.o||y||-|gcc", "dump:3: path '' names nothing" },
	{ "no unit", "make: Nothing to be done",
	  "dump: kbuild listed no objects, no linker or no module" },
	{ "no object file", "CMD|arch/x86/kernel/vmlinux.lds|a.c|y||-|gcc", "listed no objects" },
};

START_TEST(wrong_lines_are_refused)
{
	const struct unit_case *test = &bad[_i];
	struct uk_units *units;
	ck_fails(parse(test->line, &units), UK_ERR_INVALID, test->unit);
}
END_TEST

START_TEST(a_dump_must_be_whole)
{
	static const char unit[] = "CMD|a.o|a.c|y||-|gcc\n",
			  no_link[] = PART "CMD|a.o|a.c|y||-|gcc\n",
			  no_part[] = LINK "CMD|a.o|a.c|y||-|gcc\n",
			  whole[] = FRAME "CMD|a.o|a.c|y||-|gcc\n";
	struct uk_units *units;
	ck_fails(uk_units_parse("", 0, "d", &units), UK_ERR_INVALID, "d: kbuild listed no objects");
	ck_fails(uk_units_parse(unit, strlen(unit), "d", &units), UK_ERR_INVALID, "no linker");
	ck_fails(uk_units_parse(no_link, strlen(no_link), "d", &units), UK_ERR_INVALID,
		 "no linker");
	ck_fails(uk_units_parse(no_part, strlen(no_part), "d", &units), UK_ERR_INVALID,
		 "no module");
	ck_ok(uk_units_parse(whole, strlen(whole), "d", &units));
	uk_units_destroy(units);
}
END_TEST

static const char many[] = LINK "CMD|z.o|z.c|y||-|gcc z\n"
				"CMD|b.o|b.c|m|two:one-b|-|gcc b\n" PART "some other line\n"
				"CMD|a/a.o|a/a.c|m|one|-|gcc a\n"
				"LINK|ld again\n"
				"CMD|upkeep/part.o|upkeep/part.c|m|part|-|gcc again\n";

START_TEST(units_are_sorted_and_found)
{
	uk_auto_units struct uk_units *units = NULL;
	ck_ok(uk_units_parse(many, strlen(many), "d", &units));
	static const char *const order[][2] = {
		{ "a/a.o", "one" },
		{ "b.o", "one_b" },
		{ "b.o", "two" },
		{ "z.o", "vmlinux" },
	};
	ck_assert_uint_eq(units->all.len, UK_ARRAY_SIZE(order));
	for (size_t i = 0; i < UK_ARRAY_SIZE(order); i++) {
		ck_assert_str_eq(units->all.data[i].object, order[i][0]);
		ck_assert_str_eq(uk_unit_target(&units->all.data[i]), order[i][1]);
	}
	ck_assert_ptr_eq(uk_units_find(units, "a/a.o"), &units->all.data[0]);
	ck_assert_ptr_eq(uk_units_find(units, "b.o"), &units->all.data[1]);
	ck_assert_ptr_eq(uk_units_find(units, "z.o"), &units->all.data[3]);
	ck_assert_ptr_null(uk_units_find(units, "a.o"));
	ck_assert_ptr_null(uk_units_find(units, "upkeep/part.o"));
	/* The first linker and the first module count. */
	ck_assert_str_eq(units->ld, "ld -r -m elf_x86_64 -T scripts/module.lds");
	ck_assert_str_eq(units->cc_module, "gcc -DMODULE -c");
}
END_TEST

START_TEST(damaged_dumps_do_no_harm)
{
	unsigned int refusals = 0;
	srandom(11);
	for (int round = 0; round < 4000; round++) {
		char text[sizeof(many)];
		memcpy(text, many, sizeof(many));
		for (int i = 0; i < 4; i++)
			text[(size_t)random() % strlen(many)] = "|\n:/.CoM "[random() % 9];
		uk_auto_units struct uk_units *units = NULL;
		struct uk_error *err =
			uk_units_parse(text, (size_t)random() % sizeof(text), "d", &units);
		refusals += err != NULL;
		uk_error_destroy(err);
	}
	ck_assert_uint_gt(refusals, 500);
	ck_assert_uint_lt(refusals, 3990);
}
END_TEST

struct split_case {
	const char *command;
	const char *words; /* in brackets, or where the message says that a shell is needed */
};

static const struct split_case split[] = {
	{ "", "" },
	{ " \t ", "" },
	{ "gcc -c  a.c\t-o a.o ", "[gcc][-c][a.c][-o][a.o]" },
	{ "-DX='\"a b\"' y", "[-DX=\"a b\"][y]" },
	{ "-DX=\"a  b\"c", "[-DX=a  bc]" },
	{ "'' \"\" x", "[][][x]" },
	{ "a\\ b \\\"c\\\" \\\\", "[a b][\"c\"][\\]" },
	{ "\"a\\\"b\\\\c\\$d\\e\"", "[a\"b\\c$d\\e]" },
	{ "'a\\b$c`d|e'", "[a\\b$c`d|e]" },
	{ "-DKBUILD_MODNAME='\"fat\"' -D\"KBUILD_STR(s)=#s\"",
	  "[-DKBUILD_MODNAME=\"fat\"][-DKBUILD_STR(s)=#s]" },
	{ "\\;\\|\\$", "[;|$]" },
	{ "-I./a=b,c:d@e%f+g{h}!i^j]", "[-I./a=b,c:d@e%f+g{h}!i^j]]" },
};

static const struct split_case shell[] = {
	{ "gcc a; rm b", "; rm b" },  { "gcc a | cat", "| cat" },
	{ "gcc a & b", "& b" },	      { "gcc a < b", "< b" },
	{ "gcc a > b", "> b" },	      { "(gcc a)", "(gcc a)" },
	{ "gcc a )", ")" },	      { "gcc $X", "$X" },
	{ "gcc `ls`", "`ls`" },	      { "gcc *.c", "*.c" },
	{ "gcc ?.c", "?.c" },	      { "gcc [ab].c", "[ab].c" },
	{ "gcc # c", "# c" },	      { "gcc ~/a", "~/a" },
	{ "gcc a\nrm b", "\nrm b" },  { "gcc \"$X\"", "$X\"" },
	{ "gcc \"`ls`\"", "`ls`\"" }, { "gcc 'open", "'open" },
	{ "gcc \"open", "\"open" },   { "gcc \"open\\", "\"open\\" },
	{ "gcc end\\", "\\" },
};

START_TEST(commands_become_words)
{
	const struct split_case *test = &split[_i];
	struct uk_strbuf out = {};
	char **words;
	size_t nr;
	ck_ok(uk_command_split(test->command, &words, &nr));
	ck_assert_ptr_null(words[nr]);
	for (size_t i = 0; i < nr; i++)
		uk_strbuf_addf(&out, "[%s]", words[i]);
	uk_strbuf_addstr(&out, "");
	ck_assert_msg(!strcmp(out.data, test->words), "%s: got %s", test->command, out.data);
	uk_strbuf_deinit(&out);
	uk_strv_destroy(words, nr);
}
END_TEST

START_TEST(what_needs_a_shell_is_refused)
{
	const struct split_case *test = &shell[_i];
	uk_auto_free char *text = NULL;
	char **words;
	size_t nr;
	ck_ok(uk_asprintf(&text, "command of kbuild needs a shell at '%s'", test->words));
	ck_fails(uk_command_split(test->command, &words, &nr), UK_ERR_INVALID, text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kbuild: dump");
	TCase *tcase = tcase_create("units");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, lines_become_units, 0, UK_ARRAY_SIZE(good));
	tcase_add_loop_test(tcase, wrong_lines_are_refused, 0, UK_ARRAY_SIZE(bad));
	tcase_add_test(tcase, a_dump_must_be_whole);
	tcase_add_test(tcase, units_are_sorted_and_found);
	tcase_add_test(tcase, damaged_dumps_do_no_harm);
	tcase_add_loop_test(tcase, commands_become_words, 0, UK_ARRAY_SIZE(split));
	tcase_add_loop_test(tcase, what_needs_a_shell_is_refused, 0, UK_ARRAY_SIZE(shell));
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
