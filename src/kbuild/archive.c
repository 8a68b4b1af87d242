// SPDX-License-Identifier: GPL-2.0-or-later
/* Unpacking through libarchive, one archive inside another where Debian has it so. */
#include "kbuild/archive.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

static void cleanup_read(struct archive **archive)
{
	if (*archive)
		archive_read_free(*archive);
}

static void cleanup_write(struct archive **archive)
{
	if (*archive)
		archive_write_free(*archive);
}

static struct uk_error *archive_error(struct archive *archive, const char *name)
{
	const char *text = archive_error_string(archive);
	return uk_error_create(UK_ERR_INVALID, "%s: %s", name, text ? text : "cannot be read");
}

/* An archive that is read out of the current entry of another. */
struct nested {
	struct archive *outer;
	char buffer[65536];
};

static la_ssize_t nested_read(struct archive *inner, void *ctx, const void **ret)
{
	struct nested *nested = ctx;
	la_ssize_t got = archive_read_data(nested->outer, nested->buffer, sizeof(nested->buffer));
	if (got < 0)
		archive_set_error(inner, EIO, "%s", archive_error_string(nested->outer));
	*ret = nested->buffer;
	return got;
}

static struct uk_error *reader_create(bool ar, struct archive **ret)
{
	struct archive *archive = archive_read_new();
	if (!archive)
		return uk_error_nomem();
	if (ar) {
		archive_read_support_format_ar(archive);
	} else {
		archive_read_support_format_tar(archive);
		archive_read_support_filter_all(archive);
	}
	*ret = archive;
	return NULL;
}

static struct uk_error *open_nested(struct nested *nested, struct archive **ret)
{
	struct archive *inner = NULL;
	struct uk_error *err = reader_create(false, &inner);
	if (err)
		return err;
	if (archive_read_open(inner, nested, NULL, nested_read, NULL) != ARCHIVE_OK) {
		err = archive_error(inner, "nested archive");
		archive_read_free(inner);
		return err;
	}
	*ret = inner;
	return NULL;
}

/* Moves to the entry whose path, without a leading "./", begins with @prefix. */
static struct uk_error *seek_entry(struct archive *archive, const char *name, const char *prefix)
{
	struct archive_entry *entry;
	int status;
	while ((status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
		const char *path = archive_entry_pathname(entry);
		if (path && uk_str_starts(path, "./"))
			path += 2;
		if (path && uk_str_starts(path, prefix))
			return NULL;
	}
	if (status != ARCHIVE_EOF)
		return archive_error(archive, name);
	return uk_error_create(UK_ERR_INVALID, "%s: has no %s in it", name, prefix);
}

/* A path below the target folder for what an archive calls @path; NULL leaves it out. */
static struct uk_error *target_path(const char *path, bool strip, const char *dir, char **ret)
{
	while (uk_str_starts(path, "./"))
		path += 2;
	if (strip) {
		const char *slash = strchr(path, '/');
		path = slash ? slash + 1 : "";
	}
	*ret = NULL;
	return *path ? uk_asprintf(ret, "%s/%s", dir, path) : NULL;
}

static struct uk_error *place_entry(struct archive_entry *entry, bool strip, const char *dir,
				    bool *skip_ret)
{
	uk_auto_free char *path = NULL, *link = NULL;
	struct uk_error *err = target_path(archive_entry_pathname(entry), strip, dir, &path);
	const char *hardlink = archive_entry_hardlink(entry);
	if (!err && hardlink)
		err = target_path(hardlink, strip, dir, &link);
	if (err)
		return err;
	*skip_ret = !path || (hardlink && !link);
	if (*skip_ret)
		return NULL;
	archive_entry_set_pathname(entry, path);
	if (link)
		archive_entry_set_hardlink(entry, link);
	return NULL;
}

static struct uk_error *copy_data(struct archive *from, struct archive *to, const char *name)
{
	const void *block;
	size_t len;
	la_int64_t offset;
	int status;
	while ((status = archive_read_data_block(from, &block, &len, &offset)) == ARCHIVE_OK) {
		if (archive_write_data_block(to, block, len, offset) < ARCHIVE_OK)
			return archive_error(to, name);
	}
	return status == ARCHIVE_EOF ? NULL : archive_error(from, name);
}

static struct uk_error *unpack_entries(struct archive *from, const char *name, bool strip,
				       const char *dir)
{
	uk_cleanup(cleanup_write) struct archive *to = archive_write_disk_new();
	if (!to)
		return uk_error_nomem();
	archive_write_disk_set_options(to, ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM |
						   ARCHIVE_EXTRACT_SECURE_NODOTDOT |
						   ARCHIVE_EXTRACT_SECURE_SYMLINKS);
	struct archive_entry *entry;
	int status;
	while ((status = archive_read_next_header(from, &entry)) == ARCHIVE_OK) {
		bool skip;
		struct uk_error *err = place_entry(entry, strip, dir, &skip);
		if (!err && skip)
			continue;
		if (!err && archive_write_header(to, entry) < ARCHIVE_WARN)
			err = archive_error(to, name);
		if (!err && !archive_entry_hardlink(entry))
			err = copy_data(from, to, name);
		if (err)
			return err;
	}
	if (status != ARCHIVE_EOF)
		return archive_error(from, name);
	return archive_write_close(to) == ARCHIVE_OK ? NULL : archive_error(to, name);
}

static struct uk_error *open_file(const char *path, bool ar, struct archive **ret)
{
	struct archive *archive = NULL;
	struct uk_error *err = reader_create(ar, &archive);
	if (err)
		return err;
	if (archive_read_open_filename(archive, path, 1 << 16) != ARCHIVE_OK) {
		err = archive_error(archive, path);
		archive_read_free(archive);
		return err;
	}
	*ret = archive;
	return NULL;
}

struct uk_error *uk_archive_unpack_tar(const char *tar, bool strip, const char *dir)
{
	uk_cleanup(cleanup_read) struct archive *from = NULL;
	struct uk_error *err = open_file(tar, false, &from);
	if (!err)
		err = uk_dir_make(dir, 0700);
	return err ? err : unpack_entries(from, tar, strip, dir);
}

struct uk_error *uk_archive_unpack_deb(const char *deb, const char *inner, bool strip,
				       const char *dir)
{
	uk_cleanup(cleanup_read) struct archive *ar = NULL;
	uk_cleanup(cleanup_read) struct archive *data = NULL;
	uk_cleanup(cleanup_read) struct archive *tar = NULL;
	uk_auto_free struct nested *outer = malloc(sizeof(*outer));
	uk_auto_free struct nested *middle = malloc(sizeof(*middle));
	if (!outer || !middle)
		return uk_error_nomem();

	struct uk_error *err = open_file(deb, true, &ar);
	if (!err)
		err = seek_entry(ar, deb, "data.tar");
	if (err)
		return err;
	outer->outer = ar;
	err = open_nested(outer, &data);
	if (!err)
		err = uk_dir_make(dir, 0700);
	if (err || !inner)
		return err ? err : unpack_entries(data, deb, strip, dir);
	err = seek_entry(data, deb, inner);
	if (err)
		return err;
	middle->outer = data;
	err = open_nested(middle, &tar);
	return err ? err : unpack_entries(tar, deb, strip, dir);
}
