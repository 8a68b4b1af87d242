// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes seeds: "seed DIR" fills a folder of DIR for each fuzz program that starts from one. */
/* rooms: bundle base */
#include "base/process.h"
#include "bundle_sample.h"

#include <elf.h>
#include <stddef.h>
#include <unistd.h>

static const char *top;

static char *make_path(const char *folder, const char *name)
{
	uk_auto_free char *dir = sample_path(top, folder);
	ck_ok(uk_dir_make(dir, 0755));
	return sample_path(dir, name);
}

static void put(const char *folder, const char *name, const void *data, size_t len)
{
	uk_auto_free char *path = make_path(folder, name);
	ck_ok(uk_file_write(path, data, len, 0644));
}

static const struct {
	const char *folder, *name, *text;
} texts[] = {
	{ "fuzz_patch", "plain", "--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n" },
	{ "fuzz_patch", "git",
	  "diff --git a/x.c b/y.c\nrename from x.c\nrename to y.c\n--- a/x.c\n+++ b/y.c\n"
	  "@@ -1 +1 @@\n-b\n\\ No newline at end of file\n+c\ndiff --git a/n b/n\n"
	  "new file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+new\n" },
	{ "fuzz_kallsyms", "sample", "ffffffff81000000 T _text\nffffffffc0000000 t f\t[mod]\n" },
	{ "fuzz_source", "sample",
	  "# 1 \"a.c\"\n#define X(a) sys_##a\nstruct s { int a; enum { E = 1 } e; };\n"
	  "static inline int f(struct s *s) { return s->a + E; }\n"
	  "typedef unsigned int u32;\nextern u32 v;\n#ifdef CONFIG_A\n#endif\n"
	  "int X(g)(int x) { return f(0) ? \"text\"[0] : 'c'; } /* end */\n" },
	{ "fuzz_lists", "config", "cCONFIG_A=\"gcc-12\"\n# CONFIG_B is not set\nCONFIG_C=m\n" },
	{ "fuzz_lists", "stanza",
	  "sPackage: linux-image-6.1\nVersion: 6.1.170-3\nBuilt-Using: linux (= 6.1.170-3)\n\n" },
	{ "fuzz_lists", "command", "wgcc-12 -DX='\"a b\"' -Wp,-MMD,x -o a.o \"b\\\"c\" -c a.c" },
	{ "fuzz_lists", "path", "pa/./b/../c.h" },
	{ "fuzz_procfs", "stat",
	  "s812 (a) b) S 1 2 3 34818 -1 4194560 9 0 0 0 0 0 0 0 20 0 1 0 122391 3133440 390\n" },
	{ "fuzz_procfs", "status",
	  "uUid:\t0\t1\t2\t3\nTracerPid:\t0\nNSpid:\t812\t5\nRssAnon:\t 8 kB\nSeccomp:\t2\n" },
	{ "fuzz_procfs", "fdinfo",
	  "fpos:\t0\nflags:\t02\nmnt_id:\t15\nlock:\t1: FLOCK  ADVISORY  WRITE 3 00:13:9 0 EOF\n"
	  "clockid: 1\nticks: 2\nsettime flags: 01\nit_value: (1, 2)\nit_interval: (0, 7)\n" },
	{ "fuzz_procfs", "syscall", "c202 0x1 0x80 0x3 0xffffffffffffffff 0x5 0x6 0x7 0x8\n" },
	{ "fuzz_procfs", "timers", "tID: 3\nsignal: 14/0\nnotify: none/pid.5\nClockID: -6\n" },
	{ "fuzz_procfs", "cgroup", "g1:name=systemd:/x\n0::/system.slice/a.service\n" },
	{ "fuzz_procfs", "mountinfo", "m36 35 98:0 /a /b\\040c rw master:1 - ext4 /dev/x rw\n" },
	{ "fuzz_procfs", "maps", "M7f00-7f10 rw-s 00001000 fe:01 1234    /dev/mem\n" },
	{ "fuzz_procfs", "areas", "p7f00000-7f10000 r-xp 00001000 fe:01 0    [vdso]\n" },
	{ "fuzz_procfs", "smaps", "v7f00-7f10 rw-p 0 0:0 0 /[aio]\nVmFlags: rd wr mg\n" },
	{ "fuzz_procfs", "inet",
	  "\x04head\n 0: 0100007F:07E8 00000000:0000 0A 1:F 0:0 0 0 0 1613 1\n" },
	{ "fuzz_sysv", "shm",
	  "mkey shmid perms size cpid lpid nattch uid gid cuid cgid\n-1 7 1600 9 8 8 1 0 0 0 0\n" },
	{ "fuzz_sysv", "sem", "ekey semid perms nsems uid gid cuid cgid\n0 1 600 3 0 0 0 0\n" },
	{ "fuzz_sysv", "msg",
	  "gkey msqid perms cbytes qnum lspid lrpid uid gid cuid cgid\n0 1 0 9 2 8 9 0 0 0 0\n" },
	{ "fuzz_sysv", "smaps",
	  "p7f00-7f10 rw-s 00001000 00:01 7 /SYSV00000000 (deleted)\nVmFlags: rd mw lo\n" },
	{ "fuzz_sysv", "notes",
	  "n{\"schema\":1,\"segments\":[],\"sets\":[{\"id\":1,\"key\":0,\"mode\":0,\"uid\":0,"
	  "\"gid\":0,\"cuid\":0,\"cgid\":0,\"semaphores\":[{\"value\":1,\"last\":0}]}],"
	  "\"queues\":[],\"limits\":[{\"name\":\"sem\",\"value\":\"1\"}],\"attachments\":[]}" },
	{ "fuzz_protobuf", "message",
	  "12\x08\x96\x01\x12\x02hi\x19"
	  "12345678\x25"
	  "1234\x32\x02\x08\x01" },
	{ "fuzz_note", "lines",
	  "timerfd 812 5 0 1 1764480000000000000 0 0\nsocket-option 812 7 6 18 31d40000\n"
	  "affinity 813 02\nio-priority 813 16390\n" },
	{ "fuzz_procfs", "unix", "\x05head\n0: 3 0 0 0001 03 1610 /run/x\n" },
};

/* Objects with what the kernel's have: tables, strings, relocations of all kinds. */
static const char code[] =
	"extern int external(int), other(void);\n"
	"static int counter;\n"
	"static const int lookup[8] = { 5, 6, 7, 8, 1, 2, 3, 4 };\n"
	"static int (*const table[])(void) = { other, other };\n"
	"__attribute__((noinline)) static int helper(int x) { return external(x) + ++counter; }\n"
	"int first(int x) { return table[x & 1]() + external(lookup[x & 7] + helper(x)); }\n"
	"const char *second(int x) { return external(x) ? \"a string\" : \"another\"; }\n"
	"__asm__(\".pushsection .altinstructions,\\\"a\\\"\\n.long first-.,second-.\\n\"\n"
	"\".word 3*32+1\\n.byte 5,5\\n.popsection\\n\"\n"
	"\".pushsection .smp_locks,\\\"a\\\"\\n.long first-.\\n.popsection\\n\"\n"
	"\".pushsection __jump_table,\\\"aw\\\"\\n.long first-.,second-.\\n.quad counter-.\\n\"\n"
	"\".popsection\\n.pushsection __ex_table,\\\"a\\\"\\n.long first-.,second-.,1\\n\"\n"
	"\".popsection\\n\");\n";

START_TEST(texts_are_written)
{
	put(texts[_i].folder, texts[_i].name, texts[_i].text, strlen(texts[_i].text));
}
END_TEST

START_TEST(objects_are_compiled)
{
	static const char *const folders[] = { "fuzz_modfile", "fuzz_object", "fuzz_listing",
					       "fuzz_match" };
	static const char *const levels[] = { "-O2", "-O0" };
	uk_auto_free char *source = sample_path(top, "seed.c"),
			  *object = sample_path(top, "seed.o");
	char *data;
	size_t len;
	ck_ok(uk_file_write(source, code, sizeof(code) - 1, 0644));
	ck_ok(uk_process_call(NULL, "gcc-12", levels[_i], "-mcmodel=kernel", "-fno-pic", "-pg",
			      "-mfentry", "-ffunction-sections", "-c", "-o", object, source, NULL));
	ck_ok(uk_file_read(object, 1 << 20, &data, &len));
	/* fuzz_match takes four bytes from the end; to the others they are bytes behind it. */
	data = realloc(data, len + 4);
	ck_assert_ptr_nonnull(data);
	memset(data + len, 0, 4);
	len += 4;
	for (size_t i = 0; i < UK_ARRAY_SIZE(folders); i++)
		put(folders[i], levels[_i], data, len);
	free(data);
}
END_TEST

START_TEST(an_update_is_packed)
{
	uk_auto_update struct uk_update *update = sample_update();
	uk_auto_free char *bundle = make_path("fuzz_bundle", "sample.upk"), *text = NULL;
	struct uk_member members[SAMPLE_MEMBERS];
	sample_members(members);
	ck_ok(uk_update_to_json(update, &text));
	put("fuzz_manifest", "sample.json", text, strlen(text));
	ck_ok(uk_bundle_pack(update, members, SAMPLE_MEMBERS, NULL, bundle));
}
END_TEST

START_TEST(keys_are_made)
{
	uk_auto_free char *secret = make_path("fuzz_keys", "secret");
	uk_auto_free char *public = make_path("fuzz_keys", "public");
	unlink(secret);
	unlink(public);
	ck_ok(uk_key_generate(secret, public, NULL));
}
END_TEST

START_TEST(a_text_has_its_patch)
{
	static const char pair[] = "one\ntwo\nthree\n\0--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@\n one\n"
				   "-two\n+2\n+and more\n three\n";
	put("fuzz_apply", "sample", pair, sizeof(pair) - 1);
}
END_TEST

/* The header of a core file with one segment, and behind it a note with a build id. */
START_TEST(a_core_has_a_header)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segments[2];
		Elf64_Nhdr note;
		char name[4], id[20];
	} core = {
		.header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
			    .e_type = ET_CORE,
			    .e_machine = EM_X86_64,
			    .e_phoff = sizeof(Elf64_Ehdr),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = 2 },
		.segments = { { .p_type = PT_NOTE },
			      { .p_type = PT_LOAD,
				.p_vaddr = 0xffffffff81000000,
				.p_memsz = 0x1000,
				.p_offset = 0x4000 } },
		.note = { 4, 20, NT_GNU_BUILD_ID },
		.name = "GNU",
	};
	put("fuzz_kcore", "core", &core, sizeof(core));
	put("fuzz_kcore", "note", &core.note, sizeof(core) - offsetof(__typeof__(core), note));
}
END_TEST

/* The sample asserts as tests do, so these are some. */
int main(int argc, char **argv)
{
	if (argc != 2)
		return 1;
	top = argv[1];
	Suite *suite = suite_create("seed");
	TCase *tcase = tcase_create("seed");
	tcase_add_loop_test(tcase, texts_are_written, 0, UK_ARRAY_SIZE(texts));
	tcase_add_loop_test(tcase, objects_are_compiled, 0, 2);
	tcase_add_test(tcase, an_update_is_packed);
	tcase_add_test(tcase, keys_are_made);
	tcase_add_test(tcase, a_text_has_its_patch);
	tcase_add_test(tcase, a_core_has_a_header);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
