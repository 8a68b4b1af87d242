// SPDX-License-Identifier: GPL-2.0-or-later
/* Taint: from what changed in headers to who can tell. */
#include "kbuild/taint.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "kbuild/entity.h"
#include "kbuild/paste.h"

#include <string.h>

/* An entity, reduced to the numbers of the names in it. */
struct item {
	enum uk_entity_kind kind;
	uint32_t name;	  /* NO_NAME when it has none */
	size_t first, nr; /* of its mentions */
	bool done;	  /* it was hit already */
};

struct file {
	char *path;
	bool odd;
	char *hit; /* why every includer is hit, or NULL */
	UK_VEC(struct item) items;
	UK_VEC(uint32_t) mentions;
};

struct uk_taint {
	struct uk_map names;	 /* name -> number */
	UK_VEC(uint32_t) origin; /* per number: index + 1 of the header it came from, 0: clean */
	UK_VEC(uint32_t) seen;	 /* per number: the item that has it already */
	uint32_t nr_items;
	UK_VEC(struct file) files;
	struct uk_map by_path;
	struct uk_map types; /* names of those that change */
	struct uk_paste *paste;
	bool uses;		/* all macros are known; what they are given is being added */
	UK_VEC(uint32_t) fresh; /* tainted, not yet asked who can put it together */
	char *reason;		/* the last one made for a source */
};

enum { NO_NAME = UINT32_MAX };

static void file_deinit(struct file *file)
{
	free(file->path);
	free(file->hit);
	uk_vec_deinit(&file->items);
	uk_vec_deinit(&file->mentions);
}

void uk_taint_destroy(struct uk_taint *taint)
{
	if (!taint)
		return;
	uk_vec_for_each(file, &taint->files)
		file_deinit(file);
	uk_vec_deinit(&taint->files);
	uk_paste_destroy(taint->paste);
	uk_vec_deinit(&taint->origin);
	uk_vec_deinit(&taint->seen);
	uk_vec_deinit(&taint->fresh);
	uk_map_deinit(&taint->names);
	uk_map_deinit(&taint->by_path);
	uk_map_deinit(&taint->types);
	free(taint->reason);
	free(taint);
}

struct uk_error *uk_taint_create(struct uk_taint **ret)
{
	struct uk_taint *taint = calloc(1, sizeof(*taint));
	struct uk_error *err = taint ? uk_paste_create(&taint->paste) : uk_error_nomem();
	if (err) {
		free(taint);
		return err;
	}
	*ret = taint;
	return NULL;
}

/* The number of a name; false without memory. */
static bool name_number(struct uk_taint *taint, const struct uk_token *token, uint32_t *ret)
{
	bool added;
	struct uk_map_entry *entry = uk_map_insert(&taint->names, token->text, token->len, &added);
	if (!entry)
		return false;
	if (added) {
		entry->num = taint->origin.len;
		if (!uk_vec_push(&taint->origin, 0) || !uk_vec_push(&taint->seen, 0))
			return false;
	}
	*ret = (uint32_t)entry->num;
	return true;
}

static const char *name_text(const struct uk_taint *taint, uint32_t name)
{
	return taint->names.entries[name].key;
}

/* Adding the names of one entity to its file. */
struct mention {
	struct uk_taint *taint;
	struct file *file;
	bool failed;
};

static bool add_mention(void *ctx, const struct uk_token *token)
{
	struct mention *mention = ctx;
	struct uk_taint *taint = mention->taint;
	uint32_t number;
	if (!name_number(taint, token, &number)) {
		mention->failed = true;
		return false;
	}
	if (taint->seen.data[number] == taint->nr_items)
		return true;
	taint->seen.data[number] = taint->nr_items;
	mention->failed = !uk_vec_push(&mention->file->mentions, number);
	return !mention->failed;
}

/* Each enumerator as if it were a macro whose value is the whole enum. */
static struct uk_error *add_enumerators(struct uk_taint *taint, struct file *file,
					const struct uk_entities *entities,
					const struct uk_entity *entity, struct item item)
{
	item.kind = UK_ENTITY_MACRO;
	for (size_t i = entity->first; i < entity->first + entity->nr; i++) {
		if (!uk_entity_is_enumerator(entities, entity, i))
			continue;
		if (!name_number(taint, &entities->tokens.all.data[i], &item.name) ||
		    !uk_vec_push(&file->items, item))
			return uk_error_nomem();
	}
	return NULL;
}

static struct uk_error *add_item(struct uk_taint *taint, struct file *file,
				 const struct uk_entities *entities, const struct uk_entity *entity)
{
	struct item item = {
		.kind = entity->kind,
		.name = NO_NAME,
		.first = file->mentions.len,
	};
	taint->nr_items++;
	struct mention mention = { .taint = taint, .file = file };
	uk_entity_names(entities, entity, add_mention, &mention);
	item.nr = file->mentions.len - item.first;
	if (mention.failed ||
	    (entity->name != (size_t)-1 &&
	     !name_number(taint, &entities->tokens.all.data[entity->name], &item.name)))
		return uk_error_nomem();
	if (item.kind == UK_ENTITY_ENUM)
		return add_enumerators(taint, file, entities, entity, item);
	return uk_vec_push(&file->items, item) ? NULL : uk_error_nomem();
}

static struct uk_error *file_of(struct uk_taint *taint, const char *path, size_t *ret)
{
	bool added;
	struct uk_map_entry *entry = uk_map_insert_str(&taint->by_path, path, &added);
	if (!entry)
		return uk_error_nomem();
	if (added) {
		struct file file = { .path = strdup(path) };
		if (!file.path || !uk_vec_push(&taint->files, file))
			return uk_error_nomem();
		entry->num = taint->files.len - 1;
	}
	*ret = entry->num;
	return NULL;
}

static struct uk_error *add_entities(struct uk_taint *taint, size_t number,
				     const struct uk_entities *entities)
{
	struct file *file = &taint->files.data[number];
	file->odd |= entities->odd;
	uk_vec_for_each(entity, &entities->all) {
		struct uk_error *err = add_item(taint, file, entities, entity);
		if (err)
			return err;
	}
	return uk_paste_add_macros(taint->paste, entities);
}

struct uk_error *uk_taint_add_uses(struct uk_taint *taint, const char *text)
{
	uk_auto_entities struct uk_entities entities = {};
	struct uk_error *err = taint->uses ? NULL : uk_paste_solve(taint->paste);
	taint->uses = true;
	if (!err)
		err = uk_entities_scan(text, &entities);
	return err ? err : uk_paste_add_uses(taint->paste, &entities);
}

struct uk_error *uk_taint_add_file(struct uk_taint *taint, const char *path, const char *text)
{
	uk_auto_entities struct uk_entities entities = {};
	size_t number;
	if (uk_map_find_str(&taint->by_path, path))
		return NULL;
	struct uk_error *err = file_of(taint, path, &number);
	if (!err)
		err = uk_entities_scan(text, &entities);
	return err ? err : add_entities(taint, number, &entities);
}

static struct uk_error *hit_includers(struct file *file, const char *fmt, ...) uk_printf(2, 3);

static struct uk_error *hit_includers(struct file *file, const char *fmt, ...)
{
	if (file->hit)
		return NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&file->hit, fmt, args) < 0)
		file->hit = NULL;
	va_end(args);
	return file->hit ? NULL : uk_error_nomem();
}

static struct uk_error *taint_name(struct uk_taint *taint, uint32_t name, uint32_t origin)
{
	if (taint->origin.data[name])
		return NULL;
	taint->origin.data[name] = origin;
	return uk_vec_push(&taint->fresh, name) ? NULL : uk_error_nomem();
}

/* What a person recognises an entity by. */
static struct uk_error *describe(const struct uk_entities *entities, const struct uk_entity *entity,
				 char **ret)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	for (size_t i = entity->first; i < entity->first + entity->nr && text.len < 40; i++) {
		const struct uk_token *token = &entities->tokens.all.data[i];
		if (token->kind == UK_TOKEN_NEWLINE || strchr("{;=", *token->text))
			break;
		bool word = token->kind != UK_TOKEN_PUNCT;
		if (text.len && word && text.data[text.len - 1] != '#')
			uk_strbuf_addstr(&text, " ");
		uk_strbuf_add(&text, token->text, token->len);
	}
	uk_strbuf_addstr(&text, "");
	return uk_strbuf_finish(&text, ret);
}

static struct uk_error *taint_token(struct uk_taint *taint, size_t file,
				    const struct uk_token *token)
{
	uint32_t number;
	if (!name_number(taint, token, &number))
		return uk_error_nomem();
	return taint_name(taint, number, (uint32_t)file + 1);
}

static struct uk_error *taint_enumerators(struct uk_taint *taint, size_t file,
					  const struct uk_entities *entities,
					  const struct uk_entity *entity)
{
	struct uk_error *err = NULL;
	for (size_t i = entity->first; !err && i < entity->first + entity->nr; i++) {
		if (uk_entity_is_enumerator(entities, entity, i))
			err = taint_token(taint, file, &entities->tokens.all.data[i]);
	}
	return err;
}

/* What follows after struct, union or enum, and the last name of a typedef. */
enum { IS_TAG = 1, IS_TYPEDEF = 2 };

static struct uk_error *add_type(struct uk_taint *taint, const struct uk_token *name, uint64_t kind)
{
	struct uk_map_entry *entry = uk_map_insert(&taint->types, name->text, name->len, NULL);
	if (!entry)
		return uk_error_nomem();
	entry->num |= kind;
	return NULL;
}

static struct uk_error *add_types(struct uk_taint *taint, const struct uk_entities *entities,
				  const struct uk_entity *entity)
{
	const struct uk_token *tokens = entities->tokens.all.data + entity->first;
	struct uk_error *err = NULL;
	for (size_t i = 1; !err && i + 1 < entity->nr; i++) {
		if (tokens[i].kind != UK_TOKEN_NAME)
			continue;
		if (uk_token_is_tag_word(&tokens[i - 1]) && uk_token_is(&tokens[i + 1], "{"))
			err = add_type(taint, &tokens[i], IS_TAG);
		else if (uk_token_is(&tokens[0], "typedef") && i + 2 == entity->nr)
			err = add_type(taint, &tokens[i], IS_TYPEDEF);
	}
	return err;
}

/* An entity that is in one version of a header only. */
static struct uk_error *take_changed(struct uk_taint *taint, size_t number,
				     const struct uk_entities *entities,
				     const struct uk_entity *entity)
{
	uk_auto_free char *text = NULL;
	switch (entity->kind) {
	case UK_ENTITY_FORWARD:
		return NULL;
	case UK_ENTITY_MACRO:
	case UK_ENTITY_INLINE:
	case UK_ENTITY_PROTOTYPE:
	case UK_ENTITY_EXTERN:
		return taint_token(taint, number, &entities->tokens.all.data[entity->name]);
	case UK_ENTITY_ENUM:
		return taint_enumerators(taint, number, entities, entity);
	default:
		break;
	}
	struct uk_error *err = add_types(taint, entities, entity);
	if (!err)
		err = describe(entities, entity, &text);
	struct file *file = &taint->files.data[number];
	return err ? err : hit_includers(file, "'%s' of %s changes", text, file->path);
}

static struct uk_error *count_hashes(const struct uk_entities *entities, struct uk_map *map)
{
	uk_vec_for_each(entity, &entities->all) {
		struct uk_map_entry *entry = uk_map_insert_num(map, entity->hash, NULL);
		if (!entry)
			return uk_error_nomem();
		entry->num++;
	}
	return NULL;
}

/* Entities of @one that @other does not have; the others, in order, into @same. */
static struct uk_error *take_difference(struct uk_taint *taint, size_t number,
					const struct uk_entities *one,
					const struct uk_entities *other, struct uk_hash *same)
{
	uk_auto_map struct uk_map hashes = {};
	struct uk_error *err = count_hashes(other, &hashes);
	for (size_t i = 0; !err && i < one->all.len; i++) {
		const struct uk_entity *entity = &one->all.data[i];
		struct uk_map_entry *entry = uk_map_find_num(&hashes, entity->hash);
		if (entry && entry->num) {
			entry->num--;
			uk_hash_add(same, &entity->hash, sizeof(entity->hash));
		} else {
			err = take_changed(taint, number, one, entity);
		}
	}
	return err;
}

static struct uk_error *compare_versions(struct uk_taint *taint, size_t number,
					 const struct uk_entities *orig,
					 const struct uk_entities *patched)
{
	struct uk_hash one, other;
	char one_hex[UK_HASH_HEX_LEN + 1], other_hex[UK_HASH_HEX_LEN + 1];
	uk_hash_init(&one);
	uk_hash_init(&other);
	struct uk_error *err = take_difference(taint, number, orig, patched, &one);
	if (!err)
		err = take_difference(taint, number, patched, orig, &other);
	if (err)
		return err;
	uk_hash_hex(&one, one_hex);
	uk_hash_hex(&other, other_hex);
	struct file *file = &taint->files.data[number];
	if (orig->odd || patched->odd)
		return hit_includers(file, "%s changes", file->path);
	/* Order matters to the preprocessor. */
	if (strcmp(one_hex, other_hex))
		return hit_includers(file, "the order of %s changes", file->path);
	return NULL;
}

struct uk_error *uk_taint_add_change(struct uk_taint *taint, const char *path, const char *orig,
				     const char *patched)
{
	uk_auto_entities struct uk_entities one = {};
	uk_auto_entities struct uk_entities other = {};
	size_t number;
	struct uk_error *err = file_of(taint, path, &number);
	if (err)
		return err;
	struct file *file = &taint->files.data[number];
	if (!orig || !patched)
		return hit_includers(file, "%s is %s", path, orig ? "removed" : "new");
	err = uk_entities_scan(orig, &one);
	if (!err)
		err = uk_entities_scan(patched, &other);
	if (!err)
		err = compare_versions(taint, number, &one, &other);
	/* Names spread through both versions. */
	if (!err)
		err = add_entities(taint, number, &one);
	return err ? err : add_entities(taint, number, &other);
}

/* The first tainted name that an item mentions, or NO_NAME. */
static uint32_t tainted_mention(const struct uk_taint *taint, const struct file *file,
				const struct item *item)
{
	for (size_t i = item->first; i < item->first + item->nr; i++) {
		uint32_t name = file->mentions.data[i];
		if (taint->origin.data[name])
			return name;
	}
	return NO_NAME;
}

static struct uk_error *hit_item(struct uk_taint *taint, struct file *file, const struct item *item,
				 uint32_t by)
{
	uint32_t origin = taint->origin.data[by];
	switch (item->kind) {
	case UK_ENTITY_FORWARD:
		return NULL;
	case UK_ENTITY_MACRO:
	case UK_ENTITY_INLINE:
	case UK_ENTITY_PROTOTYPE:
	case UK_ENTITY_EXTERN:
		return taint_name(taint, item->name, origin);
	default:
		return hit_includers(file, "%s uses %s of %s", file->path, name_text(taint, by),
				     taint->files.data[origin - 1].path);
	}
}

static struct uk_error *spread_in_file(struct uk_taint *taint, struct file *file)
{
	for (size_t i = 0; i < file->items.len; i++) {
		struct item *item = &file->items.data[i];
		uint32_t by = item->done ? NO_NAME : tainted_mention(taint, file, item);
		if (by == NO_NAME)
			continue;
		item->done = true;
		struct uk_error *err = hit_item(taint, file, item, by);
		if (!err && file->odd)
			err = hit_includers(file, "%s uses %s", file->path, name_text(taint, by));
		if (err)
			return err;
	}
	return NULL;
}

/* A macro that can put a tainted name together is tainted with it. */
struct maker {
	struct uk_taint *taint;
	uint32_t origin;
};

static struct uk_error *taint_maker(void *ctx, const char *macro)
{
	const struct maker *maker = ctx;
	const struct uk_map_entry *entry = uk_map_find_str(&maker->taint->names, macro);
	return entry ? taint_name(maker->taint, (uint32_t)entry->num, maker->origin) : NULL;
}

static struct uk_error *spread_by_pasting(struct uk_taint *taint)
{
	while (taint->fresh.len) {
		uint32_t name = taint->fresh.data[--taint->fresh.len];
		struct maker maker = { .taint = taint, .origin = taint->origin.data[name] };
		struct uk_error *err =
			uk_paste_makers(taint->paste, name_text(taint, name), taint_maker, &maker);
		if (err)
			return err;
	}
	return NULL;
}

struct uk_error *uk_taint_spread(struct uk_taint *taint)
{
	struct uk_error *err = NULL;
	while (!err && taint->fresh.len) {
		err = spread_by_pasting(taint);
		for (size_t i = 0; !err && i < taint->files.len; i++)
			err = spread_in_file(taint, &taint->files.data[i]);
	}
	return err;
}

static const struct file *find_file(const struct uk_taint *taint, const char *path)
{
	const struct uk_map_entry *entry = uk_map_find_str(&taint->by_path, path);
	return entry ? &taint->files.data[entry->num] : NULL;
}

bool uk_taint_hits_includers(const struct uk_taint *taint, const char *path,
			     const char **reason_ret)
{
	const struct file *file = find_file(taint, path);
	*reason_ret = file ? file->hit : "a file that it includes cannot be read";
	return *reason_ret != NULL;
}

struct uk_error *uk_taint_hits_source(struct uk_taint *taint, const char *path, bool *hit_ret,
				      const char **reason_ret)
{
	const struct file *file = find_file(taint, path);
	*hit_ret = true;
	*reason_ret = "its source cannot be read";
	if (!file)
		return NULL;
	for (size_t i = 0; i < file->mentions.len; i++) {
		uint32_t name = file->mentions.data[i], origin = taint->origin.data[name];
		if (!origin)
			continue;
		free(taint->reason);
		taint->reason = NULL;
		*reason_ret = NULL;
		struct uk_error *err =
			uk_asprintf(&taint->reason, "uses %s of %s", name_text(taint, name),
				    taint->files.data[origin - 1].path);
		*reason_ret = taint->reason;
		return err;
	}
	*hit_ret = false;
	return NULL;
}

bool uk_taint_is_type(const struct uk_taint *taint, const struct uk_token *name, bool tag)
{
	const struct uk_map_entry *entry = uk_map_find(&taint->types, name->text, name->len);
	return entry && entry->num & (tag ? IS_TAG : IS_TYPEDEF);
}
