// SPDX-License-Identifier: GPL-2.0-or-later
/* Who holds code: the kernel's own files, in a folder made for the test. */
/* rooms: match elf base */
#include "base/file.h"
#include "base/strbuf.h"
#include "match/holders.h"
#include "tap.h"

#include <string.h>

static char root[] = "/tmp/upkeep-holders-XXXXXX";

static void setup(void)
{
	strcpy(root, "/tmp/upkeep-holders-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static void teardown(void)
{
	uk_auto_error struct uk_error *err = uk_tree_remove(root);
	ck_assert_ptr_null(err);
}

static void put(const char *folder, const char *name, const char *text)
{
	uk_auto_free char *dir = NULL, *path = NULL;
	ck_ok(uk_asprintf(&dir, "%s%s", root, folder));
	ck_ok(uk_asprintf(&path, "%s/%s", dir, name));
	ck_ok(uk_dir_make(dir, 0755));
	ck_ok(uk_file_write(path, text, strlen(text), 0644));
}

START_TEST(probes_are_read)
{
	put("/sys/kernel/debug/kprobes", "list",
	    "ffffffff81000010  k  vfs_read+0x10    \n"
	    "ffffffff81000100  r  vfs_write+0x0    [OPTIMIZED]\n"
	    "ffffffff81000200  k  vfs_open+0x0    [FTRACE]\n"
	    "ffffffff81000300  k  gone+0x1    [DISABLED]\n"
	    "ffffffffc0000400  k  fat_read+0x8  fat [OPTIMIZED]\n"
	    "nonsense\n");
	uk_auto_holders struct uk_holders *holders = NULL;
	ck_ok(uk_holders_load(root, &holders));
	ck_assert(holders->probes_known);
	ck_assert(!holders->traced_known);
	ck_assert_uint_eq(holders->probes.len, 4);
	const struct uk_holder_probe *probe = uk_holders_probe(holders, 0xffffffff8100000c, 5);
	ck_assert_str_eq(probe->name, "kprobe vfs_read+0x10");
	ck_assert_ptr_null(uk_holders_probe(holders, 0xffffffff8100000b, 5));
	ck_assert_ptr_null(uk_holders_probe(holders, 0xffffffff81000011, 5));
	/* A jump holds five bytes. */
	ck_assert_ptr_nonnull(uk_holders_probe(holders, 0xffffffff81000104, 1));
	ck_assert_ptr_null(uk_holders_probe(holders, 0xffffffff81000105, 1));
	ck_assert(uk_holders_probe(holders, 0xffffffff81000200, 1)->ftrace);
	ck_assert_ptr_null(uk_holders_probe(holders, 0xffffffff81000300, 1));
	ck_assert_str_eq(uk_holders_probe(holders, 0xffffffffc0000400, 1)->name,
			 "kprobe fat_read+0x8");
}
END_TEST

START_TEST(traced_functions_are_read)
{
	put("/sys/kernel/tracing", "enabled_functions",
	    "vfs_read (1) R   \ttramp: ftrace_regs_caller+0x0/0x68\n"
	    "\tdirect-->bpf_trampoline_1+0x0\n"
	    "fat_lookup [fat] (2)\n");
	uk_auto_holders struct uk_holders *holders = NULL;
	ck_ok(uk_holders_load(root, &holders));
	ck_assert(holders->traced_known);
	ck_assert_uint_eq(holders->traced.len, 2);
	ck_assert_str_eq(uk_holders_traced(holders, "vmlinux", "vfs_read")->how,
			 "(1) R   \ttramp: ftrace_regs_caller+0x0/0x68");
	ck_assert_str_eq(uk_holders_traced(holders, "fat", "fat_lookup")->how, "(2)");
	ck_assert_ptr_null(uk_holders_traced(holders, "vmlinux", "fat_lookup"));
}
END_TEST

START_TEST(livepatches_are_read)
{
	put("/sys/kernel/livepatch/lp_1/vmlinux/vfs_read,1", "x", "");
	put("/sys/kernel/livepatch/lp_1/fat/fat_lookup,1", "x", "");
	put("/sys/kernel/livepatch/lp_1", "enabled", "1\n");
	uk_auto_holders struct uk_holders *holders = NULL;
	ck_ok(uk_holders_load(root, &holders));
	ck_assert_uint_eq(holders->livepatches.len, 2);
	ck_assert_str_eq(uk_holders_livepatch(holders, "vmlinux", "vfs_read")->patch, "lp_1");
	ck_assert_ptr_nonnull(uk_holders_livepatch(holders, "fat", "fat_lookup"));
	ck_assert_ptr_null(uk_holders_livepatch(holders, "fat", "vfs_read"));
}
END_TEST

START_TEST(nothing_there_is_nothing_known)
{
	uk_auto_holders struct uk_holders *holders = NULL;
	ck_ok(uk_holders_load(root, &holders));
	ck_assert(!holders->probes_known);
	ck_assert(!holders->traced_known);
	ck_assert_uint_eq(holders->probes.len + holders->traced.len + holders->livepatches.len, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("match holders");
	TCase *tcase = tcase_create("holders");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, probes_are_read);
	tcase_add_test(tcase, traced_functions_are_read);
	tcase_add_test(tcase, livepatches_are_read);
	tcase_add_test(tcase, nothing_there_is_nothing_known);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
