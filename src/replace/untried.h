/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a trial leaves out, because it might be felt: by the service, or by the machine. */
#ifndef UPKEEP_REPLACE_UNTRIED_H
#define UPKEEP_REPLACE_UNTRIED_H

#include "base/error.h"
#include "replace/keep.h"

#include <stdint.h>

/* Why a service is not frozen and dumped; NULL in *@ret if it may be. Free it. */
struct uk_error *uk_untried_dump(const struct uk_service *service, char **ret) uk_must_check;

/* Why no copy of it is restored from its images. */
struct uk_error *uk_untried_restore(const struct uk_service *service, char **ret) uk_must_check;

/* Bytes of memory that such a copy takes at most. */
uint64_t uk_untried_memory(const struct uk_service *service);

/* "1min 30s" as systemctl writes it, in seconds; 0 of "infinity" and of less than a second. */
uint64_t uk_untried_seconds(const char *text);

#endif
