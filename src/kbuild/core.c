// SPDX-License-Identifier: GPL-2.0-or-later
/* The core module, upkeep.ko, for one kernel. */
#include "kbuild/link.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "kbuild/module_command.h"
#include "kbuild/pool.h"

#include <errno.h>
#include <string.h>

struct core {
	const struct uk_tree *tree;
	char *source, *include, *dir; /* absolute; dir is of temporary files */
	char **names;		      /* of the .c files */
	char **objects;
	size_t nr;
};

static void core_deinit(struct core *core)
{
	if (core->dir)
		uk_error_destroy(uk_tree_remove(core->dir));
	uk_strv_destroy(core->names, core->nr);
	uk_strv_destroy(core->objects, core->nr);
	free(core->source);
	free(core->include);
	free(core->dir);
}

/* Keeps the names of C files only. */
static void keep_sources(struct core *core)
{
	size_t kept = 0;
	for (size_t i = 0; i < core->nr; i++) {
		if (uk_str_ends(core->names[i], ".c") && !uk_str_ends(core->names[i], ".mod.c"))
			core->names[kept++] = core->names[i];
		else
			free(core->names[i]);
	}
	core->nr = kept;
}

static struct uk_error *core_init(struct core *core, const char *source, const char *include)
{
	core->source = realpath(source, NULL);
	core->include = realpath(include, NULL);
	if (!core->source || !core->include)
		return uk_error_errno(errno, "%s", core->source ? include : source);
	struct uk_error *err = uk_dir_list(core->source, &core->names, &core->nr);
	if (err)
		return err;
	keep_sources(core);
	if (!core->nr)
		return uk_error_create(UK_ERR_INVALID, "%s: no C files in it", source);
	core->objects = calloc(core->nr, sizeof(*core->objects));
	if (!core->objects)
		return uk_error_nomem();
	return uk_work_dir(core->tree->cache, &core->dir);
}

static struct uk_error *compile_one(void *ctx, size_t i)
{
	struct core *core = ctx;
	uk_auto_free char *path = NULL, *base = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", core->source, core->names[i]);
	if (!err)
		err = uk_strdup(core->names[i], &base);
	if (!err)
		err = uk_asprintf(&core->objects[i], "%s/%zu.o", core->dir, i);
	if (err)
		return err;
	base[strlen(base) - 2] = '\0';
	const struct uk_module_source source = {
		.module = "upkeep",
		.base = base,
		.source = path,
		.out = core->objects[i],
		.include = core->include,
		.map_from = core->source,
		.map_to = "kmod",
	};
	return uk_module_compile(core->tree, &source);
}

struct uk_error *uk_link_core(const struct uk_tree *tree, const char *source, const char *include,
			      const char *out, const struct uk_sink *sink)
{
	uk_cleanup(core_deinit) struct core core = { .tree = tree };
	struct uk_error *err = core_init(&core, source, include);
	if (!err)
		err = uk_pool_run(core.nr, tree->jobs, compile_one, &core, sink,
				  "compiling the core module");
	if (!err)
		err = uk_link_module(tree, "upkeep", (const char *const *)core.objects, core.nr,
				     out, sink);
	return uk_error_wrap(err, "core module for %s", tree->release);
}
