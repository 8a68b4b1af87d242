/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What includes what, by text alone: every #include counts, whatever #if it stands in, and
 * so does a macro whose value looks like a header's name. So the list of files that a unit
 * is made from is rather too long than too short.
 */
#ifndef UPKEEP_KBUILD_INCLUDE_H
#define UPKEEP_KBUILD_INCLUDE_H

#include "kbuild/unit.h"

/* How the graph reads files; a NULL text means that there is no such file. */
struct uk_include_source {
	struct uk_error *(*read)(void *ctx, const char *path, char **ret, size_t *len_ret);
	/*
	 * Whether a file is there for sure; without that, what a name may also mean further
	 * down the search path counts too. May be NULL: what can be read is.
	 */
	bool (*is_certain)(void *ctx, const char *path);
	void *ctx;
};

struct uk_include_graph;

struct uk_error *uk_include_graph_create(const struct uk_include_source *source,
					 struct uk_include_graph **ret) uk_must_check;
void uk_include_graph_destroy(struct uk_include_graph *graph);
UK_DEFINE_CLEANUP(include_graph, struct uk_include_graph *, uk_include_graph_destroy)
#define uk_auto_include_graph uk_cleanup(uk_cleanup_include_graph)

/*
 * The files that a unit is made from, its source among them, as numbers of the graph
 * (borrowed until the next call). *complete_ret is false when its source is not there.
 */
struct uk_error *uk_include_closure(struct uk_include_graph *graph, const struct uk_unit *unit,
				    const uint32_t **ret, size_t *nr_ret,
				    bool *complete_ret) uk_must_check;

/* The path of a file; how many files there are; the number of a path, or -1. */
const char *uk_include_path(const struct uk_include_graph *graph, uint32_t file);
size_t uk_include_count(const struct uk_include_graph *graph);
int64_t uk_include_find(const struct uk_include_graph *graph, const char *path);

/* Every name that a file of the graph includes, as it stands there, found or not. */
struct uk_error *uk_include_each_name(const struct uk_include_graph *graph,
				      struct uk_error *(*take)(void *ctx, const char *name),
				      void *ctx) uk_must_check;

#endif
