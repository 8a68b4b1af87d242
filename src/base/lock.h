/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One change of the running kernel at a time, be it a hot update or a replacement. */
#ifndef UPKEEP_BASE_LOCK_H
#define UPKEEP_BASE_LOCK_H

#include "base/error.h"

#include <stdbool.h>

/*
 * Takes <run>/upkeep.lock, trying for @wait_ms. UK_ERR_BUSY names the process that holds it.
 * It is released by closing @ret, or by the end of the process.
 */
struct uk_error *uk_lock_take(const char *run, unsigned int wait_ms, int *ret) uk_must_check;

/* Whether somebody has it right now; false where one may not look. */
bool uk_lock_is_held(const char *run);

#endif
