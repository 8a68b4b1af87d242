// SPDX-License-Identifier: GPL-2.0-or-later
/* A kernel image file as a memory: a bzImage or the ELF vmlinux inside it. */
#include "match/memory.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "elf/bzimage.h"
#include "elf/vmlinux.h"
#include "match/note.h"

#include <elf.h>
#include <string.h>

enum {
	IMAGE_MAX = 256 << 20,
};

static struct uk_error *bad_image(const char *name, const char *what)
{
	return uk_error_create(UK_ERR_INVALID, "%s: %s", name, what);
}

static struct uk_error *take_segment(struct uk_memory *memory, const uint8_t *data,
				     const struct uk_vmlinux_segment *segment)
{
	const uint8_t *bytes = data + segment->offset;
	if (segment->type == PT_LOAD)
		return uk_memory_add(memory, segment->virtual, bytes, segment->len);
	if (memory->identity.build_id)
		return NULL;
	return uk_note_build_id(bytes, segment->len, &memory->identity.build_id);
}

static struct uk_error *take_segments(struct uk_memory *memory, const uint8_t *data, size_t len)
{
	uk_cleanup(uk_vmlinux_deinit) struct uk_vmlinux vmlinux = {};
	struct uk_error *err = uk_vmlinux_parse(data, len, memory->name, &vmlinux);
	uk_vec_for_each(segment, &vmlinux.segments) {
		if (!err)
			err = take_segment(memory, data, segment);
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
	const uint8_t *bytes = data;
	struct uk_error *err = uk_memory_create(name, NULL, false, &memory);
	if (!err && !uk_is_elf(bytes, len)) {
		struct uk_bzimage image;
		err = uk_bzimage_parse(bytes, len, name, &image);
		if (!err)
			err = uk_bzimage_unpack(&image, &unpacked);
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
