// SPDX-License-Identifier: GPL-2.0-or-later
/* .upk files: packing, verifying, unpacking. */
#include "bundle/bundle.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "bundle/archive.h"
#include "bundle/manifest.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#define MAGIC "\177UPKEEP\n"

enum {
	AT_FORMAT = 8,
	AT_FLAGS = 12,
	AT_PAYLOAD_LEN = 16,
	AT_KEY_ID = 24,
	AT_HASH = 32,
	AT_SIGNATURE = 64,
	MAGIC_LEN = AT_FORMAT,
	KEY_ID_BYTES = AT_HASH - AT_KEY_ID,
	SIGNED_LEN = AT_SIGNATURE,
	FLAG_SIGNED = 1,
	PAYLOAD_MAX = 512 << 20,
};

struct uk_bundle {
	char *name;
	void *bytes;
	size_t len;
	enum uk_verdict verdict;
	char key_id[UK_KEY_ID_LEN + 1]; /* "" when unsigned */
	struct uk_update *update;
	struct uk_archive archive;
	struct uk_map by_name; /* name -> index into the archive */
};

/* Packing */

static int compare_members(const void *a, const void *b)
{
	const struct uk_member *const *left = a, *const *right = b;
	return strcmp((*left)->name, (*right)->name);
}

/* Whether sorted @members[1..] are exactly the names that @update gives. */
static struct uk_error *compare_with_update(const struct uk_update *update,
					    const struct uk_member *const *members, size_t nr)
{
	uk_auto_free const char **names = NULL;
	size_t nr_names;
	struct uk_error *err = uk_update_members(update, &names, &nr_names);
	if (err)
		return err;
	for (size_t i = 0; i < nr || i < nr_names; i++) {
		int order = i >= nr ? 1 : i >= nr_names ? -1 : strcmp(members[i]->name, names[i]);
		if (order < 0)
			return uk_error_create(UK_ERR_INVALID,
					       "member %s is not named in the manifest",
					       members[i]->name);
		if (order > 0)
			return uk_error_create(UK_ERR_INVALID,
					       "member %s is named in the manifest but not there",
					       names[i]);
	}
	return NULL;
}

/* What cannot be read back is not written. */
static struct uk_error *check_manifest(const char *text)
{
	uk_auto_update struct uk_update *update = NULL;
	return uk_update_from_json(text, strlen(text), &update);
}

static struct uk_error *make_payload(const struct uk_update *update,
				     const struct uk_member *members, size_t nr, void **ret,
				     size_t *len_ret)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_update_to_json(update, &text);
	if (!err)
		err = check_manifest(text);
	if (err)
		return err;
	uk_auto_free const struct uk_member **order = calloc(nr + 1, sizeof(*order));
	if (!order)
		return uk_error_nomem();
	struct uk_member manifest = { (char *)UK_MANIFEST_NAME, text, strlen(text) };
	order[0] = &manifest;
	for (size_t i = 0; i < nr; i++)
		order[1 + i] = &members[i];
	qsort(order + 1, nr, sizeof(*order), compare_members);
	err = compare_with_update(update, order + 1, nr);
	return err ? err : uk_archive_pack(order, nr + 1, ret, len_ret);
}

static struct uk_error *fill_header(uint8_t *header, const void *payload, size_t len,
				    const struct uk_secret_key *key)
{
	memset(header, 0, UK_BUNDLE_HEADER_LEN);
	memcpy(header, MAGIC, MAGIC_LEN);
	uk_put_u32(header + AT_FORMAT, UK_BUNDLE_FORMAT);
	uk_put_u32(header + AT_FLAGS, key ? FLAG_SIGNED : 0);
	uk_put_u64(header + AT_PAYLOAD_LEN, len);
	crypto_hash_sha256(header + AT_HASH, payload, len);
	if (!key)
		return NULL;
	if (!uk_hex_decode(uk_secret_key_id(key), header + AT_KEY_ID, KEY_ID_BYTES))
		return uk_error_create(UK_ERR_INVALID, "the id of the key is not hexadecimal");
	uk_secret_key_sign(key, header, SIGNED_LEN, header + AT_SIGNATURE);
	return NULL;
}

struct uk_error *uk_bundle_pack(const struct uk_update *update, const struct uk_member *members,
				size_t nr, const struct uk_secret_key *key, const char *path)
{
	uk_auto_free void *payload = NULL;
	uk_auto_strbuf struct uk_strbuf file = {};
	uint8_t header[UK_BUNDLE_HEADER_LEN];
	size_t len;
	struct uk_error *err = make_payload(update, members, nr, &payload, &len);
	if (!err && len > PAYLOAD_MAX)
		err = uk_error_create(UK_ERR_INVALID, "%zu bytes, more than %d", len, PAYLOAD_MAX);
	if (!err)
		err = fill_header(header, payload, len, key);
	if (err)
		return uk_error_wrap(err, "pack %s", path);
	uk_strbuf_add(&file, header, sizeof(header));
	uk_strbuf_add(&file, payload, len);
	return file.failed ? uk_error_nomem() : uk_file_write(path, file.data, file.len, 0644);
}

/* Opening */

static struct uk_error *check_header(const uint8_t *header, size_t len)
{
	if (len < MAGIC_LEN || memcmp(header, MAGIC, MAGIC_LEN))
		return uk_error_create(UK_ERR_INVALID, "not an update (.upk): no magic");
	if (len < UK_BUNDLE_HEADER_LEN)
		return uk_error_create(UK_ERR_INVALID,
				       "cut off: %zu bytes, the header alone has %d", len,
				       UK_BUNDLE_HEADER_LEN);
	uint32_t format = uk_get_u32(header + AT_FORMAT), flags = uk_get_u32(header + AT_FLAGS);
	if (format > UK_BUNDLE_FORMAT)
		return uk_error_create(UK_ERR_INVALID,
				       "format %u is newer than %d, which this upkeep (%s) reads; "
				       "install the upkeep that made it",
				       format, UK_BUNDLE_FORMAT, UPKEEP_VERSION);
	if (format < 1)
		return uk_error_create(UK_ERR_INVALID, "format %u does not exist", format);
	if (flags & ~(uint32_t)FLAG_SIGNED)
		return uk_error_create(UK_ERR_INVALID, "unknown flags 0x%x in the header", flags);
	uint64_t payload = uk_get_u64(header + AT_PAYLOAD_LEN), there = len - UK_BUNDLE_HEADER_LEN;
	if (payload > PAYLOAD_MAX)
		return uk_error_create(UK_ERR_INVALID, "payload of %" PRIu64 " bytes, more than %d",
				       payload, PAYLOAD_MAX);
	if (there < payload)
		return uk_error_create(UK_ERR_INVALID,
				       "cut off: %" PRIu64 " of %" PRIu64
				       " bytes of payload; fetch it again",
				       there, payload);
	if (there > payload)
		return uk_error_create(UK_ERR_INVALID, "%" PRIu64 " bytes behind the payload",
				       there - payload);
	return NULL;
}

static struct uk_error *check_unsigned(struct uk_bundle *bundle, const uint8_t *header,
				       bool allowed)
{
	for (size_t i = AT_KEY_ID; i < UK_BUNDLE_HEADER_LEN; i++) {
		if (header[i] && (i < AT_HASH || i >= AT_SIGNATURE))
			return uk_error_create(UK_ERR_INVALID,
					       "unsigned, but byte %zu of the header is not 0", i);
	}
	if (!allowed)
		return uk_error_create(UK_ERR_INVALID,
				       "not signed; sign it with a trusted key, or take it as it "
				       "is with --allow-untrusted");
	bundle->verdict = UK_VERDICT_UNSIGNED;
	return NULL;
}

static struct uk_error *check_signature(struct uk_bundle *bundle, const uint8_t *header,
					const char *dir, bool allowed)
{
	uk_auto_free char *id = NULL;
	uk_auto_trust struct uk_trust trust = {};
	struct uk_error *err = uk_hex_encode(header + AT_KEY_ID, KEY_ID_BYTES, &id);
	if (!err)
		err = uk_trust_load(dir, &trust);
	if (err)
		return err;
	memcpy(bundle->key_id, id, UK_KEY_ID_LEN);
	const struct uk_public_key *key = uk_trust_find(&trust, id);
	if (!key && !allowed)
		return uk_error_create(UK_ERR_INVALID,
				       "signed by key %s, which is not among the %zu trusted ones "
				       "in %s; put its public key there, or take it as it is with "
				       "--allow-untrusted",
				       id, trust.keys.len, dir ? dir : UK_TRUSTED_DIR);
	if (key && !uk_public_key_verify(key, header, SIGNED_LEN, header + AT_SIGNATURE))
		return uk_error_create(UK_ERR_INVALID,
				       "the signature by key %s (%s) does not fit: the file was "
				       "changed after it was signed",
				       id, key->path);
	bundle->verdict = key ? UK_VERDICT_TRUSTED : UK_VERDICT_UNKNOWN;
	return NULL;
}

static struct uk_error *check_hash(const uint8_t *header, size_t len)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256(hash, header + UK_BUNDLE_HEADER_LEN, len - UK_BUNDLE_HEADER_LEN);
	if (memcmp(hash, header + AT_HASH, sizeof(hash)))
		return uk_error_create(UK_ERR_INVALID,
				       "damaged: the payload does not have the "
				       "SHA-256 that the header gives; fetch it again");
	return NULL;
}

static struct uk_error *verify(struct uk_bundle *bundle, const uint8_t *header, size_t len,
			       const struct uk_trust_policy *policy)
{
	const struct uk_trust_policy strict = {};
	policy = policy ? policy : &strict;
	struct uk_error *err = check_header(header, len);
	if (err)
		return err;
	if (uk_get_u32(header + AT_FLAGS) & FLAG_SIGNED)
		err = check_signature(bundle, header, policy->trusted_dir, policy->allow_untrusted);
	else
		err = check_unsigned(bundle, header, policy->allow_untrusted);
	return err ? err : check_hash(header, len);
}

static struct uk_error *check_members(struct uk_bundle *bundle)
{
	size_t nr = bundle->archive.members.len - 1;
	uk_auto_free const struct uk_member **order = calloc(nr + 1, sizeof(*order));
	if (!order)
		return uk_error_nomem();
	for (size_t i = 0; i < nr; i++)
		order[i] = &bundle->archive.members.data[i + 1];
	qsort(order, nr, sizeof(*order), compare_members);
	return compare_with_update(bundle->update, order, nr);
}

static struct uk_error *index_members(struct uk_bundle *bundle)
{
	uk_vec_for_each(member, &bundle->archive.members) {
		struct uk_map_entry *entry =
			uk_map_insert_str(&bundle->by_name, member->name, NULL);
		if (!entry)
			return uk_error_nomem();
		entry->num = (uint64_t)(member - bundle->archive.members.data);
	}
	return NULL;
}

static struct uk_error *unpack(struct uk_bundle *bundle, const uint8_t *payload, size_t len)
{
	struct uk_error *err = uk_archive_unpack(payload, len, &bundle->archive);
	if (err)
		return err;
	const struct uk_member *manifest = bundle->archive.members.data;
	if (!bundle->archive.members.len || strcmp(manifest->name, UK_MANIFEST_NAME))
		return uk_error_create(UK_ERR_INVALID, "the first member is not " UK_MANIFEST_NAME);
	err = uk_update_from_json(manifest->data, manifest->len, &bundle->update);
	if (!err)
		err = check_members(bundle);
	return err ? err : index_members(bundle);
}

/* Takes @bytes. */
static struct uk_error *parse_owned(void *bytes, size_t len, const char *name,
				    const struct uk_trust_policy *policy, struct uk_bundle **ret)
{
	uk_auto_bundle struct uk_bundle *bundle = calloc(1, sizeof(*bundle));
	if (!bundle) {
		free(bytes);
		return uk_error_nomem();
	}
	bundle->bytes = bytes;
	bundle->len = len;
	struct uk_error *err = uk_strdup(name, &bundle->name);
	if (!err)
		err = verify(bundle, bytes, len, policy);
	if (!err)
		err = unpack(bundle, (const uint8_t *)bytes + UK_BUNDLE_HEADER_LEN,
			     len - UK_BUNDLE_HEADER_LEN);
	if (err)
		return uk_error_wrap(err, "%s", name);
	*ret = uk_take(bundle);
	return NULL;
}

struct uk_error *uk_bundle_parse(const void *data, size_t len, const char *name,
				 const struct uk_trust_policy *policy, struct uk_bundle **ret)
{
	void *bytes = malloc(len + 1);
	if (!bytes)
		return uk_error_nomem();
	memcpy(bytes, data, len);
	return parse_owned(bytes, len, name, policy, ret);
}

struct uk_error *uk_bundle_open(const char *path, const struct uk_trust_policy *policy,
				struct uk_bundle **ret)
{
	char *bytes;
	size_t len;
	struct uk_error *err = uk_file_read(path, PAYLOAD_MAX + UK_BUNDLE_HEADER_LEN, &bytes, &len);
	return err ? err : parse_owned(bytes, len, path, policy, ret);
}

void uk_bundle_destroy(struct uk_bundle *bundle)
{
	if (!bundle)
		return;
	uk_map_deinit(&bundle->by_name);
	uk_archive_deinit(&bundle->archive);
	uk_update_destroy(bundle->update);
	free(bundle->bytes);
	free(bundle->name);
	free(bundle);
}

const char *uk_bundle_name(const struct uk_bundle *bundle)
{
	return bundle->name;
}

const struct uk_update *uk_bundle_update(const struct uk_bundle *bundle)
{
	return bundle->update;
}

enum uk_verdict uk_bundle_verdict(const struct uk_bundle *bundle)
{
	return bundle->verdict;
}

const char *uk_bundle_key_id(const struct uk_bundle *bundle)
{
	return bundle->key_id[0] ? bundle->key_id : NULL;
}

const void *uk_bundle_bytes(const struct uk_bundle *bundle, size_t *len_ret)
{
	*len_ret = bundle->len;
	return bundle->bytes;
}

const struct uk_member *uk_bundle_member(const struct uk_bundle *bundle, const char *name)
{
	const struct uk_map_entry *entry = uk_map_find_str(&bundle->by_name, name);
	return entry ? &bundle->archive.members.data[entry->num] : NULL;
}
