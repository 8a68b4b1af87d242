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

/* Through --help itself, so that both say the same; the program ends there. */
static struct uk_error *run_help(struct uk_cli *cli, const struct uk_verb *verb)
{
	char option[] = "--help";
	char *argv[] = { (char *)verb->name, option, NULL };
	cli->verb = verb;
	return verb->run(cli, 2, argv);
}

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	struct options options = {};
	uk_cli_parse(cli, argc, argv, &options);
	if (!options.verb) {
		uk_cli_print_usage();
		return NULL;
	}
	const struct uk_verb *verb = uk_verb_find(options.verb);
	if (!verb)
		return uk_error_create(UK_ERR_USAGE, "unknown verb '%s': see `upkeep help'",
				       options.verb);
	return run_help(cli, verb);
}

const struct uk_verb uk_verb_help = {
	.name = "help",
	.help = "Explain a verb",
	.argp = &argp,
	.run = run,
};
