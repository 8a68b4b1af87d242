/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A layer: a folder of images that has pages alone, to which a dump refers where a page is still
 * what it was. These are what criu calls parent images (criu/pagemap.c, images/pagemap.proto): for
 * each process a file of pages, in ascending order, and a map of what lies where; a layer may
 * itself refer to the one below it, in its folder "parent".
 */
#ifndef UPKEEP_REPLACE_LAYER_H
#define UPKEEP_REPLACE_LAYER_H

#include "base/error.h"
#include "base/vec.h"
#include "replace/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define UK_LAYER_BELOW "parent"

/* Pages being written, hashed on the way as the plan wants it (plan.h). */
struct uk_layer_pages {
	int fd;
	char *path;
	uint32_t number; /* of the file */
	uint64_t nr;
	struct uk_digest hash;
};

/* Begins file @number, "pages-NUMBER.img", in folder @dir. Close it in any case. */
struct uk_error *uk_layer_begin(const char *dir, uint32_t number, const struct uk_digest_key *key,
				struct uk_layer_pages *ret) uk_must_check;
struct uk_error *uk_layer_add(struct uk_layer_pages *pages, const uint8_t *data,
			      size_t nr) uk_must_check;
/* It is on the disk. */
struct uk_error *uk_layer_sync(struct uk_layer_pages *pages) uk_must_check;
/* It is complete, and hashed: free the hash. */
struct uk_error *uk_layer_finish(struct uk_layer_pages *pages, char **hash_ret) uk_must_check;
void uk_layer_close(struct uk_layer_pages *pages);

/* Pages side by side; those that are not below come one behind the other in the file of pages. */
struct uk_layer_run {
	uint64_t start;
	uint32_t nr;
	bool below; /* in the layer below */
};

typedef UK_VEC(struct uk_layer_run) uk_layer_runs;

/* Adds one page behind all others. */
struct uk_error *uk_layer_run_add(uk_layer_runs *runs, uint64_t address, bool below) uk_must_check;

/* The map of process @pid, as itself sees its number. */
struct uk_error *uk_layer_write_map(const char *dir, pid_t pid, uint32_t number,
				    const uk_layer_runs *runs) uk_must_check;

/*
 * What criu wants to know of the layer that it refers to: when it was begun. Processes that
 * started later are not of it, even if the numbers are the same.
 */
struct uk_error *uk_layer_write_inventory(const char *dir, uint64_t boottime_us) uk_must_check;

#endif
