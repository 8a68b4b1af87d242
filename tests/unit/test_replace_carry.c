// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* Files in memory, packed and laid out again: all that a name has goes along. Needs root. */
#include "replace/carry.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[64], from[80], to[80], archive[80];

static void make_dirs(void)
{
	umask(022);
	strcpy(dir, "/tmp/upkeep-carry.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(from, sizeof(from), "%s/from", dir);
	snprintf(to, sizeof(to), "%s/to", dir);
	snprintf(archive, sizeof(archive), "%s/files.tar", dir);
	ck_assert_int_eq(mkdir(from, 0755), 0);
	ck_assert_int_eq(mkdir(to, 0755), 0);
}

static void remove_dirs(void)
{
	uk_error_destroy(uk_tree_remove(dir));
}

/* A path below @base, until the eighth call after this. */
static const char *at(const char *base, const char *name)
{
	static char paths[8][256];
	static unsigned int next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof(paths[0]), "%s/%s", base, name);
	return path;
}

static void put(const char *base, const char *name, const char *content)
{
	ck_ok(uk_file_write(at(base, name), content, strlen(content), 0644));
}

static void folder(const char *base, const char *name)
{
	ck_assert_int_eq(mkdir(at(base, name), 0755), 0);
}

static bool is_there(const char *base, const char *name)
{
	struct stat st;
	int status = lstat(at(base, name), &st);
	ck_assert(!status || errno == ENOENT);
	return !status;
}

static void check_content(const char *base, const char *name, const char *wanted)
{
	uk_auto_free char *text = NULL;
	size_t len = 0;
	ck_ok(uk_file_read(at(base, name), 1 << 20, &text, &len));
	ck_assert_uint_eq(len, strlen(wanted));
	ck_assert_str_eq(text, wanted);
}

#define PACK(...)                                                                                  \
	do {                                                                                       \
		const char *const names[] = { __VA_ARGS__ };                                       \
		ck_ok(uk_carry_pack(from, names, UK_ARRAY_SIZE(names), archive));                  \
	} while (0)

static struct stat stat_of(const char *base, const char *name)
{
	struct stat st;
	ck_assert_msg(lstat(at(base, name), &st) == 0, "%s/%s: %s", base, name, strerror(errno));
	return st;
}

static void check_same(const char *name)
{
	struct stat old = stat_of(from, name), new = stat_of(to, name);
	ck_assert_msg(old.st_mode == new.st_mode, "%s: mode %o, not %o", name, new.st_mode,
		      old.st_mode);
	ck_assert_uint_eq(old.st_uid, new.st_uid);
	ck_assert_uint_eq(old.st_gid, new.st_gid);
	ck_assert_uint_eq(old.st_nlink, new.st_nlink);
	ck_assert_uint_eq(old.st_rdev, new.st_rdev);
	ck_assert_int_eq(old.st_size, new.st_size);
	ck_assert_int_eq(old.st_mtim.tv_sec, new.st_mtim.tv_sec);
	ck_assert_int_eq(old.st_mtim.tv_nsec, new.st_mtim.tv_nsec);
}

static void dress(const char *name, mode_t mode, uid_t uid, gid_t gid, time_t when)
{
	struct timespec times[2] = { { when, 123456789 }, { when, 987654321 } };
	ck_assert_int_eq(lchown(at(from, name), uid, gid), 0);
	if (!S_ISLNK(stat_of(from, name).st_mode))
		ck_assert_int_eq(chmod(at(from, name), mode), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, at(from, name), times, AT_SYMLINK_NOFOLLOW), 0);
}

START_TEST(modes_owners_and_times_are_kept)
{
	put(from, "private", "secret\n");
	put(from, "program", "#!/bin/sh\n");
	put(from, "empty", "");
	folder(from, "sticky");
	put(from, "sticky/inner", "inner\n");
	folder(from, "closed");
	dress("private", 0600, 12, 34, 1000000000);
	dress("program", 06755, 0, 5, 1111111111);
	dress("empty", 0000, 70000, 80000, 1);
	dress("sticky/inner", 0444, 1000, 1001, 1234567890);
	dress("sticky", 03777, 65534, 1, 999999999);
	dress("closed", 0555, 3, 4, 2000000000);
	PACK("private", "program", "empty", "sticky", "closed");
	umask(077);
	ck_ok(uk_carry_unpack(archive, to));
	check_same("private");
	check_same("program");
	check_same("empty");
	check_same("sticky");
	check_same("sticky/inner");
	check_same("closed");
	check_content(to, "private", "secret\n");
	check_content(to, "program", "#!/bin/sh\n");
	check_content(to, "empty", "");
	check_content(to, "sticky/inner", "inner\n");
}
END_TEST

START_TEST(big_files_are_whole)
{
	enum { SIZE = 300001 };
	uk_auto_free char *text = malloc(SIZE + 1);
	for (int i = 0; i < SIZE; i++)
		text[i] = (char)('a' + i % 23);
	text[SIZE] = '\0';
	put(from, "big", text);
	PACK("big");
	ck_ok(uk_carry_unpack(archive, to));
	check_content(to, "big", text);
}
END_TEST

START_TEST(links_are_kept)
{
	put(from, "one", "same");
	folder(from, "d");
	ck_assert_int_eq(link(at(from, "one"), at(from, "d/two")), 0);
	ck_assert_int_eq(link(at(from, "one"), at(from, "d/three")), 0);
	ck_assert_int_eq(symlink("../nowhere at all", at(from, "d/link")), 0);
	ck_assert_int_eq(symlink("/", at(from, "root")), 0);
	dress("d/link", 0, 7, 8, 1300000000);
	PACK("one", "d", "root");
	ck_ok(uk_carry_unpack(archive, to));
	ck_assert_uint_eq(stat_of(to, "one").st_nlink, 3);
	ck_assert_uint_eq(stat_of(to, "one").st_ino, stat_of(to, "d/two").st_ino);
	ck_assert_uint_eq(stat_of(to, "one").st_ino, stat_of(to, "d/three").st_ino);
	check_content(to, "one", "same");
	char target[64] = "";
	ck_assert_int_gt(readlink(at(to, "d/link"), target, sizeof(target) - 1), 0);
	ck_assert_str_eq(target, "../nowhere at all");
	check_same("d/link");
	memset(target, 0, sizeof(target));
	ck_assert_int_eq(readlink(at(to, "root"), target, sizeof(target) - 1), 1);
	ck_assert_str_eq(target, "/");
}
END_TEST

START_TEST(fifos_and_devices_are_kept)
{
	ck_assert_int_eq(mkfifo(at(from, "fifo"), 0600), 0);
	ck_assert_int_eq(mknod(at(from, "null"), S_IFCHR | 0600, makedev(1, 3)), 0);
	ck_assert_int_eq(mknod(at(from, "loop"), S_IFBLK | 0600, makedev(7, 300)), 0);
	dress("fifo", 0622, 1, 2, 1400000000);
	dress("null", 0666, 0, 0, 1400000001);
	dress("loop", 0660, 0, 6, 1400000002);
	PACK("fifo", "null", "loop");
	ck_ok(uk_carry_unpack(archive, to));
	check_same("fifo");
	check_same("null");
	check_same("loop");
	ck_assert(S_ISFIFO(stat_of(to, "fifo").st_mode));
	ck_assert(S_ISCHR(stat_of(to, "null").st_mode));
	ck_assert(S_ISBLK(stat_of(to, "loop").st_mode));
}
END_TEST

START_TEST(sockets_are_left_out)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", at(from, "socket"));
	uk_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	put(from, "file", "beside");
	PACK(".", "socket");
	ck_ok(uk_carry_unpack(archive, to));
	ck_assert(is_there(from, "socket"));
	ck_assert(!is_there(to, "socket"));
	check_content(to, "file", "beside");
}
END_TEST

static void make_tree(void)
{
	folder(from, "a");
	folder(from, "a/b");
	folder(from, "a/b/c");
	put(from, "a/beside", "beside");
	put(from, "a/b/wanted", "wanted");
	put(from, "a/b/c/deep", "deep");
	put(from, "top", "top");
	dress("a/b/c", 0700, 9, 9, 1500000000);
	dress("a/b", 0711, 8, 8, 1500000001);
	dress("a", 0750, 7, 7, 1500000002);
}

START_TEST(folders_above_come_without_the_rest)
{
	make_tree();
	PACK("a/b/wanted");
	ck_ok(uk_carry_unpack(archive, to));
	ck_assert_uint_eq(stat_of(to, "a").st_uid, 7);
	ck_assert_uint_eq(stat_of(to, "a").st_mode, S_IFDIR | 0750);
	ck_assert_uint_eq(stat_of(to, "a/b").st_uid, 8);
	ck_assert_uint_eq(stat_of(to, "a/b").st_mode, S_IFDIR | 0711);
	check_content(to, "a/b/wanted", "wanted");
	ck_assert(!is_there(to, "a/beside"));
	ck_assert(!is_there(to, "a/b/c"));
	ck_assert(!is_there(to, "top"));
}
END_TEST

START_TEST(with_a_slash_it_is_the_folder_alone)
{
	make_tree();
	PACK("a/b/");
	ck_ok(uk_carry_unpack(archive, to));
	ck_assert_uint_eq(stat_of(to, "a/b").st_uid, 8);
	ck_assert_uint_eq(stat_of(to, "a/b").st_mode, S_IFDIR | 0711);
	ck_assert(!is_there(to, "a/b/wanted"));
	ck_assert(!is_there(to, "a/b/c"));
	ck_assert(!is_there(to, "a/beside"));
}
END_TEST

START_TEST(a_dot_is_all)
{
	make_tree();
	ck_assert_int_eq(chmod(from, 01777), 0);
	ck_assert_int_eq(chown(from, 11, 12), 0);
	PACK(".");
	ck_ok(uk_carry_unpack(archive, to));
	check_content(to, "a/b/c/deep", "deep");
	check_content(to, "a/beside", "beside");
	check_content(to, "top", "top");
	check_same("a/b/c");
	/* It was there, so it has a time of its own. */
	ck_assert_uint_eq(stat_of(to, ".").st_mode, S_IFDIR | 01777);
	ck_assert_uint_eq(stat_of(to, ".").st_uid, 11);
	ck_assert_uint_eq(stat_of(to, ".").st_gid, 12);
}
END_TEST

/* A folder that was only above something is not yet all in. */
START_TEST(paths_are_taken_in_any_order)
{
	make_tree();
	PACK("a/b/", "a/b/wanted", "a/b/c/deep", "a", "a/b", ".");
	ck_ok(uk_carry_unpack(archive, to));
	check_content(to, "a/b/wanted", "wanted");
	check_content(to, "a/b/c/deep", "deep");
	check_content(to, "a/beside", "beside");
	check_content(to, "top", "top");
	check_same("a/b");
}
END_TEST

START_TEST(missing_paths_are_passed_over)
{
	make_tree();
	PACK("none", "none/below", "a/none", "a/none/", "none/", "top");
	ck_ok(uk_carry_unpack(archive, to));
	check_content(to, "top", "top");
	ck_assert(is_there(to, "a"));
	ck_assert(!is_there(to, "none"));
	ck_assert(!is_there(to, "a/none"));
}
END_TEST

START_TEST(nothing_is_an_archive_too)
{
	char **names = NULL;
	size_t nr = 0;
	ck_ok(uk_carry_pack(from, NULL, 0, archive));
	ck_ok(uk_carry_unpack(archive, to));
	ck_ok(uk_dir_list(to, &names, &nr));
	ck_assert_uint_eq(nr, 0);
	uk_strv_destroy(names, nr);
}
END_TEST

/* Mounts are made in a namespace of this test's process: they end with it. */
static void mount_below(const char *name)
{
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("tmpfs", at(from, name), "tmpfs", 0, "mode=0705"), 0);
}

START_TEST(another_file_system_is_not_entered)
{
	folder(from, "mounted");
	put(from, "file", "here");
	mount_below("mounted");
	put(from, "mounted/file", "there");
	PACK(".");
	ck_ok(uk_carry_unpack(archive, to));
	check_content(to, "file", "here");
	ck_assert(is_there(to, "mounted"));
	ck_assert(!is_there(to, "mounted/file"));
	ck_assert_int_eq(umount(at(from, "mounted")), 0);
}
END_TEST

START_TEST(another_file_system_that_is_named_is_packed)
{
	folder(from, "mounted");
	mount_below("mounted");
	put(from, "mounted/file", "there");
	PACK("mounted");
	ck_ok(uk_carry_unpack(archive, to));
	check_content(to, "mounted/file", "there");
	ck_assert_uint_eq(stat_of(to, "mounted").st_mode, S_IFDIR | 0705);
	ck_assert_int_eq(umount(at(from, "mounted")), 0);
}
END_TEST

START_TEST(files_that_are_there_stay)
{
	put(from, "file", "of the old kernel");
	put(from, "other", "of the old kernel");
	put(from, "new", "of the old kernel");
	ck_assert_int_eq(symlink("old", at(from, "link")), 0);
	ck_assert_int_eq(mkfifo(at(from, "fifo"), 0600), 0);
	folder(from, "d");
	put(from, "d/new", "of the old kernel");
	dress("file", 0600, 5, 5, 1);
	put(to, "file", "of the new");
	put(to, "target", "untouched");
	put(to, "fifo", "a file");
	ck_assert_int_eq(symlink("target", at(to, "other")), 0);
	ck_assert_int_eq(symlink("new", at(to, "link")), 0);
	folder(to, "d");
	put(to, "d/mine", "of the new");
	struct stat before = stat_of(to, "file");
	PACK(".");
	ck_ok(uk_carry_unpack(archive, to));
	struct stat after = stat_of(to, "file");
	check_content(to, "file", "of the new");
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_uint_eq(before.st_mode, after.st_mode);
	ck_assert_uint_eq(after.st_uid, 0);
	ck_assert_int_eq(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	ck_assert(S_ISLNK(stat_of(to, "other").st_mode));
	check_content(to, "target", "untouched");
	check_content(to, "fifo", "a file");
	char target[16] = "";
	ck_assert_int_eq(readlink(at(to, "link"), target, sizeof(target) - 1), 3);
	ck_assert_str_eq(target, "new");
	check_content(to, "d/mine", "of the new");
	check_content(to, "d/new", "of the old kernel");
	check_content(to, "new", "of the old kernel");
}
END_TEST

START_TEST(an_archive_is_for_root_alone_and_new)
{
	const char *const all[] = { "." };
	put(from, "file", "here");
	umask(0);
	PACK(".");
	ck_assert_uint_eq(stat_of(dir, "files.tar").st_mode, S_IFREG | 0600);
	struct stat before = stat_of(dir, "files.tar");
	struct uk_error *err = uk_carry_pack(from, all, 1, archive);
	ck_assert_ptr_nonnull(err);
	ck_assert_ptr_nonnull(strstr(uk_error_message(err), archive));
	ck_assert_ptr_nonnull(strstr(uk_error_message(err), strerror(EEXIST)));
	uk_error_destroy(err);
	ck_assert_int_eq(before.st_size, stat_of(dir, "files.tar").st_size);
	ck_ok(uk_carry_unpack(archive, to));
	check_content(to, "file", "here");
}
END_TEST

START_TEST(what_is_missing_is_named)
{
	const char *const all[] = { "." };
	ck_fails(uk_carry_pack(at(dir, "no-root"), all, 1, archive), UK_ERR_SYSTEM, "no-root");
	ck_fails(uk_carry_unpack(at(dir, "none.tar"), to), UK_ERR_SYSTEM, "none.tar");
	put(dir, "text.tar", "this is no archive, but a text of more than a few words\n");
	ck_fails(uk_carry_unpack(at(dir, "text.tar"), to), UK_ERR_SYSTEM, "text.tar");
}
END_TEST

START_TEST(a_cut_archive_is_refused)
{
	uk_auto_free char *text = calloc(1, 100001);
	uk_auto_free char *bytes = NULL;
	size_t len = 0;
	memset(text, 'x', 100000);
	put(from, "big", text);
	PACK("big");
	ck_ok(uk_file_read(archive, 1 << 20, &bytes, &len));
	ck_ok(uk_file_write(archive, bytes, len / 2, 0600));
	ck_fails(uk_carry_unpack(archive, to), UK_ERR_SYSTEM, "big");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("carry");
	TCase *tests = tcase_create("carry");
	tcase_add_checked_fixture(tests, make_dirs, remove_dirs);
	tcase_add_test(tests, modes_owners_and_times_are_kept);
	tcase_add_test(tests, big_files_are_whole);
	tcase_add_test(tests, links_are_kept);
	tcase_add_test(tests, fifos_and_devices_are_kept);
	tcase_add_test(tests, sockets_are_left_out);
	tcase_add_test(tests, folders_above_come_without_the_rest);
	tcase_add_test(tests, with_a_slash_it_is_the_folder_alone);
	tcase_add_test(tests, a_dot_is_all);
	tcase_add_test(tests, paths_are_taken_in_any_order);
	tcase_add_test(tests, missing_paths_are_passed_over);
	tcase_add_test(tests, nothing_is_an_archive_too);
	tcase_add_test(tests, another_file_system_is_not_entered);
	tcase_add_test(tests, another_file_system_that_is_named_is_packed);
	tcase_add_test(tests, files_that_are_there_stay);
	tcase_add_test(tests, an_archive_is_for_root_alone_and_new);
	tcase_add_test(tests, what_is_missing_is_named);
	tcase_add_test(tests, a_cut_archive_is_refused);
	suite_add_tcase(suite, tests);
	return tap_run(suite);
}
