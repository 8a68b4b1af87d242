// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep help: the help text of a verb. */
#include "cli/cli.h"

struct options {
	const char *verb;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	uk_cli_take_argument(state, arg, &options->verb);
	return 0;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "[VERB]",
	.doc = "Explain a verb, or list them all.",
};

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	struct options options = {};
	uk_cli_parse(cli, argc, argv, &options);
	const struct uk_verb *verb = options.verb ? uk_verb_find(options.verb) : NULL;
	if (verb)
		uk_cli_print_help(verb);
	else if (!options.verb)
		uk_cli_print_usage();
	else
		return uk_error_create(UK_ERR_USAGE, "unknown verb '%s': see `upkeep help'",
				       options.verb);
	return NULL;
}

const struct uk_verb uk_verb_help = {
	.name = "help",
	.help = "Explain a verb",
	.argp = &argp,
	.run = run,
};
