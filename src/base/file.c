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

/* The folder of a path, as open() wants it. */
static struct uk_error *folder_of(const char *path, char **ret)
{
	const char *slash = strrchr(path, '/');
	return slash ? uk_asprintf(ret, "%.*s", (int)(slash - path) + 1, path)
		     : uk_strdup("./", ret);
}

/* A file on its way to its name. */
struct draft {
	int fd;
	char *temp; /* the name that it has meanwhile; "" for none */
};

static void draft_deinit(struct draft *draft)
{
	if (draft->temp && draft->temp[0])
		unlink(draft->temp);
	free(draft->temp);
	uk_cleanup_close(&draft->fd);
}

/*
 * Without a name, so that nothing is left when this process is killed; with one beside @path
 * where the file system has no files without.
 */
static struct uk_error *draft_open(struct draft *draft, const char *path)
{
	uk_auto_free char *folder = NULL, *temp = NULL;
	struct uk_error *err = folder_of(path, &folder);
	if (!err)
		err = uk_asprintf(&temp, "%s.XXXXXX", path);
	if (!err)
		err = uk_strdup("", &draft->temp);
	if (err)
		return err;
	draft->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (draft->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return draft->fd < 0 ? uk_error_errno(errno, "create %s", path) : NULL;
	draft->fd = mkostemp(temp, O_CLOEXEC);
	if (draft->fd < 0)
		return uk_error_errno(errno, "create %s", temp);
	free(draft->temp);
	draft->temp = uk_take(temp);
	return NULL;
}

static struct uk_error *draft_fill(const struct draft *draft, const char *path, const void *data,
				   size_t len, mode_t mode)
{
	struct uk_error *err = write_all(draft->fd, path, data, len);
	if (!err && fchmod(draft->fd, mode) < 0)
		err = uk_error_errno(errno, "chmod %s", path);
	if (!err && fsync(draft->fd) < 0)
		err = uk_error_errno(errno, "sync %s", path);
	return err;
}

/* Gives it a name that no file has; false with errno when one has it. */
static bool draft_link(const struct draft *draft, const char *path)
{
	char from[64];
	if (draft->temp[0])
		return !link(draft->temp, path);
	snprintf(from, sizeof(from), "/proc/self/fd/%d", draft->fd);
	return !linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* A link takes no other file's place, a rename does: that needs a name for the moment. */
static struct uk_error *draft_name(struct draft *draft, const char *path)
{
	for (unsigned int number = 0; !draft->temp[0]; number++) {
		uk_auto_free char *temp = NULL;
		struct uk_error *err = uk_asprintf(&temp, "%s.%u-%u", path, getpid(), number);
		if (err)
			return err;
		if (draft_link(draft, temp)) {
			free(draft->temp);
			draft->temp = uk_take(temp);
		} else if (errno != EEXIST) {
			return uk_error_errno(errno, "create %s", temp);
		}
	}
	return NULL;
}

struct uk_error *uk_file_write(const char *path, const void *data, size_t len, mode_t mode)
{
	uk_cleanup(draft_deinit) struct draft draft = { .fd = -1 };
	struct stat st;
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return uk_error_create(UK_ERR_INVALID, "write %s: it is there, and no plain file",
				       path);
	struct uk_error *err = draft_open(&draft, path);
	if (!err)
		err = draft_fill(&draft, path, data, len, mode);
	if (err || (!draft.temp[0] && draft_link(&draft, path)))
		return err;
	err = draft_name(&draft, path);
	if (err)
		return err;
	if (rename(draft.temp, path) < 0)
		return uk_error_errno(errno, "rename %s to %s", draft.temp, path);
	draft.temp[0] = '\0';
	return NULL;
}

struct uk_error *uk_file_write_new(const char *path, const void *data, size_t len, mode_t mode)
{
	uk_cleanup(draft_deinit) struct draft draft = { .fd = -1 };
	struct uk_error *err = draft_open(&draft, path);
	if (!err)
		err = draft_fill(&draft, path, data, len, mode);
	if (!err && !draft_link(&draft, path))
		err = uk_error_errno(errno, "create %s", path);
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

bool uk_path_above(const char *path, char *above, size_t size)
{
	if (strlen(path) >= size)
		return false;
	strcpy(above, path);
	while (!uk_file_exists(above)) {
		char *slash = strrchr(above, '/');
		if (!slash || !above[1])
			return false;
		slash[slash == above] = '\0';
	}
	return true;
}

bool uk_is_mount_point(const char *path)
{
	struct stat st, above;
	uk_auto_close int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir >= 0 && !fstat(dir, &st) && !fstatat(dir, "..", &above, 0) &&
	       st.st_dev != above.st_dev;
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
