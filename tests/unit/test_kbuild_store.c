// SPDX-License-Identifier: GPL-2.0-or-later
/* The cache: its root, locks and stamps; and the CRCs of symbols that are kept in it. */
/* rooms: kbuild base */
#include "kbuild/cache.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "kbuild/symvers.h"
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[64];

static void setup(void)
{
	strcpy(dir, "/tmp/upkeep-cache-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	unsetenv("UPKEEP_CACHE");
}

static void teardown(void)
{
	ck_ok(uk_tree_remove(dir));
}

static char *in_dir(const char *name)
{
	char *path;
	ck_ok(uk_asprintf(&path, "%s/%s", dir, name));
	return path;
}

static void write_text(const char *path, const char *text)
{
	ck_ok(uk_file_write(path, text, strlen(text), 0600));
}

static unsigned int mode_of(const char *path)
{
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(the_root_is_made_for_its_owner)
{
	uk_auto_free char *root = in_dir("deep/cache"), *want = NULL;
	uk_auto_cache struct uk_cache *cache = NULL;
	umask(0);
	ck_ok(uk_cache_open(root, &cache));
	ck_assert_str_eq(cache->root, root);
	ck_assert_uint_eq(mode_of(root), 0700);
	uk_auto_free char *path = NULL;
	ck_ok(uk_cache_path(cache, &path, "trees/%s/%d", "6.1", 7));
	ck_ok(uk_asprintf(&want, "%s/trees/6.1/7", root));
	ck_assert_str_eq(path, want);
}
END_TEST

START_TEST(the_root_is_found)
{
	uk_auto_free char *root = in_dir("cache"), *other = in_dir("other"), *link = in_dir("link");
	uk_auto_cache struct uk_cache *named = NULL, *from_env = NULL, *linked = NULL;
	setenv("UPKEEP_CACHE", other, 1);
	ck_ok(uk_cache_open(root, &named));
	ck_assert_str_eq(named->root, root);
	ck_ok(uk_cache_open(NULL, &from_env));
	ck_assert_str_eq(from_env->root, other);
	ck_assert_int_eq(symlink(root, link), 0);
	ck_ok(uk_cache_open(link, &linked));
	ck_assert_str_eq(linked->root, root);
}
END_TEST

/* What others may do to the root, and what is said then. */
static const struct {
	unsigned int mode;
	bool ok;
} modes[] = {
	{ 0700, true },	 { 0755, true },  { 0711, true },  { 0500, true },   { 0770, false },
	{ 0720, false }, { 0702, false }, { 0777, false }, { 01777, false },
};

START_TEST(a_root_that_others_write_to_is_refused)
{
	uk_auto_free char *root = in_dir("cache"), *text = NULL;
	struct uk_cache *cache = NULL;
	ck_ok(uk_dir_make(root, 0700));
	ck_assert_int_eq(chmod(root, modes[_i].mode), 0);
	ck_ok(uk_asprintf(&text, "cache %s may be written to by others (mode %03o); chmod go-w",
			  root, modes[_i].mode & 0777));
	if (modes[_i].ok)
		ck_ok(uk_cache_open(root, &cache));
	else
		ck_fails(uk_cache_open(root, &cache), UK_ERR_SYSTEM, text);
	uk_cache_close(cache);
}
END_TEST

START_TEST(a_root_of_somebody_else_is_refused)
{
	uk_auto_free char *root = in_dir("cache"), *text = NULL;
	struct uk_cache *cache;
	ck_ok(uk_dir_make(root, 0700));
	/* As root: give it away. As anybody else: take a folder that is root's. */
	const char *foreign = geteuid() ? "/usr" : root;
	if (!geteuid())
		ck_assert_int_eq(chown(root, 1234, (gid_t)-1), 0);
	ck_ok(uk_asprintf(&text, "belongs to user %d, not to user %d", geteuid() ? 0 : 1234,
			  (int)geteuid()));
	ck_fails(uk_cache_open(foreign, &cache), UK_ERR_SYSTEM, text);
}
END_TEST

static const char *const odd_names[] = { "a b", "a:b", "a,b", "a\\b", "a\"b", "a'b", "a\tb" };

START_TEST(odd_paths_are_refused)
{
	uk_auto_free char *root = in_dir(odd_names[_i]);
	struct uk_cache *cache;
	ck_fails(uk_cache_open(root, &cache), UK_ERR_USAGE, "cannot be in its path");
}
END_TEST

START_TEST(a_file_is_no_root)
{
	uk_auto_free char *root = in_dir("file");
	struct uk_cache *cache;
	write_text(root, "x");
	ck_fails(uk_cache_open(root, &cache), UK_ERR_SYSTEM, root);
}
END_TEST

START_TEST(stamps_come_and_go)
{
	uk_auto_free char *path = in_dir("thing"), *inner = in_dir("thing/inner"),
			  *stamp = in_dir("thing.complete");
	ck_assert(!uk_stamp_exists(path));
	ck_ok(uk_dir_make(inner, 0700));
	ck_assert(!uk_stamp_exists(path));
	ck_ok(uk_stamp_write(path));
	ck_assert(uk_stamp_exists(path));
	ck_assert(uk_file_exists(stamp));
	ck_ok(uk_stamp_reset(path));
	ck_assert(!uk_stamp_exists(path) && !uk_file_exists(path));
	ck_ok(uk_stamp_reset(path)); /* there is nothing left */
}
END_TEST

START_TEST(work_folders_are_apart)
{
	uk_auto_cache struct uk_cache *cache = NULL;
	uk_auto_free char *one = NULL, *two = NULL, *parent = in_dir("work/");
	ck_ok(uk_cache_open(dir, &cache));
	ck_ok(uk_work_dir(cache, &one));
	ck_ok(uk_work_dir(cache, &two));
	ck_assert_str_ne(one, two);
	ck_assert(uk_str_starts(one, parent) && uk_str_starts(two, parent));
	ck_assert_uint_eq(mode_of(one), 0700);
}
END_TEST

START_TEST(what_killed_runs_left_is_removed)
{
	uk_auto_free char *dead = in_dir("work/run-dead00/deeper"),
			  *live = in_dir("work/run-live00"), *other = in_dir("work/somebody's"),
			  *run = NULL, *kept = NULL;
	ck_ok(uk_dir_make(dead, 0700));
	ck_ok(uk_dir_make(live, 0700));
	ck_ok(uk_dir_make(other, 0700));
	uk_auto_close int lock = open(live, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(flock(lock, LOCK_EX), 0);
	{
		uk_auto_cache struct uk_cache *cache = NULL, *beside = NULL;
		uk_auto_free char *file = NULL;
		ck_ok(uk_cache_open(dir, &cache));
		*strrchr(dead, '/') = '\0';
		ck_assert(!uk_file_exists(dead));
		ck_assert(uk_file_exists(live) && uk_file_exists(other));
		ck_ok(uk_work_dir(cache, &run));
		ck_ok(uk_asprintf(&file, "%s/file", run));
		ck_ok(uk_file_write(file, "x", 1, 0600));
		/* Another run does not take it for a dead one's. */
		ck_ok(uk_cache_open(dir, &beside));
		ck_assert(uk_file_exists(file));
		ck_ok(uk_kept_dir(cache, &kept));
	}
	ck_assert(!uk_file_exists(run) && uk_file_exists(kept));
	uk_auto_free char *parent = in_dir("work");
	char **names;
	size_t nr;
	ck_ok(uk_dir_list(parent, &names, &nr));
	ck_assert_uint_eq(nr, 2);
	uk_strv_destroy(names, nr);
}
END_TEST

/* Remarks go down a pipe, each with a newline. */
static void pipe_remark(void *ctx, enum uk_level level, const char *text)
{
	dprintf(*(int *)ctx, "%s\n", text);
}

/* The child: takes the lock, says so, and ends. */
static void lock_in_child(const struct uk_cache *cache, int pipe_fd)
{
	const struct uk_sink sink = { .remark = pipe_remark, .ctx = &pipe_fd };
	int fd;
	struct uk_error *err = uk_cache_lock(cache, "trees/6.1", &sink, &fd);
	dprintf(pipe_fd, "%s\n", err ? uk_error_message(err) : "taken");
	_exit(0);
}

static void read_line(int fd, char *line, size_t size)
{
	size_t len = 0;
	while (len + 1 < size && read(fd, line + len, 1) == 1 && line[len] != '\n')
		len++;
	line[len] = '\0';
}

START_TEST(locks_exclude)
{
	uk_auto_cache struct uk_cache *cache = NULL;
	uk_auto_free char *file = in_dir("locks/trees_6.1");
	uk_auto_close int other = -1;
	int fd, pipes[2], status;
	char line[200];
	ck_ok(uk_cache_open(dir, &cache));
	ck_ok(uk_cache_lock(cache, "trees/6.1", NULL, &fd));
	ck_assert(uk_file_exists(file));
	ck_ok(uk_cache_lock(cache, "trees/6.12", NULL, &other));
	ck_assert_int_eq(pipe(pipes), 0);
	pid_t child = fork();
	if (!child) {
		close(fd);
		lock_in_child(cache, pipes[1]);
	}
	read_line(pipes[0], line, sizeof(line));
	ck_assert_str_eq(line, "waiting for another run that makes trees/6.1");
	/* It said that it waits, and goes on waiting while we have the lock. */
	struct pollfd poll_fd = { .fd = pipes[0], .events = POLLIN };
	ck_assert_int_eq(poll(&poll_fd, 1, 100), 0);
	close(fd);
	read_line(pipes[0], line, sizeof(line));
	ck_assert_str_eq(line, "taken");
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	/* Its end gave the lock back. */
	ck_ok(uk_cache_lock(cache, "trees/6.1", NULL, &fd));
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

/* An entry of a __versions section. */
static void put_entry(char entry[64], uint64_t crc, const char *name)
{
	memset(entry, 0, 64);
	uk_put_u64(entry, crc);
	memcpy(entry + 8, name, strnlen(name, 56));
}

static const char long_name[] = "a23456789_123456789_123456789_123456789_123456789_123456";

START_TEST(versions_parse)
{
	char data[3 * 64];
	uk_auto_map struct uk_map map = {};
	put_entry(data, 0x12345678, "printk");
	put_entry(data + 64, 0xffffffff, "kfree");
	put_entry(data + 128, 0x12345678, "printk");
	ck_ok(uk_symvers_parse(data, sizeof(data), "m.ko", &map));
	ck_ok(uk_symvers_parse(data, 0, "none.ko", &map));
	ck_assert_uint_eq(map.len, 2);
	ck_assert_uint_eq(uk_map_find_str(&map, "printk")->num, 0x12345678);
	ck_assert_uint_eq(uk_map_find_str(&map, "kfree")->num, 0xffffffff);
	ck_assert_ptr_null(uk_map_find_str(&map, "vfree"));
	put_entry(data, 0x12345679, "printk");
	ck_fails(uk_symvers_parse(data, 64, "n.ko", &map), UK_ERR_INVALID,
		 "n.ko: CRC of printk is 0x12345679, elsewhere 0x12345678");
	ck_fails(uk_symvers_parse(data, 63, "n.ko", &map), UK_ERR_INVALID,
		 "n.ko: __versions has 63 bytes");
	put_entry(data + 64, 1, "");
	ck_fails(uk_symvers_parse(data + 64, 64, "n.ko", &map), UK_ERR_INVALID,
		 "__versions+0 is damaged");
	put_entry(data + 64, 0x100000000, "big");
	ck_fails(uk_symvers_parse(data + 64, 64, "n.ko", &map), UK_ERR_INVALID, "is damaged");
	ck_assert_uint_eq(strlen(long_name), 56);
	put_entry(data + 64, 1, long_name);
	put_entry(data, 1, long_name + 1);
	ck_fails(uk_symvers_parse(data, 128, "n.ko", &map), UK_ERR_INVALID,
		 "__versions+64 is damaged");
	ck_assert_ptr_nonnull(uk_map_find_str(&map, long_name + 1));
}
END_TEST

/* A module with one entry in its __versions, compressed if the name ends so. */
static void make_module(const char *name, unsigned int crc, const char *symbol)
{
	uk_auto_free char *path = in_dir(name), *source = NULL;
	ck_ok(uk_asprintf(
		&source,
		"asm(\".section __versions,\\\"a\\\"\\n1: .quad %u\\n.string \\\"%s\\\"\\n"
		".org 1b + 64\\n\");",
		crc, symbol));
	char *dot = strstr(path, ".xz");
	if (dot)
		*dot = '\0';
	const char *const argv[] = { "gcc-12", "-c", "-x", "c", "-o", path, "-", NULL };
	struct uk_process process = {
		.argv = argv,
		.input = source,
		.input_len = strlen(source),
	};
	ck_ok(uk_process_check(&process, NULL));
	if (dot)
		ck_ok(uk_process_call(NULL, "xz", path, NULL));
}

START_TEST(versions_are_gathered_and_loaded)
{
	uk_auto_free char *modules = in_dir("modules"), *fs = in_dir("modules/fs"),
			  *path = in_dir("symvers"), *text = NULL;
	size_t len;
	ck_ok(uk_dir_make(fs, 0700));
	make_module("modules/b.ko", 0xab, "zeta");
	make_module("modules/fs/a.ko.xz", 0xcd, "alpha");
	make_module("modules/fs/c.ko", 0xab, "zeta");
	make_module("modules/fs/not.o", 0xee, "other");
	ck_ok(uk_symvers_gather(modules, path, NULL));
	ck_ok(uk_file_read(path, 1 << 20, &text, &len));
	ck_assert_str_eq(text, "0x000000cd alpha\n0x000000ab zeta\n");
	uk_auto_map struct uk_map map = {};
	ck_ok(uk_symvers_load(path, &map));
	ck_assert_uint_eq(map.len, 2);
	ck_assert_uint_eq(uk_map_find_str(&map, "alpha")->num, 0xcd);
	ck_assert_uint_eq(uk_map_find_str(&map, "zeta")->num, 0xab);
	make_module("modules/d.ko", 0xac, "zeta");
	ck_fails(uk_symvers_gather(modules, path, NULL), UK_ERR_INVALID, "CRC of zeta is");
	uk_auto_free char *damaged = in_dir("modules/fs/d.ko");
	write_text(damaged, "no module");
	ck_fails(uk_symvers_gather(fs, path, NULL), UK_ERR_INVALID, "d.ko: is not an object file");
}
END_TEST

static const struct {
	const char *text;
	const char *message; /* or NULL */
} symvers[] = {
	{ "0x12 alpha\n0x34 beta\n", NULL },
	{ "0x00000012\talpha\tvmlinux\tEXPORT_SYMBOL_GPL\tNS\n0x34\tbeta\tfs/x\tEXPORT_SYMBOL\t\n",
	  NULL },
	{ "0x12 alpha\n\n0x34 beta", NULL },
	{ "0x12 alpha\nhello\n", ":2: is not '0xCRC NAME'" },
	{ "0x12alpha\n", ":1: is not '0xCRC NAME'" },
	{ "alpha 0x12\n", ":1: is not '0xCRC NAME'" },
	{ "0x1234567890 alpha\n", ":1: is not '0xCRC NAME'" },
	{ "0x12\n", ":1: is not '0xCRC NAME'" },
};

START_TEST(symvers_files_load)
{
	uk_auto_free char *path = in_dir("Module.symvers");
	uk_auto_map struct uk_map map = {};
	write_text(path, symvers[_i].text);
	if (symvers[_i].message) {
		ck_fails(uk_symvers_load(path, &map), UK_ERR_INVALID, symvers[_i].message);
		return;
	}
	ck_ok(uk_symvers_load(path, &map));
	ck_assert_uint_eq(map.len, 2);
	ck_assert_uint_eq(uk_map_find_str(&map, "alpha")->num, 0x12);
	ck_assert_uint_eq(uk_map_find_str(&map, "beta")->num, 0x34);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kbuild: store");
	TCase *tcase = tcase_create("cache");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_root_is_made_for_its_owner);
	tcase_add_test(tcase, the_root_is_found);
	tcase_add_loop_test(tcase, a_root_that_others_write_to_is_refused, 0, UK_ARRAY_SIZE(modes));
	tcase_add_test(tcase, a_root_of_somebody_else_is_refused);
	tcase_add_loop_test(tcase, odd_paths_are_refused, 0, UK_ARRAY_SIZE(odd_names));
	tcase_add_test(tcase, a_file_is_no_root);
	tcase_add_test(tcase, stamps_come_and_go);
	tcase_add_test(tcase, work_folders_are_apart);
	tcase_add_test(tcase, what_killed_runs_left_is_removed);
	tcase_add_test(tcase, locks_exclude);
	tcase_add_test(tcase, versions_parse);
	tcase_add_test(tcase, versions_are_gathered_and_loaded);
	tcase_add_loop_test(tcase, symvers_files_load, 0, UK_ARRAY_SIZE(symvers));
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
