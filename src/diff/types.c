// SPDX-License-Identifier: GPL-2.0-or-later
/* Types that a patch changes. */
#include "diff/types.h"

#include "base/strbuf.h"
#include "diff/copies.h"
#include "diff/layout.h"

#include <string.h>

/* How many changes a finding lists before it only counts. */
#define MAX_LISTED 8

struct findings {
	const struct uk_types_input *input;
	UK_VEC(struct uk_finding) list;
};

/* The changes of one type, as they are found. */
struct changes {
	struct uk_strbuf text;
	unsigned int listed, more;
};

static void finding_deinit(struct uk_finding *finding)
{
	free(finding->name);
	free(finding->place);
	free(finding->text);
}

static void findings_deinit(struct findings *findings)
{
	uk_vec_for_each(finding, &findings->list)
		finding_deinit(finding);
	uk_vec_deinit(&findings->list);
}

static void changes_deinit(struct changes *changes)
{
	uk_strbuf_deinit(&changes->text);
}

static void uk_printf(2, 3) add_change(struct changes *changes, const char *fmt, ...)
{
	if (changes->listed == MAX_LISTED) {
		changes->more++;
		return;
	}
	va_list args;
	va_start(args, fmt);
	char *text;
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		changes->text.failed = true;
		return;
	}
	uk_strbuf_addf(&changes->text, "%s%s", changes->listed++ ? "; " : "", text);
	free(text);
}

/* Takes all three texts. */
static struct uk_error *add_finding(struct findings *findings, char *name, char *place, char *text)
{
	struct uk_finding finding = { .name = name, .place = place, .text = text };
	if (name && place && text && uk_vec_push(&findings->list, finding))
		return NULL;
	finding_deinit(&finding);
	return uk_error_nomem();
}

/* @what and @name say what it is; @consequence ends the text. Empties @changes. */
static struct uk_error *report(struct findings *findings, const char *kind, const char *what,
			       const char *name, const Dwarf_Die *die, struct changes *changes,
			       const char *consequence)
{
	char *full_name = NULL, *place = NULL, *text = NULL;
	uk_auto_free char *list = NULL, *source = NULL;
	if (changes->more)
		uk_strbuf_addf(&changes->text, "; and %u more", changes->more);
	struct uk_error *err = uk_strbuf_finish(&changes->text, &list);
	if (!err)
		err = uk_layout_place(die, &source);
	if (!err)
		err = uk_asprintf(&full_name, "%s:%s", kind, name);
	if (!err)
		err = uk_asprintf(&place, "%s: %s", findings->input->object, source);
	if (!err)
		err = uk_asprintf(&text, "%s %s: %s. %s", what, name, list, consequence);
	if (!err)
		return add_finding(findings, full_name, place, text);
	free(full_name);
	free(place);
	free(text);
	return err;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_place(const struct uk_layout_member *a, const struct uk_layout_member *b)
{
	return a->bit_offset == b->bit_offset && a->bit_size == b->bit_size &&
	       a->bitfield == b->bitfield;
}

static bool same_member(const struct uk_layout_member *a, const struct uk_layout_member *b)
{
	return same_place(a, b) && !strcmp(a->name, b->name) && same_text(a->type, b->type);
}

static bool same_layout(const struct uk_layout *a, const struct uk_layout *b)
{
	if (a->kind != b->kind || a->size != b->size || a->align != b->align ||
	    a->members.len != b->members.len || a->enumerators.len != b->enumerators.len)
		return false;
	for (size_t i = 0; i < a->members.len; i++) {
		if (!same_member(&a->members.data[i], &b->members.data[i]))
			return false;
	}
	for (size_t i = 0; i < a->enumerators.len; i++) {
		const struct uk_enumerator *x = &a->enumerators.data[i];
		const struct uk_enumerator *y = &b->enumerators.data[i];
		if (x->value != y->value || strcmp(x->name, y->name))
			return false;
	}
	return true;
}

/* Members by name; of several with one name (damaged input), the first. */
static struct uk_error *index_members(const struct uk_layout *layout, struct uk_map *map)
{
	uk_vec_for_each(member, &layout->members) {
		bool added;
		struct uk_map_entry *entry = uk_map_insert_str(map, member->name, &added);
		if (!entry)
			return uk_error_nomem();
		if (added)
			entry->ptr = member;
	}
	return NULL;
}

static const struct uk_layout_member *find_member(const struct uk_map *map, const char *name)
{
	struct uk_map_entry *entry = uk_map_find_str(map, name);
	return entry ? entry->ptr : NULL;
}

/* "8" in bytes, or "8 bit 3" */
static const char *offset_text(const struct uk_layout_member *member, char buf[48])
{
	if (member->bitfield)
		snprintf(buf, 48, "%llu bit %llu", (unsigned long long)member->bit_offset / 8,
			 (unsigned long long)member->bit_offset % 8);
	else
		snprintf(buf, 48, "%llu", (unsigned long long)member->bit_offset / 8);
	return buf;
}

static const char *size_text(const struct uk_layout_member *member, char buf[48])
{
	if (member->bitfield)
		snprintf(buf, 48, "%llu bits", (unsigned long long)member->bit_size);
	else
		snprintf(buf, 48, "%llu bytes", (unsigned long long)member->bit_size / 8);
	return buf;
}

/* A member of @layout that is not in @twins but lies where @member does, with its type. */
static const struct uk_layout_member *find_renamed(const struct uk_layout *layout,
						   const struct uk_map *twins,
						   const struct uk_layout_member *member)
{
	uk_vec_for_each(other, &layout->members) {
		if (same_place(other, member) && same_text(other->type, member->type) &&
		    !find_member(twins, other->name))
			return other;
	}
	return NULL;
}

static void compare_twins(struct changes *changes, const struct uk_layout_member *old,
			  const struct uk_layout_member *new)
{
	char from[48], to[48];
	if (!same_text(old->type, new->type))
		add_change(changes, "member %s changed from '%s' to '%s'", old->name, old->type,
			   new->type);
	else if (old->bit_size != new->bit_size || old->bitfield != new->bitfield)
		add_change(changes, "member %s resized from %s to %s", old->name,
			   size_text(old, from), size_text(new, to));
}

static void compare_offsets(struct changes *changes, const struct uk_layout_member *old,
			    const struct uk_layout_member *new)
{
	char from[48], to[48];
	if (old->bit_offset != new->bit_offset)
		add_change(changes, "member %s moved from %s to %s", old->name,
			   offset_text(old, from), offset_text(new, to));
}

static void list_removed(struct changes *changes, const struct uk_layout *old,
			 const struct uk_layout *new, const struct uk_map *old_names,
			 const struct uk_map *new_names)
{
	char at[48];
	uk_vec_for_each(member, &old->members) {
		if (find_member(new_names, member->name))
			continue;
		const struct uk_layout_member *renamed = find_renamed(new, old_names, member);
		if (renamed)
			add_change(changes, "member %s renamed to %s", member->name, renamed->name);
		else
			add_change(changes, "member %s removed at %s", member->name,
				   offset_text(member, at));
	}
}

static void list_added(struct changes *changes, const struct uk_layout *old,
		       const struct uk_layout *new, const struct uk_map *old_names,
		       const struct uk_map *new_names)
{
	char at[48];
	uk_vec_for_each(member, &new->members) {
		if (!find_member(old_names, member->name) && !find_renamed(old, new_names, member))
			add_change(changes, "member %s added at %s", member->name,
				   offset_text(member, at));
	}
}

/* What a person wants to know first stands first: moved members follow from the others. */
static struct uk_error *compare_members(struct changes *changes, const struct uk_layout *old,
					const struct uk_layout *new)
{
	uk_auto_map struct uk_map old_names = {}, new_names = {};
	struct uk_error *err = index_members(old, &old_names);
	if (!err)
		err = index_members(new, &new_names);
	if (err)
		return err;
	list_removed(changes, old, new, &old_names, &new_names);
	list_added(changes, old, new, &old_names, &new_names);
	uk_vec_for_each(member, &old->members) {
		const struct uk_layout_member *twin = find_member(&new_names, member->name);
		if (twin)
			compare_twins(changes, member, twin);
	}
	uk_vec_for_each(member, &old->members) {
		const struct uk_layout_member *twin = find_member(&new_names, member->name);
		if (twin)
			compare_offsets(changes, member, twin);
	}
	return NULL;
}

static const struct uk_enumerator *find_enumerator(const struct uk_layout *layout, const char *name)
{
	uk_vec_for_each(enumerator, &layout->enumerators) {
		if (!strcmp(enumerator->name, name))
			return enumerator;
	}
	return NULL;
}

static bool has_value(const struct uk_layout *layout, int64_t value)
{
	uk_vec_for_each(enumerator, &layout->enumerators) {
		if (enumerator->value == value)
			return true;
	}
	return false;
}

static void compare_enumerators(struct changes *changes, const struct uk_layout *old,
				const struct uk_layout *new)
{
	uk_vec_for_each(enumerator, &old->enumerators) {
		const struct uk_enumerator *twin = find_enumerator(new, enumerator->name);
		if (twin && twin->value != enumerator->value)
			add_change(changes, "%s %lld -> %lld", enumerator->name,
				   (long long)enumerator->value, (long long)twin->value);
		else if (!twin && !has_value(new, enumerator->value))
			add_change(changes, "%s (%lld) removed", enumerator->name,
				   (long long)enumerator->value);
	}
}

/* Sizes are said in any case, at the end. */
static void compare_sizes(struct changes *changes, const struct uk_layout *old,
			  const struct uk_layout *new)
{
	const char *separator = changes->listed ? "; " : "";
	if (changes->more) {
		uk_strbuf_addf(&changes->text, "; and %u more", changes->more);
		changes->more = 0;
	}
	if (old->size != new->size) {
		uk_strbuf_addf(&changes->text, "%ssize %llu -> %llu", separator,
			       (unsigned long long)old->size, (unsigned long long)new->size);
		separator = "; ";
	}
	if (old->align != new->align)
		uk_strbuf_addf(&changes->text, "%srequested alignment %llu -> %llu", separator,
			       (unsigned long long)old->align, (unsigned long long)new->align);
}

static struct uk_error *find_changes(struct changes *changes, const struct uk_layout *old,
				     const struct uk_layout *new)
{
	struct uk_error *err = NULL;
	if (old->kind != new->kind)
		add_change(changes, "is now %s %s", new->kind == UK_LAYOUT_ENUM ? "an" : "a",
			   uk_layout_word(new->kind));
	if (old->kind == UK_LAYOUT_ENUM)
		compare_enumerators(changes, old, new);
	else
		err = compare_members(changes, old, new);
	compare_sizes(changes, old, new);
	return err;
}

static const char *finding_kind(enum uk_layout_kind kind)
{
	static const char *const kinds[] = {
		[UK_LAYOUT_STRUCT] = "struct-layout",
		[UK_LAYOUT_UNION] = "union-layout",
		[UK_LAYOUT_ENUM] = "enum-values",
	};
	return kinds[kind];
}

static const char *consequence_of(enum uk_layout_kind kind)
{
	if (kind == UK_LAYOUT_ENUM)
		return "Code that the update does not replace, and data that exists when it is "
		       "applied, go by the old values.";
	return "Objects that exist when the update is applied, and code that it does not "
	       "replace, keep the old layout.";
}

static struct uk_error *compare_pair(struct findings *findings, const struct uk_layout *old,
				     const struct uk_layout *new, const char *name)
{
	uk_cleanup(changes_deinit) struct changes changes = {};
	struct uk_error *err = find_changes(&changes, old, new);
	/* The order of members told of, or enumerators added, may be all that differs. */
	if (err || !changes.text.len)
		return err;
	uk_auto_free char *local = NULL;
	if (old->function) {
		err = uk_asprintf(&local, "%s.%s", old->function, name);
		if (err)
			return err;
	}
	return report(findings, finding_kind(old->kind), uk_layout_word(old->kind), local ?: name,
		      &new->die, &changes, consequence_of(old->kind));
}

static size_t chain_length(const struct uk_layout *first)
{
	size_t len = 0;
	for (; first; first = first->next)
		len++;
	return len;
}

/* The first of a chain that is not yet @taken and that @fits @layout. */
static const struct uk_layout *
take_first(const struct uk_layout *first, bool *taken, const struct uk_layout *layout,
	   bool (*fits)(const struct uk_layout *, const struct uk_layout *))
{
	for (size_t i = 0; first; first = first->next, i++) {
		if (taken[i] || !fits(first, layout))
			continue;
		taken[i] = true;
		return first;
	}
	return NULL;
}

static bool same_scope(const struct uk_layout *a, const struct uk_layout *b)
{
	return same_text(a->function, b->function);
}

static bool any(const struct uk_layout *a, const struct uk_layout *b)
{
	return true;
}

/*
 * One name may stand for several types, in scopes of their own. Those that have not changed
 * find each other first, then those of one scope; what is left over changed its scope too.
 */
static struct uk_error *compare_chains(struct findings *findings, const struct uk_layout *old,
				       const struct uk_layout *new)
{
	if (!old->next && !new->next)
		return same_layout(old, new) ? NULL : compare_pair(findings, old, new, old->name);
	bool (*const rules[])(const struct uk_layout *,
			      const struct uk_layout *) = { same_layout, same_scope, any };
	uk_auto_free bool *old_done = calloc(chain_length(old), sizeof(bool));
	uk_auto_free bool *new_done = calloc(chain_length(new), sizeof(bool));
	if (!old_done || !new_done)
		return uk_error_nomem();
	for (size_t rule = 0; rule < UK_ARRAY_SIZE(rules); rule++) {
		size_t i = 0;
		for (const struct uk_layout *layout = old; layout; layout = layout->next, i++) {
			const struct uk_layout *twin =
				old_done[i] ? NULL : take_first(new, new_done, layout, rules[rule]);
			if (!twin)
				continue;
			old_done[i] = true;
			struct uk_error *err =
				rule ? compare_pair(findings, layout, twin, layout->name) : NULL;
			if (err)
				return err;
		}
	}
	return NULL;
}

static struct uk_error *compare_named(struct findings *findings, const struct uk_layouts *old,
				      const struct uk_layouts *new)
{
	uk_map_for_each(entry, &old->named) {
		struct uk_map_entry *twin = uk_map_find(&new->named, entry->key, entry->key_len);
		struct uk_error *err =
			twin ? compare_chains(findings, entry->ptr, twin->ptr) : NULL;
		if (err)
			return err;
	}
	return NULL;
}

/* Whether this is an enum that neither a tag nor a typedef names. */
static bool is_nameless(const struct uk_layouts *layouts, const struct uk_layout *layout)
{
	Dwarf_Die die = layout->die;
	return !layout->name && !uk_map_find_num(&layouts->typedefs, dwarf_dieoffset(&die));
}

/* The nameless enums by their enumerators. */
static struct uk_error *index_nameless(const struct uk_layouts *layouts, struct uk_map *map)
{
	uk_vec_for_each(slot, &layouts->all) {
		struct uk_layout *layout = *slot;
		if (!is_nameless(layouts, layout))
			continue;
		uk_vec_for_each(enumerator, &layout->enumerators) {
			struct uk_map_entry *entry = uk_map_insert_str(map, enumerator->name, NULL);
			if (!entry)
				return uk_error_nomem();
			entry->ptr = layout;
		}
	}
	return NULL;
}

/* Twins among the enums without a name are those that share an enumerator. */
static struct uk_error *compare_nameless(struct findings *findings, const struct uk_layouts *old,
					 const struct uk_layouts *new)
{
	uk_auto_map struct uk_map by_enumerator = {};
	struct uk_error *err = index_nameless(new, &by_enumerator);
	uk_vec_for_each(slot, &old->all) {
		struct uk_layout *layout = *slot;
		struct uk_map_entry *twin = NULL;
		if (err)
			break;
		if (!is_nameless(old, layout))
			continue;
		uk_vec_for_each(enumerator, &layout->enumerators) {
			twin = uk_map_find_str(&by_enumerator, enumerator->name);
			if (twin)
				break;
		}
		if (twin && !same_layout(layout, twin->ptr))
			err = compare_pair(findings, layout, twin->ptr,
					   layout->enumerators.data[0].name);
	}
	return err;
}

static struct uk_error *compare_prototype(struct findings *findings, const char *name,
					  const struct uk_prototype *old,
					  const struct uk_prototype *new)
{
	if (old->is_function == new->is_function && !strcmp(old->type, new->type))
		return NULL;
	uk_cleanup(changes_deinit) struct changes changes = {};
	add_change(&changes, "'%s' -> '%s'", old->type, new->type);
	return report(findings, "prototype", old->is_function ? "function" : "variable", name,
		      &new->die, &changes,
		      "Modules and other code that the update does not replace use it as it "
		      "was before.");
}

static struct uk_error *compare_prototypes(struct findings *findings, const struct uk_layouts *old,
					   const struct uk_layouts *new)
{
	for (size_t i = 0; i < findings->input->nr_exported; i++) {
		const char *name = findings->input->exported[i];
		struct uk_map_entry *was = uk_map_find_str(&old->prototypes, name);
		struct uk_map_entry *is = uk_map_find_str(&new->prototypes, name);
		struct uk_error *err =
			was && is ? compare_prototype(findings, name, was->ptr, is->ptr) : NULL;
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *find_copies(struct findings *findings, const struct uk_layouts *old,
				    const char *symbol)
{
	Dwarf_Die die;
	struct uk_copies_names empty = { findings->input->empty, findings->input->nr_empty };
	uk_cleanup(changes_deinit) struct changes changes = {};
	uk_auto_free char *name = NULL, *full_name = NULL, *holder = NULL;
	/* "ops.3" is the static variable ops of a function */
	struct uk_error *err = uk_asprintf(&name, "%.*s", (int)strcspn(symbol, "."), symbol);
	if (!err)
		err = uk_copies_find(old, name, &empty, &holder, &die);
	if (!err)
		err = uk_asprintf(&full_name, "%s:%s", findings->input->object, symbol);
	if (err || !holder)
		return err;
	add_change(&changes, "%s may hold a copy of it", holder);
	return report(findings, "table-copies", "table", full_name, &die, &changes,
		      "The table is written in place; a copy that was made before keeps the old "
		      "content.");
}

static struct uk_error *find_all_copies(struct findings *findings, const struct uk_layouts *old)
{
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < findings->input->nr_written; i++)
		err = find_copies(findings, old, findings->input->written[i]);
	return err;
}

static int compare_names(const void *a, const void *b)
{
	const struct uk_finding *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order ?: strcmp(x->text, y->text);
}

struct uk_error *uk_types_compare(const struct uk_types_input *input, struct uk_finding **ret,
				  size_t *nr_ret)
{
	uk_auto_layouts struct uk_layouts *old = NULL, *new = NULL;
	uk_cleanup(findings_deinit) struct findings findings = { .input = input };
	struct uk_error *err = uk_layouts_load(input->orig, &old);
	if (!err)
		err = uk_layouts_load(input->patched, &new);
	if (!err)
		err = compare_named(&findings, old, new);
	if (!err)
		err = compare_nameless(&findings, old, new);
	if (!err)
		err = compare_prototypes(&findings, old, new);
	if (!err)
		err = find_all_copies(&findings, old);
	if (err)
		return uk_error_wrap(err, "types of %s", input->object);
	if (findings.list.len)
		qsort(findings.list.data, findings.list.len, sizeof(*findings.list.data),
		      compare_names);
	*nr_ret = findings.list.len;
	*ret = uk_take(findings.list.data);
	findings.list.len = 0;
	return NULL;
}
