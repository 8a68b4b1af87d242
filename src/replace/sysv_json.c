// SPDX-License-Identifier: GPL-2.0-or-later
/* The notes of System V IPC as text. */
#include "replace/sysv.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/fields.h"

#include <limits.h>
#include <string.h>

enum { SYSV_SCHEMA = 1, NOTES_MAX = 64 << 20 };

/* --- out ----------------------------------------------------------------------------- */

static bool put_perm(struct json_object *to, const struct uk_sysv_perm *perm)
{
	return put_number(to, "id", (uint64_t)perm->id) && put_number(to, "key", perm->key) &&
	       put_number(to, "mode", perm->mode) && put_number(to, "uid", perm->uid) &&
	       put_number(to, "gid", perm->gid) && put_number(to, "cuid", perm->cuid) &&
	       put_number(to, "cgid", perm->cgid);
}

static bool put_segment(struct json_object *to, const struct uk_sysv_segment *segment)
{
	return put_perm(to, &segment->perm) && put_number(to, "size", segment->size) &&
	       put_number(to, "creator", (uint64_t)segment->creator) &&
	       put_number(to, "last", (uint64_t)segment->last);
}

static bool put_set(struct json_object *to, const struct uk_sysv_set *set)
{
	struct json_object *all = put_new(to, "semaphores", json_object_new_array());
	bool good = all && put_perm(to, &set->perm);
	uk_vec_for_each(semaphore, &set->all) {
		struct json_object *one = good ? append_new(all) : NULL;
		good = one && put_number(one, "value", semaphore->value) &&
		       put_number(one, "last", (uint64_t)semaphore->last);
	}
	return good;
}

static bool put_queue(struct json_object *to, const struct uk_sysv_queue *queue)
{
	return put_perm(to, &queue->perm) && put_number(to, "limit", queue->limit) &&
	       put_number(to, "messages", queue->messages) &&
	       put_number(to, "bytes", queue->bytes) &&
	       put_number(to, "sender", (uint64_t)queue->sender) &&
	       put_number(to, "receiver", (uint64_t)queue->receiver);
}

static bool put_limit(struct json_object *to, const struct uk_sysv_limit *limit)
{
	return put_text(to, "name", limit->name) && put_text(to, "value", limit->value);
}

static bool put_attachment(struct json_object *to, const struct uk_sysv_attachment *attachment)
{
	return put_number(to, "pid", (uint64_t)attachment->pid) &&
	       put_number(to, "id", (uint64_t)attachment->id) &&
	       put_number(to, "start", attachment->start) &&
	       put_number(to, "end", attachment->end) &&
	       put_number(to, "offset", attachment->offset) &&
	       put_number(to, "protection", (uint64_t)attachment->prot) &&
	       put_number(to, "read_only", attachment->read_only) &&
	       put_number(to, "flags", attachment->flags);
}

/* Each element of a vector as an object of a list. */
#define PUT_ALL(to, key, vec, put)                                                                 \
	({                                                                                         \
		struct json_object *all = put_new(to, key, json_object_new_array());               \
		bool well = all;                                                                   \
		uk_vec_for_each(item, vec) {                                                       \
			struct json_object *one = well ? append_new(all) : NULL;                   \
			well = one && put(one, item);                                              \
		}                                                                                  \
		well;                                                                              \
	})

static bool put_all(struct json_object *to, const struct uk_sysv *sysv)
{
	return put_number(to, "schema", SYSV_SCHEMA) &&
	       PUT_ALL(to, "segments", &sysv->segments, put_segment) &&
	       PUT_ALL(to, "sets", &sysv->sets, put_set) &&
	       PUT_ALL(to, "queues", &sysv->queues, put_queue) &&
	       PUT_ALL(to, "limits", &sysv->limits, put_limit) &&
	       PUT_ALL(to, "attachments", &sysv->attachments, put_attachment);
}

struct uk_error *uk_sysv_write(const struct uk_sysv *sysv, const char *dir)
{
	uk_auto_free char *path = NULL;
	struct json_object *root = json_object_new_object();
	const char *text = root && put_all(root, sysv)
				   ? json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY)
				   : NULL;
	struct uk_error *err =
		text ? uk_asprintf(&path, "%s/" UK_SYSV_NOTES, dir) : uk_error_nomem();
	if (!err)
		err = uk_file_write(path, text, strlen(text), 0600);
	json_object_put(root);
	return err;
}

/* --- in ------------------------------------------------------------------------------ */

static struct uk_error *get_up_to(struct json_object *from, const char *key, uint64_t max,
				  uint64_t *ret)
{
	uint64_t value = 0;
	struct uk_error *err = get_number(from, key, &value);
	if (!err && value > max)
		err = uk_error_create(UK_ERR_INVALID, "%s: %ju is too much", key, (uintmax_t)value);
	*ret = err ? 0 : value;
	return err;
}

static struct uk_error *get_int(struct json_object *from, const char *key, int *ret)
{
	uint64_t value;
	struct uk_error *err = get_up_to(from, key, INT_MAX, &value);
	*ret = (int)value;
	return err;
}

static struct uk_error *get_u32(struct json_object *from, const char *key, uint32_t *ret)
{
	uint64_t value;
	struct uk_error *err = get_up_to(from, key, UINT32_MAX, &value);
	*ret = (uint32_t)value;
	return err;
}

static struct uk_error *get_perm(struct json_object *from, struct uk_sysv_perm *perm)
{
	struct uk_error *err = get_int(from, "id", &perm->id);
	if (!err)
		err = get_u32(from, "key", &perm->key);
	if (!err)
		err = get_u32(from, "mode", &perm->mode);
	if (!err)
		err = get_u32(from, "uid", &perm->uid);
	if (!err)
		err = get_u32(from, "gid", &perm->gid);
	if (!err)
		err = get_u32(from, "cuid", &perm->cuid);
	return err ? err : get_u32(from, "cgid", &perm->cgid);
}

static struct uk_error *get_segment(struct json_object *from, struct uk_sysv_segment *segment)
{
	struct uk_error *err = get_perm(from, &segment->perm);
	if (!err)
		err = get_up_to(from, "size", INT64_MAX, &segment->size);
	if (!err)
		err = get_int(from, "creator", &segment->creator);
	return err ? err : get_int(from, "last", &segment->last);
}

static struct uk_error *get_semaphore(struct json_object *from, struct uk_sysv_semaphore *ret)
{
	struct uk_error *err = get_up_to(from, "value", SHRT_MAX, &ret->value);
	return err ? err : get_int(from, "last", &ret->last);
}

static struct uk_error *get_set(struct json_object *from, struct uk_sysv_set *set)
{
	struct uk_error *err = get_perm(from, &set->perm);
	return err ? err : GET_ALL(from, "semaphores", &set->all, get_semaphore);
}

static struct uk_error *get_queue(struct json_object *from, struct uk_sysv_queue *queue)
{
	struct uk_error *err = get_perm(from, &queue->perm);
	if (!err)
		err = get_up_to(from, "limit", INT32_MAX, &queue->limit);
	if (!err)
		err = get_up_to(from, "messages", INT32_MAX, &queue->messages);
	if (!err)
		err = get_up_to(from, "bytes", INT32_MAX, &queue->bytes);
	if (!err)
		err = get_int(from, "sender", &queue->sender);
	return err ? err : get_int(from, "receiver", &queue->receiver);
}

/* Its name is part of a path. */
static struct uk_error *get_limit(struct json_object *from, struct uk_sysv_limit *limit)
{
	struct uk_error *err = get_text(from, "name", &limit->name);
	if (!err && strchr(limit->name, '/'))
		err = uk_error_create(UK_ERR_INVALID, "name: %s leads elsewhere", limit->name);
	return err ? err : get_text(from, "value", &limit->value);
}

static struct uk_error *get_attachment(struct json_object *from, struct uk_sysv_attachment *ret)
{
	uint64_t read_only = 0;
	struct uk_error *err = get_int(from, "pid", &ret->pid);
	if (!err)
		err = get_int(from, "id", &ret->id);
	if (!err)
		err = get_up_to(from, "start", INT64_MAX, &ret->start);
	if (!err)
		err = get_up_to(from, "end", INT64_MAX, &ret->end);
	if (!err)
		err = get_up_to(from, "offset", INT64_MAX, &ret->offset);
	if (!err)
		err = get_int(from, "protection", &ret->prot);
	if (!err)
		err = get_up_to(from, "read_only", 1, &read_only);
	ret->read_only = read_only;
	if (!err && (ret->pid < 2 || ret->start >= ret->end))
		err = uk_error_create(UK_ERR_INVALID, "it is no place in a process");
	return err ? err : get_up_to(from, "flags", INT64_MAX, &ret->flags);
}

static struct uk_error *get_all(struct json_object *root, struct uk_sysv *ret)
{
	uint64_t schema = 0;
	struct uk_error *err = get_number(root, "schema", &schema);
	if (!err && schema != SYSV_SCHEMA)
		err = uk_error_create(UK_ERR_INVALID, "schema %ju; this upkeep knows %d",
				      (uintmax_t)schema, SYSV_SCHEMA);
	if (!err)
		err = GET_ALL(root, "segments", &ret->segments, get_segment);
	if (!err)
		err = GET_ALL(root, "sets", &ret->sets, get_set);
	if (!err)
		err = GET_ALL(root, "queues", &ret->queues, get_queue);
	if (!err)
		err = GET_ALL(root, "limits", &ret->limits, get_limit);
	return err ? err : GET_ALL(root, "attachments", &ret->attachments, get_attachment);
}

struct uk_error *uk_sysv_from_json(const char *text, struct uk_sysv *ret)
{
	struct json_object *root;
	struct uk_error *err = parse_object(text, &root);
	if (!err)
		err = get_all(root, ret);
	json_object_put(root);
	return err;
}

struct uk_error *uk_sysv_load(const char *dir, struct uk_sysv *ret)
{
	uk_auto_free char *path = NULL, *text = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/" UK_SYSV_NOTES, dir);
	if (err || !uk_file_exists(path))
		return err;
	err = uk_file_read(path, NOTES_MAX, &text, NULL);
	return err ? err : uk_error_wrap(uk_sysv_from_json(text, ret), UK_SYSV_NOTES);
}
