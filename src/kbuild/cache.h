/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cache of kernels, sources, configured trees and compiled objects.
 *
 * Layout, below the root (/var/cache/upkeep, or $UPKEEP_CACHE, or what the caller says):
 *
 *	debs/			  packages as they came from apt
 *	kernels/RELEASE/image/	  the extracted linux-image package: boot/, lib/modules/
 *	kernels/RELEASE/facts	  lines "name value": version, source, banner, builder
 *	kernels/RELEASE/symvers	  lines "0xCRC NAME", from the __versions of its modules
 *	sources/VERSION/linux/	  source as the distribution built it, never changed
 *	trees/RELEASE/linux/	  configured source (hard links into sources/); for a tree
 *				  of the user's own trees/own-HASH/linux/, a copy
 *	trees/RELEASE/units	  what kbuild says about its objects (see unit.h)
 *	objects/HA/HASH.o	  compiled objects, by the hash of all that goes into them
 *	work/run-XXXXXX/	  temporary files of a run, locked (flock) by it; without a
 *				  lock the run was killed, and the next one removes it
 *	kept/			  work folders that somebody wanted to keep (--keep)
 *	locks/			  one file per thing that is being made
 *
 * A thing NAME is finished when NAME.complete lies beside it; what is unfinished is made
 * again. The root is for its owner alone (mode 0700), for what lies in it is trusted.
 */
#ifndef UPKEEP_KBUILD_CACHE_H
#define UPKEEP_KBUILD_CACHE_H

#include "base/error.h"
#include "base/progress.h"

#include <stdbool.h>

struct uk_cache {
	char *root; /* absolute, without links in it */
	char *run;  /* the folder of this run's temporary files */
	int lock;   /* on that folder, as long as it is in use */
};

/*
 * Opens the cache, making it when it is not there. @root NULL means $UPKEEP_CACHE, else
 * /var/cache/upkeep. Refused when the root belongs to somebody else or others may write
 * to it. Temporary files of runs that were killed are removed.
 */
struct uk_error *uk_cache_open(const char *root, struct uk_cache **ret) uk_must_check;
void uk_cache_close(struct uk_cache *cache);
UK_DEFINE_CLEANUP(cache, struct uk_cache *, uk_cache_close)
#define uk_auto_cache uk_cleanup(uk_cleanup_cache)

/* ROOT/<formatted>, owned by the caller. */
struct uk_error *uk_cache_path(const struct uk_cache *cache, char **ret, const char *fmt, ...)
	uk_printf(3, 4) uk_must_check;

/*
 * Takes the lock @name (it becomes a file name: '/' is turned into '_'), waiting for
 * another process to give it back; says through @sink that it waits. *fd_ret is closed
 * to give it back.
 */
struct uk_error *uk_cache_lock(const struct uk_cache *cache, const char *name,
			       const struct uk_sink *sink, int *fd_ret) uk_must_check;

/* A new folder for temporary files. What the caller leaves there goes when the cache is closed. */
struct uk_error *uk_work_dir(const struct uk_cache *cache, char **ret) uk_must_check;
/* A new folder below ROOT/kept, which stays until somebody removes it. */
struct uk_error *uk_kept_dir(const struct uk_cache *cache, char **ret) uk_must_check;

/* Whether PATH.complete is there; its making, after everything below PATH was written. */
bool uk_stamp_exists(const char *path);
struct uk_error *uk_stamp_write(const char *path) uk_must_check;
/* Removes the stamp and then PATH itself, to make it anew. */
struct uk_error *uk_stamp_reset(const char *path) uk_must_check;

#endif
