// SPDX-License-Identifier: GPL-2.0-or-later
/* The small initramfs that the new kernel starts with. */
#include "replace/ramdisk.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/drivers.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { MEMBER_MAX = 64 << 20 };

const char *uk_ramdisk_init_path(void)
{
	return UPKEEP_LIBDIR "/init";
}

const char *uk_ramdisk_next_path(void)
{
	return UPKEEP_LIBDIR "/resume";
}

/* --- the archive --------------------------------------------------------------------- */

static struct uk_error *archive_trouble(struct archive *archive)
{
	return uk_error_create(UK_ERR_SYSTEM, "pack the initramfs: %s",
			       archive_error_string(archive));
}

static struct uk_error *add_entry(struct archive *archive, const char *name, mode_t mode,
				  const void *data, size_t len)
{
	struct archive_entry *entry = archive_entry_new();
	if (!entry)
		return uk_error_nomem();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_mode(entry, mode);
	archive_entry_set_size(entry, (la_int64_t)len);
	bool good = archive_write_header(archive, entry) == ARCHIVE_OK &&
		    archive_write_data(archive, data, len) == (la_ssize_t)len;
	archive_entry_free(entry);
	return good ? NULL : archive_trouble(archive);
}

static struct uk_error *add_text(struct archive *archive, const char *name, const char *text)
{
	return add_entry(archive, name, S_IFREG | 0600, text, strlen(text));
}

static struct uk_error *add_file(struct archive *archive, const char *name, const char *path,
				 mode_t mode)
{
	uk_auto_free char *data = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(path, MEMBER_MAX, &data, &len);
	return err ? err : add_entry(archive, name, S_IFREG | mode, data, len);
}

/* A module of Debian's may be compressed (.ko.xz), which init does not know. */
static struct uk_error *add_unpacked(struct archive *archive, const char *name, const char *path)
{
	struct archive *module = archive_read_new();
	uk_auto_free char *data = malloc(MEMBER_MAX);
	struct archive_entry *entry;
	la_ssize_t len = -1;
	if (module && data && archive_read_support_filter_all(module) == ARCHIVE_OK &&
	    archive_read_support_format_raw(module) == ARCHIVE_OK &&
	    archive_read_open_filename(module, path, 1 << 16) == ARCHIVE_OK &&
	    archive_read_next_header(module, &entry) == ARCHIVE_OK)
		len = archive_read_data(module, data, MEMBER_MAX);
	struct uk_error *err = NULL;
	if (!module || !data)
		err = uk_error_nomem();
	else if (len < 0 || len == MEMBER_MAX)
		err = uk_error_create(UK_ERR_SYSTEM, "%s: %s", path, archive_error_string(module));
	else
		err = add_entry(archive, name, S_IFREG | 0600, data, (size_t)len);
	archive_read_free(module);
	return err;
}

/* --- what is in it ------------------------------------------------------------------- */

/* The modules in the order of loading. */
struct modules {
	struct uk_drivers *drivers;
	size_t nr_disks; /* so many of them are for the disks, which are waited for first */
};

static void modules_deinit(struct modules *modules)
{
	uk_drivers_destroy(modules->drivers);
}

/* They lie flat, numbered: two may have one name. */
static struct uk_error *add_modules(struct archive *archive, const struct modules *modules,
				    struct uk_strbuf *boot)
{
	size_t nr;
	const char *const *files = uk_drivers_files(modules->drivers, &nr);
	struct uk_error *err = add_entry(archive, "modules", S_IFDIR | 0755, "", 0);
	for (size_t i = 0; !err && i < nr; i++) {
		uk_auto_free char *name = NULL;
		err = uk_asprintf(&name, "modules/%zu-%s", i, strrchr(files[i], '/') + 1);
		if (!err)
			err = add_unpacked(archive, name, files[i]);
		if (!err)
			uk_strbuf_addf(boot, "%s /%s\n",
				       i < modules->nr_disks ? "module" : "beside", name);
	}
	return err;
}

/* 2^22 is the most that there can be (PID_MAX_LIMIT, include/linux/threads.h). */
static void add_start(const struct uk_ramdisk *ramdisk, struct uk_strbuf *boot)
{
	uk_strbuf_addf(boot, "sysctl kernel/pid_max 4194304\nsysctl kernel/ns_last_pid %d\n",
		       ramdisk->pids_above);
	uk_strbuf_addf(boot, "limit %u\n", ramdisk->limit);
	for (size_t i = 0; ramdisk->later && ramdisk->later[i].name; i++)
		uk_strbuf_addf(boot, "later %s %s\n", ramdisk->later[i].name,
			       ramdisk->later[i].value);
}

/* Where it is first looked for. */
static void add_place(const struct uk_disk *disk, struct uk_strbuf *boot)
{
	if (disk->name)
		uk_strbuf_addf(boot, "device %s\n", disk->name);
}

/* In the order in which they were mounted, for one may lie in another. */
static void add_disks(const struct uk_ramdisk *ramdisk, struct uk_strbuf *boot)
{
	uk_vec_for_each(disk, ramdisk->disks) {
		if (!disk->spec || disk == uk_disks_root(ramdisk->disks))
			continue;
		add_place(disk, boot);
		uk_strbuf_addf(boot, "fstype %s\noptions %s\nflags %lu\n%s %s %s\n", disk->fstype,
			       disk->options, disk->flags, disk->needed ? "disk" : "disk-if-there",
			       disk->spec, disk->point);
	}
}

static struct uk_error *fill(struct archive *archive, const struct uk_ramdisk *ramdisk,
			     const struct modules *modules)
{
	const struct uk_disk *root = uk_disks_root(ramdisk->disks);
	uk_auto_strbuf struct uk_strbuf boot = {};
	uk_auto_free char *text = NULL;
	add_start(ramdisk, &boot);
	struct uk_error *err = add_entry(archive, "upkeep", S_IFDIR | 0700, "", 0);
	if (!err)
		err = add_file(archive, "init", ramdisk->init, 0755);
	if (!err)
		err = add_modules(archive, modules, &boot);
	if (ramdisk->fault)
		uk_strbuf_addf(&boot, "fault %s\n", ramdisk->fault);
	add_place(root, &boot);
	uk_strbuf_addf(&boot, "fstype %s\noptions %s\nnext %s\nroot %s\n", root->fstype,
		       root->options, ramdisk->next, root->spec);
	add_disks(ramdisk, &boot);
	if (!err)
		err = uk_strbuf_finish(&boot, &text);
	if (!err)
		err = add_text(archive, "upkeep/boot", text);
	return err ? err : add_text(archive, "upkeep/key", ramdisk->key);
}

static struct uk_error *add_if_there(struct uk_drivers *drivers, const char *name)
{
	struct uk_error *err = uk_drivers_add(drivers, name);
	if (!err || uk_error_kind(err) != UK_ERR_NOTHING)
		return err;
	uk_error_destroy(err);
	return NULL;
}

/* The tables of characters that a file system asks for by name: "codepage=437,iocharset=ascii". */
static struct uk_error *add_tables(struct uk_drivers *drivers, const char *options)
{
	static const char *const asked[][2] = { { "codepage=", "nls_cp" },
						{ "iocharset=", "nls_" } };
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(asked); i++) {
		uk_auto_free char *name = NULL;
		const char *at = strstr(options, asked[i][0]);
		if (!at)
			continue;
		at += strlen(asked[i][0]);
		err = uk_asprintf(&name, "%s%.*s", asked[i][1], (int)strcspn(at, ","), at);
		if (!err)
			err = add_if_there(drivers, name);
	}
	return err;
}

/* As the kernel asks for it (fs/filesystems.c: get_fs_type()), or by its name. */
static struct uk_error *add_fstype(struct uk_drivers *drivers, const char *fstype)
{
	uk_auto_free char *alias = NULL;
	struct uk_error *err = uk_asprintf(&alias, "fs-%s", fstype);
	if (!err)
		err = uk_drivers_add(drivers, alias);
	if (!err || uk_error_kind(err) != UK_ERR_NOTHING)
		return err;
	uk_error_destroy(err);
	return uk_drivers_add(drivers, fstype);
}

static struct uk_error *add_disk(struct uk_drivers *drivers, const struct uk_disk *disk)
{
	struct uk_error *err = uk_drivers_add_device(drivers, disk->device);
	if (!err)
		err = add_fstype(drivers, disk->fstype);
	return err ? err : add_tables(drivers, disk->options);
}

/* Who does not need a disk does not need its driver. */
static struct uk_error *find_modules(const struct uk_ramdisk *ramdisk, struct modules *ret)
{
	const struct uk_disk *root = uk_disks_root(ramdisk->disks);
	struct uk_error *err = uk_drivers_open(ramdisk->modules, &ret->drivers);
	struct uk_drivers *drivers = ret->drivers;
	if (!err)
		err = add_disk(drivers, root);
	uk_vec_for_each(disk, ramdisk->disks) {
		if (err || disk == root || !disk->spec)
			continue;
		err = add_disk(drivers, disk);
		if (err && !disk->needed && uk_error_kind(err) == UK_ERR_NOTHING)
			uk_error_destroy(uk_take(err));
	}
	if (!err)
		uk_drivers_files(drivers, &ret->nr_disks);
	for (const char *const *device = ramdisk->devices; !err && *device; device++)
		err = uk_drivers_add_device(drivers, *device);
	for (const char *const *name = ramdisk->names; !err && *name; name++)
		err = add_if_there(drivers, *name);
	return err;
}

static struct uk_error *write_archive(const struct uk_ramdisk *ramdisk,
				      const struct modules *modules, int fd)
{
	struct archive *archive = archive_write_new();
	if (!archive)
		return uk_error_nomem();
	struct uk_error *err = NULL;
	if (archive_write_set_format_cpio_newc(archive) != ARCHIVE_OK ||
	    archive_write_open_fd(archive, fd) != ARCHIVE_OK)
		err = archive_trouble(archive);
	if (!err)
		err = fill(archive, ramdisk, modules);
	if (!err && archive_write_close(archive) != ARCHIVE_OK)
		err = archive_trouble(archive);
	archive_write_free(archive);
	return err;
}

/* The kernel takes no file that somebody may still write to. */
static struct uk_error *reopen(int fd, int *ret)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? uk_error_errno(errno, "%s", path) : NULL;
}

/* A root that is on no disk of its own was refused, or accepted by name. */
static struct uk_error *check_root(const struct uk_ramdisk *ramdisk)
{
	const struct uk_disk *root = uk_disks_root(ramdisk->disks);
	if (root && root->spec)
		return NULL;
	return uk_error_create(UK_ERR_REFUSED, "the root file system: %s",
			       root ? root->trouble : "it is not on a disk");
}

struct uk_error *uk_ramdisk_make(const struct uk_ramdisk *ramdisk, int *ret)
{
	uk_cleanup(modules_deinit) struct modules modules = {};
	struct uk_error *err = check_root(ramdisk);
	if (!err)
		err = find_modules(ramdisk, &modules);
	if (err)
		return err;
	uk_auto_close int fd = memfd_create("upkeep-initramfs", MFD_CLOEXEC);
	if (fd < 0)
		return uk_error_errno(errno, "memfd_create");
	err = write_archive(ramdisk, &modules, fd);
	return err ? err : reopen(fd, ret);
}

/* "/lib/modules/6.1.0-47-amd64/kernel/net/unix/unix_diag.ko" is unix_diag to modprobe. */
static void add_name(struct uk_strbuf *text, const char *file)
{
	const char *name = strrchr(file, '/') + 1;
	uk_strbuf_addf(text, "modprobe %.*s\n", (int)strcspn(name, "."), name);
}

/*
 * By the line that the boot loader has, a panic may stand still for good: not while services are
 * restored. It is as it was afterwards (later).
 */
static void add_panic(const struct uk_ramdisk *ramdisk, struct uk_strbuf *boot)
{
	for (size_t i = 0; ramdisk->later && ramdisk->later[i].name; i++) {
		const struct uk_ramdisk_sysctl *one = &ramdisk->later[i];
		if (!strcmp(one->value, "0"))
			uk_strbuf_addf(boot, "sysctl %s %d\n", one->name,
				       strcmp(one->name, "kernel/panic") ? 1 : 10);
	}
}

struct uk_error *uk_ramdisk_home_text(const struct uk_ramdisk *ramdisk, char **ret)
{
	uk_cleanup(modules_deinit) struct modules modules = {};
	uk_auto_strbuf struct uk_strbuf text = {};
	size_t nr;
	struct uk_error *err = check_root(ramdisk);
	if (!err)
		err = find_modules(ramdisk, &modules);
	if (err)
		return err;
	add_start(ramdisk, &text);
	add_panic(ramdisk, &text);
	const char *const *files = uk_drivers_files(modules.drivers, &nr);
	for (size_t i = 0; i < nr; i++)
		add_name(&text, files[i]);
	if (ramdisk->fault)
		uk_strbuf_addf(&text, "fault %s\n", ramdisk->fault);
	add_disks(ramdisk, &text);
	uk_strbuf_addf(&text, "next %s\nkey %s", ramdisk->next, ramdisk->key);
	return uk_strbuf_finish(&text, ret);
}
