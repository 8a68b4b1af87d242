// SPDX-License-Identifier: GPL-2.0-or-later
/* manifest.json: the model as text, and back with everything checked. */
#include "bundle/manifest.h"

#include "base/strbuf.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

static void free_tokener(struct json_tokener **tokener)
{
	if (*tokener)
		json_tokener_free(*tokener);
}

struct uk_error *uk_update_to_json(const struct uk_update *update, char **ret)
{
	uk_cleanup(put_json) struct json_object *fields = NULL;
	struct uk_error *err = uk_record_write(&uk_update_record, update, &fields);
	if (err)
		return uk_error_wrap(err, UK_MANIFEST_NAME);
	uk_cleanup(put_json) struct json_object *top = json_object_new_object();
	struct json_object *schema = json_object_new_int(UK_MANIFEST_SCHEMA);
	if (!top || !schema || json_object_object_add(top, "schema", schema) < 0) {
		json_object_put(schema);
		return uk_error_nomem();
	}
	json_object_object_foreach(fields, key, value)
	{
		if (json_object_object_add(top, key, json_object_get(value)) < 0) {
			json_object_put(value);
			return uk_error_nomem();
		}
	}
	const char *text = json_object_to_json_string_ext(
		top,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
	return text ? uk_asprintf(ret, "%s\n", text) : uk_error_nomem();
}

/* Whether it fits: what no single field can say. */

static struct uk_error *check_part(const struct uk_update *update, size_t i)
{
	const struct uk_update_part *part = &update->parts.data[i];
	struct uk_spot list = { .key = "parts" }, spot = { .up = &list, .index = i };
	for (size_t j = 0; j < i; j++) {
		if (!strcmp(update->parts.data[j].target, part->target))
			return uk_spot_error(&spot, "a second part for %s", part->target);
	}
	uk_auto_free char *prefix = NULL;
	struct uk_error *err = uk_asprintf(&prefix, "upkeep_%s_", update->id);
	if (err)
		return err;
	const char *number =
		uk_str_starts(part->module, prefix) ? part->module + strlen(prefix) : "";
	if (!*number || strspn(number, "0123456789") != strlen(number))
		return uk_spot_error(&spot, "module '%s' is not %s followed by a number",
				     part->module, prefix);
	for (size_t j = 0; j < i; j++) {
		if (!strcmp(update->parts.data[j].module, part->module))
			return uk_spot_error(&spot, "a second part with module %s", part->module);
	}
	return NULL;
}

static struct uk_error *check_object(const struct uk_update *update, size_t i)
{
	const struct uk_update_object *object = &update->objects.data[i];
	struct uk_spot list = { .key = "objects" }, spot = { .up = &list, .index = i };
	if (object->part >= update->parts.len)
		return uk_spot_error(&spot, "part %u of %zu", object->part, update->parts.len);
	return NULL;
}

static struct uk_error *check_function(const struct uk_update *update, size_t i)
{
	const struct uk_update_function *function = &update->functions.data[i];
	struct uk_spot list = { .key = "functions" }, spot = { .up = &list, .index = i };
	if (function->object >= update->objects.len)
		return uk_spot_error(&spot, "object %u of %zu", function->object,
				     update->objects.len);
	bool exists = function->change != UK_CHANGE_NEW;
	if (exists != (function->old_size != 0))
		return uk_spot_error(&spot, "old_size %" PRIu64 " of a function that is %s",
				     function->old_size, exists ? "not new" : "new");
	if (function->change == UK_CHANGE_REMOVED && function->section)
		return uk_spot_error(&spot, "section %s of a removed function", function->section);
	if (function->change == UK_CHANGE_NEW && !function->section)
		return uk_spot_error(&spot, "no section");
	if (!function->redirect)
		return NULL;
	if (function->change != UK_CHANGE_CHANGED || !function->section)
		return uk_spot_error(&spot, "redirect without old and new code");
	return NULL;
}

static struct uk_error *check_datum(const struct uk_update *update, size_t i)
{
	struct uk_spot list = { .key = "data" }, spot = { .up = &list, .index = i };
	unsigned int object = update->data.data[i].object;
	if (object >= update->objects.len)
		return uk_spot_error(&spot, "object %u of %zu", object, update->objects.len);
	return NULL;
}

static struct uk_error *check_write(const struct uk_update *update, size_t i)
{
	struct uk_spot list = { .key = "writes" }, spot = { .up = &list, .index = i };
	unsigned int object = update->writes.data[i].object;
	if (object >= update->objects.len)
		return uk_spot_error(&spot, "object %u of %zu", object, update->objects.len);
	return NULL;
}

static struct uk_error *check_pointer(const struct uk_update *update, size_t i)
{
	struct uk_spot list = { .key = "pointers" }, spot = { .up = &list, .index = i };
	unsigned int object = update->pointers.data[i].object;
	if (object >= update->objects.len)
		return uk_spot_error(&spot, "object %u of %zu", object, update->objects.len);
	return NULL;
}

static struct uk_error *check_after(const struct uk_update *update, size_t i)
{
	struct uk_spot list = { .key = "after" }, spot = { .up = &list, .index = i };
	const char *id = update->after.data[i];
	if (!strcmp(id, update->id))
		return uk_spot_error(&spot, "it stands on itself");
	for (size_t j = 0; j < i; j++) {
		if (!strcmp(update->after.data[j], id))
			return uk_spot_error(&spot, "%s twice", id);
	}
	return NULL;
}

static struct uk_error *check_members(const struct uk_update *update)
{
	uk_auto_free const char **names = NULL;
	size_t nr;
	struct uk_error *err = uk_update_members(update, &names, &nr);
	if (err)
		return err;
	for (size_t i = 0; i < nr; i++) {
		if (!strcmp(names[i], UK_MANIFEST_NAME) || (i && !strcmp(names[i - 1], names[i])))
			return uk_error_create(UK_ERR_INVALID, "member %s is named twice",
					       names[i]);
	}
	return NULL;
}

static struct uk_error *check_update(const struct uk_update *update)
{
	static const struct {
		size_t len_offset;
		struct uk_error *(*check)(const struct uk_update *update, size_t i);
	} checks[] = {
		{ offsetof(struct uk_update, after.len), check_after },
		{ offsetof(struct uk_update, parts.len), check_part },
		{ offsetof(struct uk_update, objects.len), check_object },
		{ offsetof(struct uk_update, functions.len), check_function },
		{ offsetof(struct uk_update, data.len), check_datum },
		{ offsetof(struct uk_update, writes.len), check_write },
		{ offsetof(struct uk_update, pointers.len), check_pointer },
	};
	struct uk_error *err = NULL;
	for (size_t c = 0; !err && c < UK_ARRAY_SIZE(checks); c++) {
		size_t len;
		memcpy(&len, (const char *)update + checks[c].len_offset, sizeof(len));
		for (size_t i = 0; !err && i < len; i++)
			err = checks[c].check(update, i);
	}
	return err ? err : check_members(update);
}

static struct uk_error *parse_json(const char *text, size_t len, struct json_object **ret)
{
	uk_cleanup(free_tokener) struct json_tokener *tokener = json_tokener_new_ex(8);
	if (!tokener)
		return uk_error_nomem();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	if (len > INT_MAX)
		return uk_error_create(UK_ERR_INVALID, "%zu bytes are too many", len);
	struct json_object *object = json_tokener_parse_ex(tokener, text, (int)len);
	enum json_tokener_error code = json_tokener_get_error(tokener);
	size_t end = json_tokener_get_parse_end(tokener);
	while (code == json_tokener_success && end < len) {
		if (!text[end] || !strchr(" \t\r\n", text[end]))
			code = json_tokener_error_parse_unexpected;
		else
			end++;
	}
	if (code == json_tokener_success) {
		*ret = object;
		return NULL;
	}
	json_object_put(object);
	return uk_error_create(UK_ERR_INVALID, "not JSON at byte %zu: %s", end,
			       json_tokener_error_desc(code));
}

static struct uk_error *check_schema(struct json_object *top)
{
	struct uk_spot spot = { .key = "schema" };
	struct json_object *value;
	if (!json_object_is_type(top, json_type_object))
		return uk_error_create(UK_ERR_INVALID, "top level: expected object, found %s",
				       json_type_to_name(json_object_get_type(top)));
	if (!json_object_object_get_ex(top, "schema", &value))
		return uk_spot_error(&spot, "missing");
	if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 1)
		return uk_spot_error(&spot, "expected a number from 1 on");
	if (json_object_get_int64(value) > UK_MANIFEST_SCHEMA)
		return uk_spot_error(&spot,
				     "%" PRId64 " is newer than %d, which this upkeep (%s) "
				     "understands; install the upkeep that made the update",
				     json_object_get_int64(value), UK_MANIFEST_SCHEMA,
				     UPKEEP_VERSION);
	return NULL;
}

static struct uk_error *read_update(const char *text, size_t len, struct uk_update *update)
{
	uk_cleanup(put_json) struct json_object *top = NULL;
	static const char *const extra[] = { "schema", NULL };
	struct uk_error *err = parse_json(text, len, &top);
	if (!err)
		err = check_schema(top);
	if (!err)
		err = uk_record_read(&uk_update_record, top, NULL, extra, update);
	return err ? err : check_update(update);
}

struct uk_error *uk_update_from_json(const char *text, size_t len, struct uk_update **ret)
{
	uk_auto_update struct uk_update *update = NULL;
	struct uk_error *err = uk_update_create(&update);
	if (!err)
		err = read_update(text, len, update);
	if (err)
		return uk_error_wrap(err, UK_MANIFEST_NAME);
	*ret = uk_take(update);
	return NULL;
}
