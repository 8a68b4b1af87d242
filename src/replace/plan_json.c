// SPDX-License-Identifier: GPL-2.0-or-later
/* A plan as text. */
#include "replace/plan_json.h"

#include "base/strbuf.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

/* --- out ----------------------------------------------------------------------------- */

static bool put_text(struct json_object *to, const char *key, const char *text)
{
	struct json_object *value = text ? json_object_new_string(text) : NULL;
	return (!text || value) && !json_object_object_add(to, key, value);
}

static bool put_number(struct json_object *to, const char *key, uint64_t number)
{
	struct json_object *value = json_object_new_uint64(number);
	return value && !json_object_object_add(to, key, value);
}

/* A new list or object as a field; NULL without memory. */
static struct json_object *put_new(struct json_object *to, const char *key,
				   struct json_object *value)
{
	return value && !json_object_object_add(to, key, value) ? value : NULL;
}

static struct json_object *append_new(struct json_object *list)
{
	struct json_object *value = list ? json_object_new_object() : NULL;
	return value && !json_object_array_add(list, value) ? value : NULL;
}

/* A list of numbers as a field. */
static bool put_numbers(struct json_object *to, const char *key, const uint64_t *numbers, size_t nr)
{
	struct json_object *list = put_new(to, key, json_object_new_array());
	bool good = list;
	for (size_t i = 0; good && i < nr; i++)
		good = !json_object_array_add(list, json_object_new_uint64(numbers[i]));
	return good;
}

static bool put_mounts(struct json_object *to, const char *key, const uk_plan_mounts *mounts)
{
	struct json_object *list = put_new(to, key, json_object_new_array());
	bool good = list;
	uk_vec_for_each(mount, mounts) {
		struct json_object *one = good ? append_new(list) : NULL;
		good = one && put_text(one, "point", mount->point) &&
		       put_text(one, "options", mount->options) &&
		       put_text(one, mount->inside ? "from_inside" : "from", mount->from) &&
		       put_text(one, "type", mount->type) &&
		       put_text(one, "source", mount->source) &&
		       put_text(one, "super", mount->super) &&
		       put_text(one, "content", mount->content);
	}
	return good;
}

static bool put_outside(struct json_object *to, const struct uk_plan_service *service)
{
	struct json_object *list = put_new(to, "outside", json_object_new_array());
	bool good = list;
	uk_vec_for_each(file, &service->outside) {
		struct json_object *one = good ? append_new(list) : NULL;
		good = one && put_text(one, "id", file->id) && put_text(one, "path", file->path) &&
		       put_number(one, "flags", file->flags) && put_number(one, "pos", file->pos);
	}
	return good;
}

static bool put_stream(struct json_object *list, const struct uk_plan_stream *stream)
{
	struct json_object *to = append_new(list);
	return to && put_number(to, "ino", stream->ino) &&
	       !json_object_object_add(to, "nonblock", json_object_new_boolean(stream->nonblock)) &&
	       put_text(to, "state", stream->state) &&
	       put_number(to, "service_end", stream->service_end) &&
	       put_number(to, "journal_end", stream->journal_end);
}

static bool put_streams(struct json_object *to, const struct uk_plan_service *service)
{
	struct json_object *list = put_new(to, "journal", json_object_new_array());
	bool good = list;
	uk_vec_for_each(stream, &service->journal)
		good = good && put_stream(list, stream);
	return good;
}

static bool put_service(struct json_object *list, const struct uk_plan_service *service)
{
	struct json_object *to = append_new(list);
	return to && put_streams(to, service) && put_mounts(to, "view", &service->view) &&
	       put_outside(to, service) && put_text(to, "name", service->name) &&
	       put_text(to, "unit", service->unit) && put_text(to, "trouble", service->trouble) &&
	       put_text(to, "host_name", service->host_name) &&
	       put_text(to, "cgroup", service->cgroup) && put_text(to, "images", service->images) &&
	       put_number(to, "main_pid", (uint64_t)service->main_pid);
}

static bool put_lists(struct json_object *to, const struct uk_plan *plan)
{
	struct json_object *links = put_new(to, "links", json_object_new_array());
	struct json_object *services = put_new(to, "services", json_object_new_array());
	struct json_object *files = put_new(to, "files", json_object_new_array());
	struct json_object *times = put_new(to, "times", json_object_new_array());
	bool good = links && services && files && times &&
		    put_mounts(to, "mounts", &plan->mounts) &&
		    put_numbers(to, "ports", plan->ports.data, plan->ports.len);
	uk_vec_for_each(link, &plan->links) {
		struct json_object *one = good ? append_new(links) : NULL;
		good = one && put_text(one, "name", link->name) && put_text(one, "mac", link->mac);
	}
	uk_vec_for_each(service, &plan->services)
		good = good && put_service(services, service);
	uk_vec_for_each(file, &plan->files) {
		struct json_object *one = good ? append_new(files) : NULL;
		good = one && put_text(one, "path", file->path) &&
		       put_number(one, "size", file->size) && put_text(one, "hash", file->hash);
	}
	uk_vec_for_each(moment, &plan->times) {
		struct json_object *one = good ? append_new(times) : NULL;
		good = one && put_text(one, "phase", moment->phase) &&
		       put_number(one, "ns", moment->ns);
	}
	return good;
}

struct uk_error *uk_plan_to_json(const struct uk_plan *plan, char **ret)
{
	struct json_object *root = json_object_new_object();
	bool good = root && put_number(root, "schema", UK_PLAN_SCHEMA) &&
		    put_text(root, "id", plan->id) && put_text(root, "old", plan->old_release) &&
		    put_text(root, "new", plan->new_release) &&
		    put_text(root, "hostname", plan->hostname) &&
		    put_number(root, "frozen_ns", plan->frozen_ns) && put_lists(root, plan);
	const char *text =
		good ? json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
								    JSON_C_TO_STRING_NOSLASHESCAPE)
		     : NULL;
	struct uk_error *err = text ? uk_asprintf(ret, "%s\n", text) : uk_error_nomem();
	json_object_put(root);
	return err;
}

/* --- in ------------------------------------------------------------------------------ */

static struct uk_error *no_field(const char *key, const char *wanted)
{
	return uk_error_create(UK_ERR_INVALID, "%s: there is no %s of that name", key, wanted);
}

static struct uk_error *get_text(struct json_object *from, const char *key, char **ret)
{
	struct json_object *value;
	if (!json_object_object_get_ex(from, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return no_field(key, "text");
	return uk_strdup(json_object_get_string(value), ret);
}

/* NULL where there is none. */
static struct uk_error *get_text_if_there(struct json_object *from, const char *key, char **ret)
{
	struct json_object *value = NULL;
	if (!json_object_object_get_ex(from, key, &value) || !value)
		return NULL;
	return get_text(from, key, ret);
}

static struct uk_error *get_number(struct json_object *from, const char *key, uint64_t *ret)
{
	struct json_object *value;
	if (!json_object_object_get_ex(from, key, &value) ||
	    !json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
		return no_field(key, "number");
	*ret = json_object_get_uint64(value);
	return NULL;
}

static struct uk_error *get_list(struct json_object *from, const char *key,
				 struct json_object **ret)
{
	if (!json_object_object_get_ex(from, key, ret) ||
	    !json_object_is_type(*ret, json_type_array))
		return no_field(key, "list");
	return NULL;
}

/* Below its folder: relative, without "..". */
static struct uk_error *get_path(struct json_object *from, const char *key, char **ret)
{
	struct uk_error *err = get_text(from, key, ret);
	if (err)
		return err;
	for (const char *part = *ret; part; part = strchr(part, '/')) {
		part += *part == '/' && part != *ret;
		size_t len = strcspn(part, "/");
		if (!len || (len == 2 && !strncmp(part, "..", 2)))
			return uk_error_create(UK_ERR_INVALID, "%s: %s leads elsewhere", key, *ret);
	}
	return NULL;
}

typedef UK_VEC(uint64_t) numbers;

static struct uk_error *get_numbers(struct json_object *from, const char *key, uint64_t **ret,
				    size_t *len_ret, size_t *cap_ret)
{
	numbers all = {};
	struct json_object *list;
	struct uk_error *err = get_list(from, key, &list);
	for (size_t i = 0; !err && i < json_object_array_length(list); i++) {
		struct json_object *value = json_object_array_get_idx(list, i);
		if (!json_object_is_type(value, json_type_int))
			err = no_field(key, "list of numbers");
		else if (!uk_vec_push(&all, json_object_get_uint64(value)))
			err = uk_error_nomem();
	}
	*ret = all.data;
	*len_ret = all.len;
	*cap_ret = all.cap;
	return err;
}

/* Reads each element of a list into a new one of a vector, which owns it even if it is bad. */
#define GET_ALL(root, key, vec, get)                                                               \
	({                                                                                         \
		struct json_object *all;                                                           \
		struct uk_error *bad = get_list(root, key, &all);                                  \
		for (size_t n = 0; !bad && n < json_object_array_length(all); n++) {               \
			if (!uk_vec_push(vec, (__typeof__(*(vec)->data)){}))                       \
				bad = uk_error_nomem();                                            \
			else                                                                       \
				bad = uk_error_wrap(get(json_object_array_get_idx(all, n),         \
							&(vec)->data[(vec)->len - 1]),             \
						    "%s %zu", key, n);                             \
		}                                                                                  \
		bad;                                                                               \
	})

/* A place: absolute, and without "..". */
static struct uk_error *get_point(struct json_object *from, const char *key, char **ret)
{
	struct uk_error *err = get_text(from, key, ret);
	if (!err && (**ret != '/' || strstr(*ret, "/../") || uk_str_ends(*ret, "/..")))
		err = uk_error_create(UK_ERR_INVALID, "%s: %s is no place", key, *ret);
	return err;
}

static bool has_field(struct json_object *from, const char *key)
{
	struct json_object *value = NULL;
	return json_object_object_get_ex(from, key, &value) && value;
}

static struct uk_error *get_mount(struct json_object *from, struct uk_plan_mount *mount)
{
	struct uk_error *err = get_point(from, "point", &mount->point);
	mount->inside = has_field(from, "from_inside");
	if (!err)
		err = get_text(from, "options", &mount->options);
	if (!err && (mount->inside || has_field(from, "from")))
		err = get_point(from, mount->inside ? "from_inside" : "from", &mount->from);
	if (!err)
		err = get_text(from, "type", &mount->type);
	if (!err)
		err = get_text(from, "source", &mount->source);
	if (!err)
		err = get_text(from, "super", &mount->super);
	if (!err && has_field(from, "content"))
		err = get_path(from, "content", &mount->content);
	return err;
}

static struct uk_error *get_outside(struct json_object *from, struct uk_plan_outside *file)
{
	struct uk_error *err = get_text(from, "id", &file->id);
	if (!err)
		err = get_point(from, "path", &file->path);
	if (!err)
		err = get_number(from, "flags", &file->flags);
	return err ? err : get_number(from, "pos", &file->pos);
}

static struct uk_error *get_stream(struct json_object *from, struct uk_plan_stream *stream)
{
	struct json_object *nonblock;
	struct uk_error *err = get_number(from, "ino", &stream->ino);
	if (!err && (!json_object_object_get_ex(from, "nonblock", &nonblock) ||
		     !json_object_is_type(nonblock, json_type_boolean)))
		err = no_field("nonblock", "boolean");
	if (err)
		return err;
	stream->nonblock = json_object_get_boolean(nonblock);
	err = get_text_if_there(from, "state", &stream->state);
	if (!err)
		err = get_number(from, "service_end", &stream->service_end);
	return err ? err : get_number(from, "journal_end", &stream->journal_end);
}

static struct uk_error *get_service(struct json_object *from, struct uk_plan_service *service)
{
	uint64_t pid = 0;
	struct uk_error *err = get_text(from, "name", &service->name);
	if (!err)
		err = get_text_if_there(from, "unit", &service->unit);
	if (!err)
		err = get_text_if_there(from, "trouble", &service->trouble);
	if (!err)
		err = get_text_if_there(from, "host_name", &service->host_name);
	if (!err)
		err = get_point(from, "cgroup", &service->cgroup);
	if (!err)
		err = get_path(from, "images", &service->images);
	if (!err)
		err = get_number(from, "main_pid", &pid);
	if (!err && (pid < 2 || pid > INT_MAX))
		err = uk_error_create(UK_ERR_INVALID, "main_pid: %ju is none", (uintmax_t)pid);
	service->main_pid = (pid_t)pid;
	if (!err)
		err = GET_ALL(from, "view", &service->view, get_mount);
	if (!err)
		err = GET_ALL(from, "outside", &service->outside, get_outside);
	return err ? err : GET_ALL(from, "journal", &service->journal, get_stream);
}

static struct uk_error *get_link(struct json_object *from, struct uk_plan_link *link)
{
	struct uk_error *err = get_text(from, "name", &link->name);
	return err ? err : get_text(from, "mac", &link->mac);
}

static struct uk_error *get_file(struct json_object *from, struct uk_plan_file *file)
{
	struct uk_error *err = get_path(from, "path", &file->path);
	if (!err)
		err = get_number(from, "size", &file->size);
	return err ? err : get_text(from, "hash", &file->hash);
}

static struct uk_error *get_time(struct json_object *from, struct uk_plan_time *moment)
{
	struct uk_error *err = get_text(from, "phase", &moment->phase);
	return err ? err : get_number(from, "ns", &moment->ns);
}

static struct uk_error *get_plan(struct json_object *root, struct uk_plan *ret)
{
	uint64_t schema;
	struct uk_error *err = get_number(root, "schema", &schema);
	if (!err && schema != UK_PLAN_SCHEMA)
		err = uk_error_create(UK_ERR_INVALID, "schema %ju; this upkeep knows %d",
				      (uintmax_t)schema, UK_PLAN_SCHEMA);
	if (!err)
		err = get_text(root, "id", &ret->id);
	if (!err)
		err = get_text(root, "old", &ret->old_release);
	if (!err)
		err = get_text(root, "new", &ret->new_release);
	if (!err)
		err = get_text(root, "hostname", &ret->hostname);
	if (!err)
		err = get_number(root, "frozen_ns", &ret->frozen_ns);
	if (!err)
		err = GET_ALL(root, "links", &ret->links, get_link);
	if (!err)
		err = GET_ALL(root, "mounts", &ret->mounts, get_mount);
	if (!err)
		err = get_numbers(root, "ports", &ret->ports.data, &ret->ports.len,
				  &ret->ports.cap);
	if (!err)
		err = GET_ALL(root, "services", &ret->services, get_service);
	if (!err)
		err = GET_ALL(root, "files", &ret->files, get_file);
	return err ? err : GET_ALL(root, "times", &ret->times, get_time);
}

struct uk_error *uk_plan_from_json(const char *text, struct uk_plan *ret)
{
	enum json_tokener_error status;
	struct json_object *root = json_tokener_parse_verbose(text, &status);
	struct uk_error *err = NULL;
	if (!root || !json_object_is_type(root, json_type_object))
		err = uk_error_create(UK_ERR_INVALID, "not a JSON object: %s",
				      json_tokener_error_desc(status));
	if (!err)
		err = get_plan(root, ret);
	json_object_put(root);
	return err;
}
