// SPDX-License-Identifier: GPL-2.0-or-later
/* To what the loaded modules of an update were linked. */
#include "live/links.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "live/module.h"
#include "live/paths.h"

#include <errno.h>
#include <string.h>

static struct uk_error *make_path(const struct uk_live_paths *paths, const char *id, char **ret)
{
	return uk_asprintf(ret, "%s/upkeep/%s.links", paths->run, id);
}

/*
 * Addresses alone are not enough: a module that was unloaded and loaded again to the same
 * place has lost what ours had entered with it (jump labels, static calls).
 */
static void hash_links(const struct uk_live_paths *paths, const struct uk_update *update,
		       const struct uk_match *match, char ret[UK_HASH_HEX_LEN + 1])
{
	struct uk_hash hash;
	uk_hash_init(&hash);
	uk_vec_for_each (symbol, &match->symbols) {
		uk_hash_addstr(&hash, symbol->name);
		uk_hash_add(&hash, &symbol->address, sizeof(symbol->address));
	}
	uk_vec_for_each (part, &update->parts) {
		uint64_t incarnation = uk_module_incarnation(paths, part->target);
		uk_hash_addstr(&hash, part->target);
		uk_hash_add(&hash, &incarnation, sizeof(incarnation));
	}
	uk_hash_hex(&hash, ret);
}

struct uk_error *uk_links_save(const struct uk_live_paths *paths, const struct uk_update *update,
			       const struct uk_match *match)
{
	uk_auto_free char *dir = NULL, *path = NULL;
	char hash[UK_HASH_HEX_LEN + 1];
	hash_links(paths, update, match, hash);
	struct uk_error *err = uk_asprintf(&dir, "%s/upkeep", paths->run);
	if (!err)
		err = uk_dir_make(dir, 0700);
	if (!err)
		err = make_path(paths, update->id, &path);
	return err ? err : uk_file_write(path, hash, strlen(hash), 0600);
}

struct uk_error *uk_links_compare(const struct uk_live_paths *paths, const struct uk_update *update,
				  const struct uk_match *match, bool *same_ret)
{
	uk_auto_free char *path = NULL, *known = NULL;
	char hash[UK_HASH_HEX_LEN + 1];
	struct uk_error *err = make_path(paths, update->id, &path);
	if (err)
		return err;
	*same_ret = false;
	if (!uk_file_exists(path))
		return NULL;
	err = uk_live_read_line(&known, "%s", path);
	if (err)
		return err;
	hash_links(paths, update, match, hash);
	*same_ret = !strcmp(known, hash);
	return NULL;
}

struct uk_error *uk_links_remove(const struct uk_live_paths *paths, const char *id)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = make_path(paths, id, &path);
	if (err)
		return err;
	if (unlink(path) < 0 && errno != ENOENT)
		return uk_error_errno(errno, "remove %s", path);
	return NULL;
}
