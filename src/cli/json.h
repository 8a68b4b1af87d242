/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON that is put together for standard output. Without memory these end the program,
 * which has nothing else to say then.
 */
#ifndef UPKEEP_CLI_JSON_H
#define UPKEEP_CLI_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct json_object *uk_json_new(void);

/* Fields of an object; a text that is NULL becomes null. */
void uk_json_text(struct json_object *to, const char *key, const char *text);
void uk_json_number(struct json_object *to, const char *key, uint64_t number);
void uk_json_bool(struct json_object *to, const char *key, bool value);
/* A number as "0x..." text: 64 bits are more than JSON readers keep. */
void uk_json_address(struct json_object *to, const char *key, uint64_t address);

/* A new empty list or object as a field; borrowed from @to. */
struct json_object *uk_json_list(struct json_object *to, const char *key);
struct json_object *uk_json_object(struct json_object *to, const char *key);

/* A new element at the end of a list. */
struct json_object *uk_json_append(struct json_object *list);
void uk_json_append_text(struct json_object *list, const char *text);

#endif
