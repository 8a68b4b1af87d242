// SPDX-License-Identifier: GPL-2.0-or-later
/* Command lines of kernels. */
#include "replace/cmdline.h"

#include "base/strbuf.h"

#include <string.h>

bool uk_cmdline_has(const char *line, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = line; (at = strstr(at, word)); at++) {
		bool whole = word[len - 1] == '=' || !at[len] || strchr(" \n", at[len]);
		if (whole && (at == line || at[-1] == ' '))
			return true;
	}
	return false;
}

struct uk_error *uk_cmdline_make(const char *old, bool reboots, char **ret)
{
	static const char *const dropped[] = { "BOOT_IMAGE=", "initrd=", "rdinit=", "init=" };
	/* kernel/panic.c, kernel/watchdog.c: reboot 10 s after a panic; what ends in one. */
	static const char *const added[][2] = { { "panic=", "10" },
						{ "oops=", "panic" },
						{ "softlockup_panic=", "1" } };
	uk_auto_strbuf struct uk_strbuf buf = {};
	uk_auto_free char *copy = NULL;
	char *save = NULL;
	struct uk_error *err = uk_strdup(old, &copy);
	if (err)
		return err;
	for (char *word = strtok_r(copy, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		bool drop = false;
		for (size_t i = 0; i < UK_ARRAY_SIZE(dropped); i++)
			drop |= uk_str_starts(word, dropped[i]);
		if (!drop)
			uk_strbuf_addf(&buf, "%s%s", buf.len ? " " : "", word);
	}
	for (size_t i = 0; reboots && i < UK_ARRAY_SIZE(added); i++) {
		if (!uk_cmdline_has(old, added[i][0]))
			uk_strbuf_addf(&buf, "%s%s%s", buf.len ? " " : "", added[i][0],
				       added[i][1]);
	}
	uk_strbuf_addstr(&buf, "");
	return uk_strbuf_finish(&buf, ret);
}
