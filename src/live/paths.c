// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of the running kernel and of our own state. */
#include "live/paths.h"

#include "base/file.h"

#include <stdio.h>

static const struct uk_live_paths usual = {
	.sys = "/sys",
	.proc = "/proc",
	.dev = "/dev",
	.run = "/run",
	.state = "/var/lib/upkeep",
};

enum { LINE_FILE_MAX = 1 << 16 };

const struct uk_live_paths *uk_live_paths_get(const struct uk_live_paths *paths)
{
	return paths ? paths : &usual;
}

struct uk_error *uk_live_read_line(char **ret, const char *fmt, ...)
{
	uk_auto_free char *path = NULL;
	size_t len;
	va_list args;
	va_start(args, fmt);
	int made = vasprintf(&path, fmt, args);
	va_end(args);
	if (made < 0) {
		path = NULL;
		return uk_error_nomem();
	}
	struct uk_error *err = uk_file_read(path, LINE_FILE_MAX, ret, &len);
	if (err)
		return err;
	while (len && (*ret)[len - 1] == '\n')
		(*ret)[--len] = '\0';
	return NULL;
}
