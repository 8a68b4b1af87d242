// SPDX-License-Identifier: GPL-2.0-or-later
/* Options: argp for the verb's own, with those that are shared as its siblings. */
#include "cli/cli.h"

#include "base/strbuf.h"

#include <string.h>

enum {
	KEY_JSON = 0x1000,
	KEY_TRUSTED_DIR,
	KEY_ALLOW_UNSIGNED,
	KEY_MOK,
};

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct uk_cli *cli = state->input;
	switch (key) {
	case 'q':
		cli->quiet = true;
		return 0;
	case 'v':
		cli->verbose++;
		return 0;
	case KEY_JSON:
		cli->json_wanted = true;
		return 0;
	case KEY_TRUSTED_DIR:
		cli->trust.trusted_dir = arg;
		return 0;
	case KEY_MOK:
		cli->sign = true;
		cli->mok = arg;
		return 0;
	case KEY_ALLOW_UNSIGNED:
		cli->trust.allow_untrusted = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option common_options[] = {
	{ "quiet", 'q', NULL, 0, "Say nothing but errors", 90 },
	{ "verbose", 'v', NULL, 0, "Say more; twice: much more", 90 },
	{}
};

static const struct argp_option json_options[] = {
	{ "json", KEY_JSON, NULL, 0, "Print one JSON object", 80 }, {}
};

static const struct argp_option trust_options[] = {
	{ "trusted-dir", KEY_TRUSTED_DIR, "DIR", 0,
	  "Trust the keys in DIR instead of " UK_TRUSTED_DIR, 70 },
	{}
};

static const struct argp_option take_options[] = {
	{ "allow-unsigned", KEY_ALLOW_UNSIGNED, NULL, 0,
	  "Take an update also if it is unsigned, or signed by a key that is not trusted", 70 },
	{ "allow-untrusted", KEY_ALLOW_UNSIGNED, NULL, OPTION_ALIAS, NULL, 70 },
	{}
};

static const struct argp_option sign_options[] = {
	{ "mok", KEY_MOK, "KEY,CERT", OPTION_ARG_OPTIONAL,
	  "Sign what is loaded with the key of this machine's owner (default: the one "
	  "of " UPKEEP_SYSCONFDIR ", DKMS or shim-signed)",
	  60 },
	{}
};

static const struct argp common_argp = { .options = common_options, .parser = parse_common };
static const struct argp json_argp = { .options = json_options, .parser = parse_common };
static const struct argp trust_argp = { .options = trust_options, .parser = parse_common };
static const struct argp take_argp = { .options = take_options, .parser = parse_common };
static const struct argp sign_argp = { .options = sign_options, .parser = parse_common };

/* The parsers of one verb: its own, then the shared ones. */
struct parsers {
	struct argp argp;
	struct argp_child children[7];
	struct uk_cli *cli;
	void *input;
};

/* Hands each child what it fills. */
static error_t parse_none(int key, char *arg, struct argp_state *state)
{
	struct parsers *parsers = state->input;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = parsers->input;
	for (size_t i = 1; parsers->children[i].argp; i++)
		state->child_inputs[i] = parsers->cli;
	return 0;
}

static void fill_parsers(struct parsers *parsers, const struct uk_verb *verb)
{
	struct argp_child *child = parsers->children;
	parsers->argp.parser = parse_none;
	parsers->argp.children = parsers->children;
	(child++)->argp = verb->argp;
	if (verb->options & UK_VERB_TRUST)
		(child++)->argp = &trust_argp;
	if (verb->options & UK_VERB_TAKE)
		(child++)->argp = &take_argp;
	if (verb->options & UK_VERB_SIGN)
		(child++)->argp = &sign_argp;
	if (verb->options & UK_VERB_JSON)
		(child++)->argp = &json_argp;
	child->argp = &common_argp;
}

void uk_cli_parse(struct uk_cli *cli, int argc, char **argv, void *input)
{
	struct parsers parsers = { .cli = cli, .input = input };
	char name[64];
	fill_parsers(&parsers, cli->verb);
	snprintf(name, sizeof(name), "upkeep %s", cli->verb->name);
	argv[0] = name;
	argp_parse(&parsers.argp, argc, argv, 0, NULL, &parsers);
	argv[0] = (char *)cli->verb->name;
	if (cli->json_wanted) {
		cli->json = uk_json_new();
		uk_json_number(cli->json, "schema", UK_JSON_SCHEMA);
		uk_json_text(cli->json, "verb", cli->verb->name);
	}
	uk_terminal_init(&cli->terminal, cli->quiet, cli->verbose);
}

/* The list of verbs stands behind the options. */
static char *add_verbs(int key, const char *text, void *input)
{
	if (key != ARGP_KEY_HELP_EXTRA)
		return (char *)text;
	size_t len;
	char *list = NULL;
	FILE *file = open_memstream(&list, &len);
	if (!file)
		return NULL;
	fputs("Verbs:\n", file);
	for (size_t i = 0; uk_verbs[i]; i++)
		fprintf(file, "  %-10s %s\n", uk_verbs[i]->name, uk_verbs[i]->help);
	fputs("\n`upkeep help VERB' and upkeep-VERB(1) say more about one.", file);
	return fclose(file) ? NULL : list;
}

struct global {
	struct uk_cli *cli;
	int verb;
};

/* Stops at the verb: what follows is the verb's. */
static error_t parse_global(int key, char *arg, struct argp_state *state)
{
	struct global *global = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = global->cli;
		return 0;
	case ARGP_KEY_ARG:
		global->verb = state->next - 1;
		state->next = state->argc;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child global_children[] = { { .argp = &common_argp }, {} };
static const struct argp global_argp = {
	.parser = parse_global,
	.args_doc = "VERB [ARGUMENT...]",
	.doc = "Update a running Linux machine without rebooting it.",
	.children = global_children,
	.help_filter = add_verbs,
};

int uk_cli_parse_global(struct uk_cli *cli, int argc, char **argv)
{
	struct global global = { .cli = cli, .verb = argc };
	argp_err_exit_status = 1;
	argp_parse(&global_argp, argc, argv, ARGP_IN_ORDER, NULL, &global);
	return global.verb;
}

void uk_cli_print_usage(void)
{
	struct global global = {};
	char name[] = "upkeep", option[] = "--help";
	char *argv[] = { name, option, NULL };
	argp_parse(&global_argp, 2, argv, 0, NULL, &global);
}

void uk_cli_take_argument(struct argp_state *state, char *arg, const char **slot)
{
	if (*slot)
		argp_error(state, "one argument is taken, and '%s' is another", arg);
	*slot = arg;
}

struct uk_error *uk_cli_load_signer(const struct uk_cli *cli, struct uk_signer **ret)
{
	uk_auto_free char *key = NULL;
	if (!cli->sign)
		return NULL;
	if (!cli->mok)
		return uk_signer_find(ret);
	struct uk_error *err = uk_strdup(cli->mok, &key);
	if (err)
		return err;
	char *comma = strchr(key, ',');
	if (!comma || comma == key || !comma[1])
		return uk_error_create(UK_ERR_USAGE,
				       "--mok=%s: KEY,CERT is wanted, the file of the private key "
				       "and that of its certificate",
				       cli->mok);
	*comma = '\0';
	return uk_signer_load(key, comma + 1, ret);
}

/* C0 and C1 control characters (the latter as UTF-8), which may drive a terminal. */
static size_t control_length(const unsigned char *at)
{
	if ((*at < ' ' && *at != '\n' && *at != '\t') || *at == 0x7f)
		return 1;
	return at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0 ? 2 : 0;
}

void uk_cli_print_text(FILE *file, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	while (*at) {
		size_t len = control_length(at);
		putc(len ? '?' : *at, file);
		at += len ? len : 1;
	}
}

void uk_cli_say(const struct uk_cli *cli, const char *fmt, ...)
{
	if (cli->quiet || cli->json)
		return;
	va_list args;
	va_start(args, fmt);
	char *text;
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	uk_cli_print_text(stdout, text);
	putchar('\n');
	free(text);
}
