/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configured source tree, ready to compile any one object of the kernel. */
#ifndef UPKEEP_KBUILD_TREE_H
#define UPKEEP_KBUILD_TREE_H

#include "kbuild/kernel.h"
#include "kbuild/unit.h"

struct uk_tree_options {
	const char *release; /* a kernel of the distribution, or NULL for a tree of one's own: */
	const char *source;  /* its folder; copied, never changed */
	const char *config;  /* its configuration; NULL: SOURCE/.config */
	unsigned int jobs;   /* processes at once; 0: as many as there are processors */
	const struct uk_sink *sink; /* borrowed for the life of the tree */
};

struct uk_tree {
	const struct uk_cache *cache; /* borrowed */
	const struct uk_sink *sink;   /* borrowed */
	unsigned int jobs;
	struct uk_kernel *kernel; /* NULL for a tree of one's own */
	char *release;		  /* what uname -r says on that kernel */
	char *version;		  /* of the source: the package's version, or kernelversion */
	char *banner;		  /* uname -v, or NULL when it is not known */
	char *compiler;		  /* the first line of its --version */
	char *cc;		  /* its name: "gcc-12" */
	char *symvers;		  /* path of "0xCRC NAME" lines, or NULL */
	char *dir;		  /* the configured tree; nothing may be changed in it */
	char *id;		  /* hash of all that its objects are made from */
	bool modversions;	  /* CONFIG_MODVERSIONS */
	bool ibt;		  /* CONFIG_X86_KERNEL_IBT */
	char **make;		  /* NULL-terminated: make and its variables, no targets */
	size_t nr_make;
	struct uk_units *units;
	unsigned long long own_size; /* bytes of the tree of one's own, else 0 */
	int lock;		     /* on the tree while it is made, else -1 */
};

/*
 * Fetches what is missing, configures (some 20 s the first time) and asks kbuild for the
 * units. UK_ERR_SYSTEM when a tool or room is missing, the compiler is not the one that
 * built the kernel, or the configuration would come out differently; the message names the
 * remedy.
 */
struct uk_error *uk_tree_open(const struct uk_cache *cache, const struct uk_tree_options *options,
			      struct uk_tree **ret) uk_must_check;
void uk_tree_close(struct uk_tree *tree);
UK_DEFINE_CLEANUP(tree, struct uk_tree *, uk_tree_close)
#define uk_auto_tree uk_cleanup(uk_cleanup_tree)

#endif
