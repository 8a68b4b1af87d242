// SPDX-License-Identifier: GPL-2.0-or-later
/* What the core is asked to do. */
#include "live/request.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	JUMP_LEN = 5,
	JUMP_OPCODE = 0xe9,
	WRITE_LEN_MAX = 1 << 15, /* under what any core takes */
};

void uk_request_deinit(struct uk_request *request)
{
	uk_vec_deinit(&request->writes);
	uk_vec_deinit(&request->write_names);
	uk_vec_deinit(&request->ranges);
	uk_vec_deinit(&request->modules);
	uk_vec_deinit(&request->functions);
	uk_strbuf_deinit(&request->bytes);
}

/* jmp rel32: the distance counts from the end of the instruction. */
struct uk_error *uk_redirect_encode(const char *name, uint64_t at, uint64_t to, uint8_t ret[5])
{
	int64_t distance = (int64_t)(to - (at + JUMP_LEN));
	int32_t near = (int32_t)distance;
	if (near != distance)
		return uk_error_create(UK_ERR_REFUSED,
				       "%s: its new code at 0x%" PRIx64
				       " is out of reach of a jump "
				       "at 0x%" PRIx64 " (more than 2 GiB)",
				       name, to, at);
	ret[0] = JUMP_OPCODE;
	memcpy(ret + 1, &near, sizeof(near));
	return NULL;
}

/* Cut to the array; what is not printable or means something to the core becomes '?'. */
static void copy_name(char *ret, size_t size, const char *name)
{
	size_t len = strnlen(name, size - 1);
	for (size_t i = 0; i < len; i++)
		ret[i] = name[i] > ' ' && name[i] < 0x7f && name[i] != '/' ? name[i] : '?';
	memset(ret + len, 0, size - len);
}

static struct uk_error *add_piece(struct uk_request *request, struct upkeep_write write,
				  const char *name, const uint8_t *old_bytes,
				  const uint8_t *new_bytes)
{
	write.old_at = (uint32_t)request->bytes.len;
	uk_strbuf_add(&request->bytes, old_bytes, write.len);
	write.new_at = (uint32_t)request->bytes.len;
	uk_strbuf_add(&request->bytes, new_bytes, write.len);
	if (request->bytes.failed || !uk_vec_push(&request->writes, write) ||
	    !uk_vec_push(&request->write_names, name))
		return uk_error_nomem();
	return NULL;
}

struct uk_error *uk_request_add_write(struct uk_request *request, enum upkeep_write_kind kind,
				      const char *name, uint64_t addr, const uint8_t *old_bytes,
				      const uint8_t *new_bytes, size_t len)
{
	struct uk_error *err = NULL;
	for (size_t at = 0; !err && at < len; at += WRITE_LEN_MAX) {
		size_t rest = len - at;
		struct upkeep_write write = {
			.addr = addr + at,
			.len = (uint32_t)(rest < WRITE_LEN_MAX ? rest : WRITE_LEN_MAX),
			.kind = kind,
		};
		err = add_piece(request, write, name, old_bytes + at, new_bytes + at);
	}
	return err;
}

struct uk_error *uk_request_add_range(struct uk_request *request, enum upkeep_range_when when,
				      const char *name, uint64_t start, uint64_t end)
{
	struct upkeep_range range = { .start = start, .end = end, .when = when };
	copy_name(range.name, sizeof(range.name), name);
	return uk_vec_push(&request->ranges, range) ? NULL : uk_error_nomem();
}

struct uk_error *uk_request_add_module(struct uk_request *request, const char *name,
				       enum upkeep_module_role role)
{
	struct upkeep_module module = { .role = role };
	if (strlen(name) >= sizeof(module.name))
		return uk_error_create(UK_ERR_INVALID, "the name of module %s is too long", name);
	copy_name(module.name, sizeof(module.name), name);
	uk_vec_for_each(other, &request->modules) {
		if (!strcmp(other->name, module.name))
			return NULL;
	}
	return uk_vec_push(&request->modules, module) ? NULL : uk_error_nomem();
}

struct uk_error *uk_request_add_function(struct uk_request *request,
					 const struct upkeep_function *addresses,
					 const char *object, const char *name)
{
	struct upkeep_function function = *addresses;
	copy_name(function.object, sizeof(function.object), object);
	copy_name(function.name, sizeof(function.name), name);
	return uk_vec_push(&request->functions, function) ? NULL : uk_error_nomem();
}

static int compare_ranges(const void *a, const void *b)
{
	const struct upkeep_range *left = a, *right = b;
	if (left->when != right->when)
		return left->when < right->when ? -1 : 1;
	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return left->end < right->end ? -1 : left->end > right->end;
}

static void merge_ranges(struct uk_request *request)
{
	struct upkeep_range *ranges = request->ranges.data;
	size_t kept = 0;
	if (!request->ranges.len)
		return;
	qsort(ranges, request->ranges.len, sizeof(*ranges), compare_ranges);
	for (size_t i = 1; i < request->ranges.len; i++) {
		struct upkeep_range *last = &ranges[kept];
		if (ranges[i].when == last->when && ranges[i].start < last->end) {
			if (ranges[i].end > last->end)
				last->end = ranges[i].end;
		} else {
			ranges[++kept] = ranges[i];
		}
	}
	request->ranges.len = kept + 1;
}

static bool same_write(const struct uk_request *request, const struct upkeep_write *a,
		       const struct upkeep_write *b)
{
	const char *bytes = request->bytes.data;
	return a->addr == b->addr && a->len == b->len && a->kind == b->kind &&
	       !memcmp(bytes + a->old_at, bytes + b->old_at, a->len) &&
	       !memcmp(bytes + a->new_at, bytes + b->new_at, a->len);
}

static void drop_write(struct uk_request *request, size_t i)
{
	size_t behind = request->writes.len - i - 1;
	memmove(&request->writes.data[i], &request->writes.data[i + 1],
		behind * sizeof(*request->writes.data));
	memmove(&request->write_names.data[i], &request->write_names.data[i + 1],
		behind * sizeof(*request->write_names.data));
	request->writes.len--;
	request->write_names.len--;
}

/* Few writes: pairs are compared. */
static struct uk_error *check_writes(struct uk_request *request)
{
	for (size_t i = 0; i < request->writes.len; i++) {
		for (size_t j = request->writes.len; j-- > i + 1;) {
			const struct upkeep_write *a = &request->writes.data[i];
			const struct upkeep_write *b = &request->writes.data[j];
			if (same_write(request, a, b))
				drop_write(request, j);
			else if (a->addr < b->addr + b->len && b->addr < a->addr + a->len)
				return uk_error_create(UK_ERR_REFUSED,
						       "%s and %s would be written to the same "
						       "place, 0x%" PRIx64,
						       request->write_names.data[i],
						       request->write_names.data[j],
						       (uint64_t)b->addr);
		}
	}
	return NULL;
}

static struct uk_error *check_limit(const char *what, size_t nr, uint32_t limit)
{
	if (nr <= limit)
		return NULL;
	return uk_error_create(UK_ERR_REFUSED, "the update has %zu %s, the core takes %u", nr, what,
			       limit);
}

struct uk_error *uk_request_seal(struct uk_request *request, const struct upkeep_info *limits)
{
	merge_ranges(request);
	struct uk_error *err = check_writes(request);
	if (!err)
		err = check_limit("writes", request->writes.len, limits->max_writes);
	if (!err)
		err = check_limit("ranges", request->ranges.len, limits->max_ranges);
	if (!err)
		err = check_limit("modules", request->modules.len, limits->max_modules);
	if (!err)
		err = check_limit("functions", request->functions.len, limits->max_functions);
	return err ? err : check_limit("bytes", request->bytes.len, limits->max_bytes);
}
