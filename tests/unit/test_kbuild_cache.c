// SPDX-License-Identifier: GPL-2.0-or-later
/* The cache and what is kept in it: stamps, locks, configurations, CRCs, apt's answers. */
/* rooms: kbuild elf base */
#include "base/bytes.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "kbuild/apt.h"
#include "kbuild/cache.h"
#include "kbuild/config.h"
#include "kbuild/role.h"
#include "kbuild/symvers.h"
#include "tap.h"

#include <string.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

static char dir[] = "/tmp/upkeep-test-XXXXXX";

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	ck_ok(uk_tree_remove(dir));
}

START_TEST(stamps_tell_what_is_finished)
{
	uk_auto_cache struct uk_cache *cache = NULL;
	uk_auto_free char *path = NULL, *work = NULL;
	ck_ok(uk_cache_open(dir, &cache));
	ck_ok(uk_cache_path(cache, &path, "trees/%s", "x"));
	ck_assert(uk_str_starts(path, dir) && uk_str_ends(path, "/trees/x"));
	ck_assert(!uk_stamp_exists(path));
	ck_ok(uk_dir_make(path, 0700));
	ck_assert(!uk_stamp_exists(path));
	ck_ok(uk_stamp_write(path));
	ck_assert(uk_stamp_exists(path));
	ck_ok(uk_stamp_reset(path));
	ck_assert(!uk_stamp_exists(path) && !uk_file_exists(path));
	ck_ok(uk_stamp_reset(path));
	ck_ok(uk_work_dir(cache, &work));
	ck_assert(uk_file_exists(work));
}
END_TEST

START_TEST(a_cache_that_others_write_to_is_refused)
{
	struct uk_cache *cache = NULL;
	ck_assert_int_eq(chmod(dir, 0770), 0);
	ck_fails(uk_cache_open(dir, &cache), UK_ERR_SYSTEM, "may be written to by others");
	ck_assert_int_eq(chmod(dir, 0700), 0);
	uk_auto_free char *comma = NULL;
	ck_ok(uk_asprintf(&comma, "%s/a,b", dir));
	ck_fails(uk_cache_open(comma, &cache), UK_ERR_USAGE, "commas");
	ck_assert_ptr_null(cache);
}
END_TEST

START_TEST(locks_are_held_until_they_are_closed)
{
	uk_auto_cache struct uk_cache *cache = NULL;
	uk_auto_free char *path = NULL;
	ck_ok(uk_cache_open(dir, &cache));
	ck_ok(uk_cache_path(cache, &path, "locks/trees_x"));
	int lock = -1;
	ck_ok(uk_cache_lock(cache, "trees/x", NULL, &lock));
	uk_auto_close int other = open(path, O_RDWR);
	ck_assert_int_ge(other, 0);
	ck_assert_int_eq(flock(other, LOCK_EX | LOCK_NB), -1);
	close(lock);
	ck_assert_int_eq(flock(other, LOCK_EX | LOCK_NB), 0);
}
END_TEST

static struct uk_error *check(const char *wanted, const char *got)
{
	uk_auto_config struct uk_config a = {}, b = {};
	ck_ok(uk_config_parse(wanted, "wanted", &a));
	ck_ok(uk_config_parse(got, "got", &b));
	return uk_config_check(&a, &b);
}

START_TEST(configurations_must_come_out_the_same)
{
	const char *wanted = "# a remark\nCONFIG_A=y\nCONFIG_T=\"x\"\n# CONFIG_B is not set\n";
	ck_ok(check(wanted, "CONFIG_T=\"x\"\nCONFIG_A=y\nCONFIG_B=n\nCONFIG_BUILD_SALT=\"s\"\n"
			    "CONFIG_RUSTC_VERSION=1\nCONFIG_MODULE_SIG_KEY=\"\"\n"));
	ck_fails(check(wanted, "CONFIG_A=m\nCONFIG_T=\"x\"\n"), UK_ERR_SYSTEM,
		 "1 options (CONFIG_A=y, here m)");
	ck_fails(check(wanted, "CONFIG_A=y\n"), UK_ERR_SYSTEM, "CONFIG_T=\"x\", here n");
	ck_fails(check(wanted, "CONFIG_A=y\nCONFIG_T=\"x\"\nCONFIG_N=y\n"), UK_ERR_SYSTEM,
		 "CONFIG_N=n, here y");
	ck_fails(check("CONFIG_PAHOLE_VERSION=124\n", "CONFIG_PAHOLE_VERSION=0\n"), UK_ERR_SYSTEM,
		 "version of: dwarves");
	ck_fails(check("CONFIG_AS_VERSION=1\nCONFIG_LD_VERSION=1\n", ""), UK_ERR_SYSTEM,
		 "version of: binutils");
}
END_TEST

START_TEST(configurations_are_parsed)
{
	uk_auto_config struct uk_config config = {};
	uk_auto_free char *text = NULL, *none = NULL;
	ck_ok(uk_config_parse("CONFIG_A=y\nCONFIG_T=\"gcc-12 (x)\"\n", "c", &config));
	ck_assert_str_eq(uk_config_get(&config, "CONFIG_A"), "y");
	ck_assert_ptr_null(uk_config_get(&config, "CONFIG_B"));
	ck_ok(uk_config_string(&config, "CONFIG_T", &text));
	ck_assert_str_eq(text, "gcc-12 (x)");
	ck_ok(uk_config_string(&config, "CONFIG_B", &none));
	ck_assert_ptr_null(none);
	ck_fails(uk_config_string(&config, "CONFIG_A", &none), UK_ERR_INVALID, "is not a string");
	struct uk_config bad = {};
	ck_fails(uk_config_parse("\nhello\n", "c", &bad), UK_ERR_INVALID, "c:2: 'hello'");
}
END_TEST

static void put_version(uint8_t *at, uint64_t crc, const char *name)
{
	memset(at, 0, 64);
	uk_put_u64(at, crc);
	memcpy(at + 8, name, strlen(name));
}

START_TEST(versions_of_modules_are_read)
{
	uk_auto_map struct uk_map map = {};
	uint8_t section[128];
	put_version(section, 0x12345678, "module_layout");
	put_version(section + 64, 1, "printk");
	ck_ok(uk_symvers_parse(section, sizeof(section), "a.ko", &map));
	ck_assert_uint_eq(uk_map_find_str(&map, "module_layout")->num, 0x12345678);
	ck_ok(uk_symvers_parse(section, 64, "b.ko", &map));
	put_version(section, 2, "printk");
	ck_fails(uk_symvers_parse(section, 64, "c.ko", &map), UK_ERR_INVALID,
		 "c.ko: CRC of printk is 0x00000002, elsewhere 0x00000001");
	ck_fails(uk_symvers_parse(section, 63, "c.ko", &map), UK_ERR_INVALID, "63 bytes");
	memset(section + 8, 'x', 56);
	ck_fails(uk_symvers_parse(section, 64, "c.ko", &map), UK_ERR_INVALID, "+0 is damaged");
}
END_TEST

START_TEST(versions_are_taken_from_commands)
{
	uk_auto_free char *cmd = NULL, *path = NULL, *text = NULL;
	size_t len;
	static const char good[] = "cmd_kernel/x.o := gcc -o kernel/x.o\n\n#SYMVER b 0xfffffffe\n"
				   "#SYMVER a 0x00000012\n";
	ck_ok(uk_asprintf(&cmd, "%s/.x.o.cmd", dir));
	ck_ok(uk_asprintf(&path, "%s/crc", dir));
	ck_ok(uk_file_write(cmd, good, strlen(good), 0600));
	ck_ok(uk_symvers_extract(cmd, path));
	ck_ok(uk_file_read(path, 1 << 16, &text, &len));
	ck_assert_str_eq(text, "0x00000012 a\n0xfffffffe b\n");
	static const char *const bad[] = { "#SYMVER a 0x123456789\n", "#SYMVER a\n", "#SYMVER \n",
					   "#SYMVER a 0x1 b\n", "#SYMVER a one\n" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(bad); i++) {
		ck_ok(uk_file_write(cmd, bad[i], strlen(bad[i]), 0600));
		ck_fails(uk_symvers_extract(cmd, path), UK_ERR_INVALID, "is no CRC");
	}
}
END_TEST

START_TEST(lists_of_versions_are_read)
{
	uk_auto_free char *path = NULL;
	uk_auto_map struct uk_map map = {};
	ck_ok(uk_asprintf(&path, "%s/symvers", dir));
	const char *text = "0x00000001 a\n0xffffffff\tb\tvmlinux\tEXPORT_SYMBOL\t\n";
	ck_ok(uk_file_write(path, text, strlen(text), 0600));
	ck_ok(uk_symvers_load(path, &map));
	ck_assert_uint_eq(uk_map_find_str(&map, "b")->num, 0xffffffff);
	ck_ok(uk_file_write(path, "hello\n", 6, 0600));
	ck_fails(uk_symvers_load(path, &map), UK_ERR_INVALID, "symvers:1: is not '0xCRC NAME'");
}
END_TEST

START_TEST(the_version_of_the_source_is_found)
{
	uk_auto_apt_package struct uk_apt_package package = {}, plain = {}, bad = {};
	ck_ok(uk_apt_parse("Package: linux-image-x\nSource: linux-signed-amd64 (6.1.170+3)\n"
			   "Version: 6.1.170-3\nBuilt-Using: linux-6.1 (= 6.1.170-4)\n\n"
			   "Package: other\nVersion: 1\n",
			   &package));
	ck_assert_str_eq(package.name, "linux-image-x");
	ck_assert_str_eq(package.version, "6.1.170-3");
	ck_assert_str_eq(package.source, "linux-6.1");
	ck_assert_str_eq(package.source_version, "6.1.170-4");
	ck_ok(uk_apt_parse("Package: p\nVersion: 1\n", &plain));
	ck_assert_str_eq(plain.source, "linux");
	ck_assert_str_eq(plain.source_version, "1");
	ck_fails(uk_apt_parse("Package: p\n\nVersion: 1\n", &bad), UK_ERR_INVALID, "Version");
}
END_TEST

START_TEST(files_have_their_part_in_the_build)
{
	static const struct {
		const char *path;
		enum uk_role role;
	} cases[] = {
		{ "fs/namei.c", UK_ROLE_SOURCE },
		{ "include/linux/fs.h", UK_ROLE_SOURCE },
		{ "arch/x86/entry/entry_64.S", UK_ROLE_SOURCE },
		{ "arch/arm64/kernel/x.c", UK_ROLE_NONE },
		{ "Documentation/x.c", UK_ROLE_NONE },
		{ "tools/lib/x.c", UK_ROLE_NONE },
		{ "fs/Makefile", UK_ROLE_MAKEFILE },
		{ "fs/Kconfig", UK_ROLE_MAKEFILE },
		{ "arch/x86/kvm/Kbuild", UK_ROLE_MAKEFILE },
		{ "arch/x86/entry/syscalls/syscall_64.tbl", UK_ROLE_MAKEFILE },
		{ "arch/x86/kernel/vmlinux.lds.S", UK_ROLE_LAYOUT },
		{ "include/asm-generic/vmlinux.lds.h", UK_ROLE_LAYOUT },
		{ "lib/raid6/mktables.c", UK_ROLE_GENERATOR },
		{ "crypto/rsapubkey.asn1", UK_ROLE_UNKNOWN },
		{ "arch/x86/kernel/cpu/mkcapflags.sh", UK_ROLE_UNKNOWN },
	};
	for (size_t i = 0; i < UK_ARRAY_SIZE(cases); i++)
		ck_assert_msg(uk_role_of(cases[i].path) == cases[i].role, "%s", cases[i].path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kbuild cache");
	TCase *tcase = tcase_create("cache");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, stamps_tell_what_is_finished);
	tcase_add_test(tcase, a_cache_that_others_write_to_is_refused);
	tcase_add_test(tcase, locks_are_held_until_they_are_closed);
	tcase_add_test(tcase, configurations_must_come_out_the_same);
	tcase_add_test(tcase, configurations_are_parsed);
	tcase_add_test(tcase, versions_of_modules_are_read);
	tcase_add_test(tcase, versions_are_taken_from_commands);
	tcase_add_test(tcase, lists_of_versions_are_read);
	tcase_add_test(tcase, the_version_of_the_source_is_found);
	tcase_add_test(tcase, files_have_their_part_in_the_build);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
