// SPDX-License-Identifier: GPL-2.0-or-later
/* A bundle made ready for matching. */
#include "match/subject.h"

#include "base/map.h"

#include <string.h>

static void destroy_objects(struct uk_object **objects, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		uk_object_destroy(objects[i]);
}

void uk_subject_destroy(struct uk_subject *subject)
{
	if (!subject)
		return;
	destroy_objects(subject->plain.data, subject->plain.len);
	destroy_objects(subject->prev.data, subject->prev.len);
	destroy_objects(subject->parts.data, subject->parts.len);
	uk_vec_deinit(&subject->plain);
	uk_vec_deinit(&subject->prev);
	uk_vec_deinit(&subject->parts);
	uk_vec_deinit(&subject->skip);
	uk_vec_deinit(&subject->symbols);
	uk_vec_deinit(&subject->taken);
	free(subject);
}

/* A member as an object; NULL gives NULL. */
static struct uk_error *load_member(const struct uk_bundle *bundle, const char *name,
				    struct uk_object **ret)
{
	*ret = NULL;
	if (!name)
		return NULL;
	const struct uk_member *member = uk_bundle_member(bundle, name);
	return uk_object_parse(member->data, member->len, name, ret);
}

static struct uk_error *load_objects(struct uk_subject *subject)
{
	uk_vec_for_each(object, &subject->update->objects) {
		struct uk_object *plain = NULL, *prev = NULL;
		struct uk_error *err = load_member(subject->bundle, object->plain, &plain);
		if (!err)
			err = load_member(subject->bundle, object->prev, &prev);
		if (err || !uk_vec_reserve(&subject->plain, 1) ||
		    !uk_vec_reserve(&subject->prev, 1)) {
			uk_object_destroy(plain);
			uk_object_destroy(prev);
			return err ? err : uk_error_nomem();
		}
		subject->plain.data[subject->plain.len++] = plain;
		subject->prev.data[subject->prev.len++] = prev;
	}
	return NULL;
}

static struct uk_error *load_parts(struct uk_subject *subject, const bool *skip)
{
	for (size_t i = 0; i < subject->update->parts.len; i++) {
		struct uk_object *part = NULL;
		struct uk_error *err =
			load_member(subject->bundle, subject->update->parts.data[i].member, &part);
		if (err)
			return err;
		if (!uk_vec_push(&subject->parts, part)) {
			uk_object_destroy(part);
			return uk_error_nomem();
		}
		if (!uk_vec_push(&subject->skip, skip && skip[i]))
			return uk_error_nomem();
	}
	return NULL;
}

static bool is_wanted(const struct uk_symbol *symbol)
{
	return symbol->place == UK_SYMBOL_UNDEFINED && symbol->name[0];
}

static bool is_offered(const struct uk_symbol *symbol)
{
	return symbol->place == UK_SYMBOL_DEFINED && !uk_symbol_is_local(symbol);
}

/* What no part defines for the others, each name once. */
static struct uk_error *collect_symbols(struct uk_subject *subject)
{
	uk_auto_map struct uk_map seen = {};
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < subject->parts.len; i++) {
			if (subject->skip.data[i])
				continue;
			uk_vec_for_each(symbol, &subject->parts.data[i]->symbols) {
				bool added;
				if (pass ? !is_wanted(*symbol) : !is_offered(*symbol))
					continue;
				if (!uk_map_insert_str(&seen, (*symbol)->name, &added))
					return uk_error_nomem();
				if (pass && added &&
				    !uk_vec_push(&subject->symbols, (*symbol)->name))
					return uk_error_nomem();
			}
		}
	}
	return NULL;
}

/* A call or a jump is relative, a pointer is not. */
static bool takes_address(const struct uk_reloc *reloc)
{
	return is_wanted(reloc->symbol) && !reloc->addend &&
	       (reloc->type == R_X86_64_64 || reloc->type == R_X86_64_32S ||
		reloc->type == R_X86_64_32);
}

static struct uk_error *collect_taken(struct uk_subject *subject)
{
	uk_auto_map struct uk_map seen = {};
	for (size_t i = 0; i < subject->parts.len; i++) {
		if (subject->skip.data[i])
			continue;
		uk_vec_for_each(section, &subject->parts.data[i]->sections)
			uk_vec_for_each(reloc, &(*section)->relocs) {
				bool added = false;
				if (!takes_address(reloc))
					continue;
				if (!uk_map_insert_str(&seen, reloc->symbol->name, &added) ||
				    (added && !uk_vec_push(&subject->taken, reloc->symbol->name)))
					return uk_error_nomem();
			}
	}
	return NULL;
}

struct uk_error *uk_subject_load(const struct uk_bundle *bundle, const bool *skip,
				 struct uk_subject **ret)
{
	uk_auto_subject struct uk_subject *subject = calloc(1, sizeof(*subject));
	if (!subject)
		return uk_error_nomem();
	subject->bundle = bundle;
	subject->update = uk_bundle_update(bundle);
	struct uk_error *err = load_objects(subject);
	if (!err)
		err = load_parts(subject, skip);
	if (!err)
		err = collect_symbols(subject);
	if (!err)
		err = collect_taken(subject);
	if (err)
		return uk_error_wrap(err, "%s", uk_bundle_name(bundle));
	*ret = uk_take(subject);
	return NULL;
}

void uk_subject_fill(const struct uk_subject *subject, struct uk_match_request *request)
{
	request->update = subject->update;
	request->plain = subject->plain.data;
	request->prev = subject->prev.data;
	request->skip_part = subject->skip.data;
	request->symbols = subject->symbols.data;
	request->nr_symbols = subject->symbols.len;
	request->taken = subject->taken.data;
	request->nr_taken = subject->taken.len;
}

/* Which parts are for modules. */
static struct uk_error *skip_modules(const struct uk_update *update, bool **ret, size_t *nr_ret)
{
	bool *skip = calloc(update->parts.len + 1, sizeof(*skip));
	if (!skip)
		return uk_error_nomem();
	*nr_ret = 0;
	for (size_t i = 0; i < update->parts.len; i++) {
		skip[i] = strcmp(update->parts.data[i].target, "vmlinux") != 0;
		*nr_ret += skip[i];
	}
	*ret = skip;
	return NULL;
}

struct uk_error *uk_subject_match_image(const struct uk_bundle *bundle, const char *image,
					size_t *left_out_ret, struct uk_match **ret)
{
	uk_auto_memory struct uk_memory *memory = NULL;
	uk_auto_kallsyms struct uk_kallsyms *kallsyms = NULL;
	uk_auto_subject struct uk_subject *subject = NULL;
	uk_auto_free bool *skip = NULL;
	size_t left_out = 0;
	struct uk_error *err = skip_modules(uk_bundle_update(bundle), &skip, &left_out);
	if (!err)
		err = uk_subject_load(bundle, skip, &subject);
	if (!err)
		err = uk_memory_open_image(image, &memory);
	if (!err)
		err = uk_kallsyms_find(memory, &kallsyms);
	if (err)
		return err;
	struct uk_match_request request = { .memory = memory, .kallsyms = kallsyms };
	uk_subject_fill(subject, &request);
	err = uk_match_run(&request, ret);
	if (!err && left_out_ret)
		*left_out_ret = left_out;
	return err;
}
