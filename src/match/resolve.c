// SPDX-License-Identifier: GPL-2.0-or-later
/* The run-time addresses of names. */
#include "match/resolve.h"

#include "base/bytes.h"
#include "base/strbuf.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char local_prefix[] = ".upk.";
static const char value_prefix[] = ".upk.value."; /* see diff.h */

/* ".upk.<object>.NAME" */
static bool split_local(const char *name, size_t *number_ret, const char **rest_ret)
{
	const char *digits = name + sizeof(local_prefix) - 1;
	char *end;
	if (!isdigit((unsigned char)*digits))
		return false;
	unsigned long number = strtoul(digits, &end, 10);
	if (*end != '.' || !end[1])
		return false;
	*number_ret = number;
	*rest_ret = end + 1;
	return true;
}

enum found { FOUND_NONE, FOUND_UNPLACED, FOUND_ONE, FOUND_SEVERAL };

static enum found find_in(const struct uk_placement *placement, const char *name, uint64_t *ret)
{
	enum found found = FOUND_NONE;
	if (!placement)
		return found;
	uk_vec_for_each(symbol, &placement->object->symbols) {
		uint64_t address;
		if ((*symbol)->place != UK_SYMBOL_DEFINED || strcmp((*symbol)->name, name) != 0)
			continue;
		if (!uk_placement_address(placement, *symbol, &address)) {
			if (found == FOUND_NONE)
				found = FOUND_UNPLACED;
			continue;
		}
		if (found == FOUND_ONE && *ret != address)
			return FOUND_SEVERAL;
		found = FOUND_ONE;
		*ret = address;
	}
	return found;
}

/* The part modules of the updates before this one define what these added. */
static bool is_before(const struct uk_match_request *request, const char *module)
{
	uk_vec_for_each(id, &request->update->after) {
		uk_auto_free char *prefix = NULL;
		uk_auto_error struct uk_error *err = uk_asprintf(&prefix, "upkeep_%s_", *id);
		if (!err && uk_str_starts(module, prefix))
			return true;
	}
	return false;
}

static enum found find_added(const struct uk_match_request *request, const char *name,
			     uint64_t *ret)
{
	enum found found = FOUND_NONE;
	uk_kallsyms_for_each(symbol, request->kallsyms, name) {
		if (!is_before(request, symbol->module))
			continue;
		found = found == FOUND_NONE ? FOUND_ONE : FOUND_SEVERAL;
		*ret = symbol->address;
	}
	return found;
}

/* What a module's objects call __this_module is their module's own: each has one. */
static enum found find_in_target(const struct uk_match_request *request, size_t number,
				 const char *name, uint64_t *ret)
{
	const struct uk_update *update = request->update;
	const char *target = update->parts.data[update->objects.data[number].part].target;
	enum found found = FOUND_NONE;
	if (strcmp(name, "__this_module") != 0)
		return found;
	uk_kallsyms_for_each(symbol, request->kallsyms, name) {
		if (strcmp(symbol->module, target) != 0)
			continue;
		found = found == FOUND_NONE ? FOUND_ONE : FOUND_SEVERAL;
		*ret = symbol->address;
	}
	return found;
}

struct uk_error *uk_resolve_local(const struct uk_match_request *request,
				  const struct uk_placements *placements, size_t number,
				  const char *name, uint64_t *ret)
{
	if (number >= placements->nr || !placements->plain[number])
		return uk_error_create(UK_ERR_INVALID,
				       "symbol %s belongs to object %zu, which is not matched",
				       name, number);
	const char *path = placements->plain[number]->path;
	enum found found = find_in(placements->plain[number], name, ret), last = found;
	if (found != FOUND_ONE && found != FOUND_SEVERAL)
		last = find_in(placements->prev[number], name, ret);
	if (last == FOUND_NONE && found == FOUND_NONE)
		last = find_added(request, name, ret);
	if (last == FOUND_NONE && found == FOUND_NONE)
		last = find_in_target(request, number, name, ret);
	if (last == FOUND_ONE)
		return NULL;
	if (last == FOUND_SEVERAL)
		return uk_error_create(UK_ERR_REFUSED,
				       "%s: symbol %s stands there more than once, at different "
				       "addresses",
				       path, name);
	if (last == FOUND_UNPLACED || found == FOUND_UNPLACED)
		return uk_error_create(
			UK_ERR_REFUSED,
			"%s: where symbol %s is in the running kernel cannot be "
			"proved: no matched code refers to its section, and kallsyms "
			"does not tell it from others",
			path, name);
	return uk_error_create(UK_ERR_INVALID, "%s: has no symbol %s", path, name);
}

static bool is_global(const struct uk_kallsym *symbol)
{
	return isupper((unsigned char)symbol->type) || symbol->type == 'w' || symbol->type == 'v';
}

/* All addresses that kallsyms has for a name, for a refusal. */
static struct uk_error *refuse_ambiguous(const struct uk_kallsyms *kallsyms, const char *name)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	uk_auto_free char *list = NULL;
	uk_kallsyms_for_each(symbol, kallsyms, name)
		uk_strbuf_addf(&text, "%s0x%" PRIx64 " (%c, %s)", text.len ? ", " : "",
			       symbol->address, symbol->type, symbol->module);
	struct uk_error *err = uk_strbuf_finish(&text, &list);
	if (err)
		return err;
	return uk_error_create(UK_ERR_REFUSED,
			       "symbol %s stands more than once in the running kernel, and no "
			       "matched code says which one is meant: %s",
			       name, list);
}

/* The one global symbol of that name; if there is none, the one symbol. */
static struct uk_error *find_by_name(const struct uk_kallsyms *kallsyms, const char *name,
				     uint64_t *ret)
{
	size_t globals = 0, all = 0;
	uint64_t global = 0, any = 0;
	uk_kallsyms_for_each(symbol, kallsyms, name) {
		if (is_global(symbol) && (!globals || symbol->address != global)) {
			global = symbol->address;
			globals++;
		}
		if (!all || symbol->address != any) {
			any = symbol->address;
			all++;
		}
	}
	if (!all)
		return uk_error_create(UK_ERR_REFUSED,
				       "the running kernel has no symbol %s (is a module that the "
				       "new code needs not loaded?)",
				       name);
	if (globals > 1 || (!globals && all > 1))
		return refuse_ambiguous(kallsyms, name);
	*ret = globals ? global : any;
	return NULL;
}

/* A global symbol that one of the update's own objects defines. */
static enum found find_defined(const struct uk_placements *placements, const char *name,
			       uint64_t *ret)
{
	for (size_t i = 0; i < placements->nr; i++) {
		const struct uk_placement *placement = placements->plain[i];
		if (!placement)
			continue;
		uk_vec_for_each(symbol, &placement->object->symbols)
			if (!uk_symbol_is_local(*symbol) && !strcmp((*symbol)->name, name) &&
			    (*symbol)->bind != STB_WEAK &&
			    uk_placement_address(placement, *symbol, ret))
				return FOUND_ONE;
	}
	return FOUND_NONE;
}

/* What matched code says of a name; two targets may say different things. */
static enum found find_learned(const struct uk_match_request *request,
			       const struct uk_placements *placements, const char *name,
			       uint64_t *ret)
{
	enum found found = FOUND_NONE;
	uk_vec_for_each(part, &request->update->parts) {
		const struct uk_map_entry *entry =
			uk_learned_find(&placements->learned, part->target, name);
		if (!entry)
			continue;
		if (found == FOUND_ONE && entry->num != *ret)
			return FOUND_SEVERAL;
		found = FOUND_ONE;
		*ret = entry->num;
	}
	return found;
}

/*
 * The value of a variable that the kernel's own code has as an immediate. An image's
 * variables have no value yet, and nothing is loaded for it: the name has to be there.
 */
static struct uk_error *find_value(const struct uk_match_request *request, const char *name,
				   uint64_t *ret)
{
	uint64_t address;
	uint8_t bytes[8] = {};
	struct uk_error *err = find_by_name(request->kallsyms, name, &address);
	if (!err && request->memory->live)
		err = uk_memory_read(request->memory, address, bytes, sizeof(bytes));
	if (!err)
		*ret = uk_get_u64(bytes);
	return err;
}

struct uk_error *uk_resolve_symbol(const struct uk_match_request *request,
				   const struct uk_placements *placements, const char *name,
				   struct uk_match_symbol *ret)
{
	struct uk_match_symbol symbol = { .source = UK_MATCH_PLACED };
	const char *local;
	size_t number;
	struct uk_error *err = NULL;
	enum found learned = find_learned(request, placements, name, &symbol.address);
	if (uk_str_starts(name, value_prefix)) {
		symbol.source = UK_MATCH_KALLSYMS;
		err = find_value(request, name + strlen(value_prefix), &symbol.address);
	} else if (uk_str_starts(name, local_prefix)) {
		err = split_local(name, &number, &local)
			      ? uk_resolve_local(request, placements, number, local,
						 &symbol.address)
			      : uk_error_create(UK_ERR_INVALID,
						"\"%s\" names no symbol of an object", name);
	} else if (learned == FOUND_SEVERAL) {
		err = refuse_ambiguous(request->kallsyms, name);
	} else if (learned == FOUND_ONE) {
		symbol.source = UK_MATCH_LEARNED;
	} else if (find_defined(placements, name, &symbol.address) != FOUND_ONE) {
		symbol.source = UK_MATCH_KALLSYMS;
		err = find_by_name(request->kallsyms, name, &symbol.address);
	}
	if (!err)
		err = uk_strdup(name, &symbol.name);
	if (!err)
		*ret = symbol;
	return err;
}
