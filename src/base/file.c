// SPDX-License-Identifier: GPL-2.0-or-later
/* Whole files, folders and trees. */
#include "base/file.h"

#include "base/strbuf.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct uk_error *uk_file_read(const char *path, size_t limit, char **ret, size_t *len_ret)
{
	uk_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return uk_error_errno(errno, "open %s", path);
	uk_auto_strbuf struct uk_strbuf buf = {};
	uk_auto_free char *chunk = malloc(1 << 16);
	if (!chunk)
		return uk_error_nomem();
	for (;;) {
		ssize_t got = read(fd, chunk, 1 << 16);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return uk_error_errno(errno, "read %s", path);
		if (!got)
			break;
		uk_strbuf_add(&buf, chunk, (size_t)got);
		if (buf.len > limit)
			return uk_error_create(UK_ERR_INVALID, "%s: larger than %zu bytes", path,
					       limit);
	}
	return uk_strbuf_finish_len(&buf, ret, len_ret);
}

static struct uk_error *write_all(int fd, const char *path, const char *data, size_t len)
{
	while (len) {
		ssize_t put = write(fd, data, len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return uk_error_errno(errno, "write %s", path);
		data += put;
		len -= (size_t)put;
	}
	return NULL;
}

struct uk_error *uk_file_write(const char *path, const void *data, size_t len, mode_t mode)
{
	uk_auto_free char *temp = NULL;
	struct uk_error *err = uk_asprintf(&temp, "%s.XXXXXX", path);
	if (err)
		return err;
	uk_auto_close int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return uk_error_errno(errno, "create %s", temp);
	err = write_all(fd, temp, data, len);
	if (!err && fchmod(fd, mode) < 0)
		err = uk_error_errno(errno, "chmod %s", temp);
	if (!err && fsync(fd) < 0)
		err = uk_error_errno(errno, "sync %s", temp);
	if (!err && rename(temp, path) < 0)
		err = uk_error_errno(errno, "rename %s to %s", temp, path);
	if (err)
		unlink(temp);
	return err;
}

struct uk_error *uk_file_copy(const char *from, const char *to, mode_t mode)
{
	uk_auto_free char *data = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(from, (size_t)1 << 32, &data, &len);
	return err ? err : uk_file_write(to, data, len, mode);
}

bool uk_file_exists(const char *path)
{
	return !access(path, F_OK);
}

static struct uk_error *make_one(const char *path, mode_t mode)
{
	struct stat st;
	if (!mkdir(path, mode))
		return NULL;
	if (errno != EEXIST)
		return uk_error_errno(errno, "mkdir %s", path);
	if (stat(path, &st) < 0)
		return uk_error_errno(errno, "stat %s", path);
	return S_ISDIR(st.st_mode) ? NULL : uk_error_errno(ENOTDIR, "mkdir %s", path);
}

struct uk_error *uk_dir_make(const char *path, mode_t mode)
{
	uk_auto_free char *copy = NULL;
	struct uk_error *err = uk_strdup(path, &copy);
	for (char *slash = copy; !err && slash && (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		err = make_one(copy, mode);
		*slash = '/';
	}
	return err ? err : make_one(path, mode);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

struct uk_error *uk_tree_remove(const char *path)
{
	if (nftw(path, remove_one, 64, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0 && errno != ENOENT)
		return uk_error_errno(errno, "remove %s", path);
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct uk_error *uk_dir_list(const char *path, char ***ret, size_t *nr_ret)
{
	uk_auto_closedir DIR *dir = opendir(path);
	if (!dir)
		return uk_error_errno(errno, "open %s", path);
	UK_VEC(char *) names = {};
	struct dirent *entry;
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		char *name = strdup(entry->d_name);
		if (!name || !uk_vec_push(&names, name)) {
			free(name);
			uk_strv_destroy(names.data, names.len);
			return uk_error_nomem();
		}
	}
	if (names.len)
		qsort(names.data, names.len, sizeof(*names.data), compare_names);
	*ret = names.data;
	*nr_ret = names.len;
	return NULL;
}

void uk_strv_destroy(char **strings, size_t nr)
{
	for (size_t i = 0; strings && i < nr; i++)
		free(strings[i]);
	free(strings);
}
