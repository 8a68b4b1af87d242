// SPDX-License-Identifier: GPL-2.0-or-later
/* JSON for standard output. */
#include "cli/json.h"

#include <stdio.h>
#include <stdlib.h>

static void require(bool fine)
{
	if (fine)
		return;
	fputs("upkeep: out of memory\n", stderr);
	exit(1);
}

static void add(struct json_object *to, const char *key, struct json_object *value)
{
	require(!json_object_object_add(to, key, value));
}

struct json_object *uk_json_new(void)
{
	struct json_object *object = json_object_new_object();
	require(object);
	return object;
}

static struct json_object *new_text(const char *text)
{
	struct json_object *value = text ? json_object_new_string(text) : NULL;
	require(value || !text);
	return value;
}

void uk_json_text(struct json_object *to, const char *key, const char *text)
{
	add(to, key, new_text(text));
}

void uk_json_number(struct json_object *to, const char *key, uint64_t number)
{
	struct json_object *value = json_object_new_uint64(number);
	require(value);
	add(to, key, value);
}

void uk_json_bool(struct json_object *to, const char *key, bool value)
{
	struct json_object *boolean = json_object_new_boolean(value);
	require(boolean);
	add(to, key, boolean);
}

void uk_json_address(struct json_object *to, const char *key, uint64_t address)
{
	char text[32];
	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)address);
	uk_json_text(to, key, text);
}

struct json_object *uk_json_list(struct json_object *to, const char *key)
{
	struct json_object *list = json_object_new_array();
	require(list);
	add(to, key, list);
	return list;
}

struct json_object *uk_json_object(struct json_object *to, const char *key)
{
	struct json_object *object = uk_json_new();
	add(to, key, object);
	return object;
}

struct json_object *uk_json_append(struct json_object *list)
{
	struct json_object *object = uk_json_new();
	require(!json_object_array_add(list, object));
	return object;
}

void uk_json_append_text(struct json_object *list, const char *text)
{
	require(!json_object_array_add(list, new_text(text)));
}
