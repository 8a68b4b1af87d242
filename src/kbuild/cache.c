// SPDX-License-Identifier: GPL-2.0-or-later
/* The cache: its root, its locks, its stamps. */
#include "kbuild/cache.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static const char *wanted_root(const char *root)
{
	if (!root || !*root)
		root = getenv("UPKEEP_CACHE");
	return root && *root ? root : "/var/cache/upkeep";
}

/*
 * What lies in the cache is run and trusted: nobody else may be able to put things there.
 * Colons and commas would end a path in the options of an overlay mount.
 */
static struct uk_error *check_root(const char *root)
{
	struct stat st;
	if (stat(root, &st) < 0)
		return uk_error_errno(errno, "cache %s", root);
	if (st.st_uid != geteuid())
		return uk_error_create(UK_ERR_SYSTEM,
				       "cache %s belongs to user %u, not to user %u who runs this; "
				       "name another with --cache or UPKEEP_CACHE",
				       root, st.st_uid, geteuid());
	if (st.st_mode & 0022)
		return uk_error_create(UK_ERR_SYSTEM,
				       "cache %s may be written to by others (mode %03o); "
				       "chmod go-w it when you trust what is in it",
				       root, st.st_mode & 0777);
	if (root[strcspn(root, ":,\\\"' \t\n")])
		return uk_error_create(UK_ERR_USAGE,
				       "cache %s: blanks, quotes, backslashes, colons and commas "
				       "cannot be in its path",
				       root);
	return NULL;
}

void uk_cache_close(struct uk_cache *cache)
{
	if (!cache)
		return;
	if (cache->run)
		uk_error_destroy(uk_tree_remove(cache->run));
	uk_cleanup_close(&cache->lock);
	free(cache->run);
	free(cache->root);
	free(cache);
}

struct uk_error *uk_cache_path(const struct uk_cache *cache, char **ret, const char *fmt, ...)
{
	uk_auto_free char *rest = NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&rest, fmt, args) < 0)
		rest = NULL;
	va_end(args);
	return rest ? uk_asprintf(ret, "%s/%s", cache->root, rest) : uk_error_nomem();
}

static struct uk_error *lock_path(const struct uk_cache *cache, const char *name, char **ret)
{
	uk_auto_free char *dir = NULL, *path = NULL;
	struct uk_error *err = uk_cache_path(cache, &dir, "locks");
	if (!err)
		err = uk_dir_make(dir, 0700);
	if (!err)
		err = uk_asprintf(&path, "%s/%s", dir, name);
	if (err)
		return err;
	for (char *c = path + strlen(dir) + 1; *c; c++) {
		if (*c == '/')
			*c = '_';
	}
	*ret = uk_take(path);
	return NULL;
}

struct uk_error *uk_cache_lock(const struct uk_cache *cache, const char *name,
			       const struct uk_sink *sink, int *fd_ret)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = lock_path(cache, name, &path);
	if (err)
		return err;
	uk_auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return uk_error_errno(errno, "open %s", path);
	int status = flock(fd, LOCK_EX | LOCK_NB);
	if (status < 0 && errno == EWOULDBLOCK) {
		uk_remark(sink, UK_LEVEL_INFO, "waiting for another run that makes %s", name);
		do {
			status = flock(fd, LOCK_EX);
		} while (status < 0 && errno == EINTR);
	}
	if (status < 0)
		return uk_error_errno(errno, "lock %s", path);
	*fd_ret = uk_take_fd(fd);
	return NULL;
}

static struct uk_error *make_dir(const char *parent, const char *prefix, char **ret)
{
	uk_auto_free char *dir = NULL;
	struct uk_error *err = uk_dir_make(parent, 0700);
	if (!err)
		err = uk_asprintf(&dir, "%s/%sXXXXXX", parent, prefix);
	if (err)
		return err;
	if (!mkdtemp(dir))
		return uk_error_errno(errno, "make %s", dir);
	*ret = uk_take(dir);
	return NULL;
}

struct uk_error *uk_work_dir(const struct uk_cache *cache, char **ret)
{
	return make_dir(cache->run, "", ret);
}

struct uk_error *uk_kept_dir(const struct uk_cache *cache, char **ret)
{
	uk_auto_free char *parent = NULL;
	struct uk_error *err = uk_cache_path(cache, &parent, "kept");
	return err ? err : make_dir(parent, "", ret);
}

/* -1: another process has it, or it is gone. */
static int try_lock(const char *dir)
{
	uk_auto_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB) ? uk_take_fd(fd) : -1;
}

/* Who was killed holds no lock any more. What cannot be removed is in nobody's way. */
static void sweep(const char *parent, const char *name)
{
	uk_auto_free char *dir = NULL;
	if (!uk_str_starts(name, "run-") || asprintf(&dir, "%s/%s", parent, name) < 0)
		return;
	uk_auto_close int lock = try_lock(dir);
	if (lock >= 0)
		uk_error_destroy(uk_tree_remove(dir));
}

static struct uk_error *sweep_all(const char *parent)
{
	char **names;
	size_t nr;
	struct uk_error *err = uk_dir_make(parent, 0700);
	if (!err)
		err = uk_dir_list(parent, &names, &nr);
	if (err)
		return err;
	for (size_t i = 0; i < nr; i++)
		sweep(parent, names[i]);
	uk_strv_destroy(names, nr);
	return NULL;
}

/* One at a time: between its making and its locking a folder looks like a killed run's. */
static struct uk_error *begin_run(struct uk_cache *cache)
{
	uk_auto_free char *parent = NULL;
	uk_auto_close int turn = -1;
	struct uk_error *err = uk_cache_lock(cache, "work", NULL, &turn);
	if (!err)
		err = uk_cache_path(cache, &parent, "work");
	if (!err)
		err = sweep_all(parent);
	if (!err)
		err = make_dir(parent, "run-", &cache->run);
	if (err)
		return err;
	cache->lock = try_lock(cache->run);
	return cache->lock < 0 ? uk_error_errno(errno, "lock %s", cache->run) : NULL;
}

struct uk_error *uk_cache_open(const char *root, struct uk_cache **ret)
{
	root = wanted_root(root);
	struct uk_error *err = uk_dir_make(root, 0700);
	if (err)
		return uk_error_wrap(err, "the cache (--cache or UPKEEP_CACHE name another)");
	uk_auto_cache struct uk_cache *cache = calloc(1, sizeof(*cache));
	if (!cache)
		return uk_error_nomem();
	cache->lock = -1;
	cache->root = realpath(root, NULL);
	if (!cache->root)
		return uk_error_errno(errno, "cache %s", root);
	err = check_root(cache->root);
	if (!err)
		err = begin_run(cache);
	if (err)
		return err;
	*ret = uk_take(cache);
	return NULL;
}

bool uk_stamp_exists(const char *path)
{
	uk_auto_free char *stamp = NULL;
	return asprintf(&stamp, "%s.complete", path) >= 0 && uk_file_exists(stamp);
}

struct uk_error *uk_stamp_write(const char *path)
{
	uk_auto_free char *stamp = NULL;
	struct uk_error *err = uk_asprintf(&stamp, "%s.complete", path);
	return err ? err : uk_file_write(stamp, "", 0, 0600);
}

struct uk_error *uk_stamp_reset(const char *path)
{
	uk_auto_free char *stamp = NULL;
	struct uk_error *err = uk_asprintf(&stamp, "%s.complete", path);
	if (err)
		return err;
	if (unlink(stamp) < 0 && errno != ENOENT)
		return uk_error_errno(errno, "remove %s", stamp);
	return uk_tree_remove(path);
}
