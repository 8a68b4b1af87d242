// SPDX-License-Identifier: GPL-2.0-or-later
/* Hashes of the files of a swap. */
#include "replace/digest.h"

#include "replace/side.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	HASH = crypto_shorthash_siphashx24_BYTES,
	CHUNKS = 256, /* of one part, which one processor reads */
	PART = CHUNKS * UK_DIGEST_CHUNK,
};

void uk_digest_key_derive(const uint8_t secret[UK_DIGEST_SECRET], struct uk_digest_key *ret)
{
	static const char context[] = "upkeep files";
	uint8_t both[sizeof(ret->chunk) + sizeof(ret->whole)];
	crypto_generichash(both, sizeof(both), (const uint8_t *)context, strlen(context), secret,
			   UK_DIGEST_SECRET);
	memcpy(ret->chunk, both, sizeof(ret->chunk));
	memcpy(ret->whole, both + sizeof(ret->chunk), sizeof(ret->whole));
	sodium_memzero(both, sizeof(both));
}

static void begin_whole(crypto_generichash_state *whole, const struct uk_digest_key *key)
{
	crypto_generichash_init(whole, key->whole, sizeof(key->whole), UK_DIGEST_LEN);
}

void uk_digest_init(struct uk_digest *digest, const struct uk_digest_key *key)
{
	memcpy(digest->key, key->chunk, sizeof(digest->key));
	begin_whole(&digest->whole, key);
	digest->in_chunk = 0;
}

static void end_chunk(struct uk_digest *digest)
{
	uint8_t hash[HASH];
	crypto_shorthash_siphashx24(hash, digest->chunk, digest->in_chunk, digest->key);
	crypto_generichash_update(&digest->whole, hash, sizeof(hash));
	digest->in_chunk = 0;
}

void uk_digest_add(struct uk_digest *digest, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	while (len) {
		size_t room = UK_DIGEST_CHUNK - digest->in_chunk;
		size_t some = len < room ? len : room;
		memcpy(digest->chunk + digest->in_chunk, bytes, some);
		digest->in_chunk += some;
		bytes += some;
		len -= some;
		if (digest->in_chunk == UK_DIGEST_CHUNK)
			end_chunk(digest);
	}
}

static void put_hex(crypto_generichash_state *whole, char ret[UK_DIGEST_HEX])
{
	uint8_t hash[UK_DIGEST_LEN];
	crypto_generichash_final(whole, hash, sizeof(hash));
	sodium_bin2hex(ret, UK_DIGEST_HEX, hash, sizeof(hash));
}

void uk_digest_finish(struct uk_digest *digest, char ret[UK_DIGEST_HEX])
{
	if (digest->in_chunk)
		end_chunk(digest);
	put_hex(&digest->whole, ret);
	sodium_memzero(digest->key, sizeof(digest->key));
}

/* --- a file that is there -------------------------------------------------------------- */

/* Chunks side by side, and their hashes. */
struct part {
	int fd;
	const uint8_t *key;
	uint64_t at;
	size_t len;
	uint8_t hashes[CHUNKS * HASH];
	int errnum; /* 0, or why it could not be read */
};

static size_t nr_chunks(size_t len)
{
	return (len + UK_DIGEST_CHUNK - 1) / UK_DIGEST_CHUNK;
}

static int read_whole(int fd, uint8_t *to, size_t len, uint64_t at)
{
	for (size_t done = 0; done < len;) {
		ssize_t got = pread(fd, to + done, len - done, (off_t)(at + done));
		if (got <= 0)
			return got ? errno : ENODATA;
		done += (size_t)got;
	}
	return 0;
}

static void hash_part(void *item)
{
	struct part *part = item;
	uint8_t chunk[UK_DIGEST_CHUNK];
	for (size_t i = 0; !part->errnum && i < nr_chunks(part->len); i++) {
		size_t at = i * UK_DIGEST_CHUNK, left = part->len - at;
		size_t len = left < UK_DIGEST_CHUNK ? left : UK_DIGEST_CHUNK;
		part->errnum = read_whole(part->fd, chunk, len, part->at + at);
		crypto_shorthash_siphashx24(part->hashes + i * HASH, chunk, len, part->key);
	}
}

/* Threads are for what has much of it. */
static void hash_all(struct part *parts, size_t nr)
{
	struct uk_side side;
	if (nr == 1)
		hash_part(parts);
	if (nr < 2)
		return;
	uk_side_begin(&side, parts, nr, sizeof(*parts), hash_part);
	uk_side_end(&side);
}

static struct uk_error *hash_open(int fd, const char *path, const struct uk_digest_key *key,
				  uint64_t size, char ret[UK_DIGEST_HEX])
{
	size_t nr = (size_t)((size + PART - 1) / PART);
	uk_auto_free struct part *parts = calloc(nr + 1, sizeof(*parts));
	crypto_generichash_state whole;
	if (!parts)
		return uk_error_nomem();
	for (size_t i = 0; i < nr; i++) {
		uint64_t left = size - (uint64_t)i * PART;
		parts[i].fd = fd;
		parts[i].key = key->chunk;
		parts[i].at = (uint64_t)i * PART;
		parts[i].len = left < PART ? (size_t)left : PART;
	}
	hash_all(parts, nr);
	begin_whole(&whole, key);
	for (size_t i = 0; i < nr; i++) {
		if (parts[i].errnum)
			return uk_error_errno(parts[i].errnum, "read %s", path);
		crypto_generichash_update(&whole, parts[i].hashes, nr_chunks(parts[i].len) * HASH);
	}
	put_hex(&whole, ret);
	return NULL;
}

struct uk_error *uk_digest_file(const char *path, const struct uk_digest_key *key,
				uint64_t *size_ret, char ret[UK_DIGEST_HEX])
{
	struct stat st;
	uk_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return uk_error_errno(errno, "open %s", path);
	if (fstat(fd, &st) < 0)
		return uk_error_errno(errno, "%s", path);
	*size_ret = (uint64_t)st.st_size;
	return hash_open(fd, path, key, *size_ret, ret);
}
