// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages of protobuf, taken apart and put together. */
#include "replace/protobuf.h"

#include "base/strbuf.h"

#include <endian.h>
#include <string.h>

enum {
	VARINT_MAX = 10,	/* bytes of 64 bits */
	NUMBER_MAX = 536870911, /* of a field: 29 bits */
};

static void field_deinit(struct uk_pb_field *field)
{
	free(field->data);
	field->data = NULL;
}

void uk_pb_deinit(struct uk_pb *message)
{
	uk_vec_for_each(field, &message->fields)
		field_deinit(field);
	uk_vec_deinit(&message->fields);
}

/* --- apart --------------------------------------------------------------------------- */

struct span {
	const uint8_t *data;
	size_t len;
};

static bool take_varint(struct span *from, uint64_t *ret)
{
	uint64_t value = 0;
	for (unsigned int i = 0; i < VARINT_MAX && i < from->len; i++) {
		uint8_t byte = from->data[i];
		if (i == VARINT_MAX - 1 && byte > 1)
			return false;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		from->data += i + 1;
		from->len -= i + 1;
		*ret = value;
		return true;
	}
	return false;
}

static bool take_fixed(struct span *from, size_t size, uint64_t *ret)
{
	uint64_t value = 0;
	if (from->len < size)
		return false;
	memcpy(&value, from->data, size);
	from->data += size;
	from->len -= size;
	*ret = le64toh(value);
	return true;
}

static bool take_bytes(struct span *from, struct span *ret)
{
	uint64_t len;
	if (!take_varint(from, &len) || len > from->len)
		return false;
	*ret = (struct span){ from->data, len };
	from->data += len;
	from->len -= len;
	return true;
}

/* The field without its bytes, which stay where they are. */
static bool take_field(struct span *from, struct uk_pb_field *ret, struct span *bytes)
{
	uint64_t tag;
	*bytes = (struct span){};
	*ret = (struct uk_pb_field){};
	if (!take_varint(from, &tag) || tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
		return false;
	ret->number = (uint32_t)(tag >> 3);
	ret->wire = (enum uk_pb_wire)(tag & 7);
	switch (tag & 7) {
	case UK_PB_VARINT:
		return take_varint(from, &ret->value);
	case UK_PB_FIXED64:
		return take_fixed(from, 8, &ret->value);
	case UK_PB_FIXED32:
		return take_fixed(from, 4, &ret->value);
	case UK_PB_BYTES:
		return take_bytes(from, bytes);
	default:
		return false;
	}
}

static struct uk_error *set_data(struct uk_pb_field *field, const void *data, size_t len)
{
	uint8_t *copy = len ? malloc(len) : NULL;
	if (len && !copy)
		return uk_error_nomem();
	if (len)
		memcpy(copy, data, len);
	free(field->data);
	field->data = copy;
	field->len = len;
	return NULL;
}

struct uk_error *uk_pb_parse(const void *data, size_t len, struct uk_pb *ret)
{
	struct span rest = { data, len }, bytes;
	struct uk_pb_field field;
	while (rest.len) {
		size_t at = len - rest.len;
		if (!take_field(&rest, &field, &bytes))
			return uk_error_create(UK_ERR_INVALID, "byte %zu is no field of protobuf",
					       at);
		if (!uk_vec_push(&ret->fields, field))
			return uk_error_nomem();
		struct uk_error *err =
			set_data(&ret->fields.data[ret->fields.len - 1], bytes.data, bytes.len);
		if (err)
			return err;
	}
	return NULL;
}

/* --- together ------------------------------------------------------------------------ */

static void put_varint(struct uk_strbuf *to, uint64_t value)
{
	uint8_t bytes[VARINT_MAX];
	size_t len = 0;
	do {
		bytes[len++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value);
	uk_strbuf_add(to, bytes, len);
}

static void put_fixed(struct uk_strbuf *to, uint64_t value, size_t size)
{
	value = htole64(value);
	uk_strbuf_add(to, &value, size);
}

static void put_field(struct uk_strbuf *to, const struct uk_pb_field *field)
{
	put_varint(to, (uint64_t)field->number << 3 | field->wire);
	switch (field->wire) {
	case UK_PB_VARINT:
		put_varint(to, field->value);
		break;
	case UK_PB_FIXED64:
		put_fixed(to, field->value, 8);
		break;
	case UK_PB_FIXED32:
		put_fixed(to, field->value, 4);
		break;
	case UK_PB_BYTES:
		put_varint(to, field->len);
		if (field->len)
			uk_strbuf_add(to, field->data, field->len);
		break;
	}
}

struct uk_error *uk_pb_pack(const struct uk_pb *message, uint8_t **ret, size_t *len_ret)
{
	uk_auto_strbuf struct uk_strbuf buf = {};
	uk_vec_for_each(field, &message->fields)
		put_field(&buf, field);
	return uk_strbuf_finish_len(&buf, (char **)ret, len_ret);
}

/* --- look and change ----------------------------------------------------------------- */

static size_t count(const struct uk_pb *message, uint32_t number, struct uk_pb_field **ret)
{
	size_t nr = 0;
	*ret = NULL;
	uk_vec_for_each(field, &message->fields) {
		if (field->number != number)
			continue;
		*ret = field;
		nr++;
	}
	return nr;
}

struct uk_pb_field *uk_pb_find(const struct uk_pb *message, uint32_t number, enum uk_pb_wire wire)
{
	struct uk_pb_field *field;
	return count(message, number, &field) == 1 && field->wire == wire ? field : NULL;
}

bool uk_pb_get(const struct uk_pb *message, uint32_t number, uint64_t *ret)
{
	const struct uk_pb_field *field = uk_pb_find(message, number, UK_PB_VARINT);
	if (field)
		*ret = field->value;
	return field;
}

struct uk_error *uk_pb_get_message(const struct uk_pb *message, uint32_t number, struct uk_pb *ret)
{
	const struct uk_pb_field *field = uk_pb_find(message, number, UK_PB_BYTES);
	if (!field)
		return uk_error_create(UK_ERR_INVALID, "there is no message in field %u", number);
	return uk_error_wrap(uk_pb_parse(field->data, field->len, ret), "field %u", number);
}

/* Behind the last one that comes before it by number. */
static struct uk_pb_field *insert(struct uk_pb *message, uint32_t number)
{
	size_t at = message->fields.len;
	if (!uk_vec_push(&message->fields, (struct uk_pb_field){}))
		return NULL;
	struct uk_pb_field *fields = message->fields.data;
	for (; at && fields[at - 1].number > number; at--)
		fields[at] = fields[at - 1];
	fields[at] = (struct uk_pb_field){ .number = number };
	return &fields[at];
}

static struct uk_error *make(struct uk_pb *message, uint32_t number, enum uk_pb_wire wire,
			     struct uk_pb_field **ret)
{
	size_t nr = count(message, number, ret);
	if (nr > 1)
		return uk_error_create(UK_ERR_INVALID, "there are %zu fields %u", nr, number);
	if (!nr)
		*ret = insert(message, number);
	if (!*ret)
		return uk_error_nomem();
	if ((*ret)->wire != wire) {
		field_deinit(*ret);
		**ret = (struct uk_pb_field){ .number = number, .wire = wire };
	}
	return NULL;
}

struct uk_error *uk_pb_set(struct uk_pb *message, uint32_t number, uint64_t value)
{
	struct uk_pb_field *field;
	struct uk_error *err = make(message, number, UK_PB_VARINT, &field);
	if (!err)
		field->value = value;
	return err;
}

struct uk_error *uk_pb_set_bytes(struct uk_pb *message, uint32_t number, const void *data,
				 size_t len)
{
	struct uk_pb_field *field;
	struct uk_error *err = make(message, number, UK_PB_BYTES, &field);
	return err ? err : set_data(field, data, len);
}

struct uk_error *uk_pb_set_message(struct uk_pb *message, uint32_t number,
				   const struct uk_pb *inner)
{
	uk_auto_free uint8_t *data = NULL;
	size_t len;
	struct uk_error *err = uk_pb_pack(inner, &data, &len);
	return err ? err : uk_pb_set_bytes(message, number, data, len);
}

void uk_pb_remove(struct uk_pb *message, uint32_t number)
{
	size_t kept = 0;
	uk_vec_for_each(field, &message->fields) {
		if (field->number == number)
			field_deinit(field);
		else
			message->fields.data[kept++] = *field;
	}
	message->fields.len = kept;
}
