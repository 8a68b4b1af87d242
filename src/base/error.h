/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors: what a fallible function returns. NULL is success.
 *
 * The kind decides the exit code (docs: exit codes 0 to 3); the message is for a
 * person and names object, place, value and remedy. Each layer may put in front
 * what it knows with uk_error_wrap().
 */
#ifndef UPKEEP_BASE_ERROR_H
#define UPKEEP_BASE_ERROR_H

#include "base/memory.h"

#include <stdarg.h>

enum uk_error_kind {
	UK_ERR_SYSTEM,	/* the machine said no: files, processes, memory; exit 1 */
	UK_ERR_INVALID, /* input that is not what it should be; exit 1 */
	UK_ERR_USAGE,	/* the caller's arguments; exit 1 */
	UK_ERR_BUSY,	/* it would work at another moment; exit 1 */
	UK_ERR_REFUSED, /* cannot be done to this kernel or by this patch; exit 2 */
	UK_ERR_NOTHING, /* there is nothing to do; exit 3 */
};

struct uk_error;

#define uk_must_check __attribute__((warn_unused_result))
#define uk_printf(fmt, first) __attribute__((format(printf, fmt, first)))

struct uk_error *uk_error_create(enum uk_error_kind kind, const char *fmt, ...)
	uk_printf(2, 3) uk_must_check;

/* "<formatted>: <strerror(errnum)>"; ENOMEM gives the out-of-memory error. */
struct uk_error *uk_error_errno(int errnum, const char *fmt, ...) uk_printf(2, 3) uk_must_check;

/* The static out-of-memory error; destroying it does nothing. */
struct uk_error *uk_error_nomem(void) uk_must_check;

/* Puts "<formatted>: " before the message. Takes @err, returns it; NULL stays NULL. */
struct uk_error *uk_error_wrap(struct uk_error *err, const char *fmt, ...)
	uk_printf(2, 3) uk_must_check;

/* The first of two; takes both. */
struct uk_error *uk_error_first(struct uk_error *one, struct uk_error *other) uk_must_check;

const char *uk_error_message(const struct uk_error *err);
/* Of an error that there is: not of NULL. */
enum uk_error_kind uk_error_kind(const struct uk_error *err);

/* 0 for NULL, else the documented exit code of the kind. */
int uk_error_exit_code(const struct uk_error *err);

void uk_error_destroy(struct uk_error *err);
UK_DEFINE_CLEANUP(error, struct uk_error *, uk_error_destroy)
#define uk_auto_error uk_cleanup(uk_cleanup_error)

#endif
