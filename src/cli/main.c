// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep: finds the verb, runs it, says once how it ended. */
#include "cli/cli.h"

#include <errno.h>
#include <locale.h>
#include <string.h>

const char *argp_program_version = "upkeep " UPKEEP_VERSION;

const struct uk_verb *const uk_verbs[] = {
	&uk_verb_create,
	&uk_verb_inspect,
	&uk_verb_check,
	&uk_verb_apply,
	&uk_verb_undo,
	&uk_verb_status,
	&uk_verb_preflight,
	&uk_verb_replace,
	&uk_verb_history,
	&uk_verb_keygen,
	&uk_verb_version,
	&uk_verb_help,
	NULL,
};

const struct uk_verb *uk_verb_find(const char *name)
{
	for (size_t i = 0; uk_verbs[i]; i++) {
		if (!strcmp(uk_verbs[i]->name, name))
			return uk_verbs[i];
	}
	return NULL;
}

static const char *result_name(const struct uk_error *err)
{
	static const char *const names[] = { "done", "error", "refused", "nothing" };
	return names[uk_error_exit_code(err)];
}

static void print_json(struct uk_cli *cli, const struct uk_error *err)
{
	uk_json_text(cli->json, "result", result_name(err));
	uk_json_number(cli->json, "exit_code", (uint64_t)uk_error_exit_code(err));
	uk_json_text(cli->json, "message", err ? uk_error_message(err) : NULL);
	const char *text = json_object_to_json_string_ext(
		cli->json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	puts(text ? text : "{}");
	json_object_put(cli->json);
	cli->json = NULL;
}

/* What was printed must have arrived: a full disk is an error too. */
static struct uk_error *flush_output(void)
{
	if (fflush(stdout) || ferror(stdout))
		return uk_error_errno(errno, "standard output");
	return NULL;
}

static void print_error(const struct uk_cli *cli, const struct uk_error *err)
{
	fputs("upkeep: ", stderr);
	if (cli->verb)
		fprintf(stderr, "%s: ", cli->verb->name);
	uk_cli_print_text(stderr, uk_error_message(err));
	fputc('\n', stderr);
}

static int finish(struct uk_cli *cli, struct uk_error *err)
{
	if (cli->json)
		print_json(cli, err);
	struct uk_error *flush_err = flush_output();
	if (!err)
		err = flush_err;
	else
		uk_error_destroy(flush_err);
	if (err)
		print_error(cli, err);
	int status = uk_error_exit_code(err);
	uk_error_destroy(err);
	return status;
}

static struct uk_error *find_verb(struct uk_cli *cli, const char *name)
{
	cli->verb = name ? uk_verb_find(name) : NULL;
	if (cli->verb)
		return NULL;
	if (!name)
		return uk_error_create(UK_ERR_USAGE, "no verb is given: see `upkeep --help'");
	return uk_error_create(UK_ERR_USAGE, "unknown verb '%s': see `upkeep --help'", name);
}

int main(int argc, char **argv)
{
	struct uk_cli cli = {};
	setlocale(LC_CTYPE, "");
	uk_terminal_init(&cli.terminal, false, 0);
	int verb = uk_cli_parse_global(&cli, argc, argv);
	struct uk_error *err = find_verb(&cli, verb < argc ? argv[verb] : NULL);
	if (!err)
		err = cli.verb->run(&cli, argc - verb, argv + verb);
	uk_terminal_finish(&cli.terminal);
	return finish(&cli, err);
}
