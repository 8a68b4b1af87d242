// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep history: which replacements of the kernel there were, and what became of services. */
#include "replace/history.h"

#include "cli/cli.h"
#include "cli/swap.h"

static const struct argp argp = {
	.doc = "Say which replacements of the kernel there were, the last one first: when, from "
	       "which kernel to which, the gap by phase, and what became of each service.",
};

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	uk_cli_parse(cli, argc, argv, NULL);
	uk_auto_history struct uk_history history = {};
	struct json_object *list = cli->json ? uk_json_list(cli->json, "swaps") : NULL;
	struct uk_error *err = uk_history_read(NULL, "/run", &history);
	if (err)
		return err;
	uk_vec_for_each(swap, &history.swaps) {
		if (list)
			uk_swap_json(uk_json_append(list), swap);
		err = uk_swap_say(cli, swap, true);
		if (err)
			return err;
	}
	if (!history.swaps.len)
		return uk_error_create(UK_ERR_NOTHING, "no kernel was replaced yet");
	return NULL;
}

const struct uk_verb uk_verb_history = {
	.name = "history",
	.help = "Say which replacements of the kernel there were",
	.argp = &argp,
	.options = UK_VERB_JSON,
	.run = run,
};
