/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core module, upkeep.ko. Private to this room. */
#ifndef UPKEEP_LIVE_CORE_H
#define UPKEEP_LIVE_CORE_H

#include "base/error.h"
#include "live/live.h"
#include "match/kallsyms.h"

#include <stdbool.h>

#define UK_CORE_MODULE "upkeep"

struct uk_error *uk_core_is_loaded(const struct uk_live_paths *paths, bool *ret) uk_must_check;
/* Loads the one that the bundle carries. */
struct uk_error *uk_core_load(const struct uk_bundle *bundle, const struct uk_kallsyms *kallsyms,
			      const struct uk_signer *signer) uk_must_check;

#endif
