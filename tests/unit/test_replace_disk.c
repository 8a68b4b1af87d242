// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* File systems on disks: which of them another kernel can bring up, and who needs them. */
#include "replace/disk.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/procfs.h"
#include "tap.h"

#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char dir[64], sys[80];
static struct uk_host_paths paths;

/* A partition of a controller's disk, and one of the kernel's own. */
static void make_sys(void)
{
	static const char *const folders[] = { "dev/block", "devices/pci0/block/vda/vda1",
					       "devices/pci0/block/vdb",
					       "devices/virtual/block/dm-0" };
	static const char *const links[][2] = {
		{ "../../devices/pci0/block/vda/vda1", "dev/block/254:1" },
		{ "../../devices/pci0/block/vdb", "dev/block/254:16" },
		{ "../../devices/virtual/block/dm-0", "dev/block/253:0" },
	};
	strcpy(dir, "/tmp/upkeep-disk.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(sys, sizeof(sys), "%s/sys", dir);
	paths = *uk_host_paths_get(NULL);
	paths.sys = sys;
	for (size_t i = 0; i < UK_ARRAY_SIZE(folders); i++) {
		uk_auto_free char *path = NULL;
		ck_ok(uk_asprintf(&path, "%s/%s", sys, folders[i]));
		ck_ok(uk_dir_make(path, 0755));
	}
	for (size_t i = 0; i < UK_ARRAY_SIZE(links); i++) {
		uk_auto_free char *path = NULL;
		ck_ok(uk_asprintf(&path, "%s/%s", sys, links[i][1]));
		ck_assert_int_eq(symlink(links[i][0], path), 0);
	}
}

static void remove_sys(void)
{
	uk_error_destroy(uk_tree_remove(dir));
}

struct world {
	uk_mounts host;
	uk_disks disks;
};

static void world_deinit(struct world *world)
{
	uk_disks_deinit(&world->disks);
	uk_mounts_deinit(&world->host);
}

static void list(struct world *world, const char *mounts)
{
	ck_ok(uk_proc_parse_mountinfo(mounts, &world->host));
	ck_ok(uk_disks_list(&paths, &world->host, &world->disks));
}

static const struct uk_disk *find(const struct world *world, const char *point)
{
	uk_vec_for_each(disk, &world->disks) {
		if (!strcmp(disk->point, point))
			return disk;
	}
	ck_abort_msg("%s is not listed", point);
}

#define ROOT_LINE "20 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw,errors=remount-ro\n"

START_TEST(file_systems_on_disks_are_listed)
{
	uk_cleanup(world_deinit) struct world world = {};
	list(&world, ROOT_LINE "21 20 0:21 / /proc rw - proc proc rw\n"
			       "22 20 0:22 / /run rw - tmpfs tmpfs rw\n"
			       "23 20 254:16 / /srv rw,nosuid,noatime - xfs /dev/vdb ro,attr2,"
			       "lazytime,noquota\n"
			       "24 20 254:16 / /again rw - xfs /dev/vdb rw\n"
			       "25 20 254:16 /part /part rw - xfs /dev/vdb rw\n");
	ck_assert_uint_eq(world.disks.len, 2);
	ck_assert_str_eq(world.disks.data[0].point, "/");
	ck_assert_str_eq(world.disks.data[0].options, "errors=remount-ro");
	ck_assert_ptr_eq(uk_disks_root(&world.disks), &world.disks.data[0]);
	const struct uk_disk *srv = &world.disks.data[1];
	ck_assert_str_eq(srv->point, "/srv");
	ck_assert_str_eq(srv->fstype, "xfs");
	ck_assert_str_eq(srv->options, "attr2,noquota");
	ck_assert_uint_eq(srv->flags, MS_NOSUID | MS_NOATIME | MS_LAZYTIME | MS_RDONLY);
	ck_assert_int_eq(srv->mount, 23);
	ck_assert_ptr_eq(uk_disks_find(&world.disks, makedev(254, 16)), srv);
	ck_assert_ptr_null(uk_disks_find(&world.disks, makedev(0, 22)));
	ck_assert(!srv->needed);
}
END_TEST

static const struct {
	const char *lines, *point, *trouble;
} troubled[] = {
	/* All is well but that this machine has no such device. */
	{ "21 20 254:16 / /srv rw - ext4 /dev/vdb rw\n", "/srv", "has no UUID" },
	{ "21 20 253:0 / /srv rw - ext4 /dev/mapper/a-b rw\n", "/srv",
	  "it is on dm-0, which is LVM, RAID, encrypted or a file" },
	{ "21 20 259:7 / /srv rw - ext4 /dev/nvme0n1 rw\n", "/srv", "not on a disk alone (ext4)" },
	{ "21 20 0:44 / /srv rw - btrfs /dev/vdb rw\n", "/srv", "not on a disk alone (btrfs)" },
	{ "21 20 0:44 /@srv /srv rw - btrfs /dev/vdb rw\n", "/srv", "not on a disk alone (btrfs)" },
	{ "21 20 0:45 / /srv rw - nfs4 host:/x rw\n", "/srv", "not on a disk alone (nfs4)" },
	{ "21 20 0:46 / /srv rw - overlay overlay rw\n", "/srv", "not on a disk alone (overlay)" },
	{ "21 20 254:16 /part /srv rw - ext4 /dev/vdb rw\n", "/srv", "only its part /part is" },
	{ "21 20 0:30 / /srv rw - autofs systemd-1 rw\n"
	  "22 21 254:16 / /srv rw - ext4 /dev/vdb rw\n",
	  "/srv", "mounted when somebody looks" },
	{ "21 20 0:30 / /run rw - tmpfs tmpfs rw\n"
	  "22 21 254:16 / /run/disk rw - ext4 /dev/vdb rw\n",
	  "/run/disk", "in a folder that is not there yet" },
	/* Below one that is not brought up. */
	{ "21 20 253:0 / /srv rw - ext4 /dev/mapper/a-b rw\n"
	  "22 21 254:16 / /srv/a rw - ext4 /dev/vdb rw\n",
	  "/srv/a", "in a folder that is not there yet" },
	{ "21 20 254:16 / /a\\012disk rw - ext4 /dev/vdb rw\n", "/a\ndisk", "a line break" },
};

START_TEST(what_cannot_be_brought_up_is_told)
{
	uk_cleanup(world_deinit) struct world world = {};
	uk_auto_free char *lines = NULL;
	ck_ok(uk_asprintf(&lines, ROOT_LINE "%s", troubled[_i].lines));
	list(&world, lines);
	const struct uk_disk *disk = find(&world, troubled[_i].point);
	ck_assert_ptr_null(disk->spec);
	ck_assert_ptr_nonnull(disk->trouble);
	ck_assert_msg(strstr(disk->trouble, troubled[_i].trouble), "%s", disk->trouble);
}
END_TEST

/* Whichever was mounted first. */
START_TEST(a_part_stands_behind_the_whole)
{
	uk_cleanup(world_deinit) struct world world = {};
	list(&world, ROOT_LINE "21 20 254:16 /part /part rw - ext4 /dev/vdb rw\n"
			       "22 20 254:16 / /srv rw - ext4 /dev/vdb rw\n");
	ck_assert_uint_eq(world.disks.len, 2);
	ck_assert_str_eq(world.disks.data[1].point, "/srv");
}
END_TEST

START_TEST(flags_are_found_in_long_options)
{
	char options[600];
	memset(options, 'a', sizeof(options));
	strcpy(options + 500, ",nosuid,nodevx,ro");
	ck_assert_uint_eq(uk_mount_flags(options), MS_NOSUID | MS_RDONLY);
	ck_assert_uint_eq(uk_mount_flags(""), 0);
}
END_TEST

START_TEST(what_is_covered_is_left_out)
{
	uk_cleanup(world_deinit) struct world world = {};
	list(&world, ROOT_LINE "21 20 254:16 / /mnt/a rw - ext4 /dev/vdb rw\n"
			       "22 20 0:30 / /mnt rw - tmpfs tmpfs rw\n");
	ck_assert_uint_eq(world.disks.len, 1);
}
END_TEST

/* By what it has open, what it has mapped, the folder that it is in, its root. */
START_TEST(a_task_uses_what_it_has_files_on)
{
	const dev_t dev = makedev(254, 16);
	const struct uk_disk disk = { .dev = dev };
	struct uk_fd fd = { .dev = dev };
	struct uk_mapping mapping = { .dev = dev };
	struct uk_task task = {};
	ck_assert(!uk_disk_is_used(&disk, &task));
	task.cwd_dev = dev;
	ck_assert(uk_disk_is_used(&disk, &task));
	task = (struct uk_task){ .root_dev = dev };
	ck_assert(uk_disk_is_used(&disk, &task));
	task = (struct uk_task){ .mappings = { .data = &mapping, .len = 1 } };
	ck_assert(uk_disk_is_used(&disk, &task));
	task = (struct uk_task){};
	task.fds.data = &fd;
	task.fds.len = 1;
	ck_assert(!uk_disk_is_used(&disk, &task));
	fd.stat_ok = true;
	ck_assert(uk_disk_is_used(&disk, &task));
}
END_TEST

START_TEST(paths_need_the_disk_that_they_lie_on)
{
	struct stat st;
	ck_assert_int_eq(stat(dir, &st), 0);
	struct uk_disk disk[] = { { .dev = st.st_dev }, { .dev = makedev(254, 16) } };
	uk_disks disks = { .data = disk, .len = UK_ARRAY_SIZE(disk) };
	char absent[80];
	snprintf(absent, sizeof(absent), "%s/not/there", dir);
	uk_disks_need(&disks, (const char *const[]){ NULL });
	ck_assert(!disk[0].needed);
	uk_disks_need(&disks, (const char *const[]){ "/proc/self", absent, NULL });
	ck_assert(disk[0].needed);
	ck_assert(!disk[1].needed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("disk");
	TCase *tests = tcase_create("disks");
	tcase_add_checked_fixture(tests, make_sys, remove_sys);
	tcase_add_test(tests, file_systems_on_disks_are_listed);
	tcase_add_loop_test(tests, what_cannot_be_brought_up_is_told, 0, UK_ARRAY_SIZE(troubled));
	tcase_add_test(tests, a_part_stands_behind_the_whole);
	tcase_add_test(tests, flags_are_found_in_long_options);
	tcase_add_test(tests, what_is_covered_is_left_out);
	tcase_add_test(tests, a_task_uses_what_it_has_files_on);
	tcase_add_test(tests, paths_need_the_disk_that_they_lie_on);
	suite_add_tcase(suite, tests);
	return tap_run(suite);
}
