// SPDX-License-Identifier: GPL-2.0-or-later
/* Preflight of what ends with the kernel for all that is kept, and is said once. */
#include "base/file.h"
#include "base/strbuf.h"
#include "replace/preflight.h"

#include <stdio.h>
#include <string.h>

/* What programs keep in the kernel; its own are of other types. */
static bool is_type_of_programs(const char *type)
{
	static const char *const types[] = { "user", "logon", "big_key", "encrypted", "trusted" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(types); i++) {
		if (!strcmp(type, types[i]))
			return true;
	}
	return false;
}

/* "0c3d1b2f I--Q---     1 perm 3f010000     0     0 user      name: 6" */
static size_t count_keys(const char *text)
{
	size_t nr = 0;
	for (const char *line = text; *line; line = strchrnul(line, '\n')) {
		char type[16];
		line += *line == '\n';
		nr += sscanf(line, "%*x %*s %*u %*s %*x %*d %*d %15[a-z_]", type) == 1 &&
		      is_type_of_programs(type);
	}
	return nr;
}

/* Whose they are is not told, nor are those that this process may not see. */
static struct uk_error *judge_keys(const struct uk_preflight_options *options,
				   struct uk_preflight *preflight)
{
	uk_auto_free char *path = NULL, *text = NULL, *what = NULL;
	struct uk_error *err =
		uk_asprintf(&path, "%s/keys", uk_host_paths_get(options->paths)->proc);
	if (err || !uk_file_exists(path))
		return err;
	err = uk_file_read(path, 16 << 20, &text, NULL);
	size_t nr = err ? 0 : count_keys(text);
	if (err || !nr)
		return err;
	err = uk_asprintf(
		&what, "%zu of keyctl(2) end with this kernel, whoever of the kept has them", nr);
	return err ? err
		   : uk_preflight_add_host(
			     preflight, UK_FATE_CHANGED, "keys", "keys", uk_take(what), NULL,
			     "tried: proc-keyring in docs/replace-criu.md; keyrings(7)");
}

struct uk_error *uk_preflight_kernel(const struct uk_preflight_options *options,
				     struct uk_preflight *preflight)
{
	struct uk_error *err = NULL;
	if (preflight->keep.services.len)
		err = uk_preflight_add_host(
			preflight, UK_FATE_CHANGED, "process-times", "times of processes",
			strdup("when they were started and what they used of the processors "
			       "(ps, getrusage, CLOCK_PROCESS_CPUTIME_ID) is counted anew"),
			NULL,
			"tried: proc-start-time, proc-usage, clock-cputime in "
			"docs/replace-criu.md");
	return err ? err : judge_keys(options, preflight);
}
