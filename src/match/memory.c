// SPDX-License-Identifier: GPL-2.0-or-later
/* Sources of kernel memory: what they share. */
#include "match/memory.h"

#include "base/bytes.h"
#include "base/strbuf.h"

#include <errno.h>
#include <inttypes.h>

static struct uk_error *copy_text(const char *text, char **ret)
{
	*ret = NULL;
	return text ? uk_strdup(text, ret) : NULL;
}

struct uk_error *uk_memory_create(const char *name, const struct uk_identity *identity, bool live,
				  struct uk_memory **ret)
{
	uk_auto_memory struct uk_memory *memory = calloc(1, sizeof(*memory));
	if (!memory)
		return uk_error_nomem();
	memory->fd = -1;
	memory->live = live;
	struct uk_error *err = uk_strdup(name, &memory->name);
	if (!err && identity)
		err = copy_text(identity->release, &memory->identity.release);
	if (!err && identity)
		err = copy_text(identity->version, &memory->identity.version);
	if (!err && identity)
		err = copy_text(identity->build_id, &memory->identity.build_id);
	if (err)
		return err;
	*ret = uk_take(memory);
	return NULL;
}

void uk_memory_destroy(struct uk_memory *memory)
{
	if (!memory)
		return;
	uk_vec_for_each(region, &memory->regions)
		free(region->data);
	uk_vec_deinit(&memory->regions);
	uk_vec_deinit(&memory->segments);
	if (memory->fd >= 0)
		close(memory->fd);
	free(memory->identity.release);
	free(memory->identity.version);
	free(memory->identity.build_id);
	free(memory->name);
	free(memory);
}

struct uk_error *uk_memory_add(struct uk_memory *memory, uint64_t addr, const void *data,
			       size_t len)
{
	if (!len)
		return NULL;
	if (addr + (len - 1) < addr)
		return uk_error_create(UK_ERR_INVALID,
				       "%s: a range at 0x%" PRIx64
				       " wraps around the end of memory",
				       memory->name, addr);
	size_t at = 0;
	for (; at < memory->regions.len && memory->regions.data[at].addr < addr; at++)
		;
	const struct uk_region *before = at ? &memory->regions.data[at - 1] : NULL;
	const struct uk_region *after = at < memory->regions.len ? &memory->regions.data[at] : NULL;
	if ((before && before->addr + (before->len - 1) >= addr) ||
	    (after && addr + (len - 1) >= after->addr))
		return uk_error_create(UK_ERR_INVALID, "%s: two ranges overlap at 0x%" PRIx64,
				       memory->name, addr);
	struct uk_region region = { .addr = addr, .len = len, .data = malloc(len) };
	if (!region.data || !uk_vec_reserve(&memory->regions, 1)) {
		free(region.data);
		return uk_error_nomem();
	}
	memcpy(region.data, data, len);
	memmove(&memory->regions.data[at + 1], &memory->regions.data[at],
		(memory->regions.len - at) * sizeof(region));
	memory->regions.data[at] = region;
	memory->regions.len++;
	return NULL;
}

static const struct uk_region *find_region(const struct uk_memory *memory, uint64_t addr,
					   size_t len)
{
	size_t low = 0, high = memory->regions.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memory->regions.data[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	const struct uk_region *region = &memory->regions.data[low - 1];
	return uk_range_ok(addr - region->addr, len, region->len) ? region : NULL;
}

static const struct uk_memory_segment *find_segment(const struct uk_memory *memory, uint64_t addr,
						    size_t len)
{
	uk_vec_for_each(segment, &memory->segments)
		if (addr >= segment->addr && uk_range_ok(addr - segment->addr, len, segment->len))
			return segment;
	return NULL;
}

bool uk_memory_has(const struct uk_memory *memory, uint64_t addr, size_t len)
{
	return find_region(memory, addr, len) || find_segment(memory, addr, len);
}

uint8_t *uk_memory_bytes(const struct uk_memory *memory, uint64_t addr, size_t len)
{
	const struct uk_region *region = find_region(memory, addr, len);
	return region ? region->data + (addr - region->addr) : NULL;
}

static struct uk_error *read_segment(const struct uk_memory *memory,
				     const struct uk_memory_segment *segment, uint64_t addr,
				     void *ret, size_t len)
{
	uint64_t offset = segment->offset + (addr - segment->addr);
	for (size_t done = 0; done < len;) {
		ssize_t got =
			pread(memory->fd, (char *)ret + done, len - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return uk_error_errno(got ? errno : EIO,
					      "%s: reading %zu bytes at 0x%" PRIx64, memory->name,
					      len, addr);
		done += (size_t)got;
	}
	return NULL;
}

struct uk_error *uk_memory_read(const struct uk_memory *memory, uint64_t addr, void *ret,
				size_t len)
{
	const uint8_t *bytes = uk_memory_bytes(memory, addr, len);
	if (bytes) {
		memcpy(ret, bytes, len);
		return NULL;
	}
	const struct uk_memory_segment *segment = find_segment(memory, addr, len);
	if (segment)
		return read_segment(memory, segment, addr, ret, len);
	return uk_error_create(UK_ERR_INVALID, "%s: has no %zu bytes at 0x%" PRIx64, memory->name,
			       len, addr);
}
