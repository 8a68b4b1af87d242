// SPDX-License-Identifier: GPL-2.0-or-later
/* gcc -E of both versions of many units. */
#include "kbuild/preprocess.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "kbuild/dump.h"
#include "kbuild/pool.h"
#include "kbuild/prune.h"
#include "kbuild/view_private.h"

#include <string.h>

struct filter {
	const struct uk_view *orig, *patched;
	const struct uk_touched *units;
	bool *same;
};

/* The dumped command, to standard output; line numbers and counters would always differ. */
static bool preprocess_command(char *const *words, size_t nr, const char **argv)
{
	size_t out = 0;
	for (size_t i = 0; i < nr; i++) {
		if (uk_str_starts(words[i], "-Wp,-M"))
			continue;
		if (!strcmp(words[i], "-o")) {
			i++;
			continue;
		}
		argv[out++] = words[i];
		if (strcmp(words[i], "-c"))
			continue;
		argv[out - 1] = "-E";
		argv[out++] = "-P";
		argv[out++] = "-w";
		argv[out++] = "-Wno-builtin-macro-redefined";
		argv[out++] = "-D__LINE__=0";
		argv[out++] = "-D__COUNTER__=0";
	}
	argv[out] = NULL;
	return out > 0;
}

/* *known_ret is false when it does not preprocess: then nothing can be said. */
static struct uk_error *hash_unit(const struct uk_view *view, const struct uk_unit *unit,
				  char hash[UK_HASH_HEX_LEN + 1], bool *known_ret)
{
	char **words;
	size_t nr;
	*known_ret = false;
	struct uk_error *err = uk_command_split(unit->command, &words, &nr);
	if (err)
		return err;
	uk_auto_free const char **argv = calloc(nr + 8, sizeof(*argv));
	uk_auto_process_result struct uk_process_result result = {};
	if (!argv || !preprocess_command(words, nr, argv)) {
		uk_strv_destroy(words, nr);
		return argv ? NULL : uk_error_nomem();
	}
	struct uk_process process = {
		.argv = argv,
		.env = uk_build_env,
		.in_child = uk_overlay_enter,
		.in_child_arg = (void *)&view->plain,
	};
	err = uk_process_run(&process, &result);
	uk_strv_destroy(words, nr);
	if (err || result.status)
		return err;
	*known_ret = true;
	return uk_prune_hash(result.out, !uk_str_ends(unit->source, ".c"), hash);
}

static struct uk_error *compare_unit(void *ctx, size_t i)
{
	struct filter *filter = ctx;
	const struct uk_touched *unit = &filter->units[i];
	char orig[UK_HASH_HEX_LEN + 1], patched[UK_HASH_HEX_LEN + 1];
	bool orig_known, patched_known = false;
	struct uk_error *err = hash_unit(filter->orig, unit->orig, orig, &orig_known);
	if (!err && orig_known)
		err = hash_unit(filter->patched, unit->patched, patched, &patched_known);
	if (err)
		return uk_error_wrap(err, "%s", unit->patched->object);
	filter->same[i] = orig_known && patched_known && !strcmp(orig, patched);
	return NULL;
}

struct uk_error *uk_preprocess_filter(const struct uk_view *orig, const struct uk_view *patched,
				      struct uk_touched *units, size_t *nr)
{
	uk_auto_free bool *same = calloc(*nr + 1, sizeof(*same));
	if (!same)
		return uk_error_nomem();
	struct filter filter = { orig, patched, units, same };
	const struct uk_tree *tree = uk_view_tree(patched);
	struct uk_error *err = uk_pool_run(*nr, tree->jobs, compare_unit, &filter, tree->sink,
					   "comparing preprocessed sources");
	if (err)
		return err;
	size_t kept = 0;
	for (size_t i = 0; i < *nr; i++) {
		if (same[i])
			free(units[i].reason);
		else
			units[kept++] = units[i];
	}
	*nr = kept;
	return NULL;
}
