// SPDX-License-Identifier: GPL-2.0-or-later
/* The model of an update: its tables, making and releasing it. */
#include "bundle/update.h"

#include "bundle/manifest.h"
#include "bundle/record.h"

#include <ctype.h>
#include <string.h>

enum {
	TEXT_MAX = 1 << 16,
	NAME_MAX_LEN = 512,
	TARGET_MAX = 55, /* the kernel's limit for the name of a module */
	WRITE_MAX = 1 << 20,
	INDEX_MAX = 1 << 24,
};
#define SIZE_LIMIT                                                                                 \
	((uint64_t)1 << 31) /* a function or datum is smaller than the text of a kernel */

static bool all_in(const char *text, bool (*ok)(unsigned char c), size_t max)
{
	size_t len = strlen(text);
	if (!len || len > max)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!ok((unsigned char)text[i]))
			return false;
	}
	return true;
}

static bool is_graph(unsigned char c)
{
	return c > ' ' && c < 0x7f;
}

static bool is_word(unsigned char c)
{
	return c < 0x80 && (isalnum(c) || c == '_');
}

static bool is_member_char(unsigned char c)
{
	return is_word(c) || (c && strchr("./+-", c));
}

static bool is_release_char(unsigned char c)
{
	return is_word(c) || (c && strchr(".+~-", c));
}

static bool is_hex(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Bytes above 0x7f are UTF-8, which the JSON parser has checked. */
static bool is_line_char(unsigned char c)
{
	return c >= ' ' && c != 0x7f;
}

static bool is_text_char(unsigned char c)
{
	return is_line_char(c) || c == '\n' || c == '\t';
}

/* A name as compilers and linkers make them. */
static bool name_ok(const char *text)
{
	return all_in(text, is_graph, NAME_MAX_LEN);
}

static bool target_ok(const char *text)
{
	return all_in(text, is_word, TARGET_MAX);
}

static bool release_ok(const char *text)
{
	return all_in(text, is_release_char, 64);
}

static bool build_id_ok(const char *text)
{
	return all_in(text, is_hex, 128) && strlen(text) % 2 == 0;
}

static bool arch_ok(const char *text)
{
	return !strcmp(text, "x86_64");
}

static bool line_ok(const char *text)
{
	return all_in(text, is_line_char, TEXT_MAX);
}

static bool text_ok(const char *text)
{
	return all_in(text, is_text_char, TEXT_MAX);
}

bool uk_update_id_ok(const char *text)
{
	return all_in(text, is_hex, 16) && strlen(text) == 16;
}

bool uk_member_name_ok(const char *text)
{
	if (!all_in(text, is_member_char, 255) || text[0] == '/')
		return false;
	for (const char *part = text; part; part = strchr(part, '/')) {
		part += *part == '/';
		size_t len = strcspn(part, "/");
		if (!len || (len == 1 && part[0] == '.') || (len == 2 && !strncmp(part, "..", 2)))
			return false;
	}
	return true;
}

#define NAME .check = name_ok, .expected = "a name (printable, without blanks)"
#define MEMBER .check = uk_member_name_ok, .expected = "a relative path of [A-Za-z0-9._/+-]"
#define TARGET .check = target_ok, .expected = "the name of a module"
#define LINE .check = line_ok, .expected = "one line of text"
#define TEXT .check = text_ok, .expected = "text"
#define ID .check = uk_update_id_ok, .expected = "16 lower-case hexadecimal digits"

static const char *const change_names[] = { "changed", "new", "removed", NULL };
static const char *const datum_names[] = { "new", "carried", "written", "ignored", NULL };

static const struct uk_field part_fields[] = {
	{ "target", UK_FIELD_TEXT, offsetof(struct uk_update_part, target), TARGET },
	{ "module", UK_FIELD_TEXT, offsetof(struct uk_update_part, module), TARGET },
	{ "member", UK_FIELD_TEXT, offsetof(struct uk_update_part, member), MEMBER },
	{},
};
static const struct uk_record part_record = { sizeof(struct uk_update_part), part_fields };

static const struct uk_field object_fields[] = {
	{ "path", UK_FIELD_TEXT, offsetof(struct uk_update_object, path), MEMBER },
	{ "part", UK_FIELD_INDEX, offsetof(struct uk_update_object, part), .max = INDEX_MAX },
	{ "plain", UK_FIELD_TEXT, offsetof(struct uk_update_object, plain), MEMBER },
	{ "prev", UK_FIELD_TEXT, offsetof(struct uk_update_object, prev), .may_be_null = true,
	  MEMBER },
	{},
};
static const struct uk_record object_record = { sizeof(struct uk_update_object), object_fields };

static const struct uk_field function_fields[] = {
	{ "change", UK_FIELD_ENUM, offsetof(struct uk_update_function, change),
	  .names = change_names },
	{ "object", UK_FIELD_INDEX, offsetof(struct uk_update_function, object), .max = INDEX_MAX },
	{ "name", UK_FIELD_TEXT, offsetof(struct uk_update_function, name), NAME },
	{ "old_size", UK_FIELD_NUMBER, offsetof(struct uk_update_function, old_size),
	  .max = SIZE_LIMIT },
	{ "new_size", UK_FIELD_NUMBER, offsetof(struct uk_update_function, new_size),
	  .max = SIZE_LIMIT },
	{ "section", UK_FIELD_TEXT, offsetof(struct uk_update_function, section),
	  .may_be_null = true, NAME },
	{ "offset", UK_FIELD_NUMBER, offsetof(struct uk_update_function, offset),
	  .max = SIZE_LIMIT },
	{ "redirect", UK_FIELD_BOOL, offsetof(struct uk_update_function, redirect) },
	{},
};
static const struct uk_record function_record = { sizeof(struct uk_update_function),
						  function_fields };

static const struct uk_field datum_fields[] = {
	{ "change", UK_FIELD_ENUM, offsetof(struct uk_update_datum, change), .names = datum_names },
	{ "object", UK_FIELD_INDEX, offsetof(struct uk_update_datum, object), .max = INDEX_MAX },
	{ "name", UK_FIELD_TEXT, offsetof(struct uk_update_datum, name), NAME },
	{ "size", UK_FIELD_NUMBER, offsetof(struct uk_update_datum, size), .max = SIZE_LIMIT },
	{},
};
static const struct uk_record datum_record = { sizeof(struct uk_update_datum), datum_fields };

static const struct uk_field write_fields[] = {
	{ "object", UK_FIELD_INDEX, offsetof(struct uk_update_write, object), .max = INDEX_MAX },
	{ "symbol", UK_FIELD_TEXT, offsetof(struct uk_update_write, symbol), NAME },
	{ "offset", UK_FIELD_NUMBER, offsetof(struct uk_update_write, offset), .max = SIZE_LIMIT },
	{ "old", UK_FIELD_HEX, offsetof(struct uk_update_write, old_bytes),
	  offsetof(struct uk_update_write, len), .max = WRITE_MAX },
	{ "new", UK_FIELD_HEX, offsetof(struct uk_update_write, new_bytes),
	  offsetof(struct uk_update_write, len), .max = WRITE_MAX },
	{},
};
static const struct uk_record write_record = { sizeof(struct uk_update_write), write_fields };

static const struct uk_field pointer_fields[] = {
	{ "object", UK_FIELD_INDEX, offsetof(struct uk_update_pointer, object), .max = INDEX_MAX },
	{ "symbol", UK_FIELD_TEXT, offsetof(struct uk_update_pointer, symbol), NAME },
	{ "offset", UK_FIELD_NUMBER, offsetof(struct uk_update_pointer, offset),
	  .max = SIZE_LIMIT },
	{ "section", UK_FIELD_TEXT, offsetof(struct uk_update_pointer, section), NAME },
	{ "at", UK_FIELD_NUMBER, offsetof(struct uk_update_pointer, at), .max = SIZE_LIMIT },
	{},
};
static const struct uk_record pointer_record = { sizeof(struct uk_update_pointer), pointer_fields };

static const struct uk_field finding_fields[] = {
	{ "name", UK_FIELD_TEXT, offsetof(struct uk_finding, name), LINE },
	{ "place", UK_FIELD_TEXT, offsetof(struct uk_finding, place), LINE },
	{ "text", UK_FIELD_TEXT, offsetof(struct uk_finding, text), TEXT },
	{ "accepted", UK_FIELD_BOOL, offsetof(struct uk_finding, accepted) },
	{},
};
static const struct uk_record finding_record = { sizeof(struct uk_finding), finding_fields };

static const struct uk_field update_fields[] = {
	{ "id", UK_FIELD_TEXT, offsetof(struct uk_update, id), ID },
	{ "release", UK_FIELD_TEXT, offsetof(struct uk_update, release), .check = release_ok,
	  .expected = "a kernel release" },
	{ "version", UK_FIELD_TEXT, offsetof(struct uk_update, version), .may_be_null = true,
	  LINE },
	{ "build_id", UK_FIELD_TEXT, offsetof(struct uk_update, build_id), .may_be_null = true,
	  .check = build_id_ok, .expected = "a build id in lower-case hexadecimal" },
	{ "arch", UK_FIELD_TEXT, offsetof(struct uk_update, arch), .check = arch_ok,
	  .expected = "x86_64, the only architecture served" },
	{ "compiler", UK_FIELD_TEXT, offsetof(struct uk_update, compiler), LINE },
	{ "source", UK_FIELD_TEXT, offsetof(struct uk_update, source), LINE },
	{ "description", UK_FIELD_TEXT, offsetof(struct uk_update, description),
	  .may_be_null = true, TEXT },
	{ "cves", UK_FIELD_TEXTS, offsetof(struct uk_update, cves), NAME },
	{ "after", UK_FIELD_TEXTS, offsetof(struct uk_update, after), ID },
	{ "patches", UK_FIELD_TEXTS, offsetof(struct uk_update, patches), MEMBER },
	{ "core", UK_FIELD_TEXT, offsetof(struct uk_update, core), MEMBER },
	{ "ibt", UK_FIELD_BOOL, offsetof(struct uk_update, ibt) },
	{ "parts", UK_FIELD_RECORDS, offsetof(struct uk_update, parts), .record = &part_record },
	{ "objects", UK_FIELD_RECORDS, offsetof(struct uk_update, objects),
	  .record = &object_record },
	{ "functions", UK_FIELD_RECORDS, offsetof(struct uk_update, functions),
	  .record = &function_record },
	{ "data", UK_FIELD_RECORDS, offsetof(struct uk_update, data), .record = &datum_record },
	{ "writes", UK_FIELD_RECORDS, offsetof(struct uk_update, writes), .record = &write_record },
	{ "pointers", UK_FIELD_RECORDS, offsetof(struct uk_update, pointers),
	  .record = &pointer_record },
	{ "findings", UK_FIELD_RECORDS, offsetof(struct uk_update, findings),
	  .record = &finding_record },
	{},
};
const struct uk_record uk_update_record = { sizeof(struct uk_update), update_fields };

struct uk_error *uk_update_create(struct uk_update **ret)
{
	struct uk_update *update = calloc(1, sizeof(*update));
	if (!update)
		return uk_error_nomem();
	*ret = update;
	return NULL;
}

void uk_update_destroy(struct uk_update *update)
{
	if (update)
		uk_record_deinit(&uk_update_record, update);
	free(update);
}

void uk_update_function_deinit(struct uk_update_function *function)
{
	uk_record_deinit(&function_record, function);
}

void uk_update_object_deinit(struct uk_update_object *object)
{
	uk_record_deinit(&object_record, object);
}

void uk_update_part_deinit(struct uk_update_part *part)
{
	uk_record_deinit(&part_record, part);
}

void uk_update_datum_deinit(struct uk_update_datum *datum)
{
	uk_record_deinit(&datum_record, datum);
}

void uk_update_write_deinit(struct uk_update_write *write)
{
	uk_record_deinit(&write_record, write);
}

void uk_update_pointer_deinit(struct uk_update_pointer *pointer)
{
	uk_record_deinit(&pointer_record, pointer);
}

void uk_finding_deinit(struct uk_finding *finding)
{
	uk_record_deinit(&finding_record, finding);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct uk_error *uk_update_members(const struct uk_update *update, const char ***ret,
				   size_t *nr_ret)
{
	size_t max = 1 + update->patches.len + update->parts.len + 2 * update->objects.len;
	const char **names = calloc(max, sizeof(*names));
	if (!names)
		return uk_error_nomem();
	size_t nr = 0;
	if (update->core)
		names[nr++] = update->core;
	uk_vec_for_each(patch, &update->patches)
		names[nr++] = *patch;
	uk_vec_for_each(part, &update->parts) {
		if (part->member)
			names[nr++] = part->member;
	}
	uk_vec_for_each(object, &update->objects) {
		if (object->plain)
			names[nr++] = object->plain;
		if (object->prev)
			names[nr++] = object->prev;
	}
	qsort(names, nr, sizeof(*names), compare_names);
	*ret = names;
	*nr_ret = nr;
	return NULL;
}
