// SPDX-License-Identifier: GPL-2.0-or-later
/* Trees of the user's own. */
#include "kbuild/own.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "kbuild/dump.h"
#include "kbuild/symvers.h"

#include <errno.h>
#include <fnmatch.h>
#include <fts.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

const char *const uk_build_leavings[] = {
	".git",	  "*.o",     "*.ko",	  "*.a",       "*.cmd",	  "*.mod",     "*.mod.c",
	".tmp_*", "vmlinux", "vmlinux.o", "vmlinux.a", "*.order", "*.symvers", NULL,
};

static bool is_left_out(const char *name)
{
	for (const char *const *pattern = uk_build_leavings; *pattern; pattern++) {
		if (!fnmatch(*pattern, name, 0))
			return true;
	}
	return false;
}

static int compare_names(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void cleanup_fts(FTS **fts)
{
	if (*fts)
		fts_close(*fts);
}

static void hash_number(struct uk_hash *hash, uint64_t number)
{
	uk_hash_add(hash, &number, sizeof(number));
}

static struct uk_error *hash_files(const char *source, struct uk_hash *hash,
				   unsigned long long *size_ret)
{
	char *paths[] = { (char *)source, NULL };
	uk_cleanup(cleanup_fts) FTS *fts =
		fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, compare_names);
	if (!fts)
		return uk_error_errno(errno, "open %s", source);
	for (FTSENT *entry; (entry = fts_read(fts));) {
		if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
			return uk_error_errno(entry->fts_errno, "read %s", entry->fts_path);
		if (entry->fts_level && is_left_out(entry->fts_name)) {
			fts_set(fts, entry, FTS_SKIP);
			continue;
		}
		if (entry->fts_info != FTS_F && entry->fts_info != FTS_SL)
			continue;
		*size_ret += (unsigned long long)entry->fts_statp->st_blocks * 512;
		uk_hash_addstr(hash, entry->fts_path + strlen(source));
		hash_number(hash, (uint64_t)entry->fts_statp->st_size);
		hash_number(hash, (uint64_t)entry->fts_statp->st_mtim.tv_sec);
		hash_number(hash, (uint64_t)entry->fts_statp->st_mtim.tv_nsec);
	}
	return NULL;
}

static struct uk_error *hash_text(const char *path, struct uk_hash *hash)
{
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(path, 4 << 20, &text, &len);
	if (!err)
		uk_hash_add(hash, text, len);
	return err;
}

/* The first line of a file, or NULL when there is no such file. */
static struct uk_error *first_line(const char *dir, const char *name, char **ret)
{
	uk_auto_free char *path = NULL;
	size_t len;
	*ret = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", dir, name);
	if (err || !uk_file_exists(path))
		return err;
	err = uk_file_read(path, 1 << 16, ret, &len);
	if (!err)
		(*ret)[strcspn(*ret, "\n")] = '\0';
	return err;
}

struct uk_error *uk_own_identify(struct uk_tree *tree, const struct uk_tree_options *options,
				 char **config_ret)
{
	uk_auto_free char *source = realpath(options->source, NULL), *config = NULL, *file = NULL;
	char hex[UK_HASH_HEX_LEN + 1];
	if (!source)
		return uk_error_errno(errno, "%s", options->source);
	struct uk_error *err = uk_asprintf(&file, "%s/Kbuild", source);
	if (!err && !uk_file_exists(file))
		err = uk_error_create(UK_ERR_USAGE, "%s: is not the source of a kernel", source);
	if (!err)
		err = options->config ? uk_strdup(options->config, &config)
				      : uk_asprintf(&config, "%s/.config", source);
	struct uk_hash hash;
	uk_hash_init(&hash);
	uk_hash_addstr(&hash, source);
	if (!err)
		err = hash_text(config, &hash);
	if (!err)
		err = hash_files(source, &hash, &tree->own_size);
	if (err)
		return err;
	uk_hash_hex(&hash, hex);
	err = uk_cache_path(tree->cache, &tree->dir, "trees/own-%.16s/linux", hex);
	/* A built tree knows its release with what its history had added to it. */
	if (!err)
		err = first_line(source, "include/config/kernel.release", &tree->release);
	if (!err)
		*config_ret = uk_take(config);
	return err;
}

struct uk_error *uk_own_copy(struct uk_tree *tree, const char *source)
{
	UK_VEC(const char *) argv = {};
	uk_auto_free char *from = NULL, *to = NULL;
	struct uk_error *err = uk_asprintf(&from, "%s/", source);
	if (!err)
		err = uk_asprintf(&to, "%s/", tree->dir);
	bool ok = !err && uk_vec_push(&argv, "rsync") && uk_vec_push(&argv, "-a");
	for (size_t i = 0; ok && uk_build_leavings[i]; i++)
		ok = uk_vec_push(&argv, "--exclude") && uk_vec_push(&argv, uk_build_leavings[i]);
	ok = ok && uk_vec_push(&argv, "--") && uk_vec_push(&argv, from) && uk_vec_push(&argv, to) &&
	     uk_vec_push(&argv, NULL);
	uk_progress(tree->sink, "copying the source", 0, 1);
	struct uk_process process = { .argv = argv.data };
	if (!err)
		err = ok ? uk_process_check(&process, NULL) : uk_error_nomem();
	uk_vec_deinit(&argv);
	const char *const clean[] = { "mrproper", NULL };
	if (!err)
		err = uk_make_run(tree->dir, tree->make, tree->nr_make, clean, NULL, NULL, NULL);
	if (!err)
		uk_progress(tree->sink, "copying the source", 1, 1);
	return err;
}

/* A tree that was built where it lies has them; else the machine may have the modules. */
static struct uk_error *find_symvers(struct uk_tree *tree, const char *source)
{
	uk_auto_free char *built = NULL, *modules = NULL, *gathered = NULL;
	struct uk_error *err = uk_asprintf(&built, "%s/Module.symvers", source);
	if (!err)
		err = uk_asprintf(&modules, "/lib/modules/%s/kernel", tree->release);
	if (!err)
		err = uk_asprintf(&gathered, "%s.symvers", tree->dir);
	if (err)
		return err;
	if (uk_file_exists(built)) {
		tree->symvers = uk_take(built);
	} else if (uk_file_exists(modules)) {
		err = uk_symvers_gather(modules, gathered, tree->sink);
		tree->symvers = err ? NULL : uk_take(gathered);
	}
	return err;
}

/*
 * Without either, the one CRC that every module needs can still be had: kbuild notes it when it
 * compiles the object that exports module_layout.
 */
struct uk_error *uk_own_find_crc(struct uk_tree *tree)
{
	uk_auto_free char *cmd = NULL, *crc = NULL;
	struct uk_error *err = uk_asprintf(&cmd, "%s/kernel/module/.version.o.cmd", tree->dir);
	if (!err)
		err = uk_asprintf(&crc, "%s.crc", tree->dir);
	if (err || !uk_file_exists(cmd))
		return err;
	err = uk_symvers_extract(cmd, crc);
	if (!err)
		tree->symvers = uk_take(crc);
	return err;
}

struct uk_error *uk_own_describe(struct uk_tree *tree, const struct uk_tree_options *options)
{
	struct uk_error *err = NULL;
	if (!tree->release)
		err = first_line(tree->dir, "include/config/kernel.release", &tree->release);
	if (!err && !tree->release)
		err = uk_error_create(UK_ERR_INVALID, "%s: has no release", options->source);
	if (!err)
		err = uk_strdup(tree->release, &tree->version);
	return err ? err : find_symvers(tree, options->source);
}
