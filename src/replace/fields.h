/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fields of JSON objects, as the files of a swap have them. Private to this room.
 *
 * Those that put say false without memory. Those that get say UK_ERR_INVALID, with the field's
 * name, when it is missing or of another type.
 */
#ifndef UPKEEP_REPLACE_FIELDS_H
#define UPKEEP_REPLACE_FIELDS_H

#include "base/error.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

static inline bool put_text(struct json_object *to, const char *key, const char *text)
{
	struct json_object *value = text ? json_object_new_string(text) : NULL;
	return (!text || value) && !json_object_object_add(to, key, value);
}

static inline bool put_number(struct json_object *to, const char *key, uint64_t number)
{
	struct json_object *value = json_object_new_uint64(number);
	return value && !json_object_object_add(to, key, value);
}

static inline bool put_flag(struct json_object *to, const char *key, bool flag)
{
	struct json_object *value = json_object_new_boolean(flag);
	return value && !json_object_object_add(to, key, value);
}

/* A new list or object as a field; NULL without memory. */
static inline struct json_object *put_new(struct json_object *to, const char *key,
					  struct json_object *value)
{
	return value && !json_object_object_add(to, key, value) ? value : NULL;
}

static inline struct json_object *append_new(struct json_object *list)
{
	struct json_object *value = list ? json_object_new_object() : NULL;
	return value && !json_object_array_add(list, value) ? value : NULL;
}

/* The object that a text is; json_object_put() it. UK_ERR_INVALID if it is none. */
static inline struct uk_error *parse_object(const char *text, struct json_object **ret)
{
	enum json_tokener_error status;
	*ret = json_tokener_parse_verbose(text, &status);
	if (*ret && json_object_is_type(*ret, json_type_object))
		return NULL;
	json_object_put(*ret);
	*ret = NULL;
	return status == json_tokener_success
		       ? uk_error_create(UK_ERR_INVALID, "not a JSON object")
		       : uk_error_create(UK_ERR_INVALID, "not a JSON object: %s",
					 json_tokener_error_desc(status));
}

static inline struct uk_error *no_field(const char *key, const char *wanted)
{
	return uk_error_create(UK_ERR_INVALID, "%s: there is no %s of that name", key, wanted);
}

static inline struct uk_error *get_flag(struct json_object *from, const char *key, bool *ret)
{
	struct json_object *value;
	if (!json_object_object_get_ex(from, key, &value) ||
	    !json_object_is_type(value, json_type_boolean))
		return no_field(key, "boolean");
	*ret = json_object_get_boolean(value);
	return NULL;
}

static inline struct uk_error *get_text(struct json_object *from, const char *key, char **ret)
{
	struct json_object *value;
	if (!json_object_object_get_ex(from, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return no_field(key, "text");
	return uk_strdup(json_object_get_string(value), ret);
}

/* NULL where there is none. */
static inline struct uk_error *get_text_if_there(struct json_object *from, const char *key,
						 char **ret)
{
	struct json_object *value = NULL;
	if (!json_object_object_get_ex(from, key, &value) || !value)
		return NULL;
	return get_text(from, key, ret);
}

static inline struct uk_error *get_number(struct json_object *from, const char *key, uint64_t *ret)
{
	struct json_object *value;
	if (!json_object_object_get_ex(from, key, &value) ||
	    !json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
		return no_field(key, "number");
	*ret = json_object_get_uint64(value);
	return NULL;
}

/* As it was where there is none. */
static inline struct uk_error *get_number_if_there(struct json_object *from, const char *key,
						   uint64_t *ret)
{
	return json_object_object_get_ex(from, key, NULL) ? get_number(from, key, ret) : NULL;
}

static inline struct uk_error *get_list(struct json_object *from, const char *key,
					struct json_object **ret)
{
	if (!json_object_object_get_ex(from, key, ret) ||
	    !json_object_is_type(*ret, json_type_array))
		return no_field(key, "list");
	return NULL;
}

/* Reads each element of a list into a new one of a vector, which owns it even if it is bad. */
#define GET_ALL(root, key, vec, get)                                                               \
	({                                                                                         \
		struct json_object *all;                                                           \
		struct uk_error *bad = get_list(root, key, &all);                                  \
		for (size_t n = 0; !bad && n < json_object_array_length(all); n++) {               \
			if (!uk_vec_push(vec, (__typeof__(*(vec)->data)){}))                       \
				bad = uk_error_nomem();                                            \
			else                                                                       \
				bad = uk_error_wrap(get(json_object_array_get_idx(all, n),         \
							&(vec)->data[(vec)->len - 1]),             \
						    "%s %zu", key, n);                             \
		}                                                                                  \
		bad;                                                                               \
	})

#endif
