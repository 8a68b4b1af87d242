// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep check: whether an update would apply, without touching anything. */
#include "cli/report.h"
#include "match/subject.h"

#include <string.h>

struct options {
	const char *file, *image;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	switch (key) {
	case 'i':
		options->image = arg;
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
	{ "image", 'i', "FILE", 0, "Check against a kernel image (vmlinuz or vmlinux) instead" }, {}
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "FILE.upk",
	.doc = "Say whether an update would apply to the running kernel, or to one in a file. "
	       "Nothing is changed.",
};

static struct uk_error *check_live(struct uk_cli *cli, const struct uk_bundle *bundle)
{
	uk_auto_live_report struct uk_live_report report = {};
	uk_auto_signer struct uk_signer *signer = NULL;
	struct uk_error *err = uk_cli_load_signer(cli, &signer);
	if (err)
		return err;
	const struct uk_live_options live = { .signer = signer, .sink = &cli->terminal.sink };
	err = uk_live_check(bundle, &live, &report);
	uk_terminal_finish(&cli->terminal);
	uk_report_json(cli, &report);
	if (err) {
		uk_report_blockers(cli, &report);
		return err;
	}
	char changes[64];
	uk_cli_say(cli, "%s would apply to the running kernel: %s", uk_bundle_update(bundle)->id,
		   uk_changes_text(report.functions.len, report.data_writes, changes));
	uk_report_details(cli, &report);
	return NULL;
}

/* An image shows vmlinux alone: there is nothing below a stacked update, and no module. */
static struct uk_error *check_scope(const struct uk_update *update)
{
	if (update->after.len)
		return uk_error_create(
			UK_ERR_REFUSED,
			"it stands on update %s, which no image file holds: check it "
			"on a machine where that one is applied",
			update->after.data[update->after.len - 1]);
	uk_vec_for_each(part, &update->parts) {
		if (!strcmp(part->target, "vmlinux"))
			return NULL;
	}
	return uk_error_create(UK_ERR_NOTHING,
			       "it changes modules alone, and a kernel image holds none of them");
}

static void add_functions(struct json_object *to, const struct uk_update *update,
			  const struct uk_match *match)
{
	struct json_object *list = uk_json_list(to, "functions");
	uk_vec_for_each(found, &match->functions) {
		const struct uk_update_function *function =
			&update->functions.data[found->function];
		struct json_object *entry = uk_json_append(list);
		uk_json_text(entry, "object", update->objects.data[function->object].path);
		uk_json_text(entry, "name", function->name);
		uk_json_address(entry, "old_address", found->address);
		uk_json_number(entry, "old_size", found->size);
	}
}

static void say_image(struct uk_cli *cli, const struct uk_update *update,
		      const struct uk_match *match, size_t left_out, const char *image)
{
	char changes[64], modules[64];
	size_t data_writes = match->writes.len + match->pointers.len;
	uk_cli_say(cli, "%s would apply to %s: %s", update->id, image,
		   uk_changes_text(match->functions.len, data_writes, changes));
	if (left_out)
		uk_cli_say(cli, "not judged: %s, which no kernel image holds",
			   uk_count_text(left_out, "module", modules));
	if (!cli->verbose)
		return;
	uk_vec_for_each(found, &match->functions)
		uk_cli_say(cli, "  %s at 0x%llx (%llu bytes)",
			   update->functions.data[found->function].name,
			   (unsigned long long)found->address, (unsigned long long)found->size);
	uk_cli_say(cli, "  compared %llu bytes; %llu uses of symbols agree",
		   (unsigned long long)match->compared, (unsigned long long)match->learned);
}

static struct uk_error *check_image(struct uk_cli *cli, const struct uk_bundle *bundle,
				    const char *image)
{
	const struct uk_update *update = uk_bundle_update(bundle);
	uk_auto_match struct uk_match *match = NULL;
	size_t left_out = 0;
	struct uk_error *err = check_scope(update);
	if (err)
		return uk_error_wrap(err, "%s", update->id);
	uk_progress(&cli->terminal.sink, "matching", 0, 0);
	err = uk_subject_match_image(bundle, image, &left_out, &match);
	uk_terminal_finish(&cli->terminal);
	if (err)
		return err;
	if (cli->json) {
		uk_json_number(cli->json, "compared", match->compared);
		uk_json_number(cli->json, "modules_not_judged", left_out);
		uk_json_number(cli->json, "data_writes", match->writes.len + match->pointers.len);
		add_functions(cli->json, update, match);
	}
	say_image(cli, update, match, left_out, image);
	return NULL;
}

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	struct options options = {};
	uk_cli_parse(cli, argc, argv, &options);
	uk_auto_bundle struct uk_bundle *bundle = NULL;
	struct uk_error *err = uk_bundle_open(options.file, &cli->trust, &bundle);
	if (err)
		return err;
	if (cli->json) {
		uk_json_text(cli->json, "id", uk_bundle_update(bundle)->id);
		uk_json_text(cli->json, "image", options.image);
	}
	return options.image ? check_image(cli, bundle, options.image) : check_live(cli, bundle);
}

const struct uk_verb uk_verb_check = {
	.name = "check",
	.help = "Say whether an update would apply",
	.argp = &argp,
	.options = UK_VERB_JSON | UK_VERB_TRUST | UK_VERB_TAKE | UK_VERB_SIGN,
	.run = run,
};
