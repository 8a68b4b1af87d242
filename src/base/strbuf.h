/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text and bytes that grow. An allocation failure is remembered: append at will,
 * ask once at the end.
 */
#ifndef UPKEEP_BASE_STRBUF_H
#define UPKEEP_BASE_STRBUF_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct uk_strbuf {
	char *data; /* NUL-terminated when not NULL */
	size_t len, cap;
	bool failed;
};

void uk_strbuf_add(struct uk_strbuf *buf, const void *bytes, size_t len);
void uk_strbuf_addstr(struct uk_strbuf *buf, const char *text);
void uk_strbuf_addf(struct uk_strbuf *buf, const char *fmt, ...) uk_printf(2, 3);

/* Hands the text over (never NULL on success) and leaves the buffer empty. */
struct uk_error *uk_strbuf_finish(struct uk_strbuf *buf, char **ret) uk_must_check;
/* The same with its length. @len_ret may be NULL. */
struct uk_error *uk_strbuf_finish_len(struct uk_strbuf *buf, char **ret,
				      size_t *len_ret) uk_must_check;

void uk_strbuf_deinit(struct uk_strbuf *buf);
#define uk_auto_strbuf uk_cleanup(uk_strbuf_deinit)

/* asprintf as an error. */
struct uk_error *uk_asprintf(char **ret, const char *fmt, ...) uk_printf(2, 3) uk_must_check;
/* strdup as an error. */
struct uk_error *uk_strdup(const char *text, char **ret) uk_must_check;

/* The value of the line "KEY=value" in @text; NULL when there is none, or nothing. Free it. */
char *uk_str_value(const char *text, const char *key);

bool uk_str_starts(const char *text, const char *prefix);
bool uk_str_ends(const char *text, const char *suffix);

#endif
