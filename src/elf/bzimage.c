// SPDX-License-Identifier: GPL-2.0-or-later
/* A kernel image as boot loaders take it. */
#include "elf/bzimage.h"

#include "base/bytes.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <inttypes.h>

enum {
	VMLINUX_MAX = 1 << 30,
	/* Offsets in the setup header. */
	BOOT_SECTORS = 0x1f1,
	BOOT_JUMP = 0x200, /* over the header: its second byte is how far */
	BOOT_MAGIC = 0x202,
	BOOT_VERSION = 0x206,
	BOOT_ALIGNMENT = 0x230,
	BOOT_XLOADFLAGS = 0x236,
	BOOT_LINE_SIZE = 0x238,
	BOOT_PAYLOAD_OFFSET = 0x248,
	BOOT_PAYLOAD_LENGTH = 0x24c,
	BOOT_PREFERRED = 0x258,
	BOOT_INIT_SIZE = 0x260,
	BOOT_HEADER_END = 0x264,
	/* Protocols with a payload, with all of the fields above. */
	PROTOCOL_PAYLOAD = 0x208,
	PROTOCOL_XLOADFLAGS = 0x20c,
	SECTOR = 512,
};

static struct uk_error *bad_image(const char *name, const char *what)
{
	return uk_error_create(UK_ERR_INVALID, "%s: %s", name, what);
}

bool uk_is_elf(const void *data, size_t len)
{
	return len >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG);
}

static struct uk_error *find_payload(struct uk_bzimage *image)
{
	const uint8_t *data = image->data;
	unsigned int sectors = data[BOOT_SECTORS] ? data[BOOT_SECTORS] : 4;
	uint64_t start = (uint64_t)(sectors + 1) * SECTOR + uk_get_u32(data + BOOT_PAYLOAD_OFFSET);
	uint64_t size = uk_get_u32(data + BOOT_PAYLOAD_LENGTH);
	if (!size || !uk_range_ok(start, size, image->len))
		return bad_image(image->name, "its payload lies outside the file");
	image->payload = data + start;
	image->payload_len = size;
	return NULL;
}

static void read_header(struct uk_bzimage *image)
{
	const uint8_t *data = image->data;
	size_t end = BOOT_MAGIC + (size_t)data[BOOT_JUMP + 1];
	image->header_len = (end < image->len ? end : image->len) - UK_BZIMAGE_HEADER;
	if (image->protocol < PROTOCOL_XLOADFLAGS)
		return;
	image->flags = uk_get_u16(data + BOOT_XLOADFLAGS);
	image->alignment = uk_get_u32(data + BOOT_ALIGNMENT);
	image->line_size = uk_get_u32(data + BOOT_LINE_SIZE);
	image->preferred = uk_get_u64(data + BOOT_PREFERRED);
	image->room = uk_get_u32(data + BOOT_INIT_SIZE);
}

struct uk_error *uk_bzimage_parse(const void *data, size_t len, const char *name,
				  struct uk_bzimage *ret)
{
	struct uk_bzimage image = { .name = name, .data = data, .len = len };
	if (len < BOOT_HEADER_END || memcmp(image.data + BOOT_MAGIC, "HdrS", 4))
		return bad_image(name, "is neither a bzImage nor an ELF file");
	image.protocol = uk_get_u16(image.data + BOOT_VERSION);
	if (image.protocol < PROTOCOL_PAYLOAD)
		return bad_image(name, "its boot protocol is older than 2.08 and names no payload");
	struct uk_error *err = find_payload(&image);
	if (err)
		return err;
	read_header(&image);
	*ret = image;
	return NULL;
}

static void destroy_archive(struct archive **archive)
{
	if (*archive)
		archive_read_free(*archive);
}

static struct uk_error *read_all(struct archive *archive, const char *name, struct uk_strbuf *out)
{
	static const size_t chunk = 1 << 20;
	uk_auto_free char *buffer = malloc(chunk);
	if (!buffer)
		return uk_error_nomem();
	for (;;) {
		la_ssize_t got = archive_read_data(archive, buffer, chunk);
		if (!got)
			return NULL;
		if (got < 0)
			return uk_error_create(UK_ERR_INVALID, "%s: decompressing its payload: %s",
					       name, archive_error_string(archive));
		if (out->len + (size_t)got > VMLINUX_MAX)
			return bad_image(name, "its payload unpacks to more than 1 GiB");
		uk_strbuf_add(out, buffer, (size_t)got);
	}
}

static struct uk_error *decompress(const uint8_t *data, size_t len, const char *name,
				   struct uk_strbuf *out)
{
	uk_cleanup(destroy_archive) struct archive *archive = archive_read_new();
	if (!archive)
		return uk_error_nomem();
	archive_read_support_filter_all(archive);
	archive_read_support_format_raw(archive);
	struct archive_entry *entry;
	if (archive_read_open_memory(archive, data, len) != ARCHIVE_OK ||
	    archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return uk_error_create(UK_ERR_INVALID, "%s: its payload: %s", name,
				       archive_error_string(archive));
	return read_all(archive, name, out);
}

/*
 * The kernel's build puts the unpacked size behind the payload, as four bytes that its
 * unpackers do not take for data. Gzip ends with that size by itself.
 */
struct uk_error *uk_bzimage_unpack(const struct uk_bzimage *image, struct uk_strbuf *ret)
{
	const uint8_t *data = image->payload;
	size_t len = image->payload_len;
	if (len < 8)
		return bad_image(image->name, "its payload is too short");
	if (uk_is_elf(data, len)) { /* CONFIG_KERNEL_UNCOMPRESSED */
		uk_strbuf_add(ret, data, len);
		return ret->failed ? uk_error_nomem() : NULL;
	}
	bool gzip = data[0] == 0x1f && data[1] == 0x8b;
	uint32_t want = uk_get_u32(data + len - 4);
	struct uk_error *err = decompress(data, gzip ? len : len - 4, image->name, ret);
	if (err)
		return err;
	if (ret->failed)
		return uk_error_nomem();
	if (ret->len != want)
		return uk_error_create(UK_ERR_INVALID,
				       "%s: its payload unpacks to %zu bytes, not to the %" PRIu32
				       " that it says",
				       image->name, ret->len, want);
	return NULL;
}
