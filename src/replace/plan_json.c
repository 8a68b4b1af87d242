// SPDX-License-Identifier: GPL-2.0-or-later
/* A plan as text. */
#include "replace/plan_json.h"

#include "base/strbuf.h"
#include "replace/fields.h"

#include <limits.h>
#include <string.h>

/* --- out ----------------------------------------------------------------------------- */

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

static bool put_mapped(struct json_object *to, const struct uk_plan_service *service)
{
	struct json_object *list = put_new(to, "mapped", json_object_new_array());
	bool good = list;
	uk_vec_for_each(file, &service->mapped) {
		struct json_object *one = good ? append_new(list) : NULL;
		good = one && put_text(one, "path", file->path) &&
		       put_number(one, "ino", file->ino) && put_number(one, "size", file->size) &&
		       put_number(one, "mtime_ns", file->mtime_ns);
	}
	return good;
}

static bool put_calls(struct json_object *to, const struct uk_plan_service *service)
{
	struct json_object *list = put_new(to, "calls", json_object_new_array());
	bool good = list;
	uk_vec_for_each(call, &service->calls) {
		struct json_object *one = good ? append_new(list) : NULL;
		good = one && put_number(one, "tid", (uint64_t)call->tid) &&
		       put_number(one, "number", call->number) &&
		       put_numbers(one, "args", call->args, UK_ARRAY_SIZE(call->args)) &&
		       put_number(one, "ip", call->ip) && put_number(one, "sp", call->sp) &&
		       (!call->limited || put_number(one, "until_ns", call->until_ns));
	}
	return good;
}

static bool put_stream(struct json_object *list, const struct uk_plan_stream *stream)
{
	struct json_object *to = append_new(list);
	return to && put_number(to, "ino", stream->ino) &&
	       put_flag(to, "nonblock", stream->nonblock) && put_text(to, "state", stream->state) &&
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
	       put_outside(to, service) && put_mapped(to, service) && put_calls(to, service) &&
	       put_text(to, "name", service->name) && put_text(to, "unit", service->unit) &&
	       put_text(to, "trouble", service->trouble) &&
	       put_text(to, "notify", service->notify) &&
	       put_text(to, "session", service->session) &&
	       put_text(to, "host_name", service->host_name) &&
	       put_text(to, "domain_name", service->domain_name) &&
	       put_text(to, "cgroup", service->cgroup) && put_text(to, "images", service->images) &&
	       put_number(to, "main_pid", (uint64_t)service->main_pid);
}

static bool put_lists(struct json_object *to, const struct uk_plan *plan)
{
	struct json_object *links = put_new(to, "links", json_object_new_array());
	struct json_object *services = put_new(to, "services", json_object_new_array());
	struct json_object *receivers = put_new(to, "receivers", json_object_new_array());
	struct json_object *afresh = put_new(to, "afresh", json_object_new_array());
	struct json_object *files = put_new(to, "files", json_object_new_array());
	struct json_object *times = put_new(to, "times", json_object_new_array());
	bool good = links && services && receivers && afresh && files && times &&
		    put_mounts(to, "mounts", &plan->mounts) &&
		    put_numbers(to, "ports", plan->ports.data, plan->ports.len);
	uk_vec_for_each(link, &plan->links) {
		struct json_object *one = good ? append_new(links) : NULL;
		good = one && put_text(one, "name", link->name) && put_text(one, "mac", link->mac);
	}
	uk_vec_for_each(service, &plan->services)
		good = good && put_service(services, service);
	uk_vec_for_each(receiver, &plan->receivers) {
		struct json_object *one = good ? append_new(receivers) : NULL;
		good = one && put_text(one, "path", receiver->path) &&
		       put_number(one, "ino", receiver->ino);
	}
	uk_vec_for_each(service, &plan->afresh) {
		struct json_object *one = good ? append_new(afresh) : NULL;
		good = one && put_text(one, "name", service->name) &&
		       put_text(one, "unit", service->unit);
	}
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

static bool put_clock(struct json_object *root, const struct uk_clock *clock)
{
	struct json_object *to = put_new(root, "clock", json_object_new_object());
	return to && put_number(to, "ticks", clock->ticks) && put_number(to, "ns", clock->ns) &&
	       put_number(to, "per_second", clock->per_second);
}

struct uk_error *uk_plan_to_json(const struct uk_plan *plan, char **ret)
{
	struct json_object *root = json_object_new_object();
	bool good = root && put_number(root, "schema", UK_PLAN_SCHEMA) &&
		    put_text(root, "id", plan->id) && put_text(root, "old", plan->old_release) &&
		    put_text(root, "new", plan->new_release) &&
		    put_text(root, "hostname", plan->hostname) &&
		    put_text(root, "trouble", plan->trouble) &&
		    put_flag(root, "came_home", plan->came_home) &&
		    put_flag(root, "in_memory", plan->in_memory) &&
		    put_number(root, "last_start_ns", plan->last_start_ns) &&
		    put_number(root, "frozen_ns", plan->frozen_ns) &&
		    put_number(root, "ahead_ns", plan->ahead_ns) &&
		    put_number(root, "ahead_bytes", plan->ahead_bytes) &&
		    put_clock(root, &plan->clock) && put_lists(root, plan);
	const char *text =
		good ? json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
								    JSON_C_TO_STRING_NOSLASHESCAPE)
		     : NULL;
	struct uk_error *err = text ? uk_asprintf(ret, "%s\n", text) : uk_error_nomem();
	json_object_put(root);
	return err;
}

/* --- in ------------------------------------------------------------------------------ */

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

static struct uk_error *get_mapped(struct json_object *from, struct uk_plan_mapped *file)
{
	struct uk_error *err = get_point(from, "path", &file->path);
	if (!err)
		err = get_number(from, "ino", &file->ino);
	if (!err)
		err = get_number(from, "size", &file->size);
	return err ? err : get_number(from, "mtime_ns", &file->mtime_ns);
}

static struct uk_error *get_call(struct json_object *from, struct uk_plan_call *call)
{
	uint64_t *args = NULL, tid = 0;
	size_t nr = 0, cap = 0;
	struct uk_error *err = get_numbers(from, "args", &args, &nr, &cap);
	if (!err && nr == UK_ARRAY_SIZE(call->args))
		memcpy(call->args, args, sizeof(call->args));
	else if (!err)
		err = uk_error_create(UK_ERR_INVALID, "args: %zu of them", nr);
	free(args);
	if (!err)
		err = get_number(from, "tid", &tid);
	if (!err && (tid < 2 || tid > INT_MAX))
		err = uk_error_create(UK_ERR_INVALID, "tid: %ju is none", (uintmax_t)tid);
	call->tid = (pid_t)tid;
	if (!err)
		err = get_number(from, "number", &call->number);
	if (!err)
		err = get_number(from, "ip", &call->ip);
	if (!err)
		err = get_number(from, "sp", &call->sp);
	call->limited = has_field(from, "until_ns");
	return err || !call->limited ? err : get_number(from, "until_ns", &call->until_ns);
}

static struct uk_error *get_stream(struct json_object *from, struct uk_plan_stream *stream)
{
	struct uk_error *err = get_number(from, "ino", &stream->ino);
	if (!err)
		err = get_flag(from, "nonblock", &stream->nonblock);
	if (!err)
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
		err = get_text_if_there(from, "notify", &service->notify);
	if (!err)
		err = get_text_if_there(from, "session", &service->session);
	if (!err)
		err = get_text_if_there(from, "host_name", &service->host_name);
	if (!err)
		err = get_text_if_there(from, "domain_name", &service->domain_name);
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
	if (!err)
		err = GET_ALL(from, "mapped", &service->mapped, get_mapped);
	if (!err)
		err = GET_ALL(from, "calls", &service->calls, get_call);
	return err ? err : GET_ALL(from, "journal", &service->journal, get_stream);
}

static struct uk_error *get_receiver(struct json_object *from, struct uk_plan_receiver *receiver)
{
	struct uk_error *err = get_point(from, "path", &receiver->path);
	return err ? err : get_number(from, "ino", &receiver->ino);
}

static struct uk_error *get_afresh(struct json_object *from, struct uk_plan_afresh *service)
{
	struct uk_error *err = get_text(from, "name", &service->name);
	return err ? err : get_text_if_there(from, "unit", &service->unit);
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

static struct uk_error *get_clock(struct json_object *root, struct uk_clock *clock)
{
	struct json_object *from;
	if (!json_object_object_get_ex(root, "clock", &from) ||
	    !json_object_is_type(from, json_type_object))
		return no_field("clock", "object");
	struct uk_error *err = get_number(from, "ticks", &clock->ticks);
	if (!err)
		err = get_number(from, "ns", &clock->ns);
	return err ? err : get_number(from, "per_second", &clock->per_second);
}

static struct uk_error *get_plan(struct json_object *root, struct uk_plan *ret)
{
	uint64_t schema = 0;
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
		err = get_text_if_there(root, "trouble", &ret->trouble);
	if (!err)
		err = get_flag(root, "came_home", &ret->came_home);
	if (!err)
		err = get_flag(root, "in_memory", &ret->in_memory);
	if (!err)
		err = get_number(root, "last_start_ns", &ret->last_start_ns);
	if (!err)
		err = get_number(root, "frozen_ns", &ret->frozen_ns);
	if (!err)
		err = get_number(root, "ahead_ns", &ret->ahead_ns);
	if (!err)
		err = get_number(root, "ahead_bytes", &ret->ahead_bytes);
	if (!err)
		err = get_clock(root, &ret->clock);
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
		err = GET_ALL(root, "receivers", &ret->receivers, get_receiver);
	if (!err)
		err = GET_ALL(root, "afresh", &ret->afresh, get_afresh);
	if (!err)
		err = GET_ALL(root, "files", &ret->files, get_file);
	return err ? err : GET_ALL(root, "times", &ret->times, get_time);
}

struct uk_error *uk_plan_from_json(const char *text, struct uk_plan *ret)
{
	struct json_object *root;
	struct uk_error *err = parse_object(text, &root);
	if (!err)
		err = get_plan(root, ret);
	json_object_put(root);
	return err;
}
