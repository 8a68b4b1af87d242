// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/*
 * A view of the file tree: one process makes it, another is put into a copy of it. Needs root;
 * each test's process and its children have mount namespaces of their own.
 */
#include "replace/view.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/procfs.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];

struct world {
	uk_mounts host;
	struct uk_task task;
	uk_plan_mounts view;
};

static void world_deinit(struct world *world)
{
	uk_mounts_deinit(&world->host);
	uk_task_deinit(&world->task);
	uk_plan_mounts_deinit(&world->view);
}

/* A path below @dir, until the eighth call after this. */
static const char *at(const char *name)
{
	static char paths[8][256];
	static unsigned int next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void put(const char *path, const char *content)
{
	ck_ok(uk_file_write(path, content, strlen(content), 0640));
}

static void do_mount(const char *source, const char *target, const char *type, unsigned long flags,
		     const char *data)
{
	ck_assert_msg(mount(source, target, type, flags, data) == 0, "mount %s: %s", target,
		      strerror(errno));
}

/* The host of a test: this machine, and a file system at @dir. */
static void make_host(void)
{
	umask(022);
	strcpy(dir, "/tmp/upkeep-view.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	do_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	do_mount("host", dir, "tmpfs", 0, "mode=0755");
	static const char *const folders[] = { "private", "data",   "data/below", "shown", "inner",
					       "pts",	  "images", "scratch",	  "locked" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(folders); i++)
		ck_assert_int_eq(mkdir(at(folders[i]), 0755), 0);
	put(at("data/file"), "of the host");
	put(at("data/below/deep"), "of the host, too");
	do_mount("scratch", at("scratch"), "tmpfs", 0, "mode=0755");
	/* As systemd has it: what is not parted would be seen. */
	do_mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL);
}

static void remove_host(void)
{
	umount2(dir, MNT_DETACH);
	rmdir(dir);
}

static void read_mounts(pid_t pid, uk_mounts *ret)
{
	uk_auto_free char *path = NULL, *text = NULL;
	ck_ok(uk_asprintf(&path, "/proc/%d/mountinfo", pid));
	ck_ok(uk_file_read(path, 16 << 20, &text, NULL));
	ck_ok(uk_proc_parse_mountinfo(text, ret));
}

/* What a process that a test starts does in it; what fails there fails the test. */
typedef void (*uk_part)(void);

/* The service: in a namespace of its own, by what its unit says. */
static pid_t start_service(uk_part part, struct world *world)
{
	int ready[2];
	char byte;
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
		do_mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
		part();
		ck_assert_int_eq(write(ready[1], "", 1), 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_msg(read(ready[0], &byte, 1) == 1, "the service did not make its mounts");
	close(ready[0]);
	world->task.pid = pid;
	read_mounts(getpid(), &world->host);
	read_mounts(pid, &world->task.mounts);
	return pid;
}

static void end_service(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* Another process in the view, as criu would be. */
static void enter(struct world *world, uk_part part)
{
	int status;
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		ck_ok(uk_view_enter(&world->view, at("images"), at("scratch")));
		part();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "in the view: status %x", (unsigned int)status);
}

static void check_content(const char *path, const char *wanted)
{
	uk_auto_free char *text = NULL;
	ck_ok(uk_file_read(path, 4096, &text, NULL));
	ck_assert_str_eq(text, wanted);
}

static unsigned long flags_at(const char *path)
{
	struct statvfs fs;
	ck_assert_msg(statvfs(path, &fs) == 0, "%s: %s", path, strerror(errno));
	return fs.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC);
}

static struct stat stat_of(const char *path)
{
	struct stat st;
	ck_assert_msg(lstat(path, &st) == 0, "%s: %s", path, strerror(errno));
	return st;
}

static const struct uk_plan_mount *find(const struct world *world, const char *point)
{
	uk_vec_for_each(mount, &world->view) {
		if (!strcmp(mount->point, point))
			return mount;
	}
	ck_abort_msg("no mount %s in the view", point);
}

static void make_view(void)
{
	do_mount("mine", at("private"), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m");
	ck_assert_int_eq(mkdir(at("private/folder"), 0700), 0);
	put(at("private/folder/file"), "of the service");
	ck_assert_int_eq(chown(at("private/folder/file"), 33, 44), 0);
	ck_assert_int_eq(chown(at("private"), 55, 66), 0);
	ck_assert_int_eq(chmod(at("private"), 01777), 0);
	do_mount(at("data"), at("shown"), NULL, MS_BIND, NULL);
	do_mount(NULL, at("shown"), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC, NULL);
	do_mount(at("private/folder"), at("inner"), NULL, MS_BIND, NULL);
	do_mount("pts", at("pts"), "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666");
	do_mount("locked", at("locked"), "tmpfs", 0, "mode=0711");
	put(at("locked/file"), "of the service");
	do_mount(NULL, at("locked"), NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

static void save(struct world *world)
{
	pid_t pid = start_service(make_view, world);
	ck_ok(uk_view_list(&world->task, &world->host, "mount", &world->view));
	ck_ok(uk_view_pack(&world->view, pid, at("images")));
	end_service(pid);
}

START_TEST(a_view_is_written_down)
{
	uk_cleanup(world_deinit) struct world world = {};
	save(&world);
	const struct uk_plan_mount *mount = find(&world, at("private"));
	ck_assert_ptr_null(mount->from);
	ck_assert_str_eq(mount->type, "tmpfs");
	ck_assert_str_eq(mount->source, "mine");
	ck_assert(uk_str_starts(mount->content, "mount-"));
	ck_assert(uk_str_ends(mount->content, ".tar"));
	ck_assert_ptr_nonnull(strstr(mount->options, "nosuid"));
	mount = find(&world, at("shown"));
	ck_assert_str_eq(mount->from, at("data"));
	ck_assert(!mount->inside && !mount->content);
	ck_assert(uk_str_starts(mount->options, "ro,"));
	mount = find(&world, at("inner"));
	ck_assert_str_eq(mount->from, at("private/folder"));
	ck_assert(mount->inside && !mount->content);
	mount = find(&world, at("pts"));
	ck_assert(!mount->from && !mount->content);
	ck_assert_str_eq(mount->type, "devpts");
	mount = find(&world, "/");
	ck_assert_str_eq(mount->from, "/");
	ck_assert(!mount->inside);
}
END_TEST

static void check_view(void)
{
	check_content(at("private/folder/file"), "of the service");
	ck_assert_uint_eq(stat_of(at("private/folder/file")).st_uid, 33);
	ck_assert_uint_eq(stat_of(at("private/folder/file")).st_gid, 44);
	ck_assert_uint_eq(stat_of(at("private")).st_mode, S_IFDIR | 01777);
	ck_assert_uint_eq(stat_of(at("private")).st_uid, 55);
	ck_assert_uint_eq(flags_at(at("private")), ST_NOSUID | ST_NODEV);
	check_content(at("shown/file"), "of the host");
	check_content(at("shown/below/deep"), "of the host, too");
	ck_assert_uint_eq(flags_at(at("shown")), ST_RDONLY | ST_NOEXEC);
	ck_assert_int_lt(open(at("shown/new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), 0);
	ck_assert_int_eq(errno, EROFS);
	ck_assert_uint_eq(flags_at(at("data")), 0);
	check_content(at("inner/file"), "of the service");
	ck_assert_uint_eq(stat_of(at("inner")).st_dev, stat_of(at("private")).st_dev);
	ck_assert_uint_eq(stat_of(at("inner")).st_ino, stat_of(at("private/folder")).st_ino);
	ck_assert(S_ISCHR(stat_of(at("pts/ptmx")).st_mode));
	ck_assert_uint_eq(flags_at(at("pts")), ST_NOSUID | ST_NOEXEC);
	check_content(at("locked/file"), "of the service");
	ck_assert_uint_eq(flags_at(at("locked")), ST_RDONLY);
	ck_assert_uint_eq(stat_of(at("locked")).st_mode, S_IFDIR | 0711);
	/* Files of the host are the host's: what is written there is seen there. */
	put(at("data/back"), "from the view");
	put(at("private/only"), "from the view");
}

START_TEST(a_view_is_made_again)
{
	uk_cleanup(world_deinit) struct world world = {};
	uk_auto_free char *before = NULL, *after = NULL;
	save(&world);
	ck_ok(uk_file_read("/proc/self/mountinfo", 16 << 20, &before, NULL));
	enter(&world, check_view);
	ck_ok(uk_file_read("/proc/self/mountinfo", 16 << 20, &after, NULL));
	ck_assert_str_eq(before, after);
	check_content(at("data/back"), "from the view");
	ck_assert(!uk_file_exists(at("private/only")));
	ck_assert(!uk_file_exists(at("private/folder")));
	ck_assert(!uk_file_exists(at("inner/file")));
	ck_assert(!uk_file_exists(at("pts/ptmx")));
	ck_assert_uint_eq(flags_at(at("shown")), 0);
}
END_TEST

START_TEST(what_is_not_on_the_host_is_named)
{
	uk_cleanup(world_deinit) struct world world = {};
	save(&world);
	ck_assert_int_eq(rename(at("data"), at("gone")), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		ck_fails(uk_view_enter(&world.view, at("images"), at("scratch")), UK_ERR_SYSTEM,
			 at("data"));
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static void parse(struct world *world, const char *host, const char *task)
{
	world->task.pid = 4711;
	ck_ok(uk_proc_parse_mountinfo(host, &world->host));
	ck_ok(uk_proc_parse_mountinfo(task, &world->task.mounts));
}

#define ROOT_LINE "20 1 254:0 / / rw - ext4 /dev/vda rw\n"

static const struct {
	const char *line, *text;
} unknown[] = {
	{ "21 20 0:900 / /srv/odd rw - overlay odd rw\n", "/srv/odd of process 4711 shows / " },
	{ "21 20 0:900 / /srv/odd rw - overlay odd rw\n", "(overlay)" },
	{ "21 20 254:16 / /srv/disk rw - ext4 /dev/vdb rw\n", "/srv/disk of process 4711" },
	{ "21 20 0:900 / /mnt/net rw - nfs4 host:/x rw\n", "(nfs4)" },
	/* Only a part of one in memory: the rest of it cannot be known. */
	{ "21 20 0:900 /part /mnt/part rw - tmpfs tmpfs rw\n",
	  "/mnt/part of process 4711 shows /part" },
	{ "21 20 0:900 /1 /mnt/proc rw - proc proc rw\n", "(proc)" },
};

START_TEST(an_unknown_kind_is_refused)
{
	uk_cleanup(world_deinit) struct world world = {};
	uk_auto_free char *lines = NULL;
	ck_ok(uk_asprintf(&lines, ROOT_LINE "%s", unknown[_i].line));
	parse(&world, ROOT_LINE, lines);
	ck_fails(uk_view_list(&world.task, &world.host, "mount", &world.view), UK_ERR_REFUSED,
		 unknown[_i].text);
}
END_TEST

START_TEST(places_on_the_host_are_found)
{
	uk_cleanup(world_deinit) struct world world = {};
	parse(&world,
	      ROOT_LINE "21 20 254:16 /sub /srv rw - ext4 /dev/vdb rw\n"
			"22 20 254:16 /sub/deep /mnt rw - ext4 /dev/vdb rw\n",
	      ROOT_LINE "31 20 254:0 /var/tmp/x /tmp rw,nosuid - ext4 /dev/vda rw\n"
			"32 20 254:16 /sub/other /a ro - ext4 /dev/vdb rw\n"
			"33 20 254:16 /sub/deep/er /b ro - ext4 /dev/vdb rw\n"
			"34 20 254:16 /sub /c ro - ext4 /dev/vdb rw\n"
			"35 20 0:40 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw\n"
			"36 20 0:4 mnt:[4026532254] /run/ns rw - nsfs nsfs rw\n");
	ck_ok(uk_view_list(&world.task, &world.host, "mount", &world.view));
	/* Without the last two, which are left out. */
	ck_assert_uint_eq(world.view.len, 5);
	ck_assert_str_eq(find(&world, "/")->from, "/");
	ck_assert_str_eq(find(&world, "/tmp")->from, "/var/tmp/x");
	ck_assert_str_eq(find(&world, "/tmp")->options, "rw,nosuid");
	ck_assert_str_eq(find(&world, "/a")->from, "/srv/other");
	ck_assert_str_eq(find(&world, "/b")->from, "/mnt/er");
	ck_assert_str_eq(find(&world, "/c")->from, "/srv");
}
END_TEST

START_TEST(another_name_that_begins_the_same_is_not_above)
{
	uk_cleanup(world_deinit) struct world world = {};
	parse(&world, ROOT_LINE "21 20 254:16 /sub /srv rw - ext4 /dev/vdb rw\n",
	      ROOT_LINE "32 20 254:16 /subway /a ro - ext4 /dev/vdb rw\n");
	ck_fails(uk_view_list(&world.task, &world.host, "mount", &world.view), UK_ERR_REFUSED,
		 "/a of process 4711 shows /subway");
}
END_TEST

/* By which mount it hangs is what counts: /a/b was mounted before /a was covered, or after. */
START_TEST(what_is_covered_is_left_out)
{
	uk_cleanup(world_deinit) struct world world = {};
	parse(&world, ROOT_LINE "21 20 0:30 / /run rw - tmpfs tmpfs rw\n",
	      ROOT_LINE "21 20 0:30 / /run rw - tmpfs tmpfs rw\n"
			"22 21 0:30 /none /run/user ro - tmpfs tmpfs rw\n"
			"23 21 0:40 / /run/user/0 rw - tmpfs tmpfs rw\n"
			"24 23 0:40 / /run/user/0/x rw - tmpfs tmpfs rw\n"
			"25 21 0:41 / /run/users rw - tmpfs tmpfs rw\n"
			"26 22 0:42 / /run/user/1 rw - tmpfs tmpfs rw\n");
	ck_ok(uk_view_list(&world.task, &world.host, "mount", &world.view));
	ck_assert_uint_eq(world.view.len, 5);
	find(&world, "/run/user");
	find(&world, "/run/users");
	find(&world, "/run/user/1");
}
END_TEST

/* They are in no other kernel: a unit's own are taken along, those of others left out. */
START_TEST(credentials_of_the_unit_go_along)
{
	uk_cleanup(world_deinit) struct world world = {};
	static const char mounts[] =
		"41 20 0:50 / /run/credentials/a.service ro - ramfs ramfs rw,mode=700\n"
		"42 20 0:51 / /run/credentials/b.service ro - ramfs ramfs rw,mode=700\n";
	uk_auto_free char *both = NULL;
	ck_ok(uk_asprintf(&both, ROOT_LINE "%s", mounts));
	parse(&world, both, both);
	ck_ok(uk_strdup("/system.slice/b.service", &world.task.cgroup));
	ck_ok(uk_view_list(&world.task, &world.host, "mount", &world.view));
	ck_assert_uint_eq(world.view.len, 2);
	const struct uk_plan_mount *own = find(&world, "/run/credentials/b.service");
	ck_assert_ptr_null(own->from);
	ck_assert_str_eq(own->content, "mount-2.tar");
}
END_TEST

START_TEST(the_hosts_namespace_is_no_view)
{
	uk_cleanup(world_deinit) struct world world = {};
	parse(&world, ROOT_LINE, "");
	ck_ok(uk_view_list(&world.task, &world.host, "mount", &world.view));
	ck_assert_uint_eq(world.view.len, 0);
}
END_TEST

START_TEST(mounts_of_the_host_are_listed)
{
	uk_cleanup(world_deinit) struct world world = {};
	parse(&world,
	      ROOT_LINE "21 20 0:21 / /proc rw - proc proc rw\n"
			"22 20 0:22 / /run rw,nosuid - tmpfs tmpfs rw,mode=755\n"
			"23 22 0:23 / /run/credentials/x.service ro - ramfs none rw\n"
			"24 20 0:22 /part /mnt rw - tmpfs tmpfs rw,mode=755\n"
			"25 20 254:16 / /srv rw - ext4 /dev/vdb rw\n",
	      "");
	uk_disks none = {};
	ck_ok(uk_view_list_host(&world.host, &none, &world.view));
	ck_assert_uint_eq(world.view.len, 2);
	ck_assert_str_eq(world.view.data[0].point, "/proc");
	ck_assert_str_eq(world.view.data[1].point, "/run");
	ck_assert_str_eq(world.view.data[1].options, "rw,nosuid");
	ck_assert_str_eq(world.view.data[1].super, "rw,mode=755");
	ck_assert_ptr_null(world.view.data[1].from);
}
END_TEST

/* init mounts the disks; what shows parts of them is shown again. */
START_TEST(parts_of_disks_are_shown_again)
{
	uk_cleanup(world_deinit) struct world world = {};
	parse(&world,
	      ROOT_LINE "25 20 254:16 / /srv rw - ext4 /dev/vdb rw\n"
			"26 20 254:16 /www /var/www ro,nodev - ext4 /dev/vdb rw\n"
			"27 20 254:16 / /again rw - ext4 /dev/vdb rw\n"
			"28 20 254:0 /usr/share /share rw - ext4 /dev/vda1 rw\n"
			"29 20 254:32 / /lost rw - ext4 /dev/vdc rw\n"
			"30 20 254:32 /x /lost-part rw - ext4 /dev/vdc rw\n",
	      "");
	struct uk_disk disks[] = {
		{ .dev = makedev(254, 0), .mount = 20, .point = "/", .spec = "UUID=0" },
		{ .dev = makedev(254, 16), .mount = 25, .point = "/srv", .spec = "UUID=1" },
		{ .dev = makedev(254, 32), .mount = 29, .point = "/lost", .trouble = "LVM" },
	};
	const uk_disks all = { .data = disks, .len = UK_ARRAY_SIZE(disks) };
	ck_ok(uk_view_list_host(&world.host, &all, &world.view));
	ck_assert_uint_eq(world.view.len, 3);
	ck_assert_str_eq(world.view.data[0].point, "/var/www");
	ck_assert_str_eq(world.view.data[0].from, "/srv/www");
	ck_assert_str_eq(world.view.data[0].options, "ro,nodev");
	ck_assert_str_eq(world.view.data[1].point, "/again");
	ck_assert_str_eq(world.view.data[1].from, "/srv");
	ck_assert_str_eq(world.view.data[2].point, "/share");
	ck_assert_str_eq(world.view.data[2].from, "/usr/share");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("view");
	TCase *tests = tcase_create("mounts");
	tcase_add_checked_fixture(tests, make_host, remove_host);
	tcase_add_test(tests, a_view_is_written_down);
	tcase_add_test(tests, a_view_is_made_again);
	tcase_add_test(tests, what_is_not_on_the_host_is_named);
	suite_add_tcase(suite, tests);
	tests = tcase_create("tables");
	tcase_add_loop_test(tests, an_unknown_kind_is_refused, 0, UK_ARRAY_SIZE(unknown));
	tcase_add_test(tests, places_on_the_host_are_found);
	tcase_add_test(tests, another_name_that_begins_the_same_is_not_above);
	tcase_add_test(tests, what_is_covered_is_left_out);
	tcase_add_test(tests, credentials_of_the_unit_go_along);
	tcase_add_test(tests, the_hosts_namespace_is_no_view);
	tcase_add_test(tests, mounts_of_the_host_are_listed);
	tcase_add_test(tests, parts_of_disks_are_shown_again);
	suite_add_tcase(suite, tests);
	return tap_run(suite);
}
