/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modules of the running kernel: loading, unloading, where their sections lie. Private. */
#ifndef UPKEEP_LIVE_MODULE_H
#define UPKEEP_LIVE_MODULE_H

#include "base/error.h"
#include "base/map.h"
#include "live/live.h"
#include "live/modfile.h"

#include <stdbool.h>
#include <stdint.h>

enum uk_module_state {
	UK_MODULE_ABSENT,
	UK_MODULE_LIVE,
	UK_MODULE_COMING,
	UK_MODULE_GOING,
};

/* Built-in code that has a folder in /sys/module is absent: it is no module. */
struct uk_error *uk_module_state(const struct uk_live_paths *paths, const char *name,
				 enum uk_module_state *ret) uk_must_check;

/* A number that no other loading of a module of that name ever has; 0 when it is absent. */
uint64_t uk_module_incarnation(const struct uk_live_paths *paths, const char *name);

/*
 * Whether this kernel takes modules that its vendor did not sign, but @signer (or nobody: NULL)
 * did: UK_ERR_REFUSED with the reason (lockdown, module.sig_enforce, modules_disabled) and what
 * can be done.
 */
struct uk_error *uk_module_may_load(const struct uk_live_paths *paths,
				    const struct uk_signer *signer) uk_must_check;

/* Loads a module whose symbols are resolved, signed unless @signer is NULL. */
struct uk_error *uk_module_load(const struct uk_modfile *file, const char *name,
				const struct uk_signer *signer) uk_must_check;
struct uk_error *uk_module_unload(const char *name) uk_must_check;

/* Where the sections of a loaded module lie: name -> address. */
struct uk_error *uk_module_sections(const struct uk_live_paths *paths, const char *name,
				    struct uk_map *ret) uk_must_check;

/* Names of loaded modules that begin with @prefix, sorted. uk_strv_destroy() them. */
struct uk_error *uk_modules_list(const struct uk_live_paths *paths, const char *prefix, char ***ret,
				 size_t *nr_ret) uk_must_check;

#endif
