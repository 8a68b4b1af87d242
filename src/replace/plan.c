// SPDX-License-Identifier: GPL-2.0-or-later
/* The plan of a swap: its files, its seal. */
#include "replace/plan.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "replace/digest.h"
#include "replace/paths.h"
#include "replace/plan_json.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

enum {
	PLAN_MAX = 16 << 20,
	DEPTH_MAX = 8,
};

static const char plan_name[] = "plan.json", seal_name[] = "plan.seal";

void uk_plan_mounts_deinit(uk_plan_mounts *mounts)
{
	uk_vec_for_each(mount, mounts) {
		free(mount->point);
		free(mount->options);
		free(mount->from);
		free(mount->type);
		free(mount->source);
		free(mount->super);
		free(mount->content);
	}
	uk_vec_deinit(mounts);
}

static void service_deinit(struct uk_plan_service *service)
{
	free(service->name);
	free(service->unit);
	free(service->cgroup);
	free(service->images);
	free(service->notify);
	free(service->session);
	free(service->tree);
	free(service->host_name);
	free(service->domain_name);
	free(service->trouble);
	uk_plan_mounts_deinit(&service->view);
	uk_vec_for_each(file, &service->outside) {
		free(file->id);
		free(file->path);
	}
	uk_vec_deinit(&service->outside);
	uk_vec_for_each(file, &service->mapped)
		free(file->path);
	uk_vec_deinit(&service->mapped);
	uk_vec_deinit(&service->calls);
	uk_vec_for_each(stream, &service->journal)
		free(stream->state);
	uk_vec_deinit(&service->journal);
}

void uk_plan_clear_services(struct uk_plan *plan)
{
	uk_vec_deinit(&plan->ports);
	uk_plan_mounts_deinit(&plan->mounts);
	uk_vec_for_each(service, &plan->services)
		service_deinit(service);
	uk_vec_deinit(&plan->services);
	uk_vec_for_each(receiver, &plan->receivers)
		free(receiver->path);
	uk_vec_deinit(&plan->receivers);
	uk_vec_for_each(service, &plan->afresh) {
		free(service->name);
		free(service->unit);
	}
	uk_vec_deinit(&plan->afresh);
}

void uk_plan_deinit(struct uk_plan *plan)
{
	uk_plan_clear_services(plan);
	free(plan->id);
	free(plan->old_release);
	free(plan->new_release);
	free(plan->hostname);
	free(plan->trouble);
	uk_vec_for_each(link, &plan->links) {
		free(link->name);
		free(link->mac);
	}
	uk_vec_deinit(&plan->links);
	uk_vec_for_each(file, &plan->files) {
		free(file->path);
		free(file->hash);
	}
	uk_vec_deinit(&plan->files);
	uk_vec_for_each(moment, &plan->times)
		free(moment->phase);
	uk_vec_deinit(&plan->times);
	sodium_memzero(&plan->files_key, sizeof(plan->files_key));
}

/* --- the key ------------------------------------------------------------------------- */

void uk_swap_key_make(struct uk_swap_key *ret)
{
	uint8_t id[UK_SWAP_ID_LEN / 2];
	randombytes_buf(id, sizeof(id));
	sodium_bin2hex(ret->id, sizeof(ret->id), id, sizeof(id));
	randombytes_buf(ret->bytes, sizeof(ret->bytes));
}

struct uk_error *uk_swap_key_text(const struct uk_swap_key *key, char **ret)
{
	char hex[2 * UK_SWAP_KEY_LEN + 1];
	sodium_bin2hex(hex, sizeof(hex), key->bytes, sizeof(key->bytes));
	struct uk_error *err = uk_asprintf(ret, "%s %s\n", key->id, hex);
	sodium_memzero(hex, sizeof(hex));
	return err;
}

struct uk_error *uk_swap_key_parse(const char *text, struct uk_swap_key *ret)
{
	struct uk_swap_key key = {};
	size_t len = 0;
	const char *hex = text + UK_SWAP_ID_LEN + 1, *end;
	if (strspn(text, "0123456789abcdef") != UK_SWAP_ID_LEN || text[UK_SWAP_ID_LEN] != ' ' ||
	    sodium_hex2bin(key.bytes, sizeof(key.bytes), hex, strlen(hex), NULL, &len, &end) ||
	    len != sizeof(key.bytes) || strcmp(end, "\n"))
		return uk_error_create(UK_ERR_INVALID, "that is not the key of a swap");
	memcpy(key.id, text, UK_SWAP_ID_LEN);
	*ret = key;
	sodium_memzero(&key, sizeof(key));
	return NULL;
}

/* --- files --------------------------------------------------------------------------- */

struct uk_error *uk_plan_add_file(struct uk_plan *plan, const char *path, uint64_t size,
				  const char *hash)
{
	struct uk_plan_file file = { .size = size };
	struct uk_error *err = uk_strdup(path, &file.path);
	if (!err)
		err = uk_strdup(hash, &file.hash);
	if (!err && !uk_vec_push(&plan->files, file))
		err = uk_error_nomem();
	if (err) {
		free(file.path);
		free(file.hash);
	}
	return err;
}

static bool is_listed(const struct uk_plan *plan, const char *name)
{
	uk_vec_for_each(file, &plan->files) {
		if (!strcmp(file->path, name))
			return true;
	}
	return false;
}

static struct uk_error *list_file(struct uk_plan *plan, const char *dir, const char *name)
{
	uk_auto_free char *path = NULL;
	char hash[UK_DIGEST_HEX];
	uint64_t size;
	if (is_listed(plan, name))
		return NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", dir, name);
	if (!err)
		err = uk_digest_file(path, &plan->files_key, &size, hash);
	return err ? err : uk_plan_add_file(plan, name, size, hash);
}

/* @below is relative to @dir, "" for itself. */
static struct uk_error *list_folder(struct uk_plan *plan, const char *dir, const char *below,
				    int depth)
{
	if (depth > DEPTH_MAX)
		return uk_error_create(UK_ERR_INVALID, "%s/%s: folders too deep", dir, below);
	uk_auto_free char *path = NULL;
	char **names = NULL;
	size_t nr = 0;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", dir, below);
	if (!err)
		err = uk_dir_list(path, &names, &nr);
	for (size_t i = 0; !err && i < nr; i++) {
		uk_auto_free char *name = NULL, *whole = NULL;
		struct stat st;
		if (!*below && (!strcmp(names[i], plan_name) || !strcmp(names[i], seal_name) ||
				!strcmp(names[i], UK_SWAP_SPARE)))
			continue;
		err = uk_asprintf(&name, "%s%s%s", below, *below ? "/" : "", names[i]);
		if (!err)
			err = uk_asprintf(&whole, "%s/%s", dir, name);
		if (err)
			break;
		if (lstat(whole, &st) < 0)
			err = uk_error_errno(errno, "%s", whole);
		else if (S_ISDIR(st.st_mode))
			err = list_folder(plan, dir, name, depth + 1);
		else if (S_ISREG(st.st_mode))
			err = list_file(plan, dir, name);
	}
	uk_strv_destroy(names, nr);
	return err;
}

struct uk_error *uk_plan_list_files(struct uk_plan *plan, const char *dir)
{
	return list_folder(plan, dir, "", 0);
}

static struct uk_error *verify_file(const struct uk_plan *plan, const struct uk_plan_file *file,
				    const char *dir)
{
	uk_auto_free char *path = NULL;
	char hash[UK_DIGEST_HEX];
	uint64_t size;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", dir, file->path);
	if (!err)
		err = uk_digest_file(path, &plan->files_key, &size, hash);
	if (!err && (size != file->size || strcmp(hash, file->hash)))
		err = uk_error_create(UK_ERR_INVALID, "%s: changed since it was written", path);
	return err;
}

/* criu's pages-N.img, in whatever folder of the service. */
static enum uk_plan_part part_of(const char *path)
{
	const char *name = strrchr(path, '/');
	bool pages = name && uk_str_starts(name, "/pages-") && uk_str_ends(name, ".img");
	return pages ? UK_PLAN_PAGES : UK_PLAN_REST;
}

struct uk_error *uk_plan_verify(const struct uk_plan *plan, const char *dir,
				const struct uk_plan_service *service, unsigned int parts)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(file, &plan->files) {
		const char *slash = strchr(file->path, '/');
		size_t len = slash ? (size_t)(slash - file->path) : 0;
		bool wanted = service ? slash && !strncmp(file->path, service->images, len) &&
						!service->images[len] && part_of(file->path) & parts
				      : !slash;
		if (!err && wanted)
			err = verify_file(plan, file, dir);
	}
	return err;
}

struct uk_error *uk_plan_mark_past(struct uk_plan *plan, const char *phase, uint64_t ago_ns)
{
	struct uk_plan_time moment = { .ns = uk_clock_read(CLOCK_REALTIME) - ago_ns };
	struct uk_error *err = uk_strdup(phase, &moment.phase);
	if (!err && !uk_vec_push(&plan->times, moment)) {
		free(moment.phase);
		err = uk_error_nomem();
	}
	return err;
}

struct uk_error *uk_plan_mark(struct uk_plan *plan, const char *phase)
{
	return uk_plan_mark_past(plan, phase, 0);
}

/* --- sealed -------------------------------------------------------------------------- */

struct uk_error *uk_plan_write(const struct uk_plan *plan, const struct uk_swap_key *key,
			       const char *dir)
{
	uk_auto_free char *text = NULL, *plan_path = NULL, *seal_path = NULL;
	uint8_t seal[crypto_auth_BYTES];
	struct uk_error *err = uk_plan_to_json(plan, &text);
	if (!err)
		err = uk_asprintf(&plan_path, "%s/%s", dir, plan_name);
	if (!err)
		err = uk_asprintf(&seal_path, "%s/%s", dir, seal_name);
	if (err)
		return err;
	crypto_auth(seal, (const uint8_t *)text, strlen(text), key->bytes);
	err = uk_file_write(plan_path, text, strlen(text), 0600);
	if (!err)
		err = uk_file_write(seal_path, seal, sizeof(seal), 0600);
	return err;
}

struct uk_error *uk_plan_read(const char *dir, const struct uk_swap_key *key, struct uk_plan *ret)
{
	uk_auto_free char *text = NULL, *seal = NULL, *plan_path = NULL, *seal_path = NULL;
	size_t len = 0, seal_len = 0;
	struct uk_error *err = uk_asprintf(&plan_path, "%s/%s", dir, plan_name);
	if (!err)
		err = uk_asprintf(&seal_path, "%s/%s", dir, seal_name);
	if (!err)
		err = uk_file_read(plan_path, PLAN_MAX, &text, &len);
	if (!err)
		err = uk_file_read(seal_path, crypto_auth_BYTES, &seal, &seal_len);
	if (err)
		return err;
	if (seal_len != crypto_auth_BYTES ||
	    crypto_auth_verify((uint8_t *)seal, (uint8_t *)text, len, key->bytes))
		return uk_error_create(UK_ERR_INVALID,
				       "%s: not sealed by this swap; it is not restored",
				       plan_path);
	err = uk_plan_from_json(text, ret);
	uk_digest_key_derive(key->bytes, &ret->files_key);
	if (!err && strcmp(ret->id, key->id))
		err = uk_error_create(UK_ERR_INVALID, "the plan is that of swap %s, not %s",
				      ret->id, key->id);
	return uk_error_wrap(err, "%s", plan_path);
}
