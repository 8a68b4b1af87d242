// SPDX-License-Identifier: GPL-2.0-or-later
/* To what the loaded modules of an update were linked. */
#include "live/links.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "live/module.h"
#include "live/parts.h"
#include "live/paths.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static struct uk_error *make_path(const struct uk_live_paths *paths, const char *id, char **ret)
{
	return uk_asprintf(ret, "%s/upkeep/%s.links", paths->run, id);
}

/*
 * Addresses alone are not enough: a module that was unloaded and loaded again to the same
 * place has lost what ours had entered with it (jump labels, static calls).
 */
static void hash_links(const struct uk_parts *parts, const struct uk_match *match,
		       char ret[UK_HASH_HEX_LEN + 1])
{
	struct uk_hash hash;
	uk_hash_init(&hash);
	uk_vec_for_each(symbol, &match->symbols) {
		uk_hash_addstr(&hash, symbol->name);
		uk_hash_add(&hash, &symbol->address, sizeof(symbol->address));
	}
	uk_vec_for_each(part, &parts->parts) {
		uint64_t incarnation = uk_module_incarnation(parts->paths, part->model->target);
		uk_hash_addstr(&hash, part->model->target);
		uk_hash_add(&hash, &incarnation, sizeof(incarnation));
	}
	uk_hash_hex(&hash, ret);
}

static bool is_entangled(const struct uk_part *part)
{
	return strcmp(part->model->target, "vmlinux") &&
	       (uk_object_section(part->object, "__jump_table") ||
		uk_object_section(part->object, ".static_call_sites"));
}

static struct uk_error *make_text(const struct uk_parts *parts, const struct uk_match *match,
				  char **ret)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	char hash[UK_HASH_HEX_LEN + 1];
	hash_links(parts, match, hash);
	uk_strbuf_addf(&text, "%s\n", hash);
	uk_vec_for_each(part, &parts->parts) {
		if (is_entangled(part))
			uk_strbuf_addf(&text, "%s %" PRIu64 "\n", part->model->target,
				       uk_module_incarnation(parts->paths, part->model->target));
	}
	return uk_strbuf_finish(&text, ret);
}

struct uk_error *uk_links_save(const struct uk_parts *parts, const struct uk_match *match)
{
	const char *id = uk_bundle_update(parts->bundle)->id;
	uk_auto_free char *dir = NULL, *path = NULL, *text = NULL;
	struct uk_error *err = uk_asprintf(&dir, "%s/upkeep", parts->paths->run);
	if (!err)
		err = uk_dir_make(dir, 0700);
	if (!err)
		err = make_path(parts->paths, id, &path);
	if (!err)
		err = make_text(parts, match, &text);
	return err ? err : uk_file_write(path, text, strlen(text), 0600);
}

struct uk_error *uk_links_compare(const struct uk_parts *parts, const struct uk_match *match,
				  bool *same_ret)
{
	const char *id = uk_bundle_update(parts->bundle)->id;
	uk_auto_free char *path = NULL, *known = NULL;
	char hash[UK_HASH_HEX_LEN + 1];
	struct uk_error *err = make_path(parts->paths, id, &path);
	if (err)
		return err;
	*same_ret = false;
	if (!uk_file_exists(path))
		return NULL;
	err = uk_live_read_line(&known, "%s", path);
	if (err)
		return err;
	known[strcspn(known, "\n")] = '\0';
	hash_links(parts, match, hash);
	*same_ret = !strcmp(known, hash);
	return NULL;
}

/* "MODULE NUMBER" */
static struct uk_error *check_target(const struct uk_live_paths *paths, const char *line)
{
	char target[64];
	uint64_t incarnation;
	if (sscanf(line, "%63s %" SCNu64, target, &incarnation) != 2)
		return uk_error_create(UK_ERR_INVALID, "cannot read the line '%.80s'", line);
	if (incarnation && incarnation == uk_module_incarnation(paths, target))
		return NULL;
	return uk_error_create(UK_ERR_REFUSED,
			       "module %s was unloaded since; the kernel still has the new code "
			       "entered with jump labels or static calls of it, so that code stays "
			       "loaded until the machine is booted again",
			       target);
}

struct uk_error *uk_links_check_purge(const struct uk_live_paths *paths, const char *id)
{
	uk_auto_free char *path = NULL, *text = NULL;
	struct uk_error *err = make_path(paths, id, &path);
	if (err || !uk_file_exists(path))
		return err;
	err = uk_live_read_line(&text, "%s", path);
	if (err)
		return err;
	char *save = NULL;
	strtok_r(text, "\n", &save); /* the hash */
	for (char *line = strtok_r(NULL, "\n", &save); !err && line;
	     line = strtok_r(NULL, "\n", &save))
		err = check_target(paths, line);
	return err;
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
