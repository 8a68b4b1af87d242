// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep apply: puts an update into the running kernel. */
#include "cli/report.h"
#include "cli/wait.h"

struct options {
	const char *file;
	unsigned int wait_ms;
	bool when_loaded;
};

enum { KEY_WHEN_LOADED = 0x2000 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	switch (key) {
	case 'w':
		options->wait_ms = uk_cli_parse_wait(state, arg);
		return 0;
	case KEY_WHEN_LOADED:
		options->when_loaded = true;
		return 0;
	case ARGP_KEY_ARG:
		uk_cli_take_argument(state, arg, &options->file);
		return 0;
	case ARGP_KEY_END:
		if (!options->file)
			argp_error(state, "the file of the update is missing");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option argp_options[] = {
	{ "wait", 'w', "SECONDS", 0,
	  "How long to try again while tasks stand on the code that changes (default: 10)" },
	{ "when-loaded", KEY_WHEN_LOADED, NULL, 0,
	  "If a module that it changes is not loaded, wait for it, and apply the update before any "
	  "code of the module runs" },
	{}
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "FILE.upk",
	.doc = "Put an update into the running kernel: all of it or nothing.",
};

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	struct options options = { .wait_ms = UK_LIVE_WAIT_DEFAULT_MS };
	uk_cli_parse(cli, argc, argv, &options);

	uk_auto_bundle struct uk_bundle *bundle = NULL;
	uk_auto_signer struct uk_signer *signer = NULL;
	struct uk_error *err = uk_bundle_open(options.file, &cli->trust, &bundle);
	if (!err)
		err = uk_cli_load_signer(cli, &signer);
	if (err)
		return err;
	if (cli->json)
		uk_json_text(cli->json, "id", uk_bundle_update(bundle)->id);
	uk_auto_live_report struct uk_live_report report = {};
	const struct uk_live_options live = { .wait_ms = options.wait_ms,
					      .when_loaded = options.when_loaded,
					      .signer = signer,
					      .sink = &cli->terminal.sink };
	err = uk_live_apply(bundle, &live, &report);
	uk_terminal_finish(&cli->terminal);

	uk_report_json(cli, &report);
	if (err) {
		uk_report_blockers(cli, &report);
		return err;
	}
	char summary[192];
	uk_cli_say(cli, "applied %s: %s", report.id, uk_report_summary(&report, summary));
	uk_report_details(cli, &report);
	return NULL;
}

const struct uk_verb uk_verb_apply = {
	.name = "apply",
	.help = "Put an update into the running kernel",
	.argp = &argp,
	.options = UK_VERB_JSON | UK_VERB_TRUST | UK_VERB_TAKE | UK_VERB_SIGN,
	.run = run,
};
