// SPDX-License-Identifier: GPL-2.0-or-later
/* Who else holds bytes of the running kernel's code, as the kernel's own files say. */
#include "match/holders.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 64 << 20, PROBE_LEN = 1, OPTIMIZED_LEN = 5 };

struct uk_error *uk_holders_create(struct uk_holders **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? NULL : uk_error_nomem();
}

void uk_holders_destroy(struct uk_holders *holders)
{
	if (!holders)
		return;
	uk_vec_for_each(probe, &holders->probes)
		free(probe->name);
	uk_vec_for_each(traced, &holders->traced) {
		free(traced->function);
		free(traced->module);
		free(traced->how);
	}
	uk_vec_for_each(livepatch, &holders->livepatches) {
		free(livepatch->patch);
		free(livepatch->object);
		free(livepatch->function);
	}
	uk_vec_deinit(&holders->probes);
	uk_vec_deinit(&holders->traced);
	uk_vec_deinit(&holders->livepatches);
	free(holders);
}

/*
 * "ffffffff81234567  k  vfs_read+0x5    [OPTIMIZED]": k or r (return probe), the place, perhaps
 * a module's name, flags in brackets. A disabled or gone one has no byte in the code.
 */
static struct uk_error *parse_probe(struct uk_holders *holders, char *line)
{
	unsigned long long address;
	int name = 0;
	if (sscanf(line, "%llx %*s %n", &address, &name) != 1 || !address || !name ||
	    strstr(line, "[DISABLED]") || strstr(line, "[GONE]"))
		return NULL;
	struct uk_holder_probe probe = { .address = address,
					 .ftrace = strstr(line, "[FTRACE]") != NULL,
					 .optimized = strstr(line, "[OPTIMIZED]") != NULL };
	line[name + (int)strcspn(line + name, " \t")] = '\0';
	struct uk_error *err = uk_asprintf(&probe.name, "kprobe %s", line + name);
	if (err)
		return err;
	if (uk_vec_push(&holders->probes, probe))
		return NULL;
	free(probe.name);
	return uk_error_nomem();
}

/* "vfs_read (1) R   \ttramp: ..." or "fat_lookup [fat] (1)\t..." */
static struct uk_error *parse_traced(struct uk_holders *holders, char *line)
{
	/* Indented lines belong to the one before. */
	if (!*line || *line == ' ' || *line == '\t')
		return NULL;
	char *end = line + strcspn(line, " \t");
	char *rest = end + strspn(end, " \t");
	if (*end)
		*end = '\0';
	const char *module = "vmlinux";
	if (*rest == '[' && strchr(rest, ']')) {
		module = rest + 1;
		char *close = strchr(rest, ']');
		*close = '\0';
		rest = close + 1 + strspn(close + 1, " \t");
	}
	struct uk_holder_traced traced = {};
	struct uk_error *err = uk_strdup(line, &traced.function);
	if (!err)
		err = uk_strdup(module, &traced.module);
	if (!err)
		err = uk_strdup(rest, &traced.how);
	if (!err && !uk_vec_push(&holders->traced, traced))
		err = uk_error_nomem();
	if (err) {
		free(traced.function);
		free(traced.module);
		free(traced.how);
	}
	return err;
}

typedef struct uk_error *parse_line_fn(struct uk_holders *holders, char *line);

static struct uk_error *parse_list(struct uk_holders *holders, const char *root, const char *path,
				   parse_line_fn *parse, bool *known)
{
	uk_auto_free char *full = NULL, *text = NULL;
	struct uk_error *err = uk_asprintf(&full, "%s%s", root, path);
	if (err)
		return err;
	size_t len;
	if (*known || !uk_file_exists(full))
		return NULL;
	uk_auto_error struct uk_error *unread = uk_file_read(full, LIST_MAX, &text, &len);
	if (unread)
		return NULL;
	*known = true;
	char *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line && !err;
	     line = strtok_r(NULL, "\n", &rest))
		err = parse(holders, line);
	return err;
}

/* "vfs_read,1" is the first of that name: the function's folder of a livepatch. */
static struct uk_error *add_livepatch(struct uk_holders *holders, const char *patch,
				      const char *object, const char *function)
{
	struct uk_holder_livepatch livepatch = {};
	livepatch.function = strndup(function, strcspn(function, ","));
	struct uk_error *err = livepatch.function ? NULL : uk_error_nomem();
	if (!err)
		err = uk_strdup(patch, &livepatch.patch);
	if (!err)
		err = uk_strdup(object, &livepatch.object);
	if (!err && !uk_vec_push(&holders->livepatches, livepatch))
		err = uk_error_nomem();
	if (err) {
		free(livepatch.function);
		free(livepatch.patch);
		free(livepatch.object);
	}
	return err;
}

struct names {
	char **data;
	size_t nr;
};

static void destroy_names(struct names *names)
{
	uk_strv_destroy(names->data, names->nr);
}

/* Only folders that are there; plain files are none. */
static struct uk_error *list(const char *path, struct names *ret)
{
	uk_auto_closedir DIR *dir = opendir(path);
	return dir ? uk_dir_list(path, &ret->data, &ret->nr) : NULL;
}

static struct uk_error *load_object(struct uk_holders *holders, const char *folder,
				    const char *patch, const char *object)
{
	uk_auto_free char *path = NULL;
	uk_cleanup(destroy_names) struct names functions = {};
	struct uk_error *err = uk_asprintf(&path, "%s/%s/%s", folder, patch, object);
	if (!err)
		err = list(path, &functions);
	for (size_t i = 0; !err && i < functions.nr; i++)
		if (strchr(functions.data[i], ','))
			err = add_livepatch(holders, patch, object, functions.data[i]);
	return err;
}

static struct uk_error *load_patch(struct uk_holders *holders, const char *folder,
				   const char *patch)
{
	uk_auto_free char *path = NULL;
	uk_cleanup(destroy_names) struct names objects = {};
	struct uk_error *err = uk_asprintf(&path, "%s/%s", folder, patch);
	if (!err)
		err = list(path, &objects);
	for (size_t i = 0; !err && i < objects.nr; i++)
		err = load_object(holders, folder, patch, objects.data[i]);
	return err;
}

static struct uk_error *load_livepatches(struct uk_holders *holders, const char *root)
{
	uk_auto_free char *folder = NULL;
	uk_cleanup(destroy_names) struct names patches = {};
	struct uk_error *err = uk_asprintf(&folder, "%s/sys/kernel/livepatch", root);
	if (!err)
		err = list(folder, &patches);
	for (size_t i = 0; !err && i < patches.nr; i++)
		err = load_patch(holders, folder, patches.data[i]);
	return err;
}

struct uk_error *uk_holders_load(const char *root, struct uk_holders **ret)
{
	uk_auto_holders struct uk_holders *holders = NULL;
	struct uk_error *err = uk_holders_create(&holders);
	if (!err)
		err = parse_list(holders, root, "/sys/kernel/debug/kprobes/list", parse_probe,
				 &holders->probes_known);
	if (!err)
		err = parse_list(holders, root, "/sys/kernel/tracing/enabled_functions",
				 parse_traced, &holders->traced_known);
	if (!err)
		err = parse_list(holders, root, "/sys/kernel/debug/tracing/enabled_functions",
				 parse_traced, &holders->traced_known);
	if (!err)
		err = load_livepatches(holders, root);
	if (err)
		return err;
	*ret = uk_take(holders);
	return NULL;
}

uint64_t uk_holder_probe_len(const struct uk_holder_probe *probe)
{
	return probe->optimized ? OPTIMIZED_LEN : PROBE_LEN;
}

const struct uk_holder_probe *uk_holders_probe(const struct uk_holders *holders, uint64_t address,
					       uint64_t len)
{
	uk_vec_for_each(probe, &holders->probes) {
		if (probe->address - address < len ||
		    address - probe->address < uk_holder_probe_len(probe))
			return probe;
	}
	return NULL;
}

const struct uk_holder_traced *uk_holders_traced(const struct uk_holders *holders,
						 const char *module, const char *function)
{
	uk_vec_for_each(traced, &holders->traced)
		if (!strcmp(traced->function, function) && !strcmp(traced->module, module))
			return traced;
	return NULL;
}

const struct uk_holder_livepatch *uk_holders_livepatch(const struct uk_holders *holders,
						       const char *object, const char *function)
{
	uk_vec_for_each(livepatch, &holders->livepatches)
		if (!strcmp(livepatch->function, function) && !strcmp(livepatch->object, object))
			return livepatch;
	return NULL;
}
