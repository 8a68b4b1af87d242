/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of the host that lie in memory (/run, /dev/shm, a /tmp that is a tmpfs) and that kept
 * services need: their runtime folders and PID files, what they have open there, where their
 * sockets lie, what their mounts show; all of /dev/shm; and the notes of who set up the network.
 */
#ifndef UPKEEP_REPLACE_MEMORY_H
#define UPKEEP_REPLACE_MEMORY_H

#include "base/error.h"
#include "base/vec.h"
#include "replace/keep.h"
#include "replace/plan.h"
#include "replace/socket.h"

/* Their paths, relative to /. */
typedef UK_VEC(char *) uk_memory_paths;
void uk_memory_paths_deinit(uk_memory_paths *paths);

/*
 * Lists them, which takes time: systemd is asked. plan->mounts and the views of its services are
 * known. @ret needs uk_memory_paths_deinit(), also after an error.
 */
struct uk_error *uk_memory_list(const struct uk_plan *plan, const struct uk_keep *keep,
				const struct uk_sockets *sockets,
				uk_memory_paths *ret) uk_must_check;

/* Packs them into a file of @dir. */
struct uk_error *uk_memory_save(const uk_memory_paths *paths, const char *dir) uk_must_check;

/* Lays them out. */
struct uk_error *uk_memory_restore(const char *dir) uk_must_check;

#endif
