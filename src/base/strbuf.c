// SPDX-License-Identifier: GPL-2.0-or-later
/* Text and bytes that grow. */
#include "base/strbuf.h"

#include "base/vec.h"

#include <string.h>

static bool reserve(struct uk_strbuf *buf, size_t extra)
{
	if (buf->failed)
		return false;
	if (!uk_vec_grow((void **)&buf->data, &buf->cap, buf->len, extra, 1))
		buf->failed = true;
	return !buf->failed;
}

void uk_strbuf_add(struct uk_strbuf *buf, const void *bytes, size_t len)
{
	if (len == (size_t)-1 || !reserve(buf, len + 1)) {
		buf->failed = true;
		return;
	}
	if (len)
		memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void uk_strbuf_addstr(struct uk_strbuf *buf, const char *text)
{
	uk_strbuf_add(buf, text, strlen(text));
}

void uk_strbuf_addf(struct uk_strbuf *buf, const char *fmt, ...)
{
	char *text;
	va_list args;
	va_start(args, fmt);
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		buf->failed = true;
		return;
	}
	uk_strbuf_add(buf, text, (size_t)len);
	free(text);
}

struct uk_error *uk_strbuf_finish_len(struct uk_strbuf *buf, char **ret, size_t *len_ret)
{
	uk_strbuf_add(buf, "", 0);
	if (buf->failed) {
		uk_strbuf_deinit(buf);
		return uk_error_nomem();
	}
	*ret = buf->data;
	if (len_ret)
		*len_ret = buf->len;
	*buf = (struct uk_strbuf){};
	return NULL;
}

struct uk_error *uk_strbuf_finish(struct uk_strbuf *buf, char **ret)
{
	return uk_strbuf_finish_len(buf, ret, NULL);
}

void uk_strbuf_deinit(struct uk_strbuf *buf)
{
	free(buf->data);
	*buf = (struct uk_strbuf){};
}

struct uk_error *uk_asprintf(char **ret, const char *fmt, ...)
{
	char *text;
	va_list args;
	va_start(args, fmt);
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		return uk_error_nomem();
	*ret = text;
	return NULL;
}

struct uk_error *uk_strdup(const char *text, char **ret)
{
	char *copy = strdup(text);
	if (!copy)
		return uk_error_nomem();
	*ret = copy;
	return NULL;
}

bool uk_str_starts(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

bool uk_str_ends(const char *text, const char *suffix)
{
	size_t len = strlen(text), suffix_len = strlen(suffix);
	return len >= suffix_len && !strcmp(text + len - suffix_len, suffix);
}

char *uk_str_value(const char *text, const char *key)
{
	size_t len = strlen(key);
	for (const char *line = text; line && *line; line = strchrnul(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) || line[len] != '=')
			continue;
		const char *value = line + len + 1;
		return *value && *value != '\n' ? strndup(value, strcspn(value, "\n")) : NULL;
	}
	return NULL;
}
