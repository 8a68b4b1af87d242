// SPDX-License-Identifier: GPL-2.0-or-later
/* Paths inside a tree. */
#include "kbuild/path.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <string.h>

static struct uk_error *refuse(const char *path, const char *why)
{
	return uk_error_create(UK_ERR_INVALID, "path '%s' %s", path, why);
}

/* Takes the last folder off; false when there is none. */
static bool drop_last(struct uk_strbuf *out)
{
	if (!out->len)
		return false;
	do {
		out->len--;
	} while (out->len && out->data[out->len] != '/');
	out->data[out->len] = '\0';
	return true;
}

struct uk_error *uk_path_normalise(const char *path, char **ret)
{
	uk_auto_strbuf struct uk_strbuf out = {};
	if (*path == '/')
		return refuse(path, "is absolute");
	for (const char *at = path; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == '\x7f')
			return refuse(path, "has a control character in it");
	}
	for (const char *at = path; *at;) {
		size_t len = strcspn(at, "/");
		if (len == 2 && !strncmp(at, "..", 2)) {
			if (!drop_last(&out))
				return refuse(path, "leaves the tree");
		} else if (len && !(len == 1 && *at == '.')) {
			if (out.len)
				uk_strbuf_addstr(&out, "/");
			uk_strbuf_add(&out, at, len);
		}
		at += len + (at[len] == '/');
	}
	if (!out.len)
		return refuse(path, "names nothing");
	return uk_strbuf_finish(&out, ret);
}
