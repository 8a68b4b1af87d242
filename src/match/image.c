// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel image file as a memory: a bzImage (Documentation/x86/boot.rst: setup header,
 * payload_offset and payload_length) or the ELF vmlinux inside it.
 */
#include "match/memory.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "match/note.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <inttypes.h>

enum {
	IMAGE_MAX = 256 << 20,
	VMLINUX_MAX = 1 << 30,
	/* Offsets in the setup header. */
	BOOT_SECTORS = 0x1f1,
	BOOT_MAGIC = 0x202,
	BOOT_VERSION = 0x206,
	BOOT_PAYLOAD_OFFSET = 0x248,
	BOOT_PAYLOAD_LENGTH = 0x24c,
	BOOT_HEADER_END = 0x250,
	SECTOR = 512,
};

static struct uk_error *bad_image(const char *name, const char *what)
{
	return uk_error_create(UK_ERR_INVALID, "%s: %s", name, what);
}

static bool is_elf(const uint8_t *data, size_t len)
{
	return len >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG);
}

static struct uk_error *find_payload(const uint8_t *data, size_t len, const char *name,
				     const uint8_t **ret, size_t *len_ret)
{
	if (len < BOOT_HEADER_END || memcmp(data + BOOT_MAGIC, "HdrS", 4))
		return bad_image(name, "is neither a bzImage nor an ELF file");
	if (data[BOOT_VERSION + 1] < 2 || (data[BOOT_VERSION + 1] == 2 && data[BOOT_VERSION] < 8))
		return bad_image(name, "its boot protocol is older than 2.08 and names no payload");
	unsigned int sectors = data[BOOT_SECTORS] ? data[BOOT_SECTORS] : 4;
	uint64_t start = (uint64_t)(sectors + 1) * SECTOR + uk_get_u32(data + BOOT_PAYLOAD_OFFSET);
	uint64_t size = uk_get_u32(data + BOOT_PAYLOAD_LENGTH);
	if (!size || !uk_range_ok(start, size, len))
		return bad_image(name, "its payload lies outside the file");
	*ret = data + start;
	*len_ret = size;
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
static struct uk_error *unpack(const uint8_t *data, size_t len, const char *name,
			       struct uk_strbuf *out)
{
	if (len < 8)
		return bad_image(name, "its payload is too short");
	if (is_elf(data, len)) { /* CONFIG_KERNEL_UNCOMPRESSED */
		uk_strbuf_add(out, data, len);
		return out->failed ? uk_error_nomem() : NULL;
	}
	bool gzip = data[0] == 0x1f && data[1] == 0x8b;
	uint32_t want = uk_get_u32(data + len - 4);
	struct uk_error *err = decompress(data, gzip ? len : len - 4, name, out);
	if (err)
		return err;
	if (out->failed)
		return uk_error_nomem();
	if (out->len != want)
		return uk_error_create(UK_ERR_INVALID,
				       "%s: its payload unpacks to %zu bytes, not to the %" PRIu32
				       " that it says",
				       name, out->len, want);
	return NULL;
}

static struct uk_error *check_header(const uint8_t *data, size_t len, const char *name,
				     Elf64_Ehdr *ret)
{
	if (len < sizeof(*ret) || !is_elf(data, len))
		return bad_image(name, "holds no ELF vmlinux");
	memcpy(ret, data, sizeof(*ret));
	if (ret->e_ident[EI_CLASS] != ELFCLASS64 || ret->e_ident[EI_DATA] != ELFDATA2LSB ||
	    ret->e_machine != EM_X86_64 || ret->e_type != ET_EXEC)
		return bad_image(name, "its vmlinux is not an x86-64 executable");
	if (ret->e_phentsize != sizeof(Elf64_Phdr) || !ret->e_phnum ||
	    !uk_range_ok(ret->e_phoff, (uint64_t)ret->e_phnum * sizeof(Elf64_Phdr), len))
		return bad_image(name, "the program headers of its vmlinux lie outside it");
	return NULL;
}

static struct uk_error *take_segment(struct uk_memory *memory, const uint8_t *data, size_t len,
				     const Elf64_Phdr *segment)
{
	if (segment->p_type != PT_LOAD && segment->p_type != PT_NOTE)
		return NULL;
	if (!uk_range_ok(segment->p_offset, segment->p_filesz, len))
		return bad_image(memory->name, "a segment of its vmlinux lies outside it");
	const uint8_t *bytes = data + segment->p_offset;
	if (segment->p_type == PT_LOAD)
		return uk_memory_add(memory, segment->p_vaddr, bytes, segment->p_filesz);
	if (memory->identity.build_id)
		return NULL;
	return uk_note_build_id(bytes, segment->p_filesz, &memory->identity.build_id);
}

static struct uk_error *take_segments(struct uk_memory *memory, const uint8_t *data, size_t len)
{
	Elf64_Ehdr header;
	struct uk_error *err = check_header(data, len, memory->name, &header);
	for (unsigned int i = 0; !err && i < header.e_phnum; i++) {
		Elf64_Phdr segment;
		memcpy(&segment, data + header.e_phoff + i * sizeof(segment), sizeof(segment));
		err = take_segment(memory, data, len, &segment);
	}
	return err;
}

static struct uk_error *dup_range(const char *start, const char *end, char **ret)
{
	*ret = strndup(start, (size_t)(end - start));
	return *ret ? NULL : uk_error_nomem();
}

/*
 * linux_banner: "Linux version RELEASE (who@where) (compiler, linker) VERSION\n". The same
 * text with "%s" in the places is linux_proc_banner; another copy has no build number
 * behind the "#".
 */
static struct uk_error *parse_banner(struct uk_memory *memory, const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);
	const char *nul = memchr(text, '\0', len);
	if (!end || !nul || end > nul || text[0] == '%')
		return NULL;
	const char *release_end = memchr(text, ' ', (size_t)(end - text));
	const char *version = NULL;
	for (const char *at = text; at + 2 < end; at++)
		if (at + 3 < end && !memcmp(at, ") #", 3) && at[3] >= '0' && at[3] <= '9')
			version = at + 2;
	if (!release_end || release_end == text || !version)
		return NULL;
	struct uk_error *err = dup_range(text, release_end, &memory->identity.release);
	return err ? err : dup_range(version, end, &memory->identity.version);
}

static struct uk_error *find_banner(struct uk_memory *memory)
{
	static const char start[] = "Linux version ";
	const size_t len = sizeof(start) - 1;
	uk_vec_for_each(region, &memory->regions) {
		const uint8_t *at = region->data, *end = at + region->len;
		while ((at = memmem(at, (size_t)(end - at), start, len))) {
			at += len;
			struct uk_error *err =
				parse_banner(memory, (const char *)at, (size_t)(end - at));
			if (err || memory->identity.release)
				return err;
		}
	}
	return bad_image(memory->name, "its vmlinux holds no version banner");
}

struct uk_error *uk_memory_parse_image(const void *data, size_t len, const char *name,
				       struct uk_memory **ret)
{
	uk_auto_strbuf struct uk_strbuf unpacked = {};
	uk_auto_memory struct uk_memory *memory = NULL;
	const uint8_t *bytes = data, *payload = NULL;
	struct uk_error *err = uk_memory_create(name, NULL, false, &memory);
	if (!err && !is_elf(bytes, len)) {
		size_t payload_len = 0;
		err = find_payload(bytes, len, name, &payload, &payload_len);
		if (!err)
			err = unpack(payload, payload_len, name, &unpacked);
		bytes = (const uint8_t *)unpacked.data;
		len = unpacked.len;
	}
	if (!err)
		err = take_segments(memory, bytes, len);
	if (!err)
		err = find_banner(memory);
	if (err)
		return err;
	*ret = uk_take(memory);
	return NULL;
}

struct uk_error *uk_memory_open_image(const char *path, struct uk_memory **ret)
{
	uk_auto_free char *data = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(path, IMAGE_MAX, &data, &len);
	return err ? err : uk_memory_parse_image(data, len, path, ret);
}
