// SPDX-License-Identifier: GPL-2.0-or-later
/* Errors: a kind and a message. */
#include "base/error.h"

#include <errno.h>
#include <string.h>

struct uk_error {
	enum uk_error_kind kind;
	char *message;
};

/* Memory that cannot be had must be reportable without memory. */
static struct uk_error out_of_memory = {
	.kind = UK_ERR_SYSTEM,
	.message = (char *)"out of memory",
};

struct uk_error *uk_error_nomem(void)
{
	return &out_of_memory;
}

static struct uk_error *error_take(enum uk_error_kind kind, char *message)
{
	struct uk_error *err = message ? malloc(sizeof(*err)) : NULL;
	if (!err) {
		free(message);
		return uk_error_nomem();
	}
	err->kind = kind;
	err->message = message;
	return err;
}

static char *format(const char *fmt, va_list args)
{
	char *text;
	return vasprintf(&text, fmt, args) < 0 ? NULL : text;
}

struct uk_error *uk_error_create(enum uk_error_kind kind, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	char *message = format(fmt, args);
	va_end(args);
	return error_take(kind, message);
}

struct uk_error *uk_error_errno(int errnum, const char *fmt, ...)
{
	if (errnum == ENOMEM)
		return uk_error_nomem();
	va_list args;
	va_start(args, fmt);
	uk_auto_free char *what = format(fmt, args);
	va_end(args);
	return uk_error_create(UK_ERR_SYSTEM, "%s: %s", what ? what : "?", strerror(errnum));
}

struct uk_error *uk_error_wrap(struct uk_error *err, const char *fmt, ...)
{
	if (!err || err == &out_of_memory)
		return err;
	va_list args;
	va_start(args, fmt);
	uk_auto_free char *prefix = format(fmt, args);
	va_end(args);
	char *message;
	if (!prefix || asprintf(&message, "%s: %s", prefix, err->message) < 0)
		return err;
	free(err->message);
	err->message = message;
	return err;
}

struct uk_error *uk_error_first(struct uk_error *one, struct uk_error *other)
{
	if (!one)
		return other;
	uk_error_destroy(other);
	return one;
}

const char *uk_error_message(const struct uk_error *err)
{
	return err->message;
}

enum uk_error_kind uk_error_kind(const struct uk_error *err)
{
	return err->kind;
}

int uk_error_exit_code(const struct uk_error *err)
{
	if (!err)
		return 0;
	switch (err->kind) {
	case UK_ERR_REFUSED:
		return 2;
	case UK_ERR_NOTHING:
		return 3;
	default:
		return 1;
	}
}

void uk_error_destroy(struct uk_error *err)
{
	if (!err || err == &out_of_memory)
		return;
	free(err->message);
	free(err);
}
