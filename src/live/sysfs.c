// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads /sys/kernel/upkeep (kmod/sysfs.c writes it). */
#include "live/sysfs.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "bundle/record.h"
#include "live/paths.h"
#include "live/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LIST_MAX = 64 << 20 };

static struct uk_error *bad_line(const char *path, const char *line)
{
	return uk_error_create(UK_ERR_INVALID, "%s: cannot read the line '%.120s'", path, line);
}

/* A number in C notation that ends where the text does. */
static bool parse_number(const char *text, uint64_t *ret)
{
	char *end;
	errno = 0;
	uint64_t number = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-')
		return false;
	*ret = number;
	return true;
}

/* "-" stands for a figure that is not there yet. */
static struct uk_error *read_figure(const char *dir, const char *name, uint64_t *ret)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_live_read_line(&text, "%s/%s", dir, name);
	if (err)
		return err;
	if (strcmp(text, "-") && !parse_number(text, ret))
		return uk_error_create(UK_ERR_INVALID, "%s/%s: '%s' is not a number", dir, name,
				       text);
	return NULL;
}

static struct uk_error *read_time(const char *dir, int64_t *ret)
{
	uk_auto_free char *text = NULL;
	struct tm tm = {};
	struct uk_error *err = uk_live_read_line(&text, "%s/applied_at", dir);
	if (err || !strcmp(text, "-"))
		return err;
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (!end || *end)
		return uk_error_create(UK_ERR_INVALID, "%s/applied_at: '%s' is not a time", dir,
				       text);
	*ret = timegm(&tm);
	return NULL;
}

enum { WORDS_MAX = 8 };

/* Splits at single blanks; returns the number of words, at most WORDS_MAX. */
static size_t split_words(char *line, char *words[WORDS_MAX])
{
	size_t nr = 0;
	char *save = NULL;
	for (char *word = strtok_r(line, " ", &save); word && nr < WORDS_MAX;
	     word = strtok_r(NULL, " ", &save))
		words[nr++] = word;
	return nr;
}

/* "OBJECT NAME OLD_ADDR OLD_SIZE NEW_ADDR NEW_SIZE" */
static struct uk_error *add_function(char **words, size_t nr, struct uk_live_update *update,
				     bool *ok_ret)
{
	struct uk_live_function function = {};
	if (nr != 6 || !parse_number(words[2], &function.old_addr) ||
	    !parse_number(words[3], &function.old_size) ||
	    !parse_number(words[4], &function.new_addr) ||
	    !parse_number(words[5], &function.new_size))
		return NULL;
	*ok_ret = true;
	struct uk_error *err = uk_strdup(words[0], &function.object);
	if (!err)
		err = uk_strdup(words[1], &function.name);
	if (!err && uk_vec_push(&update->functions, function))
		return NULL;
	uk_live_function_deinit(&function);
	return err ? err : uk_error_nomem();
}

/* The first bytes in hex, and a '+' if there are more. */
static bool parse_bytes(char *text, uint64_t len, uint8_t ret[UK_LIVE_WRITE_BYTES])
{
	bool more = len > UK_LIVE_WRITE_BYTES;
	size_t end = strlen(text);
	if (more != (end && text[end - 1] == '+'))
		return false;
	text[end - more] = '\0';
	return uk_hex_decode(text, ret, more ? UK_LIVE_WRITE_BYTES : len);
}

/* "ADDR LEN text|data MODULE OLD NEW [gone]" */
static struct uk_error *add_write(char **words, size_t nr, struct uk_live_update *update,
				  bool *ok_ret)
{
	struct uk_live_write write = {};
	if (nr < 6 || nr > 7 || !parse_number(words[0], &write.addr) ||
	    !parse_number(words[1], &write.len) ||
	    (strcmp(words[2], "text") && strcmp(words[2], "data")) ||
	    !parse_bytes(words[5], write.len, write.new_bytes))
		return NULL;
	*ok_ret = true;
	write.text = !strcmp(words[2], "text");
	write.gone = nr == 7 && !strcmp(words[6], "gone");
	struct uk_error *err = uk_strdup(words[3], &write.module);
	if (!err && uk_vec_push(&update->writes, write))
		return NULL;
	free(write.module);
	return err ? err : uk_error_nomem();
}

/* "NAME part|target [gone]" */
static struct uk_error *add_module(char **words, size_t nr, struct uk_live_update *update,
				   bool *ok_ret)
{
	if (nr < 2 || nr > 3 || (strcmp(words[1], "part") && strcmp(words[1], "target")))
		return NULL;
	*ok_ret = true;
	if (strcmp(words[1], "part") || nr == 3)
		return NULL;
	char *name;
	struct uk_error *err = uk_strdup(words[0], &name);
	if (err)
		return err;
	if (uk_vec_push(&update->modules, name))
		return NULL;
	free(name);
	return uk_error_nomem();
}

typedef struct uk_error *(*add_fn)(char **words, size_t nr, struct uk_live_update *update,
				   bool *ok_ret);

static struct uk_error *read_list(const char *dir, const char *name, add_fn add,
				  struct uk_live_update *update)
{
	uk_auto_free char *path = NULL, *text = NULL;
	size_t len;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", dir, name);
	/* Addresses are for root alone; whoever else asks is told the rest. */
	if (!err && access(path, R_OK) < 0 && errno == EACCES) {
		update->hidden = true;
		return NULL;
	}
	if (!err)
		err = uk_file_read(path, LIST_MAX, &text, &len);
	char *save = NULL;
	for (char *line = err ? NULL : strtok_r(text, "\n", &save); !err && line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *words[WORDS_MAX];
		bool ok = false;
		uk_auto_free char *copy = NULL;
		err = uk_strdup(line, &copy);
		if (!err)
			err = add(words, split_words(line, words), update, &ok);
		if (!err && !ok)
			err = bad_line(path, copy);
	}
	return err;
}

static struct uk_error *read_update(const char *dir, const char *id, struct uk_live_update *update)
{
	struct uk_error *err = uk_strdup(id, &update->id);
	update->state = UK_LIVE_APPLIED;
	if (!err)
		err = read_figure(dir, "order", &update->order);
	if (!err)
		err = read_figure(dir, "pause_ns", &update->pause_ns);
	if (!err)
		err = read_figure(dir, "stop_ns", &update->stop_ns);
	if (!err)
		err = read_figure(dir, "tasks_checked", &update->tasks_checked);
	if (!err)
		err = read_time(dir, &update->applied_at);
	if (!err)
		err = read_list(dir, "functions", add_function, update);
	if (!err)
		err = read_list(dir, "writes", add_write, update);
	return err ? err : read_list(dir, "modules", add_module, update);
}

/* One that is being applied at this moment is not applied. */
static struct uk_error *add_update(const char *root, const char *id, struct uk_live_status *status)
{
	uk_auto_free char *dir = NULL, *state = NULL;
	struct uk_error *err = uk_asprintf(&dir, "%s/%s", root, id);
	if (!err)
		err = uk_live_read_line(&state, "%s/state", dir);
	if (err || !strcmp(state, "applying"))
		return err;
	struct uk_live_update update = {};
	err = read_update(dir, id, &update);
	if (!err && uk_vec_push(&status->updates, update))
		return NULL;
	uk_live_update_deinit(&update);
	return err ? err : uk_error_nomem();
}

static int compare_order(const void *a, const void *b)
{
	const struct uk_live_update *left = a, *right = b;
	return left->order < right->order ? -1 : left->order > right->order;
}

static struct uk_error *read_core(const char *root, struct uk_live_status *status)
{
	uint64_t abi = 0;
	struct uk_error *err = read_figure(root, "abi", &abi);
	if (!err)
		err = uk_live_read_line(&status->core_version, "%s/version", root);
	status->core_abi = (unsigned int)abi;
	status->core_loaded = !err;
	return err;
}

struct uk_error *uk_sysfs_read(const struct uk_live_paths *paths, struct uk_live_status *status)
{
	uk_auto_free char *root = NULL;
	char **names;
	size_t nr;
	struct uk_error *err = uk_asprintf(&root, "%s/kernel/upkeep", paths->sys);
	if (err || !uk_file_exists(root))
		return err;
	err = read_core(root, status);
	if (!err)
		err = uk_dir_list(root, &names, &nr);
	if (err)
		return err;
	for (size_t i = 0; !err && i < nr; i++) {
		if (uk_update_id_ok(names[i]))
			err = add_update(root, names[i], status);
	}
	uk_strv_destroy(names, nr);
	if (!err && status->updates.len)
		qsort(status->updates.data, status->updates.len, sizeof(*status->updates.data),
		      compare_order);
	return err;
}
