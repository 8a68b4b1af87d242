// SPDX-License-Identifier: GPL-2.0-or-later
/* Folders of images that have pages alone. */
#include "replace/layer.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/image.h"
#include "replace/pages.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
	/* images/pagemap.proto: pagemap_head, pagemap_entry; criu/include/pagemap.h: flags */
	FIELD_PAGES_ID = 1,
	FIELD_VADDR = 1,
	FIELD_NR_PAGES = 2,
	FIELD_FLAGS = 4,
	FLAG_PARENT = 1,
	FLAG_PRESENT = 4,
	/* images/inventory.proto; criu/include/crtools.h: CRTOOLS_IMAGES_V1_1 */
	FIELD_VERSION = 1,
	FIELD_UPTIME = 8,
	VERSION = 2,
	COMMON_MAGIC = 0x54564319,
};

/* --- pages --------------------------------------------------------------------------- */

struct uk_error *uk_layer_begin(const char *dir, uint32_t number, const struct uk_digest_key *key,
				struct uk_layer_pages *ret)
{
	*ret = (struct uk_layer_pages){ .fd = -1, .number = number };
	uk_digest_init(&ret->hash, key);
	struct uk_error *err = uk_asprintf(&ret->path, "%s/pages-%u.img", dir, number);
	if (err)
		return err;
	ret->fd = open(ret->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return ret->fd < 0 ? uk_error_errno(errno, "create %s", ret->path) : NULL;
}

struct uk_error *uk_layer_add(struct uk_layer_pages *pages, const uint8_t *data, size_t nr)
{
	size_t size = nr * UK_PAGE;
	uk_digest_add(&pages->hash, data, size);
	pages->nr += nr;
	while (size) {
		ssize_t done = write(pages->fd, data, size);
		if (done < 0)
			return uk_error_errno(errno, "write %s", pages->path);
		data += done;
		size -= (size_t)done;
	}
	return NULL;
}

struct uk_error *uk_layer_sync(struct uk_layer_pages *pages)
{
	return fdatasync(pages->fd) < 0 ? uk_error_errno(errno, "write %s", pages->path) : NULL;
}

struct uk_error *uk_layer_finish(struct uk_layer_pages *pages, char **hash_ret)
{
	char hex[UK_DIGEST_HEX];
	uk_digest_finish(&pages->hash, hex);
	return uk_strdup(hex, hash_ret);
}

void uk_layer_close(struct uk_layer_pages *pages)
{
	uk_cleanup_close(&pages->fd);
	pages->fd = -1;
	free(pages->path);
	pages->path = NULL;
}

/* --- maps ---------------------------------------------------------------------------- */

struct uk_error *uk_layer_run_add(uk_layer_runs *runs, uint64_t address, bool below)
{
	struct uk_layer_run *last = runs->len ? &runs->data[runs->len - 1] : NULL;
	if (last && last->below == below && last->nr < UINT32_MAX &&
	    last->start + (uint64_t)last->nr * UK_PAGE == address) {
		last->nr++;
		return NULL;
	}
	return uk_vec_push(runs, (struct uk_layer_run){ address, 1, below }) ? NULL
									     : uk_error_nomem();
}

static void put_word(struct uk_strbuf *to, uint32_t word)
{
	word = htole32(word);
	uk_strbuf_add(to, &word, sizeof(word));
}

static void put_varint(struct uk_strbuf *to, uint64_t value)
{
	do {
		uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		uk_strbuf_add(to, &byte, 1);
		value >>= 7;
	} while (value);
}

static void put_field(struct uk_strbuf *to, uint32_t number, uint64_t value)
{
	put_varint(to, (uint64_t)number << 3 | UK_PB_VARINT);
	put_varint(to, value);
}

/* Empties @message. */
static void put_message(struct uk_strbuf *to, struct uk_strbuf *message)
{
	put_word(to, (uint32_t)message->len);
	uk_strbuf_add(to, message->data, message->len);
	to->failed |= message->failed;
	message->len = 0;
}

static struct uk_error *write_file(struct uk_strbuf *file, const char *dir, const char *name)
{
	uk_auto_free char *path = NULL, *data = NULL;
	size_t len;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", dir, name);
	if (!err)
		err = uk_strbuf_finish_len(file, &data, &len);
	return err ? err : uk_file_write(path, data, len, 0600);
}

struct uk_error *uk_layer_write_map(const char *dir, pid_t pid, uint32_t number,
				    const uk_layer_runs *runs)
{
	uk_auto_strbuf struct uk_strbuf file = {}, message = {};
	char name[64];
	put_word(&file, COMMON_MAGIC);
	put_word(&file, UK_IMAGE_PAGEMAP);
	put_field(&message, FIELD_PAGES_ID, number);
	put_message(&file, &message);
	uk_vec_for_each(run, runs) {
		put_field(&message, FIELD_VADDR, run->start);
		put_field(&message, FIELD_NR_PAGES, run->nr);
		put_field(&message, FIELD_FLAGS, run->below ? FLAG_PARENT : FLAG_PRESENT);
		put_message(&file, &message);
	}
	snprintf(name, sizeof(name), "pagemap-%d.img", pid);
	return write_file(&file, dir, name);
}

struct uk_error *uk_layer_write_inventory(const char *dir, uint64_t boottime_us)
{
	uk_auto_strbuf struct uk_strbuf file = {}, message = {};
	put_word(&file, UK_IMAGE_INVENTORY);
	put_field(&message, FIELD_VERSION, VERSION);
	put_field(&message, FIELD_UPTIME, boottime_us);
	put_message(&file, &message);
	return write_file(&file, dir, "inventory.img");
}
