// SPDX-License-Identifier: GPL-2.0-or-later
/* Structures as JSON, by tables. */
#include "bundle/record.h"

#include "base/strbuf.h"

#include <inttypes.h>
#include <string.h>

/* What every UK_VEC looks like; copied in and out, never aliased. */
struct any_vec {
	void *data;
	size_t len, cap;
};

static struct any_vec vec_get(const void *at)
{
	struct any_vec vec;
	memcpy(&vec, at, sizeof(vec));
	return vec;
}

static char *text_get(const void *at)
{
	char *text;
	memcpy(&text, at, sizeof(text));
	return text;
}

static void add_path(struct uk_strbuf *buf, const struct uk_spot *spot)
{
	if (!spot)
		return;
	add_path(buf, spot->up);
	if (spot->key)
		uk_strbuf_addf(buf, "%s%s", spot->up ? "." : "", spot->key);
	else
		uk_strbuf_addf(buf, "[%zu]", spot->index);
}

struct uk_error *uk_spot_error(const struct uk_spot *spot, const char *fmt, ...)
{
	char message[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	uk_auto_strbuf struct uk_strbuf path = {};
	add_path(&path, spot);
	if (path.failed)
		return uk_error_nomem();
	return uk_error_create(UK_ERR_INVALID, "%s: %s", path.len ? path.data : "top level",
			       message);
}

/* Writing */

static struct uk_error *add_value(struct json_object *object, const char *key,
				  struct json_object *value)
{
	if (!value || json_object_object_add(object, key, value) < 0) {
		json_object_put(value);
		return uk_error_nomem();
	}
	return NULL;
}

static struct uk_error *append_value(struct json_object *array, struct json_object *value)
{
	if (!value || json_object_array_add(array, value) < 0) {
		json_object_put(value);
		return uk_error_nomem();
	}
	return NULL;
}

static struct uk_error *write_text(struct json_object *object, const struct uk_field *field,
				   const char *text)
{
	if (!text && !field->may_be_null)
		return uk_error_create(UK_ERR_INVALID, "%s: missing", field->key);
	if (text)
		return add_value(object, field->key, json_object_new_string(text));
	return json_object_object_add(object, field->key, NULL) < 0 ? uk_error_nomem() : NULL;
}

static struct uk_error *write_enum(struct json_object *object, const struct uk_field *field,
				   const void *at)
{
	unsigned int value;
	memcpy(&value, at, sizeof(value));
	for (unsigned int i = 0; field->names[i]; i++) {
		if (i == value)
			return add_value(object, field->key,
					 json_object_new_string(field->names[i]));
	}
	return uk_error_create(UK_ERR_INVALID, "%s: unknown value %u", field->key, value);
}

static struct uk_error *write_hex(struct json_object *object, const struct uk_field *field,
				  const char *from)
{
	uint8_t *bytes;
	uint64_t len;
	memcpy(&bytes, from + field->offset, sizeof(bytes));
	memcpy(&len, from + field->len_offset, sizeof(len));
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_hex_encode(bytes, len, &text);
	return err ? err : add_value(object, field->key, json_object_new_string(text));
}

static struct uk_error *write_list(struct json_object *object, const struct uk_field *field,
				   const void *at)
{
	struct json_object *array = json_object_new_array();
	struct uk_error *err = add_value(object, field->key, array);
	struct any_vec vec = vec_get(at);
	for (size_t i = 0; !err && i < vec.len; i++) {
		struct json_object *value = NULL;
		if (field->kind == UK_FIELD_TEXTS)
			value = json_object_new_string(((char **)vec.data)[i]);
		else
			err = uk_record_write(field->record,
					      (char *)vec.data + i * field->record->size, &value);
		if (err)
			return uk_error_wrap(err, "%s[%zu]", field->key, i);
		err = append_value(array, value);
	}
	return err;
}

static struct uk_error *write_field(struct json_object *object, const struct uk_field *field,
				    const char *from)
{
	const void *at = from + field->offset;
	switch (field->kind) {
	case UK_FIELD_TEXT:
		return write_text(object, field, text_get(at));
	case UK_FIELD_BOOL:
		return add_value(object, field->key, json_object_new_boolean(*(const bool *)at));
	case UK_FIELD_NUMBER:
		return add_value(object, field->key,
				 json_object_new_int64((int64_t) * (const uint64_t *)at));
	case UK_FIELD_INDEX:
		return add_value(object, field->key,
				 json_object_new_int64(*(const unsigned int *)at));
	case UK_FIELD_ENUM:
		return write_enum(object, field, at);
	case UK_FIELD_HEX:
		return write_hex(object, field, from);
	case UK_FIELD_TEXTS:
	case UK_FIELD_RECORDS:
		return write_list(object, field, at);
	}
	return uk_error_create(UK_ERR_INVALID, "%s: unknown kind of field", field->key);
}

struct uk_error *uk_record_write(const struct uk_record *record, const void *from,
				 struct json_object **ret)
{
	struct json_object *object = json_object_new_object();
	if (!object)
		return uk_error_nomem();
	for (const struct uk_field *field = record->fields; field->key; field++) {
		struct uk_error *err = write_field(object, field, from);
		if (err) {
			json_object_put(object);
			return err;
		}
	}
	*ret = object;
	return NULL;
}

/* Reading */

static struct uk_error *need_type(struct json_object *value, enum json_type type,
				  const struct uk_spot *spot)
{
	if (json_object_is_type(value, type))
		return NULL;
	return uk_spot_error(spot, "expected %s, found %s", json_type_to_name(type),
			     json_type_to_name(json_object_get_type(value)));
}

static struct uk_error *read_text(struct json_object *value, const struct uk_field *field,
				  const struct uk_spot *spot, char **ret)
{
	struct uk_error *err = need_type(value, json_type_string, spot);
	if (err)
		return err;
	const char *text = json_object_get_string(value);
	if (strlen(text) != (size_t)json_object_get_string_len(value))
		return uk_spot_error(spot, "a NUL inside the string");
	if (field->check && !field->check(text))
		return uk_spot_error(spot, "'%.80s' is not %s", text, field->expected);
	return uk_strdup(text, ret);
}

static struct uk_error *read_number(struct json_object *value, uint64_t max,
				    const struct uk_spot *spot, uint64_t *ret)
{
	struct uk_error *err = need_type(value, json_type_int, spot);
	if (err)
		return err;
	int64_t number = json_object_get_int64(value);
	if (number < 0 || (uint64_t)number > max)
		return uk_spot_error(spot, "%s is not between 0 and %" PRIu64,
				     json_object_get_string(value), max);
	*ret = (uint64_t)number;
	return NULL;
}

static struct uk_error *read_enum(struct json_object *value, const struct uk_field *field,
				  const struct uk_spot *spot, unsigned int *ret)
{
	struct uk_error *err = need_type(value, json_type_string, spot);
	if (err)
		return err;
	const char *text = json_object_get_string(value);
	for (unsigned int i = 0; field->names[i]; i++) {
		if (!strcmp(field->names[i], text)) {
			*ret = i;
			return NULL;
		}
	}
	return uk_spot_error(spot, "unknown value '%.80s'", text);
}

static struct uk_error *read_hex(struct json_object *value, const struct uk_field *field,
				 const struct uk_spot *spot, char *to)
{
	struct uk_error *err = need_type(value, json_type_string, spot);
	if (err)
		return err;
	const char *text = json_object_get_string(value);
	uint64_t len = strlen(text) / 2, known;
	memcpy(&known, to + field->len_offset, sizeof(known));
	if (!len || len > field->max)
		return uk_spot_error(spot, "%" PRIu64 " bytes, expected 1 to %" PRIu64, len,
				     field->max);
	if (known && known != len)
		return uk_spot_error(spot, "%" PRIu64 " bytes, expected %" PRIu64, len, known);
	uint8_t *bytes = malloc(len);
	if (!bytes)
		return uk_error_nomem();
	memcpy(to + field->offset, &bytes, sizeof(bytes));
	memcpy(to + field->len_offset, &len, sizeof(len));
	if (!uk_hex_decode(text, bytes, len))
		return uk_spot_error(spot, "not lower-case hexadecimal");
	return NULL;
}

static size_t element_size(const struct uk_field *field)
{
	return field->kind == UK_FIELD_TEXTS ? sizeof(char *) : field->record->size;
}

static struct uk_error *read_list(struct json_object *value, const struct uk_field *field,
				  const struct uk_spot *spot, void *to)
{
	struct uk_error *err = need_type(value, json_type_array, spot);
	size_t nr = err ? 0 : json_object_array_length(value);
	if (err || !nr)
		return err;
	size_t size = element_size(field);
	struct any_vec vec = { calloc(nr, size), nr, nr };
	if (!vec.data)
		return uk_error_nomem();
	memcpy(to, &vec, sizeof(vec));
	for (size_t i = 0; !err && i < nr; i++) {
		struct uk_spot inner = { .up = spot, .index = i };
		struct json_object *element = json_object_array_get_idx(value, i);
		char *at = (char *)vec.data + i * size;
		if (field->kind == UK_FIELD_TEXTS)
			err = read_text(element, field, &inner, (char **)at);
		else
			err = uk_record_read(field->record, element, &inner, NULL, at);
	}
	return err;
}

static struct uk_error *read_field(struct json_object *value, const struct uk_field *field,
				   const struct uk_spot *spot, char *to)
{
	void *at = to + field->offset;
	uint64_t number = 0;
	struct uk_error *err;
	switch (field->kind) {
	case UK_FIELD_TEXT:
		if (!value && field->may_be_null)
			return NULL;
		return read_text(value, field, spot, at);
	case UK_FIELD_BOOL:
		err = need_type(value, json_type_boolean, spot);
		if (!err)
			*(bool *)at = json_object_get_boolean(value);
		return err;
	case UK_FIELD_NUMBER:
		return read_number(value, field->max, spot, at);
	case UK_FIELD_INDEX:
		err = read_number(value, field->max, spot, &number);
		if (!err)
			*(unsigned int *)at = (unsigned int)number;
		return err;
	case UK_FIELD_ENUM:
		return read_enum(value, field, spot, at);
	case UK_FIELD_HEX:
		return read_hex(value, field, spot, to);
	case UK_FIELD_TEXTS:
	case UK_FIELD_RECORDS:
		return read_list(value, field, spot, at);
	}
	return uk_spot_error(spot, "unknown kind of field");
}

static bool is_extra(const char *const *extra, const char *key)
{
	for (; extra && *extra; extra++) {
		if (!strcmp(*extra, key))
			return true;
	}
	return false;
}

static bool has_field(const struct uk_record *record, const char *key)
{
	for (const struct uk_field *field = record->fields; field->key; field++) {
		if (!strcmp(field->key, key))
			return true;
	}
	return false;
}

static struct uk_error *refuse_unknown(const struct uk_record *record, struct json_object *from,
				       const struct uk_spot *spot, const char *const *extra)
{
	json_object_object_foreach(from, key, value)
	{
		(void)value;
		if (!has_field(record, key) && !is_extra(extra, key))
			return uk_spot_error(spot, "unknown field '%.80s'", key);
	}
	return NULL;
}

struct uk_error *uk_record_read(const struct uk_record *record, struct json_object *from,
				const struct uk_spot *spot, const char *const *extra, void *to)
{
	struct uk_error *err = need_type(from, json_type_object, spot);
	if (!err)
		err = refuse_unknown(record, from, spot, extra);
	for (const struct uk_field *field = record->fields; !err && field->key; field++) {
		struct uk_spot inner = { .up = spot, .key = field->key };
		struct json_object *value;
		if (!json_object_object_get_ex(from, field->key, &value))
			return uk_spot_error(&inner, "missing");
		err = read_field(value, field, &inner, to);
	}
	return err;
}

/* Releasing */

static void list_deinit(const struct uk_field *field, void *at)
{
	struct any_vec vec = vec_get(at);
	for (size_t i = 0; i < vec.len; i++) {
		if (field->kind == UK_FIELD_TEXTS)
			free(((char **)vec.data)[i]);
		else
			uk_record_deinit(field->record, (char *)vec.data + i * field->record->size);
	}
	free(vec.data);
}

void uk_record_deinit(const struct uk_record *record, void *from)
{
	for (const struct uk_field *field = record->fields; field->key; field++) {
		void *at = (char *)from + field->offset;
		if (field->kind == UK_FIELD_TEXT || field->kind == UK_FIELD_HEX)
			free(text_get(at));
		else if (field->kind == UK_FIELD_TEXTS || field->kind == UK_FIELD_RECORDS)
			list_deinit(field, at);
	}
	memset(from, 0, record->size);
}
