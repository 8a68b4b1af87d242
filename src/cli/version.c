// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep version: this program's, and those of the formats that it speaks. */
#include "cli/cli.h"

#include <upkeep/abi.h>

static const struct argp argp = {
	.doc = "Say the version of upkeep and of the formats and interfaces that it uses.",
};

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	uk_cli_parse(cli, argc, argv, NULL);
	if (cli->json) {
		uk_json_text(cli->json, "version", UPKEEP_VERSION);
		uk_json_number(cli->json, "abi", UPKEEP_ABI);
		uk_json_number(cli->json, "bundle_format", UK_BUNDLE_FORMAT);
		uk_json_number(cli->json, "manifest_schema", UK_MANIFEST_SCHEMA);
		return NULL;
	}
	printf("upkeep %s\n", UPKEEP_VERSION);
	if (cli->verbose)
		printf("kernel module interface %d, bundle format %d, manifest schema %d, "
		       "JSON schema %d\n",
		       UPKEEP_ABI, UK_BUNDLE_FORMAT, UK_MANIFEST_SCHEMA, UK_JSON_SCHEMA);
	return NULL;
}

const struct uk_verb uk_verb_version = {
	.name = "version",
	.help = "Say the version of upkeep",
	.argp = &argp,
	.options = UK_VERB_JSON,
	.run = run,
};
