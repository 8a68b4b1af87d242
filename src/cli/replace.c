// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep replace: another kernel under running services. */
#include "replace/replace.h"

#include "base/vec.h"
#include "cli/cli.h"

struct options {
	struct uk_replace_options replace;
	UK_VEC(const char *) keep;
	UK_VEC(const char *) accept;
};

enum { KEY_DRY_RUN = 0x2000 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	switch (key) {
	case 'k':
		options->replace.release = arg;
		return 0;
	case 'K':
		if (!uk_vec_push(&options->keep, arg))
			argp_failure(state, 1, ENOMEM, "--keep");
		return 0;
	case 'a':
		if (!uk_vec_push(&options->accept, arg))
			argp_failure(state, 1, ENOMEM, "--accept");
		return 0;
	case KEY_DRY_RUN:
		options->replace.dry_run = true;
		return 0;
	case ARGP_KEY_END:
		if (!options->replace.release)
			argp_error(state, "the new kernel is missing (--kernel)");
		if (!options->keep.len)
			argp_error(state, "say what to keep (--keep)");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option argp_options[] = {
	{ "kernel", 'k', "RELEASE", 0, "The new kernel, as `uname -r' will tell it" },
	{ "keep", 'K', "WHAT", 0,
	  "Carry this over: a unit of systemd, a process and all below it by its number, "
	  "session:N. May be given more than once" },
	{ "accept", 'a', "FINDING", 0,
	  "Go on although the preflight says that this is impossible: the id of a finding, or a "
	  "rule. May be given more than once" },
	{ "dry-run", KEY_DRY_RUN, NULL, 0,
	  "Do everything up to the freeze, and nothing of it stays" },
	{}
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.doc = "Replace the running kernel: checkpoint what is kept, start the new kernel, restore."
	       "\v"
	       "Connections of what is kept live on. Everything else ends as if the machine had "
	       "been reset, and starts again.",
};

static void add_phases(struct uk_cli *cli, const struct uk_replace_report *report)
{
	if (!cli->json)
		return;
	uk_json_text(cli->json, "id", report->id);
	struct json_object *list = uk_json_list(cli->json, "phases");
	uk_vec_for_each(phase, &report->phases) {
		struct json_object *entry = uk_json_append(list);
		uk_json_text(entry, "name", phase->name);
		uk_json_number(entry, "ns", phase->ns);
	}
}

/* What stands in the way, on standard error; `upkeep preflight' tells the rest. */
static void print_obstacles(const struct uk_cli *cli, const struct uk_preflight *preflight)
{
	if (cli->json || cli->quiet)
		return;
	uk_vec_for_each(finding, &preflight->findings) {
		if (finding->verdict != UK_FATE_IMPOSSIBLE || finding->accepted)
			continue;
		uk_cli_print_text(stderr, finding->resource);
		fputs(": ", stderr);
		uk_cli_print_text(stderr, finding->what ? finding->what : "cannot be kept");
		if (finding->remedy) {
			fputs("\n    ", stderr);
			uk_cli_print_text(stderr, finding->remedy);
		}
		fputc('\n', stderr);
	}
}

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	struct options options = {};
	uk_cli_parse(cli, argc, argv, &options);
	options.replace.keep = options.keep.data;
	options.replace.nr_keep = options.keep.len;
	options.replace.accept = options.accept.data;
	options.replace.nr_accept = options.accept.len;
	options.replace.sink = &cli->terminal.sink;

	uk_auto_replace_report struct uk_replace_report report = {};
	struct uk_error *err = uk_replace_run(&options.replace, &report);
	uk_terminal_finish(&cli->terminal);
	uk_vec_deinit(&options.keep);
	uk_vec_deinit(&options.accept);
	add_phases(cli, &report);
	if (err)
		print_obstacles(cli, &report.preflight);
	else
		uk_cli_say(cli, "%s could take over from here; nothing was changed",
			   options.replace.release);
	return err;
}

const struct uk_verb uk_verb_replace = {
	.name = "replace",
	.help = "Replace the running kernel under running services",
	.argp = &argp,
	.options = UK_VERB_JSON,
	.run = run,
};
