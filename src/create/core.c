// SPDX-License-Identifier: GPL-2.0-or-later
/* The core module: built once for a kernel and a state of its source, then taken from the cache. */
#include "create/work.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/strbuf.h"

enum { MAX_SOURCE_SIZE = 1 << 24, MAX_CORE_SIZE = 1 << 26 };

static struct uk_error *hash_file(struct uk_hash *hash, const char *dir, const char *name)
{
	uk_auto_free char *path = NULL, *text = NULL;
	size_t len;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", dir, name);
	if (!err)
		err = uk_file_read(path, MAX_SOURCE_SIZE, &text, &len);
	if (err)
		return err;
	uk_hash_addstr(hash, name);
	uk_hash_add(hash, &len, sizeof(len));
	uk_hash_add(hash, text, len);
	return NULL;
}

static bool is_source(const char *name)
{
	return uk_str_ends(name, ".c") || uk_str_ends(name, ".h");
}

static struct uk_error *hash_folder(struct uk_hash *hash, const char *dir)
{
	char **names;
	size_t nr;
	struct uk_error *err = uk_dir_list(dir, &names, &nr);
	if (err)
		return err;
	for (size_t i = 0; !err && i < nr; i++) {
		if (is_source(names[i]))
			err = hash_file(hash, dir, names[i]);
	}
	uk_strv_destroy(names, nr);
	return err;
}

/* Where the module for this tree and this source lies in the cache. */
static struct uk_error *cached_path(const struct uk_work *work, char **ret)
{
	struct uk_hash hash;
	uk_hash_init(&hash);
	uk_hash_addstr(&hash, "core 1");
	uk_hash_addstr(&hash, UPKEEP_VERSION);
	uk_hash_addstr(&hash, work->tree->id);
	struct uk_error *err = hash_folder(&hash, work->options->kmod);
	if (!err)
		err = hash_file(&hash, work->options->include, "upkeep/abi.h");
	if (err)
		return err;
	char hex[UK_HASH_HEX_LEN + 1];
	uk_hash_hex(&hash, hex);
	return uk_cache_path(work->cache, ret, "core/%s.ko", hex);
}

/* It comes into the cache whole or not at all: through a file of this run's folder. */
static struct uk_error *build_core(struct uk_work *work, const char *cached)
{
	const struct uk_create_options *options = work->options;
	uk_auto_free char *folder = NULL, *built = NULL;
	struct uk_error *err = uk_cache_path(work->cache, &folder, "core");
	if (!err)
		err = uk_dir_make(folder, 0700);
	if (!err)
		err = uk_asprintf(&built, "%s/upkeep.ko", work->folder);
	if (!err)
		err = uk_link_core(work->tree, options->kmod, options->include, built, work->sink);
	return err ? err : uk_file_copy(built, cached, 0600);
}

struct uk_error *uk_work_link_core(struct uk_work *work)
{
	static const char member[] = "core/upkeep.ko";
	uk_auto_free char *cached = NULL, *data = NULL;
	size_t len;
	struct uk_error *err = cached_path(work, &cached);
	if (!err && !uk_file_exists(cached))
		err = build_core(work, cached);
	if (!err)
		err = uk_file_read(cached, MAX_CORE_SIZE, &data, &len);
	if (!err)
		err = uk_work_add_member(work, member, uk_take(data), len);
	return err ? err : uk_strdup(member, &work->update->core);
}
