// SPDX-License-Identifier: GPL-2.0-or-later
/* A function of an update before and after, side by side. */
#include "cli/disasm.h"

#include "base/strbuf.h"
#include "cli/listing.h"

#include <string.h>
#include <sys/ioctl.h>

static const char *path_of(const struct uk_update *update,
			   const struct uk_update_function *function)
{
	return update->objects.data[function->object].path;
}

/* Whether @wanted, NAME or OBJECT:NAME, means this function. */
static bool is_meant(const struct uk_update *update, const struct uk_update_function *function,
		     const char *wanted)
{
	const char *path = path_of(update, function);
	size_t len = strlen(path);
	if (!strcmp(wanted, function->name))
		return true;
	return uk_str_starts(wanted, path) && wanted[len] == ':' &&
	       !strcmp(wanted + len + 1, function->name);
}

static struct uk_error *find_function(const struct uk_update *update, const char *wanted,
				      const struct uk_update_function **ret)
{
	const struct uk_update_function *found = NULL;
	uk_vec_for_each(function, &update->functions) {
		if (!is_meant(update, function, wanted))
			continue;
		if (found)
			return uk_error_create(UK_ERR_USAGE,
					       "several functions are named '%s': ask for %s:%s "
					       "or %s:%s",
					       wanted, path_of(update, found), found->name,
					       path_of(update, function), function->name);
		found = function;
	}
	if (!found)
		return uk_error_create(UK_ERR_USAGE,
				       "the update changes no function '%s': `upkeep inspect' "
				       "without --disasm lists those that it does",
				       wanted);
	*ret = found;
	return NULL;
}

static struct uk_error *parse_member(const struct uk_bundle *bundle, const char *name,
				     struct uk_object **ret)
{
	const struct uk_member *member = name ? uk_bundle_member(bundle, name) : NULL;
	if (!member)
		return uk_error_create(UK_ERR_INVALID, "%s holds no code of it",
				       uk_bundle_name(bundle));
	return uk_object_parse(member->data, member->len, name, ret);
}

static const struct uk_symbol *find_code(const struct uk_object *object, const char *name)
{
	uk_vec_for_each(symbol, &object->symbols) {
		if (uk_symbol_is_function(*symbol) && !strcmp((*symbol)->name, name))
			return *symbol;
	}
	return NULL;
}

/* The code that is to be replaced; none for a new function. */
static struct uk_error *read_old(const struct uk_bundle *bundle,
				 const struct uk_update_function *function, struct uk_listing *ret)
{
	const struct uk_update_object *object =
		&uk_bundle_update(bundle)->objects.data[function->object];
	uk_auto_object struct uk_object *code = NULL;
	if (function->change == UK_CHANGE_NEW)
		return NULL;
	struct uk_error *err =
		parse_member(bundle, object->prev ? object->prev : object->plain, &code);
	if (err)
		return err;
	const struct uk_symbol *symbol = find_code(code, function->name);
	if (!symbol)
		return uk_error_create(UK_ERR_INVALID, "%s: no function %s", code->name,
				       function->name);
	return uk_listing_read(code, symbol->section, symbol->value, symbol->size, ret);
}

/* The code that replaces it; none for a removed function. */
static struct uk_error *read_new(const struct uk_bundle *bundle,
				 const struct uk_update_function *function, struct uk_listing *ret)
{
	const struct uk_update *update = uk_bundle_update(bundle);
	const struct uk_update_part *part =
		&update->parts.data[update->objects.data[function->object].part];
	uk_auto_object struct uk_object *code = NULL;
	if (!function->section)
		return NULL;
	struct uk_error *err = parse_member(bundle, part->member, &code);
	if (err)
		return err;
	const struct uk_section *section = uk_object_section(code, function->section);
	if (!section)
		return uk_error_create(UK_ERR_INVALID, "%s: no section %s", code->name,
				       function->section);
	return uk_listing_read(code, section, function->offset, function->new_size, ret);
}

static void add_half(struct json_object *to, const char *key, const struct uk_listing_line *line)
{
	if (!line) {
		uk_json_text(to, key, NULL);
		return;
	}
	struct json_object *half = uk_json_object(to, key);
	uk_json_number(half, "offset", line->offset);
	uk_json_text(half, "text", line->text);
}

static void add_json(const struct uk_cli *cli, const char *object,
		     const struct uk_update_function *function,
		     const struct uk_listing_table *table)
{
	uk_json_text(cli->json, "object", object);
	uk_json_text(cli->json, "function", function->name);
	struct json_object *list = uk_json_list(cli->json, "instructions");
	uk_vec_for_each(row, &table->rows) {
		struct json_object *entry = uk_json_append(list);
		add_half(entry, "old", row->old);
		add_half(entry, "new", row->new);
		uk_json_bool(entry, "same", row->same);
	}
}

/* Columns of one half: what the terminal has, else what the old code needs. */
static int half_width(const struct uk_listing_table *table)
{
	enum { LEAST = 24, MOST = 72, OFFSETS = 2 * 7 + 3 };
	struct winsize size;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col > 2 * LEAST + OFFSETS ? (size.ws_col - OFFSETS) / 2 : LEAST;
	size_t widest = LEAST;
	uk_vec_for_each(row, &table->rows) {
		size_t len = row->old ? strlen(row->old->text) : 0;
		if (len > widest)
			widest = len;
	}
	return widest < MOST ? (int)widest : MOST;
}

static void print_half(const struct uk_listing_line *line, int width)
{
	if (line)
		printf("%5llx  %-*.*s", (unsigned long long)line->offset, width, width, line->text);
	else
		printf("%5s  %-*s", "", width, "");
}

static char row_mark(const struct uk_listing_row *row)
{
	if (row->same)
		return ' ';
	if (!row->new)
		return '<';
	return row->old ? '|' : '>';
}

static void print_table(const char *object, const struct uk_update_function *function,
			const struct uk_listing_table *table)
{
	int width = half_width(table);
	printf("%s in %s: %llu -> %llu bytes\n", function->name, object,
	       (unsigned long long)function->old_size, (unsigned long long)function->new_size);
	uk_vec_for_each(row, &table->rows) {
		print_half(row->old, width);
		printf(" %c ", row_mark(row));
		if (row->new)
			printf("%5llx  %s", (unsigned long long)row->new->offset, row->new->text);
		putchar('\n');
	}
}

struct uk_error *uk_disasm_print(struct uk_cli *cli, const struct uk_bundle *bundle,
				 const char *wanted)
{
	const struct uk_update *update = uk_bundle_update(bundle);
	const struct uk_update_function *function = NULL;
	uk_auto_listing struct uk_listing old = {}, new = {};
	uk_auto_listing_table struct uk_listing_table table = {};
	struct uk_error *err = find_function(update, wanted, &function);
	if (!err)
		err = read_old(bundle, function, &old);
	if (!err)
		err = read_new(bundle, function, &new);
	if (!err)
		err = uk_listing_align(&old, &new, &table);
	if (err)
		return err;
	if (cli->json)
		add_json(cli, path_of(update, function), function, &table);
	else
		print_table(path_of(update, function), function, &table);
	return NULL;
}
