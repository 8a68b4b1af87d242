// SPDX-License-Identifier: GPL-2.0-or-later
/* System V IPC: what there is, by the tables of /proc/sysvipc. */
#include "replace/sysv.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/procfs.h"

#include <limits.h>
#include <string.h>

enum { TABLE_MAX = 64 << 20, COLUMNS_MAX = 32 };

void uk_sysv_deinit(struct uk_sysv *sysv)
{
	uk_vec_for_each(set, &sysv->sets)
		uk_vec_deinit(&set->all);
	uk_vec_for_each(limit, &sysv->limits) {
		free(limit->name);
		free(limit->value);
	}
	uk_vec_deinit(&sysv->segments);
	uk_vec_deinit(&sysv->sets);
	uk_vec_deinit(&sysv->queues);
	uk_vec_deinit(&sysv->limits);
	uk_vec_deinit(&sysv->attachments);
}

/* --- a table: its heading names the columns ------------------------------------------- */

struct table {
	const char *name;
	const char *heading, *line;
};

/* Moves to the next word of a line; false at its end. */
static bool next_word(const char **at, size_t *len)
{
	*at += strspn(*at, " \t");
	*len = strcspn(*at, " \t\n");
	return *len;
}

static struct uk_error *bad_line(const struct table *table, const char *column)
{
	return uk_error_create(UK_ERR_INVALID, "sysvipc/%s: no %s in the line '%.*s'", table->name,
			       column, (int)strcspn(table->line, "\n") % 100, table->line);
}

/* What stands below the column's name: the same word of both lines. */
static struct uk_error *find_word(const struct table *table, const char *column, const char **ret)
{
	const char *name = table->heading, *value = table->line;
	size_t name_len, value_len;
	for (int i = 0; i < COLUMNS_MAX; i++) {
		if (!next_word(&name, &name_len) || !next_word(&value, &value_len))
			break;
		if (name_len == strlen(column) && !strncmp(name, column, name_len)) {
			*ret = value;
			return NULL;
		}
		name += name_len;
		value += value_len;
	}
	return bad_line(table, column);
}

static struct uk_error *get(const struct table *table, const char *column, int base, uint64_t max,
			    uint64_t *ret)
{
	const char *word;
	uint64_t value;
	struct uk_error *err = find_word(table, column, &word);
	if (err)
		return err;
	if (!uk_proc_number(&word, base, &value) || value > max ||
	    (*word && !strchr(" \t\n", *word)))
		return bad_line(table, column);
	*ret = value;
	return NULL;
}

static struct uk_error *get_u32(const struct table *table, const char *column, int base,
				uint32_t max, uint32_t *ret)
{
	uint64_t value;
	struct uk_error *err = get(table, column, base, max, &value);
	if (!err)
		*ret = (uint32_t)value;
	return err;
}

static struct uk_error *get_pid(const struct table *table, const char *column, pid_t *ret)
{
	uint64_t value;
	struct uk_error *err = get(table, column, 10, INT_MAX, &value);
	if (!err)
		*ret = (pid_t)value;
	return err;
}

/* A key is printed as a signed number. */
static struct uk_error *get_key(const struct table *table, uint32_t *ret)
{
	const char *word;
	uint64_t value;
	struct uk_error *err = find_word(table, "key", &word);
	if (err)
		return err;
	bool negative = *word == '-';
	word += negative;
	if (!uk_proc_number(&word, 10, &value) || value > 1u << 31)
		return bad_line(table, "key");
	*ret = negative ? -(uint32_t)value : (uint32_t)value;
	return NULL;
}

static struct uk_error *get_perm(const struct table *table, const char *id,
				 struct uk_sysv_perm *ret)
{
	uint64_t number = 0;
	struct uk_error *err = get(table, id, 10, INT_MAX, &number);
	ret->id = (int)number;
	if (!err)
		err = get_key(table, &ret->key);
	if (!err)
		err = get_u32(table, "perms", 8, 07777, &ret->mode);
	if (!err)
		err = get_u32(table, "uid", 10, UINT32_MAX, &ret->uid);
	if (!err)
		err = get_u32(table, "gid", 10, UINT32_MAX, &ret->gid);
	if (!err)
		err = get_u32(table, "cuid", 10, UINT32_MAX, &ret->cuid);
	return err ? err : get_u32(table, "cgid", 10, UINT32_MAX, &ret->cgid);
}

static struct uk_error *get_segment(const struct table *table, struct uk_sysv *sysv)
{
	struct uk_sysv_segment segment = {};
	struct uk_error *err = get_perm(table, "shmid", &segment.perm);
	if (!err)
		err = get(table, "size", 10, INT64_MAX, &segment.size);
	if (!err)
		err = get(table, "nattch", 10, INT64_MAX, &segment.attached);
	if (!err)
		err = get_pid(table, "cpid", &segment.creator);
	if (!err)
		err = get_pid(table, "lpid", &segment.last);
	if (!err && !uk_vec_push(&sysv->segments, segment))
		err = uk_error_nomem();
	return err;
}

/* Its semaphores are there, with values that are not known yet. */
static struct uk_error *get_set(const struct table *table, struct uk_sysv *sysv)
{
	struct uk_sysv_set set = {};
	uint64_t nr = 0;
	struct uk_error *err = get_perm(table, "semid", &set.perm);
	if (!err)
		err = get(table, "nsems", 10, 1 << 20, &nr);
	if (!err && (!uk_vec_reserve(&set.all, nr) || !uk_vec_push(&sysv->sets, set)))
		err = uk_error_nomem();
	if (err) {
		uk_vec_deinit(&set.all);
		return err;
	}
	struct uk_sysv_set *made = &sysv->sets.data[sysv->sets.len - 1];
	made->all.len = nr;
	if (nr)
		memset(made->all.data, 0, nr * sizeof(*made->all.data));
	return NULL;
}

static struct uk_error *get_queue(const struct table *table, struct uk_sysv *sysv)
{
	struct uk_sysv_queue queue = {};
	struct uk_error *err = get_perm(table, "msqid", &queue.perm);
	if (!err)
		err = get(table, "cbytes", 10, INT64_MAX, &queue.bytes);
	if (!err)
		err = get(table, "qnum", 10, INT64_MAX, &queue.messages);
	if (!err)
		err = get_pid(table, "lspid", &queue.sender);
	if (!err)
		err = get_pid(table, "lrpid", &queue.receiver);
	if (!err && !uk_vec_push(&sysv->queues, queue))
		err = uk_error_nomem();
	return err;
}

static const struct {
	const char *name;
	struct uk_error *(*get)(const struct table *table, struct uk_sysv *sysv);
} tables[] = {
	{ "shm", get_segment },
	{ "sem", get_set },
	{ "msg", get_queue },
};

static struct uk_error *parse(size_t nr, const char *text, struct uk_sysv *ret)
{
	struct table table = { .name = tables[nr].name, .heading = text };
	struct uk_error *err = NULL;
	for (const char *line = strchrnul(text, '\n'); !err && *line && line[1];
	     line = strchrnul(line + 1, '\n')) {
		table.line = line + 1;
		err = tables[nr].get(&table, ret);
	}
	return err;
}

struct uk_error *uk_sysv_parse(const char *name, const char *text, struct uk_sysv *ret)
{
	for (size_t i = 0; i < UK_ARRAY_SIZE(tables); i++) {
		if (!strcmp(name, tables[i].name))
			return parse(i, text, ret);
	}
	return uk_error_create(UK_ERR_USAGE, "sysvipc/%s: there is no such table", name);
}

struct uk_error *uk_sysv_read(const struct uk_host_paths *paths, struct uk_sysv *ret)
{
	struct uk_error *err = NULL;
	for (size_t i = 0; i < UK_ARRAY_SIZE(tables) && !err; i++) {
		uk_auto_free char *path = NULL, *text = NULL;
		err = uk_asprintf(&path, "%s/sysvipc/%s", uk_host_paths_get(paths)->proc,
				  tables[i].name);
		if (err || !uk_file_exists(path))
			continue;
		err = uk_file_read(path, TABLE_MAX, &text, NULL);
		if (!err)
			err = parse(i, text, ret);
	}
	return err;
}

const struct uk_sysv_segment *uk_sysv_find(const struct uk_sysv *sysv, int id)
{
	uk_vec_for_each(segment, &sysv->segments) {
		if (segment->perm.id == id)
			return segment;
	}
	return NULL;
}

bool uk_sysv_has_queue(const struct uk_sysv *sysv, pid_t pid)
{
	uk_vec_for_each(queue, &sysv->queues) {
		if (queue->sender == pid || queue->receiver == pid)
			return true;
	}
	return false;
}

static bool is_attached(const struct uk_sysv *sysv, int id)
{
	uk_vec_for_each(attachment, &sysv->attachments) {
		if (attachment->id == id)
			return true;
	}
	return false;
}

void uk_sysv_choose(struct uk_sysv *sysv, const struct uk_keep *keep)
{
	size_t nr = 0;
	uk_vec_for_each(segment, &sysv->segments) {
		if (!segment->attached || is_attached(sysv, segment->perm.id) ||
		    uk_keep_find(keep, segment->creator, NULL) ||
		    uk_keep_find(keep, segment->last, NULL))
			sysv->segments.data[nr++] = *segment;
	}
	sysv->segments.len = nr;
}
