/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Progress and remarks, handed upwards: the library never prints. A caller that wants
 * to show them passes a sink; NULL is a sink that drops everything.
 */
#ifndef UPKEEP_BASE_PROGRESS_H
#define UPKEEP_BASE_PROGRESS_H

#include "base/error.h"

#include <stdint.h>

enum uk_level {
	UK_LEVEL_DEBUG,
	UK_LEVEL_INFO,
	UK_LEVEL_WARNING,
};

struct uk_sink {
	/* A step of long work: @done of @total units; total 0 when it is not known. */
	void (*progress)(void *ctx, const char *step, uint64_t done, uint64_t total);
	/* A remark for a person. */
	void (*remark)(void *ctx, enum uk_level level, const char *text);
	void *ctx;
};

void uk_progress(const struct uk_sink *sink, const char *step, uint64_t done, uint64_t total);
void uk_remark(const struct uk_sink *sink, enum uk_level level, const char *fmt, ...)
	uk_printf(3, 4);

/* An error that ends nothing: a warning, and it is destroyed. NULL is none. */
void uk_remark_error(const struct uk_sink *sink, struct uk_error *err);

#endif
