// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys: making, reading, signing with them. */
#include "bundle/keys.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#define SECRET_HEADER "upkeep secret key ed25519"
#define PUBLIC_HEADER "upkeep public key ed25519"

enum { KEY_FILE_MAX = 4096 };

struct uk_secret_key {
	uint8_t bytes[crypto_sign_SECRETKEYBYTES];
	char id[UK_KEY_ID_LEN + 1];
};

_Static_assert(UK_PUBLIC_KEY_LEN == crypto_sign_PUBLICKEYBYTES, "ed25519");
_Static_assert(UK_SIGNATURE_LEN == crypto_sign_BYTES, "ed25519");

static struct uk_error *start_sodium(void)
{
	if (sodium_init() < 0)
		return uk_error_create(UK_ERR_SYSTEM, "libsodium cannot be initialised");
	return NULL;
}

static void compute_id(const uint8_t public_key[UK_PUBLIC_KEY_LEN], char ret[UK_KEY_ID_LEN + 1])
{
	struct uk_hash hash;
	char hex[UK_HASH_HEX_LEN + 1];
	uk_hash_init(&hash);
	uk_hash_add(&hash, public_key, UK_PUBLIC_KEY_LEN);
	uk_hash_hex(&hash, hex);
	memcpy(ret, hex, UK_KEY_ID_LEN);
	ret[UK_KEY_ID_LEN] = '\0';
}

static struct uk_error *check_absent(const char *path)
{
	if (!uk_file_exists(path))
		return NULL;
	return uk_error_create(UK_ERR_USAGE, "%s: exists already; keys are never overwritten",
			       path);
}

static struct uk_error *write_key(const char *path, const char *header, const uint8_t *bytes,
				  size_t len, mode_t mode)
{
	char base64[sodium_base64_ENCODED_LEN(crypto_sign_SECRETKEYBYTES,
					      sodium_base64_VARIANT_ORIGINAL)];
	char text[sizeof(base64) + 128];
	sodium_bin2base64(base64, sizeof(base64), bytes, len, sodium_base64_VARIANT_ORIGINAL);
	snprintf(text, sizeof(text), "%s\n%s\n", header, base64);
	struct uk_error *err = uk_file_write_new(path, text, strlen(text), mode);
	sodium_memzero(base64, sizeof(base64));
	sodium_memzero(text, sizeof(text));
	return err;
}

struct uk_error *uk_key_generate(const char *secret_path, const char *public_path,
				 char id_ret[UK_KEY_ID_LEN + 1])
{
	struct uk_error *err = start_sodium();
	if (!err)
		err = check_absent(secret_path);
	if (!err)
		err = check_absent(public_path);
	if (err)
		return err;
	uint8_t public_key[UK_PUBLIC_KEY_LEN], secret_key[crypto_sign_SECRETKEYBYTES];
	crypto_sign_keypair(public_key, secret_key);
	/* The public half first: alone it is of no use, and of no harm. */
	err = write_key(public_path, PUBLIC_HEADER, public_key, sizeof(public_key), 0644);
	if (!err) {
		err = write_key(secret_path, SECRET_HEADER, secret_key, sizeof(secret_key), 0600);
		if (err)
			unlink(public_path);
	}
	sodium_memzero(secret_key, sizeof(secret_key));
	if (err)
		return err;
	if (id_ret)
		compute_id(public_key, id_ret);
	return NULL;
}

static struct uk_error *decode_key(const char *path, const char *text, size_t len,
				   const char *header, uint8_t *ret, size_t want)
{
	size_t header_len = strlen(header);
	if (len < header_len + 1 || memcmp(text, header, header_len) || text[header_len] != '\n')
		return uk_error_create(UK_ERR_INVALID, "%s: does not begin with the line '%s'",
				       path, header);
	const char *base64 = text + header_len + 1, *end;
	size_t got, rest = len - header_len - 1;
	if (rest && base64[rest - 1] == '\n')
		rest--;
	if (sodium_base642bin(ret, want, base64, rest, NULL, &got, &end,
			      sodium_base64_VARIANT_ORIGINAL) < 0 ||
	    end != base64 + rest || got != want)
		return uk_error_create(UK_ERR_INVALID,
				       "%s: the second line is not a key of %zu bytes in base64",
				       path, want);
	return NULL;
}

/* A file whose owner and mode are checked on the very file that is read. */
static struct uk_error *read_key_file(const char *path, mode_t refused, const char *remedy,
				      char **ret, size_t *len_ret)
{
	uk_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return uk_error_errno(errno, "open %s", path);
	if (fstat(fd, &st) < 0)
		return uk_error_errno(errno, "stat %s", path);
	if (!S_ISREG(st.st_mode))
		return uk_error_create(UK_ERR_INVALID, "%s: not a regular file", path);
	if (st.st_mode & refused)
		return uk_error_create(UK_ERR_INVALID, "%s: mode %04o is too loose: %s", path,
				       st.st_mode & 07777, remedy);
	char *text = malloc(KEY_FILE_MAX + 1);
	if (!text)
		return uk_error_nomem();
	ssize_t got = read(fd, text, KEY_FILE_MAX);
	if (got < 0) {
		struct uk_error *err = uk_error_errno(errno, "read %s", path);
		free(text);
		return err;
	}
	text[got] = '\0';
	*ret = text;
	*len_ret = (size_t)got;
	return NULL;
}

struct uk_error *uk_secret_key_load(const char *path, struct uk_secret_key **ret)
{
	uk_auto_secret_key struct uk_secret_key *key = NULL;
	char *text = NULL;
	size_t len;
	struct uk_error *err = start_sodium();
	if (!err)
		err = read_key_file(path, 077, "run chmod 600 on it", &text, &len);
	if (err)
		return err;
	key = calloc(1, sizeof(*key));
	err = key ? decode_key(path, text, len, SECRET_HEADER, key->bytes, sizeof(key->bytes))
		  : uk_error_nomem();
	sodium_memzero(text, len);
	free(text);
	if (err)
		return err;
	uint8_t public_key[UK_PUBLIC_KEY_LEN];
	crypto_sign_ed25519_sk_to_pk(public_key, key->bytes);
	compute_id(public_key, key->id);
	*ret = uk_take(key);
	return NULL;
}

const char *uk_secret_key_id(const struct uk_secret_key *key)
{
	return key->id;
}

void uk_secret_key_sign(const struct uk_secret_key *key, const void *message, size_t len,
			uint8_t ret[UK_SIGNATURE_LEN])
{
	crypto_sign_detached(ret, NULL, message, len, key->bytes);
}

void uk_secret_key_destroy(struct uk_secret_key *key)
{
	if (key)
		sodium_memzero(key, sizeof(*key));
	free(key);
}

struct uk_error *uk_public_key_load(const char *path, struct uk_public_key *ret)
{
	struct uk_public_key key = {};
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = start_sodium();
	if (!err)
		err = read_key_file(path, 022, "run chmod go-w on it", &text, &len);
	if (!err)
		err = decode_key(path, text, len, PUBLIC_HEADER, key.bytes, sizeof(key.bytes));
	if (!err)
		err = uk_strdup(path, &key.path);
	if (err)
		return err;
	compute_id(key.bytes, key.id);
	*ret = key;
	return NULL;
}

void uk_public_key_deinit(struct uk_public_key *key)
{
	free(uk_take(key->path));
}

bool uk_public_key_verify(const struct uk_public_key *key, const void *message, size_t len,
			  const uint8_t signature[UK_SIGNATURE_LEN])
{
	return crypto_sign_verify_detached(signature, message, len, key->bytes) == 0;
}

static struct uk_error *load_one(const char *dir, const char *name, struct uk_trust *trust)
{
	uk_auto_free char *path = NULL;
	struct uk_public_key key;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", dir, name);
	if (!err)
		err = uk_public_key_load(path, &key);
	if (err)
		return err;
	if (!uk_vec_push(&trust->keys, key)) {
		uk_public_key_deinit(&key);
		return uk_error_nomem();
	}
	return NULL;
}

struct uk_error *uk_trust_load(const char *dir, struct uk_trust *ret)
{
	uk_auto_trust struct uk_trust trust = {};
	char **names;
	size_t nr;
	dir = dir ? dir : UK_TRUSTED_DIR;
	if (!uk_file_exists(dir)) {
		*ret = trust;
		return NULL;
	}
	struct uk_error *err = uk_dir_list(dir, &names, &nr);
	if (err)
		return err;
	for (size_t i = 0; !err && i < nr; i++) {
		if (uk_str_ends(names[i], ".pub"))
			err = load_one(dir, names[i], &trust);
	}
	uk_strv_destroy(names, nr);
	if (err)
		return uk_error_wrap(err, "trusted keys");
	*ret = trust;
	trust = (struct uk_trust){};
	return NULL;
}

const struct uk_public_key *uk_trust_find(const struct uk_trust *trust, const char *id)
{
	uk_vec_for_each(key, &trust->keys) {
		if (!strcmp(key->id, id))
			return key;
	}
	return NULL;
}

void uk_trust_deinit(struct uk_trust *trust)
{
	uk_vec_for_each(key, &trust->keys)
		uk_public_key_deinit(key);
	uk_vec_deinit(&trust->keys);
}
