// SPDX-License-Identifier: GPL-2.0-or-later
/* The part modules of an update. */
#include "live/parts.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "live/links.h"
#include "live/modfile.h"
#include "live/module.h"

#include <inttypes.h>
#include <string.h>

/* Order */

static bool is_offered(const struct uk_symbol *symbol)
{
	return symbol->place == UK_SYMBOL_DEFINED && !uk_symbol_is_local(symbol) && symbol->name[0];
}

/* What each new symbol's part is: name -> number. */
static struct uk_error *collect_offers(const struct uk_subject *subject, struct uk_map *ret)
{
	for (size_t i = 0; i < subject->parts.len; i++) {
		const struct uk_object *object = subject->parts.data[i];
		uk_vec_for_each(symbol, &object->symbols) {
			bool added;
			if (!is_offered(*symbol))
				continue;
			struct uk_map_entry *entry =
				uk_map_insert_str(ret, (*symbol)->name, &added);
			if (!entry)
				return uk_error_nomem();
			if (added)
				entry->num = i;
		}
	}
	return NULL;
}

/* Whether every symbol that a part wants of others comes from one that is placed. */
static bool is_ready(const struct uk_object *object, size_t number, const struct uk_map *offers,
		     const bool *placed)
{
	uk_vec_for_each(symbol, &object->symbols) {
		if ((*symbol)->place != UK_SYMBOL_UNDEFINED)
			continue;
		const struct uk_map_entry *offer = uk_map_find_str(offers, (*symbol)->name);
		if (offer && offer->num != number && !placed[offer->num])
			return false;
	}
	return true;
}

/* The next part to be loaded, or the number of parts when none is ready. */
static size_t next_part(const struct uk_subject *subject, const struct uk_map *offers,
			const bool *placed)
{
	const struct uk_update *update = subject->update;
	size_t found = update->parts.len;
	for (size_t i = 0; i < update->parts.len; i++) {
		if (placed[i] || !is_ready(subject->parts.data[i], i, offers, placed))
			continue;
		if (!strcmp(update->parts.data[i].target, "vmlinux"))
			return i;
		if (found == update->parts.len)
			found = i;
	}
	return found;
}

static struct uk_error *place_parts(const struct uk_subject *subject, const struct uk_map *offers,
				    bool *placed, struct uk_parts *ret)
{
	size_t nr = subject->update->parts.len;
	while (ret->parts.len < nr) {
		size_t i = next_part(subject, offers, placed);
		if (i == nr)
			return uk_error_create(
				UK_ERR_REFUSED,
				"its parts use each other's new symbols in a circle: "
				"none of them can be loaded first");
		struct uk_part part = {
			.number = (unsigned int)i,
			.model = &subject->update->parts.data[i],
			.object = subject->parts.data[i],
		};
		if (!uk_vec_push(&ret->parts, part))
			return uk_error_nomem();
		placed[i] = true;
	}
	return NULL;
}

struct uk_error *uk_parts_init(const struct uk_live_paths *paths, const struct uk_bundle *bundle,
			       const struct uk_subject *subject, struct uk_parts *ret)
{
	uk_auto_map struct uk_map offers = {};
	uk_auto_free bool *placed = calloc(subject->parts.len + 1, sizeof(*placed));
	if (!placed)
		return uk_error_nomem();
	ret->paths = paths;
	ret->bundle = bundle;
	struct uk_error *err = collect_offers(subject, &offers);
	return err ? err : place_parts(subject, &offers, placed, ret);
}

void uk_parts_deinit(struct uk_parts *parts)
{
	uk_vec_for_each(part, &parts->parts)
		uk_map_deinit(&part->sections);
	uk_vec_deinit(&parts->parts);
	uk_map_deinit(&parts->symbols);
}

/* Loading */

static struct uk_error *take_match(struct uk_parts *parts, const struct uk_match *match)
{
	uk_vec_for_each(symbol, &match->symbols) {
		struct uk_map_entry *entry = uk_map_insert_str(&parts->symbols, symbol->name, NULL);
		if (!entry)
			return uk_error_nomem();
		entry->num = symbol->address;
	}
	return NULL;
}

static bool resolve(void *ctx, const char *name, uint64_t *ret)
{
	const struct uk_map_entry *entry = uk_map_find_str(ctx, name);
	if (!entry || !entry->num)
		return false;
	*ret = entry->num;
	return true;
}

/* The loaded part's new symbols, for the parts behind it. */
static struct uk_error *offer_symbols(struct uk_parts *parts, const struct uk_part *part)
{
	uk_vec_for_each(pointer, &part->object->symbols) {
		const struct uk_symbol *symbol = *pointer;
		if (!is_offered(symbol))
			continue;
		const struct uk_map_entry *section =
			uk_map_find_str(&part->sections, symbol->section->name);
		if (!section)
			continue; /* not kept in memory, such as .modinfo */
		struct uk_map_entry *entry = uk_map_insert_str(&parts->symbols, symbol->name, NULL);
		if (!entry)
			return uk_error_nomem();
		entry->num = section->num + symbol->value;
	}
	return NULL;
}

static struct uk_error *locate(struct uk_parts *parts, struct uk_part *part)
{
	struct uk_error *err =
		uk_module_sections(parts->paths, part->model->module, &part->sections);
	return err ? err : offer_symbols(parts, part);
}

static struct uk_error *load_part(struct uk_parts *parts, struct uk_part *part,
				  const struct uk_signer *signer)
{
	uk_auto_modfile struct uk_modfile *file = NULL;
	const struct uk_member *member = uk_bundle_member(parts->bundle, part->model->member);
	struct uk_error *err = uk_modfile_parse(member->data, member->len, member->name, &file);
	if (!err)
		err = uk_modfile_fill(file, resolve, &parts->symbols);
	if (!err)
		err = uk_modfile_resolve(file, resolve, &parts->symbols);
	if (!err)
		err = uk_module_load(file, part->model->module, signer);
	if (err)
		return err;
	part->ours = true;
	return locate(parts, part);
}

struct uk_error *uk_parts_load(struct uk_parts *parts, const struct uk_match *match,
			       const struct uk_signer *signer, struct uk_fault *fault)
{
	struct uk_error *err = take_match(parts, match);
	if (!err)
		err = uk_links_save(parts, match);
	for (size_t i = 0; !err && i < parts->parts.len; i++) {
		struct uk_part *part = &parts->parts.data[i];
		uk_fault_step(fault);
		err = uk_error_wrap(load_part(parts, part, signer), "part for %s",
				    part->model->target);
	}
	return err;
}

struct uk_error *uk_parts_reuse(struct uk_parts *parts, const struct uk_match *match)
{
	bool same = false;
	struct uk_error *err = uk_links_compare(parts, match, &same);
	for (size_t i = 0; !err && same && i < parts->parts.len; i++) {
		enum uk_module_state state = UK_MODULE_ABSENT;
		err = uk_module_state(parts->paths, parts->parts.data[i].model->module, &state);
		same = state == UK_MODULE_LIVE;
	}
	if (!err && !same)
		return uk_error_create(UK_ERR_BUSY,
				       "modules of it are loaded from before, linked to a state of "
				       "the kernel that is no more; remove them with: upkeep undo "
				       "--purge %s",
				       uk_bundle_update(parts->bundle)->id);
	for (size_t i = 0; !err && i < parts->parts.len; i++)
		err = locate(parts, &parts->parts.data[i]);
	return err;
}

struct uk_error *uk_parts_unload(struct uk_parts *parts)
{
	struct uk_error *first = NULL;
	for (size_t i = parts->parts.len; i-- > 0;) {
		struct uk_part *part = &parts->parts.data[i];
		if (!part->ours)
			continue;
		struct uk_error *err = uk_module_unload(part->model->module);
		part->ours = err != NULL;
		if (first)
			uk_error_destroy(err);
		else
			first = err;
	}
	return first;
}

/* Where */

static const struct uk_part *find_part(const struct uk_parts *parts, unsigned int number)
{
	uk_vec_for_each(part, &parts->parts) {
		if (part->number == number)
			return part;
	}
	return NULL;
}

struct uk_error *uk_parts_address(const struct uk_parts *parts, unsigned int number,
				  const char *section, uint64_t offset, uint64_t len, uint64_t *ret)
{
	const struct uk_part *part = find_part(parts, number);
	const struct uk_section *model = part ? uk_object_section(part->object, section) : NULL;
	const struct uk_map_entry *base = model ? uk_map_find_str(&part->sections, section) : NULL;
	if (!base)
		return uk_error_create(UK_ERR_INVALID, "part %u has no section %s in memory",
				       number, section);
	if (offset > model->size || len > model->size - offset)
		return uk_error_create(UK_ERR_INVALID,
				       "part %u: section %s has %" PRIu64 " bytes, not %" PRIu64
				       " at %" PRIu64,
				       number, section, model->size, len, offset);
	*ret = base->num + offset;
	return NULL;
}

/* Purging */

/* One pass from the last on: how many went, how many are left, and why the last of those. */
static struct uk_error *purge_round(const struct uk_live_paths *paths, char *const *modules,
				    size_t nr, size_t *gone_ret, size_t *left_ret)
{
	struct uk_error *why = NULL;
	for (size_t i = nr; i-- > 0;) {
		enum uk_module_state state;
		struct uk_error *err = uk_module_state(paths, modules[i], &state);
		if (!err && state == UK_MODULE_ABSENT)
			continue;
		if (!err)
			err = uk_module_unload(modules[i]);
		*gone_ret += !err;
		*left_ret += err != NULL;
		if (err) {
			uk_error_destroy(why);
			why = err;
		}
	}
	return why;
}

struct uk_error *uk_parts_purge(const struct uk_live_paths *paths, const char *id,
				char *const *modules, size_t nr)
{
	struct uk_error *err = uk_links_check_purge(paths, id);
	if (err)
		return err;
	for (;;) {
		size_t gone = 0, left = 0;
		err = purge_round(paths, modules, nr, &gone, &left);
		if (!left)
			return uk_links_remove(paths, id);
		if (!gone)
			return err;
		uk_error_destroy(err);
	}
}
