// SPDX-License-Identifier: GPL-2.0-or-later
/* What the small initramfs of a pretended kernel has in it, and what init is told. */
/* rooms: replace seat base */
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/ramdisk.h"
#include "tap.h"

#include <archive.h>
#include <archive_entry.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

#define RELEASE "6.1.0-99-test"

static char root[] = "/tmp/upkeep-ramdisk-XXXXXX";
static char modules[64], init[64], disk_device[64], net_device[64];

static void put(const char *name, const char *text)
{
	uk_auto_free char *path = NULL, *copy = NULL;
	ck_ok(uk_asprintf(&path, "%s/%s", root, name));
	ck_ok(uk_strdup(path, &copy));
	ck_ok(uk_dir_make(dirname(copy), 0755));
	ck_ok(uk_file_write(path, text, strlen(text), 0644));
}

/* Enough of a module for depmod: what it says of itself. */
static void put_module(const char *name, const char *info)
{
	uk_auto_free char *source = NULL, *object = NULL, *folder = NULL;
	put("module.s", info);
	ck_ok(uk_asprintf(&source, "%s/module.s", root));
	ck_ok(uk_asprintf(&folder, "%s/kernel", modules));
	ck_ok(uk_asprintf(&object, "%s/%s.ko", folder, name));
	ck_ok(uk_dir_make(folder, 0755));
	ck_ok(uk_process_call(NULL, "gcc-12", "-c", "-o", object, source, NULL));
}

#define INFO(text) ".section .modinfo, \"a\"\n.asciz \"" text "\"\n"

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(modules, sizeof(modules), "%s/lib/modules/" RELEASE, root);
	snprintf(init, sizeof(init), "%s/init", root);
	snprintf(disk_device, sizeof(disk_device), "%s/sys/devices/disk", root);
	snprintf(net_device, sizeof(net_device), "%s/sys/devices/net", root);
	put("init", "the program");
	put("sys/devices/disk/modalias", "test:disk\n");
	put("sys/devices/net/modalias", "test:net\n");
	put_module("bus", INFO("license=GPL"));
	put_module("disk", INFO("alias=test:disk") INFO("softdep=pre: bus"));
	put_module("net", INFO("alias=test:net") INFO("softdep=pre: bus"));
	put_module("some_fs", INFO("alias=fs-some"));
	put_module("other_diag", INFO("license=GPL"));
	put("lib/modules/" RELEASE "/modules.builtin", "kernel/fs/ext4/ext4.ko\n");
	put("lib/modules/" RELEASE "/modules.order", "");
	ck_ok(uk_process_call(NULL, "depmod", "-b", root, RELEASE, NULL));
}

static void tear_down(void)
{
	ck_ok(uk_tree_remove(root));
}

static uk_disks disks;

static void add_disk(char *point, char *fstype, char *spec, char *name, bool needed)
{
	const struct uk_disk disk = { .dev = disks.len + 1,
				      .point = point,
				      .fstype = fstype,
				      .options = (char *)"discard",
				      .flags = 2,
				      .device = disk_device,
				      .spec = spec,
				      .name = name,
				      .needed = needed };
	ck_assert(uk_vec_push(&disks, disk));
}

/* The members' names, a line each, and the text of upkeep/boot. */
static void unpack(int fd, char **names_ret, char **boot_ret)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	uk_auto_strbuf struct uk_strbuf names = {};
	ck_assert(archive_read_support_format_cpio(archive) == ARCHIVE_OK);
	ck_assert(archive_read_open_fd(archive, fd, 4096) == ARCHIVE_OK);
	while (archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry);
		uk_strbuf_addf(&names, "%o %s\n", (unsigned int)archive_entry_perm(entry), name);
		if (strcmp(name, "upkeep/boot") != 0)
			continue;
		size_t size = (size_t)archive_entry_size(entry);
		*boot_ret = calloc(1, size + 1);
		ck_assert_int_eq(archive_read_data(archive, *boot_ret, size), (la_ssize_t)size);
	}
	archive_read_free(archive);
	ck_ok(uk_strbuf_finish(&names, names_ret));
}

/* Those that the disks need are loaded first, and the others beside; all in order. */
START_TEST(init_is_told_what_to_do)
{
	const char *const devices[] = { net_device, NULL };
	const char *const names[] = { "other_diag", "fs-ext4", "not_there", NULL };
	const struct uk_ramdisk_sysctl later[] = { { "kernel/panic", (char *)"0" }, {} };
	add_disk((char *)"/srv", (char *)"some", (char *)"UUID=2", (char *)"/dev/vdb", false);
	add_disk((char *)"/", (char *)"ext4", (char *)"UUID=1", (char *)"/dev/vda1", true);
	const struct uk_ramdisk ramdisk = { .modules = modules,
					    .init = init,
					    .next = "/usr/lib/upkeep/resume",
					    .key = "id key\n",
					    .limit = 300,
					    .later = later,
					    .pids_above = 4711,
					    .disks = &disks,
					    .devices = devices,
					    .names = names };
	uk_auto_free char *listed = NULL, *boot = NULL;
	int fd;
	ck_ok(uk_ramdisk_make(&ramdisk, &fd));
	unpack(fd, &listed, &boot);
	close(fd);
	ck_assert_str_eq(listed, "700 upkeep\n755 init\n755 modules\n"
				 "600 modules/0-bus.ko\n600 modules/1-disk.ko\n"
				 "600 modules/2-some_fs.ko\n600 modules/3-net.ko\n"
				 "600 modules/4-other_diag.ko\n600 upkeep/boot\n600 upkeep/key\n");
	ck_assert_str_eq(boot, "sysctl kernel/pid_max 4194304\n"
			       "sysctl kernel/ns_last_pid 4711\n"
			       "limit 300\n"
			       "later kernel/panic 0\n"
			       "module /modules/0-bus.ko\n"
			       "module /modules/1-disk.ko\n"
			       "module /modules/2-some_fs.ko\n"
			       "beside /modules/3-net.ko\n"
			       "beside /modules/4-other_diag.ko\n"
			       "device /dev/vda1\n"
			       "fstype ext4\noptions discard\nnext /usr/lib/upkeep/resume\n"
			       "root UUID=1\n"
			       "device /dev/vdb\n"
			       "fstype some\noptions discard\nflags 2\n"
			       "disk-if-there UUID=2 /srv\n");
}
END_TEST

START_TEST(a_root_on_no_disk_is_refused)
{
	int fd;
	const struct uk_ramdisk ramdisk = { .modules = modules, .disks = &disks };
	ck_fails(uk_ramdisk_make(&ramdisk, &fd), UK_ERR_REFUSED, "it is not on a disk");
	add_disk((char *)"/", (char *)"ext4", NULL, NULL, true);
	disks.data[0].trouble = (char *)"it is on dm-0";
	ck_fails(uk_ramdisk_make(&ramdisk, &fd), UK_ERR_REFUSED,
		 "the root file system: it is on dm-0");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_ramdisk");
	TCase *tcase = tcase_create("ramdisk");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, init_is_told_what_to_do);
	tcase_add_test(tcase, a_root_on_no_disk_is_refused);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
