// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the members of the running kernel's structures lie. */
#include "replace/btf.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/vec.h"

#include <string.h>

/* Numbers of the format: include/uapi/linux/btf.h. */
enum {
	MAGIC = 0xeb9f,
	HEADER_LEN = 24,
	TYPE_LEN = 12,
	MEMBER_LEN = 12,
	KIND_INT = 1,
	KIND_PTR,
	KIND_ARRAY,
	KIND_STRUCT,
	KIND_UNION,
	KIND_ENUM,
	KIND_FWD,
	KIND_TYPEDEF,
	KIND_VOLATILE,
	KIND_CONST,
	KIND_RESTRICT,
	KIND_FUNC,
	KIND_FUNC_PROTO,
	KIND_VAR,
	KIND_DATASEC,
	KIND_FLOAT,
	KIND_DECL_TAG,
	KIND_TYPE_TAG,
	KIND_ENUM64,
	BTF_MAX = 64 << 20,
	DEPTH_MAX = 16, /* of structs without a name, and of typedefs */
};

/* What follows a type: so much, and so much for each of its elements. */
static const struct {
	uint8_t once, each;
} tails[] = {
	[KIND_INT] = { 4, 0 },	   [KIND_ARRAY] = { 12, 0 },   [KIND_STRUCT] = { 0, 12 },
	[KIND_UNION] = { 0, 12 },  [KIND_ENUM] = { 0, 8 },     [KIND_FUNC_PROTO] = { 0, 8 },
	[KIND_VAR] = { 4, 0 },	   [KIND_DATASEC] = { 0, 12 }, [KIND_DECL_TAG] = { 4, 0 },
	[KIND_ENUM64] = { 0, 12 },
};

struct uk_btf {
	uint8_t *data;
	const char *strings;
	uint32_t strings_len;
	UK_VEC(const uint8_t *) types; /* by number; 0 is void */
};

struct type {
	const char *name;
	unsigned int kind, nr;
	bool bits; /* offsets of members have a number of bits in their upper byte */
	uint32_t size_or_type;
	const uint8_t *tail;
};

void uk_btf_destroy(struct uk_btf *btf)
{
	if (!btf)
		return;
	uk_vec_deinit(&btf->types);
	free(btf->data);
	free(btf);
}

/* --- reading ------------------------------------------------------------------------- */

static struct uk_error *bad(const char *what)
{
	return uk_error_create(UK_ERR_INVALID, "BTF: %s", what);
}

static const char *string_at(const struct uk_btf *btf, uint32_t offset)
{
	return offset < btf->strings_len ? btf->strings + offset : "";
}

static struct type type_at(const struct uk_btf *btf, const uint8_t *at)
{
	uint32_t info = uk_get_u32(at + 4);
	return (struct type){ .name = string_at(btf, uk_get_u32(at)),
			      .kind = info >> 24 & 0x1f,
			      .nr = info & 0xffff,
			      .bits = info >> 31,
			      .size_or_type = uk_get_u32(at + 8),
			      .tail = at + TYPE_LEN };
}

static struct uk_error *index_types(struct uk_btf *btf, const uint8_t *at, size_t len)
{
	if (!uk_vec_push(&btf->types, NULL))
		return uk_error_nomem();
	while (len) {
		if (len < TYPE_LEN)
			return bad("a type is cut off");
		struct type type = type_at(btf, at);
		if (!type.kind || type.kind > KIND_ENUM64)
			return bad("a type is of an unknown kind");
		size_t size = TYPE_LEN;
		if (type.kind < UK_ARRAY_SIZE(tails))
			size += tails[type.kind].once + (size_t)tails[type.kind].each * type.nr;
		if (size > len)
			return bad("a type is cut off");
		if (!uk_vec_push(&btf->types, at))
			return uk_error_nomem();
		at += size;
		len -= size;
	}
	return NULL;
}

static struct uk_error *parse(struct uk_btf *btf, size_t len)
{
	if (len < HEADER_LEN || uk_get_u16(btf->data) != MAGIC || btf->data[2] != 1)
		return bad("it does not begin as version 1 does");
	uint32_t header = uk_get_u32(btf->data + 4);
	uint32_t types = uk_get_u32(btf->data + 8), types_len = uk_get_u32(btf->data + 12);
	uint32_t strings = uk_get_u32(btf->data + 16), strings_len = uk_get_u32(btf->data + 20);
	if (header < HEADER_LEN || header > len || !uk_range_ok(types, types_len, len - header) ||
	    !uk_range_ok(strings, strings_len, len - header))
		return bad("its parts do not lie in it");
	btf->strings = (const char *)btf->data + header + strings;
	btf->strings_len = strings_len;
	if (!strings_len || btf->strings[strings_len - 1])
		return bad("its strings do not end");
	return index_types(btf, btf->data + header + types, types_len);
}

struct uk_error *uk_btf_parse(const void *data, size_t len, struct uk_btf **ret)
{
	uk_auto_btf struct uk_btf *btf = calloc(1, sizeof(*btf));
	if (!btf || !(btf->data = malloc(len + 1)))
		return uk_error_nomem();
	memcpy(btf->data, data, len);
	struct uk_error *err = parse(btf, len);
	if (!err)
		*ret = uk_take(btf);
	return err;
}

struct uk_error *uk_btf_load(struct uk_btf **ret)
{
	uk_auto_free char *data = NULL;
	size_t len;
	struct uk_error *err = uk_file_read("/sys/kernel/btf/vmlinux", BTF_MAX, &data, &len);
	return err ? err : uk_btf_parse(data, len, ret);
}

/* --- looking up ---------------------------------------------------------------------- */

/* Without typedefs and qualifiers; kind 0 for void, for numbers that are none, and for circles. */
static struct type resolve(const struct uk_btf *btf, uint32_t number)
{
	for (int depth = 0; depth < DEPTH_MAX && number && number < btf->types.len; depth++) {
		struct type type = type_at(btf, btf->types.data[number]);
		bool passes = type.kind == KIND_TYPEDEF || type.kind == KIND_TYPE_TAG ||
			      (type.kind >= KIND_VOLATILE && type.kind <= KIND_RESTRICT);
		if (!passes)
			return type;
		number = type.size_or_type;
	}
	return (struct type){};
}

static size_t size_of(const struct type *type)
{
	switch (type->kind) {
	case KIND_PTR:
		return 8;
	case KIND_INT:
	case KIND_STRUCT:
	case KIND_UNION:
	case KIND_ENUM:
	case KIND_FLOAT:
	case KIND_ENUM64:
		return type->size_or_type;
	default:
		return 0;
	}
}

static bool has_members(const struct type *type)
{
	return type->kind == KIND_STRUCT || type->kind == KIND_UNION;
}

/* Also in members without a name, which are structs or unions. Bit fields are none. */
static bool find_member(const struct uk_btf *btf, const struct type *in, const char *name,
			size_t len, int depth, struct type *ret, size_t *offset)
{
	for (unsigned int i = 0; depth < DEPTH_MAX && i < in->nr; i++) {
		const uint8_t *member = in->tail + (size_t)i * MEMBER_LEN;
		const char *called = string_at(btf, uk_get_u32(member));
		uint32_t bits = uk_get_u32(member + 8);
		struct type type = resolve(btf, uk_get_u32(member + 4));
		if (bits % 8 || (in->bits && bits >> 24))
			continue;
		if (!*called && has_members(&type) &&
		    find_member(btf, &type, name, len, depth + 1, ret, offset)) {
			*offset += bits / 8;
			return true;
		}
		if (strlen(called) == len && !memcmp(called, name, len)) {
			*ret = type;
			*offset += bits / 8;
			return true;
		}
	}
	return false;
}

static bool find_struct(const struct uk_btf *btf, const char *name, struct type *ret)
{
	for (size_t i = 1; i < btf->types.len; i++) {
		*ret = type_at(btf, btf->types.data[i]);
		if (ret->kind == KIND_STRUCT && !strcmp(ret->name, name))
			return true;
	}
	return false;
}

struct uk_error *uk_btf_offset(const struct uk_btf *btf, const char *name, const char *path,
			       size_t size, size_t *ret)
{
	struct type type;
	size_t offset = 0;
	bool found = find_struct(btf, name, &type);
	for (const char *part = path; found && *part;) {
		size_t len = strcspn(part, ".");
		struct type in = type;
		found = has_members(&in) && find_member(btf, &in, part, len, 0, &type, &offset);
		part += len + (part[len] == '.');
	}
	if (!found || size_of(&type) != size)
		return uk_error_create(UK_ERR_REFUSED,
				       "this kernel's struct %s has no %s of %zu bytes", name, path,
				       size);
	*ret = offset;
	return NULL;
}
