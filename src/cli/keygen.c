// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep keygen: makes a pair of keys to sign updates with. */
#include "base/file.h"
#include "base/strbuf.h"
#include "cli/cli.h"

struct options {
	const char *name;
	bool trust;
	const char *dir;
};

enum { KEY_TRUST = 't' };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	switch (key) {
	case KEY_TRUST:
		options->trust = true;
		options->dir = arg ? arg : UK_TRUSTED_DIR;
		return 0;
	case ARGP_KEY_ARG:
		uk_cli_take_argument(state, arg, &options->name);
		return 0;
	case ARGP_KEY_END:
		if (!options->name)
			argp_error(state, "the name of the keys is missing");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option argp_options[] = {
	{ "trust", KEY_TRUST, "DIR", OPTION_ARG_OPTIONAL,
	  "Copy the public key to the folder of trusted keys (default: " UK_TRUSTED_DIR ")" },
	{}
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "NAME",
	.doc = "Make a pair of keys: NAME.key signs updates and is for you alone; NAME.pub goes "
	       "to the folder of trusted keys of each machine that shall take them.",
};

/* The copy is named by the key's id, so that keys of one name do not collide. */
static struct uk_error *trust_key(const char *public_path, const char *dir, const char *id,
				  char **ret)
{
	struct uk_error *err = uk_asprintf(ret, "%s/%s.pub", dir, id);
	if (!err)
		err = uk_dir_make(dir, 0755);
	if (!err)
		err = uk_file_copy(public_path, *ret, 0644);
	return err;
}

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	struct options options = {};
	uk_cli_parse(cli, argc, argv, &options);
	uk_auto_free char *secret = NULL, *public = NULL, *trusted = NULL;
	char id[UK_KEY_ID_LEN + 1];
	struct uk_error *err = uk_asprintf(&secret, "%s.key", options.name);
	if (!err)
		err = uk_asprintf(&public, "%s.pub", options.name);
	if (!err)
		err = uk_key_generate(secret, public, id);
	if (!err && options.trust)
		err = trust_key(public, options.dir, id, &trusted);
	if (err)
		return err;
	if (cli->json) {
		uk_json_text(cli->json, "key", id);
		uk_json_text(cli->json, "secret", secret);
		uk_json_text(cli->json, "public", public);
		uk_json_text(cli->json, "trusted", trusted);
	}
	uk_cli_say(cli, "key %s", id);
	uk_cli_say(cli, "  secret   %s", secret);
	uk_cli_say(cli, "  public   %s", public);
	if (trusted)
		uk_cli_say(cli, "  trusted  %s", trusted);
	return NULL;
}

const struct uk_verb uk_verb_keygen = {
	.name = "keygen",
	.help = "Make keys to sign updates with",
	.argp = &argp,
	.options = UK_VERB_JSON,
	.run = run,
};
