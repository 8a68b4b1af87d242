// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep undo: takes an update out of the running kernel. */
#include "cli/report.h"
#include "cli/wait.h"

struct options {
	const char *id;
	unsigned int wait_ms;
	bool purge;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	switch (key) {
	case 'w':
		options->wait_ms = uk_cli_parse_wait(state, arg);
		return 0;
	case 'p':
		options->purge = true;
		return 0;
	case ARGP_KEY_ARG:
		uk_cli_take_argument(state, arg, &options->id);
		return 0;
	case ARGP_KEY_END:
		if (!options->id)
			argp_error(state, "the id of the update is missing (see `upkeep status')");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option argp_options[] = {
	{ "wait", 'w', "SECONDS", 0,
	  "How long to try again while tasks stand on the update's code (default: 10)" },
	{ "purge", 'p', NULL, 0, "Unload the update's modules too" },
	{}
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "ID",
	.doc = "Take an update out of the running kernel. The beginning of its id will do."
	       "\v"
	       "Without --purge the modules with the update's code stay loaded but unused: "
	       "something may have kept a pointer into them. An update that a newer one "
	       "stands on cannot be undone before that one.",
};

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	struct options options = { .wait_ms = UK_LIVE_WAIT_DEFAULT_MS };
	uk_cli_parse(cli, argc, argv, &options);

	uk_auto_live_status struct uk_live_status *status = NULL;
	const struct uk_live_update *update = NULL;
	struct uk_error *err = uk_live_status_read(NULL, &status);
	if (!err)
		err = uk_live_status_find(status, options.id, &update);
	if (err)
		return err;

	if (cli->json)
		uk_json_text(cli->json, "id", update->id);
	uk_auto_live_report struct uk_live_report report = {};
	const struct uk_live_options live = { .wait_ms = options.wait_ms,
					      .purge = options.purge,
					      .sink = &cli->terminal.sink };
	err = uk_live_undo(update->id, &live, &report);
	uk_terminal_finish(&cli->terminal);

	uk_report_json(cli, &report);
	if (err) {
		uk_report_blockers(cli, &report);
		return err;
	}
	char summary[192];
	uk_cli_say(cli, "undone %s: %s%s", update->id, uk_report_summary(&report, summary),
		   options.purge ? ", its modules are unloaded" : "");
	uk_report_details(cli, &report);
	return NULL;
}

const struct uk_verb uk_verb_undo = {
	.name = "undo",
	.help = "Take an update out of the running kernel",
	.argp = &argp,
	.options = UK_VERB_JSON,
	.run = run,
};
