/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: verbs, their options, and what all of them share.
 *
 * A verb returns an error or NULL; main() prints the error once and turns it into the exit
 * code. What a person reads goes to standard output, with --json one object instead: a verb
 * fills cli->json, main() adds how it ended and prints it, also after an error.
 */
#ifndef UPKEEP_CLI_CLI_H
#define UPKEEP_CLI_CLI_H

#include "base/error.h"
#include "bundle/bundle.h"
#include "cli/json.h"
#include "cli/terminal.h"
#include "live/signer.h"

#include <argp.h>
#include <stdbool.h>

/* The schema of what --json prints; fields may be added to one, but none changed. */
#define UK_JSON_SCHEMA 1

/* Options that several verbs take, beside --quiet and --verbose, which all do. */
enum uk_verb_options {
	UK_VERB_JSON = 1,  /* --json */
	UK_VERB_TRUST = 2, /* --trusted-dir */
	UK_VERB_TAKE = 4,  /* --allow-unsigned: it acts on updates */
	UK_VERB_SIGN = 8,  /* --mok: it loads modules */
};

struct uk_cli {
	const struct uk_verb *verb;
	bool quiet, json_wanted;
	unsigned int verbose;
	struct uk_trust_policy trust;
	bool sign;	 /* --mok was given ... */
	const char *mok; /* ... with this, or NULL for the usual places */
	struct uk_terminal terminal;
	struct json_object *json; /* with --json, else NULL */
};

struct uk_verb {
	const char *name;
	const char *help;	 /* one line */
	const struct argp *argp; /* its own options and arguments */
	unsigned int options;	 /* enum uk_verb_options */
	struct uk_error *(*run)(struct uk_cli *cli, int argc, char **argv)uk_must_check;
};

/* In the order of the help text; NULL-terminated. */
extern const struct uk_verb *const uk_verbs[];
const struct uk_verb *uk_verb_find(const char *name);

extern const struct uk_verb uk_verb_apply;
extern const struct uk_verb uk_verb_check;
extern const struct uk_verb uk_verb_create;
extern const struct uk_verb uk_verb_help;
extern const struct uk_verb uk_verb_history;
extern const struct uk_verb uk_verb_inspect;
extern const struct uk_verb uk_verb_keygen;
extern const struct uk_verb uk_verb_preflight;
extern const struct uk_verb uk_verb_replace;
extern const struct uk_verb uk_verb_status;
extern const struct uk_verb uk_verb_undo;
extern const struct uk_verb uk_verb_version;

/*
 * Parses the arguments of cli->verb; its parser gets @input. On bad usage, and after --help,
 * the program ends here, as argp does it. From then on the terminal shows progress.
 */
void uk_cli_parse(struct uk_cli *cli, int argc, char **argv, void *input);

/* The help text of all verbs. The program ends here, as with --help. */
void uk_cli_print_usage(void);

/* The options before the verb; returns the index of the verb, or argc when there is none. */
int uk_cli_parse_global(struct uk_cli *cli, int argc, char **argv);

/* Takes the one argument of a verb; more are bad usage. For parsers: ARGP_KEY_ARG. */
void uk_cli_take_argument(struct argp_state *state, char *arg, const char **slot);

/* The key that --mok names; NULL without it. The key is root's: known to root before. */
struct uk_error *uk_cli_load_signer(const struct uk_cli *cli, struct uk_signer **ret) uk_must_check;

/* Text that came from outside, with what could drive a terminal replaced by "?". */
void uk_cli_print_text(FILE *file, const char *text);

/* A line for people, printed like that: not with --json, nor with --quiet. */
void uk_cli_say(const struct uk_cli *cli, const char *fmt, ...) uk_printf(2, 3);

#endif
