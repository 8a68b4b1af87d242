// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the dump makefile prints, as units. Its lines (others are skipped):
 *
 *	LINK|<linker command>
 *	CMD|<object>|<source>|<kind>|<module>|<objtool arguments or ->|<command>
 *
 * kind: m part of a module, y of built-in.a, l of lib.a, e extra-y, x made on the way.
 */
#include "kbuild/unit.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "kbuild/path.h"

#include <ctype.h>
#include <string.h>

/* The module of one object in the tree that stands for ours (see dump.c). */
#define PART_OBJECT "upkeep/part.o"

enum { FIELDS = 7 };

struct line {
	char *fields[FIELDS]; /* of the copy of the line */
};

static void unit_deinit(struct uk_unit *unit)
{
	free(unit->object);
	free(unit->source);
	free(unit->module);
	free(unit->objtool);
	free(unit->command);
	*unit = (struct uk_unit){};
}

void uk_units_destroy(struct uk_units *units)
{
	if (!units)
		return;
	uk_vec_for_each(unit, &units->all)
		unit_deinit(unit);
	uk_vec_deinit(&units->all);
	uk_map_deinit(&units->by_object);
	free(units->ld);
	free(units->cc_module);
	free(units->objtool);
	free(units);
}

static bool split_line(char *text, struct line *line)
{
	for (int i = 0; i < FIELDS; i++) {
		line->fields[i] = text;
		if (i == FIELDS - 1)
			return true;
		text = strchr(text, '|');
		if (!text)
			return false;
		*text++ = '\0';
	}
	return false;
}

/*
 * lib.a files end up in vmlinux when their folder is in libs-y: that is these two on x86;
 * the EFI stub has one too, which goes into the decompressor.
 */
static bool lib_is_in_vmlinux(const char *object)
{
	return uk_str_starts(object, "lib/") || uk_str_starts(object, "arch/x86/lib/");
}

static enum uk_unit_place place_of(const char *kind, const char *object)
{
	if (*kind == 'm')
		return UK_UNIT_MODULE;
	if (*kind == 'y' || (*kind == 'l' && lib_is_in_vmlinux(object)))
		return UK_UNIT_BUILTIN;
	return UK_UNIT_APART;
}

/* The compiler's command alone: kbuild has objtool's behind it. */
static void cut_command(char *command)
{
	char *end = strstr(command, " ; ");
	if (end)
		*end = '\0';
}

static struct uk_error *add_unit(struct uk_units *units, const struct line *line,
				 const char *module)
{
	struct uk_unit unit = { .place = place_of(line->fields[3], line->fields[1]) };
	struct uk_error *err = uk_path_normalise(line->fields[1], &unit.object);
	if (!err)
		err = uk_path_normalise(line->fields[2], &unit.source);
	if (!err)
		err = uk_strdup(line->fields[6], &unit.command);
	if (!err && unit.place == UK_UNIT_MODULE)
		err = uk_strdup(module, &unit.module);
	if (!err && strcmp(line->fields[5], "-"))
		err = uk_strdup(line->fields[5], &unit.objtool);
	for (char *c = unit.module; c && *c; c++)
		*c = *c == '-' ? '_' : *c;
	if (!err && !uk_vec_push(&units->all, unit))
		err = uk_error_nomem();
	if (err)
		unit_deinit(&unit);
	return err;
}

/* An object that is part of several modules is listed as "a:b". */
static struct uk_error *add_each_module(struct uk_units *units, const struct line *line)
{
	char *save;
	char *module = strtok_r(line->fields[4], ":", &save);
	if (!module)
		return add_unit(units, line, "");
	struct uk_error *err = NULL;
	for (; !err && module; module = strtok_r(NULL, ":", &save))
		err = add_unit(units, line, module);
	return err;
}

static struct uk_error *set_part(struct uk_units *units, const struct line *line)
{
	struct uk_error *err = uk_strdup(line->fields[6], &units->cc_module);
	if (!err && strcmp(line->fields[5], "-"))
		err = uk_strdup(line->fields[5], &units->objtool);
	return err;
}

static struct uk_error *add_line(struct uk_units *units, char *text, const char *name,
				 size_t number)
{
	struct line line;
	if (uk_str_starts(text, "LINK|") && !units->ld)
		return uk_strdup(text + strlen("LINK|"), &units->ld);
	if (!uk_str_starts(text, "CMD|"))
		return NULL;
	if (!split_line(text, &line))
		return uk_error_create(UK_ERR_INVALID, "%s:%zu: has less than %d fields", name,
				       number, FIELDS);
	const char *object = line.fields[1];
	if (!uk_str_ends(object, ".o"))
		return NULL; /* a linker script, a program of the build */
	cut_command(line.fields[6]);
	if (!strcmp(object, PART_OBJECT))
		return units->cc_module ? NULL : set_part(units, &line);
	return uk_error_wrap(add_each_module(units, &line), "%s:%zu", name, number);
}

static int compare_units(const void *a, const void *b)
{
	const struct uk_unit *x = a, *y = b;
	int order = strcmp(x->object, y->object);
	if (!order && x->module && y->module)
		order = strcmp(x->module, y->module);
	return order;
}

static struct uk_error *index_units(struct uk_units *units)
{
	if (units->all.len)
		qsort(units->all.data, units->all.len, sizeof(*units->all.data), compare_units);
	for (size_t i = 0; i < units->all.len; i++) {
		bool added;
		struct uk_map_entry *entry =
			uk_map_insert_str(&units->by_object, units->all.data[i].object, &added);
		if (!entry)
			return uk_error_nomem();
		if (added)
			entry->num = i;
	}
	return NULL;
}

struct uk_error *uk_units_parse(const char *text, size_t len, const char *name,
				struct uk_units **ret)
{
	uk_auto_free char *copy = strndup(text, len);
	uk_auto_units struct uk_units *units = calloc(1, sizeof(*units));
	if (!copy || !units)
		return uk_error_nomem();
	struct uk_error *err = NULL;
	size_t number = 0;
	for (char *line = copy, *next; !err && line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		err = add_line(units, line, name, ++number);
	}
	if (!err && (!units->all.len || !units->ld || !units->cc_module))
		err = uk_error_create(UK_ERR_INVALID,
				      "%s: kbuild listed no objects, no linker or no module", name);
	if (!err)
		err = index_units(units);
	if (err)
		return err;
	*ret = uk_take(units);
	return NULL;
}

const struct uk_unit *uk_units_find(const struct uk_units *units, const char *object)
{
	const struct uk_map_entry *entry = uk_map_find_str(&units->by_object, object);
	return entry ? &units->all.data[entry->num] : NULL;
}

const char *uk_unit_target(const struct uk_unit *unit)
{
	switch (unit->place) {
	case UK_UNIT_BUILTIN:
		return "vmlinux";
	case UK_UNIT_MODULE:
		return unit->module;
	default:
		return "apart";
	}
}
