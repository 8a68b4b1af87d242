// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep inspect: what an update is and what it does. */
#include "cli/cli.h"
#include "cli/disasm.h"
#include "cli/report.h"

#include <string.h>

struct options {
	const char *file, *function;
	bool patch;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	switch (key) {
	case 'd':
		options->function = arg;
		return 0;
	case 'p':
		options->patch = true;
		return 0;
	case ARGP_KEY_ARG:
		uk_cli_take_argument(state, arg, &options->file);
		return 0;
	case ARGP_KEY_END:
		if (!options->file)
			argp_error(state, "the file of the update is missing");
		if (options->function && options->patch)
			argp_error(state, "--disasm and --patch are for one at a time");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option argp_options[] = {
	{ "disasm", 'd', "FUNCTION", 0,
	  "Show a function's old and new instructions side by side; where several have the "
	  "name: OBJECT:FUNCTION" },
	{ "patch", 'p', NULL, 0, "Print the patch" },
	{}
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "FILE.upk",
	.doc = "Say what an update is and what it does. It need not be signed by a trusted key; "
	       "whether it is, is said.",
};

static const char *verdict_name(enum uk_verdict verdict)
{
	static const char *const names[] = {
		[UK_VERDICT_TRUSTED] = "trusted",
		[UK_VERDICT_UNKNOWN] = "unknown",
		[UK_VERDICT_UNSIGNED] = "unsigned",
	};
	return names[verdict];
}

static const char *change_name(enum uk_change change)
{
	static const char *const names[] = {
		[UK_CHANGE_CHANGED] = "changed",
		[UK_CHANGE_NEW] = "new",
		[UK_CHANGE_REMOVED] = "removed",
	};
	return names[change];
}

static const char *datum_name(enum uk_datum_change change)
{
	static const char *const names[] = {
		[UK_DATUM_NEW] = "new",
		[UK_DATUM_CARRIED] = "carried",
		[UK_DATUM_WRITTEN] = "written",
		[UK_DATUM_IGNORED] = "ignored",
	};
	return names[change];
}

static const char *object_path(const struct uk_update *update, unsigned int object)
{
	return update->objects.data[object].path;
}

static const char *object_target(const struct uk_update *update, unsigned int object)
{
	return update->parts.data[update->objects.data[object].part].target;
}

/* JSON */

static void add_texts(struct json_object *to, const char *key, char *const *texts, size_t nr)
{
	struct json_object *list = uk_json_list(to, key);
	for (size_t i = 0; i < nr; i++)
		uk_json_append_text(list, texts[i]);
}

static void add_functions(struct json_object *to, const struct uk_update *update)
{
	struct json_object *list = uk_json_list(to, "functions");
	uk_vec_for_each(function, &update->functions) {
		struct json_object *entry = uk_json_append(list);
		uk_json_text(entry, "target", object_target(update, function->object));
		uk_json_text(entry, "object", object_path(update, function->object));
		uk_json_text(entry, "name", function->name);
		uk_json_text(entry, "change", change_name(function->change));
		uk_json_number(entry, "old_size", function->old_size);
		uk_json_number(entry, "new_size", function->new_size);
		uk_json_bool(entry, "redirect", function->redirect);
	}
}

static void add_data(struct json_object *to, const struct uk_update *update)
{
	struct json_object *list = uk_json_list(to, "data");
	uk_vec_for_each(datum, &update->data) {
		struct json_object *entry = uk_json_append(list);
		uk_json_text(entry, "object", object_path(update, datum->object));
		uk_json_text(entry, "name", datum->name);
		uk_json_text(entry, "change", datum_name(datum->change));
		uk_json_number(entry, "size", datum->size);
	}
	list = uk_json_list(to, "writes");
	uk_vec_for_each(write, &update->writes) {
		struct json_object *entry = uk_json_append(list);
		uk_json_text(entry, "object", object_path(update, write->object));
		uk_json_text(entry, "symbol", write->symbol);
		uk_json_number(entry, "offset", write->offset);
		uk_json_number(entry, "size", write->len);
	}
	list = uk_json_list(to, "pointers");
	uk_vec_for_each(pointer, &update->pointers) {
		struct json_object *entry = uk_json_append(list);
		uk_json_text(entry, "object", object_path(update, pointer->object));
		uk_json_text(entry, "symbol", pointer->symbol);
		uk_json_number(entry, "offset", pointer->offset);
		uk_json_text(entry, "section", pointer->section);
		uk_json_number(entry, "at", pointer->at);
	}
}

static void add_findings(struct json_object *to, const struct uk_update *update)
{
	struct json_object *list = uk_json_list(to, "findings");
	uk_vec_for_each(finding, &update->findings) {
		struct json_object *entry = uk_json_append(list);
		uk_json_text(entry, "name", finding->name);
		uk_json_text(entry, "place", finding->place);
		uk_json_text(entry, "text", finding->text);
		uk_json_bool(entry, "accepted", finding->accepted);
	}
}

static void add_patches(struct json_object *to, const struct uk_bundle *bundle)
{
	struct json_object *list = uk_json_list(to, "patches");
	uk_vec_for_each(name, &uk_bundle_update(bundle)->patches) {
		struct json_object *entry = uk_json_append(list);
		uk_json_text(entry, "name", *name);
		uk_json_text(entry, "text", uk_bundle_member(bundle, *name)->data);
	}
}

static void add_all(struct json_object *to, const struct uk_bundle *bundle)
{
	const struct uk_update *update = uk_bundle_update(bundle);
	uk_json_text(to, "id", update->id);
	uk_json_text(to, "signature", verdict_name(uk_bundle_verdict(bundle)));
	uk_json_text(to, "key", uk_bundle_key_id(bundle));
	uk_json_text(to, "release", update->release);
	uk_json_text(to, "version", update->version);
	uk_json_text(to, "build_id", update->build_id);
	uk_json_text(to, "arch", update->arch);
	uk_json_text(to, "compiler", update->compiler);
	uk_json_text(to, "source", update->source);
	uk_json_text(to, "description", update->description);
	add_texts(to, "cves", update->cves.data, update->cves.len);
	add_texts(to, "after", update->after.data, update->after.len);
	add_functions(to, update);
	add_data(to, update);
	add_findings(to, update);
	add_patches(to, bundle);
}

/* Text */

static void say_field(const struct uk_cli *cli, const char *label, const char *text)
{
	if (text)
		uk_cli_say(cli, "  %-12s %s", label, text);
}

static void say_signature(const struct uk_cli *cli, const struct uk_bundle *bundle)
{
	const char *key = uk_bundle_key_id(bundle);
	switch (uk_bundle_verdict(bundle)) {
	case UK_VERDICT_TRUSTED:
		uk_cli_say(cli, "  %-12s by trusted key %s", "signature", key);
		break;
	case UK_VERDICT_UNKNOWN:
		uk_cli_say(cli, "  %-12s NOT VERIFIED: key %s is not trusted here", "signature",
			   key);
		break;
	case UK_VERDICT_UNSIGNED:
		uk_cli_say(cli, "  %-12s NONE: the update is unsigned", "signature");
		break;
	}
}

static void say_head(const struct uk_cli *cli, const struct uk_bundle *bundle)
{
	const struct uk_update *update = uk_bundle_update(bundle);
	size_t len;
	uk_bundle_bytes(bundle, &len);
	uk_cli_say(cli, "update %s", update->id);
	say_field(cli, "description", update->description);
	uk_vec_for_each(cve, &update->cves)
		say_field(cli, "closes", *cve);
	uk_cli_say(cli, "  %-12s %s, %zu bytes", "file", uk_bundle_name(bundle), len);
	say_signature(cli, bundle);
	uk_cli_say(cli, "  %-12s %s (%s)", "kernel", update->release, update->arch);
	say_field(cli, "version", update->version);
	say_field(cli, "build id", update->build_id);
	say_field(cli, "source", update->source);
	say_field(cli, "compiler", update->compiler);
	uk_vec_for_each(id, &update->after)
		say_field(cli, "after", *id);
}

static void say_function(const struct uk_cli *cli, const struct uk_update_function *function)
{
	unsigned long long from = function->old_size, to = function->new_size;
	switch (function->change) {
	case UK_CHANGE_CHANGED:
		uk_cli_say(cli, "    %-8s %-40s %llu -> %llu bytes", "changed", function->name,
			   from, to);
		break;
	case UK_CHANGE_NEW:
		uk_cli_say(cli, "    %-8s %-40s %llu bytes", "new", function->name, to);
		break;
	case UK_CHANGE_REMOVED:
		uk_cli_say(cli, "    %-8s %-40s %llu bytes", "removed", function->name, from);
		break;
	}
}

static void say_object(const struct uk_cli *cli, const struct uk_update *update,
		       unsigned int object)
{
	uk_cli_say(cli, "  %s (%s)", object_path(update, object), object_target(update, object));
	uk_vec_for_each(function, &update->functions) {
		if (function->object == object)
			say_function(cli, function);
	}
	uk_vec_for_each(datum, &update->data) {
		if (datum->object == object)
			uk_cli_say(cli, "    %-8s %-40s %llu bytes of data",
				   datum_name(datum->change), datum->name,
				   (unsigned long long)datum->size);
	}
}

static void say_findings(const struct uk_cli *cli, const struct uk_update *update)
{
	if (update->findings.len)
		uk_cli_say(cli, "findings");
	uk_vec_for_each(finding, &update->findings) {
		uk_cli_say(cli, "  %s (%s)", finding->name,
			   finding->accepted ? "accepted" : "not accepted");
		uk_cli_say(cli, "    %s: %s", finding->place, finding->text);
	}
}

static void say_all(const struct uk_cli *cli, const struct uk_bundle *bundle)
{
	const struct uk_update *update = uk_bundle_update(bundle);
	say_head(cli, bundle);
	uk_cli_say(cli, "changes");
	for (unsigned int i = 0; i < update->objects.len; i++)
		say_object(cli, update, i);
	say_findings(cli, update);
	uk_cli_say(cli, "patches");
	uk_vec_for_each(name, &update->patches)
		uk_cli_say(cli, "  %s, %zu bytes", *name, uk_bundle_member(bundle, *name)->len);
}

/* As it is into a file, but no byte that drives a terminal to one. */
static void print_patches(const struct uk_bundle *bundle)
{
	uk_vec_for_each(name, &uk_bundle_update(bundle)->patches) {
		const struct uk_member *member = uk_bundle_member(bundle, *name);
		if (isatty(STDOUT_FILENO))
			uk_cli_print_text(stdout, member->data);
		else
			fwrite(member->data, 1, member->len, stdout);
	}
}

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	struct options options = {};
	uk_cli_parse(cli, argc, argv, &options);
	uk_auto_bundle struct uk_bundle *bundle = NULL;
	cli->trust.allow_untrusted = true;
	struct uk_error *err = uk_bundle_open(options.file, &cli->trust, &bundle);
	if (err)
		return err;
	if (options.function)
		return uk_disasm_print(cli, bundle, options.function);
	if (cli->json)
		add_all(cli->json, bundle);
	else if (options.patch)
		print_patches(bundle);
	else
		say_all(cli, bundle);
	return NULL;
}

const struct uk_verb uk_verb_inspect = {
	.name = "inspect",
	.help = "Say what an update is and what it does",
	.argp = &argp,
	.options = UK_VERB_JSON | UK_VERB_TRUST,
	.run = run,
};
