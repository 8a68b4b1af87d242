// SPDX-License-Identifier: GPL-2.0-or-later
/* Files that lie in memory, carried over in an archive. */
#include "replace/carry.h"

#include "base/map.h"
#include "base/strbuf.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct packer {
	int root; /* the folder */
	struct archive *out;
	struct archive_entry_linkresolver *links;
	struct uk_map seen;    /* paths that are in */
	struct uk_map entered; /* folders that are in with what is in them */
};

static struct uk_error *trouble(struct archive *archive, const char *path)
{
	return uk_error_create(UK_ERR_SYSTEM, "carry %s: %s", path,
			       archive_error_string(archive) ? archive_error_string(archive)
							     : "no memory");
}

/* --- in ------------------------------------------------------------------------------ */

static struct uk_error *copy_data(struct packer *packer, const char *path, int fd)
{
	char chunk[65536];
	ssize_t got;
	while ((got = read(fd, chunk, sizeof(chunk))) > 0) {
		if (archive_write_data(packer->out, chunk, (size_t)got) != got)
			return trouble(packer->out, path);
	}
	return got < 0 ? uk_error_errno(errno, "read %s", path) : NULL;
}

static struct uk_error *add_entry(struct packer *packer, const char *path, int fd,
				  const struct stat *st)
{
	struct archive_entry *entry = archive_entry_new(), *spare = NULL;
	struct uk_error *err = NULL;
	char target[PATH_MAX];
	if (!entry)
		return uk_error_nomem();
	archive_entry_set_pathname(entry, path);
	archive_entry_copy_stat(entry, st);
	if (S_ISLNK(st->st_mode)) {
		ssize_t len = readlinkat(packer->root, path, target, sizeof(target) - 1);
		target[len < 0 ? 0 : len] = '\0';
		archive_entry_set_symlink(entry, target);
	}
	archive_entry_linkify(packer->links, &entry, &spare);
	if (archive_write_header(packer->out, entry) < ARCHIVE_WARN)
		err = trouble(packer->out, path);
	else if (S_ISREG(st->st_mode) && archive_entry_size(entry) > 0)
		err = copy_data(packer, path, fd);
	archive_entry_free(entry);
	return err;
}

/* One file or folder, once; *@there_ret says whether it is one that can be in. */
static struct uk_error *add_once(struct packer *packer, const char *path, struct stat *st,
				 bool *there_ret)
{
	bool added;
	*there_ret = false;
	if (fstatat(packer->root, path, st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? NULL : uk_error_errno(errno, "%s", path);
	if (S_ISSOCK(st->st_mode))
		return NULL;
	*there_ret = true;
	if (!uk_map_insert_str(&packer->seen, path, &added))
		return uk_error_nomem();
	if (!added)
		return NULL;
	uk_auto_close int fd = -1;
	if (S_ISREG(st->st_mode)) {
		fd = openat(packer->root, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			return uk_error_errno(errno, "open %s", path);
	}
	return add_entry(packer, path, fd, st);
}

static struct uk_error *add_above(struct packer *packer, const char *path)
{
	uk_auto_free char *copy = NULL;
	struct stat st;
	bool there;
	struct uk_error *err = uk_strdup(path, &copy);
	for (char *slash = err ? NULL : strchr(copy, '/'); slash && !err;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		err = add_once(packer, copy, &st, &there);
		*slash = '/';
	}
	return err;
}

static struct uk_error *add_tree(struct packer *packer, const char *path, dev_t dev, int depth)
{
	struct stat st;
	bool there, first;
	struct uk_error *err = add_once(packer, path, &st, &there);
	if (err || !there || !S_ISDIR(st.st_mode) || depth > 64 || st.st_dev != dev)
		return err;
	/* Not by what is in: it may have been above something. */
	if (!uk_map_insert_str(&packer->entered, path, &first))
		return uk_error_nomem();
	if (!first)
		return NULL;
	int fd = openat(packer->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	uk_auto_closedir DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder)
		return uk_error_errno(errno, "open %s", path);
	const struct dirent *one;
	while (!err && (one = readdir(folder))) {
		uk_auto_free char *below = NULL;
		if (!strcmp(one->d_name, ".") || !strcmp(one->d_name, ".."))
			continue;
		err = strcmp(path, ".") ? uk_asprintf(&below, "%s/%s", path, one->d_name)
					: uk_strdup(one->d_name, &below);
		if (!err)
			err = add_tree(packer, below, dev, depth + 1);
	}
	return err;
}

static struct uk_error *pack_all(struct packer *packer, const char *const *paths, size_t nr)
{
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < nr; i++) {
		struct stat st;
		/* With a slash at its end, all of it is above something. */
		err = add_above(packer, paths[i]);
		if (!err && !uk_str_ends(paths[i], "/") &&
		    !fstatat(packer->root, paths[i], &st, AT_SYMLINK_NOFOLLOW))
			err = add_tree(packer, paths[i], st.st_dev, 0);
	}
	return err;
}

struct uk_error *uk_carry_pack(const char *root, const char *const *paths, size_t nr,
			       const char *archive)
{
	uk_auto_close int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	uk_auto_close int fd = open(archive, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (folder < 0 || fd < 0)
		return uk_error_errno(errno, "%s", folder < 0 ? root : archive);
	struct packer packer = { .root = folder,
				 .out = archive_write_new(),
				 .links = archive_entry_linkresolver_new() };
	struct uk_error *err = packer.out && packer.links ? NULL : uk_error_nomem();
	if (!err && (archive_write_set_format_pax(packer.out) != ARCHIVE_OK ||
		     archive_write_open_fd(packer.out, fd) != ARCHIVE_OK))
		err = trouble(packer.out, archive);
	if (!err) {
		archive_entry_linkresolver_set_strategy(packer.links, ARCHIVE_FORMAT_TAR);
		err = pack_all(&packer, paths, nr);
	}
	if (!err && archive_write_close(packer.out) != ARCHIVE_OK)
		err = trouble(packer.out, archive);
	archive_write_free(packer.out);
	archive_entry_linkresolver_free(packer.links);
	uk_map_deinit(&packer.seen);
	uk_map_deinit(&packer.entered);
	return uk_error_wrap(err, "%s", root);
}

/* --- out ----------------------------------------------------------------------------- */

static struct uk_error *write_entry(struct archive *from, struct archive *to,
				    struct archive_entry *entry)
{
	const void *data;
	size_t len;
	la_int64_t at;
	int status = archive_write_header(to, entry);
	if (status < ARCHIVE_WARN)
		return trouble(to, archive_entry_pathname(entry));
	while ((status = archive_read_data_block(from, &data, &len, &at)) == ARCHIVE_OK) {
		if (archive_write_data_block(to, data, len, at) < ARCHIVE_WARN)
			return trouble(to, archive_entry_pathname(entry));
	}
	return status == ARCHIVE_EOF ? NULL : trouble(from, archive_entry_pathname(entry));
}

/* Below @root: the names in the archive are relative, and made by us. */
static struct uk_error *place(struct archive_entry *entry, const char *root)
{
	uk_auto_free char *path = NULL, *link = NULL;
	const char *target = archive_entry_hardlink(entry);
	struct uk_error *err = uk_asprintf(&path, "%s/%s", root, archive_entry_pathname(entry));
	if (!err && target)
		err = uk_asprintf(&link, "%s/%s", root, target);
	if (err)
		return err;
	archive_entry_set_pathname(entry, path);
	if (link)
		archive_entry_set_hardlink(entry, link);
	return NULL;
}

/* libarchive unlinks what is in the way, or takes nothing of a folder that is there. */
static bool is_in_the_way(struct archive_entry *entry)
{
	struct stat st;
	return !lstat(archive_entry_pathname(entry), &st) &&
	       !(S_ISDIR(st.st_mode) && archive_entry_filetype(entry) == AE_IFDIR);
}

struct uk_error *uk_carry_unpack(const char *archive, const char *root)
{
	struct archive *from = archive_read_new(), *to = archive_write_disk_new();
	struct archive_entry *entry;
	struct uk_error *err = from && to ? NULL : uk_error_nomem();
	int status = ARCHIVE_EOF;
	if (!err && (archive_read_support_format_tar(from) != ARCHIVE_OK ||
		     archive_read_open_filename(from, archive, 1 << 16) != ARCHIVE_OK))
		err = trouble(from, archive);
	if (!err)
		archive_write_disk_set_options(
			to, ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |
				    ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_ACL);
	while (!err && (status = archive_read_next_header(from, &entry)) == ARCHIVE_OK) {
		err = place(entry, root);
		if (!err && !is_in_the_way(entry))
			err = write_entry(from, to, entry);
	}
	if (!err && status != ARCHIVE_EOF)
		err = trouble(from, archive);
	if (!err && archive_write_close(to) != ARCHIVE_OK)
		err = trouble(to, root);
	archive_read_free(from);
	archive_write_free(to);
	return err;
}
