// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep create: makes an update from a kernel's source and a patch. */
#include "base/file.h"
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "create/create.h"

#include <string.h>

struct options {
	struct uk_create_options create;
	UK_VEC(const char *) patches, after, accepted, cves;
	bool leave_unsigned;
};

enum {
	KEY_PATCH = 'p',
	KEY_KERNEL = 'k',
	KEY_OUTPUT = 'o',
	KEY_JOBS = 'j',
	KEY_PATCHED = 0x100,
	KEY_GIT,
	KEY_GIT_DIR,
	KEY_SOURCE,
	KEY_CONFIG,
	KEY_AFTER,
	KEY_ACCEPT,
	KEY_CVE,
	KEY_DESCRIPTION,
	KEY_KEY,
	KEY_UNSIGNED,
	KEY_CACHE,
	KEY_KEEP,
};

static const struct argp_option argp_options[] = {
	{ NULL, 0, NULL, 0, "What changes (one of these):", 1 },
	{ "patch", KEY_PATCH, "FILE", 0,
	  "A unified diff or git patch with one leading folder (-p1); may be given again", 1 },
	{ "patched", KEY_PATCHED, "DIR", 0, "An edited tree, compared with the original", 1 },
	{ "git", KEY_GIT, "RANGE", 0, "What git diff RANGE says", 1 },
	{ "git-dir", KEY_GIT_DIR, "DIR", 0, "The repository for --git (default: here)", 1 },

	{ NULL, 0, NULL, 0, "The kernel (one of these):", 2 },
	{ "kernel", KEY_KERNEL, "RELEASE", 0,
	  "A kernel of the distribution, such as 6.1.0-47-cloud-amd64; its source is fetched "
	  "through apt",
	  2 },
	{ "source", KEY_SOURCE, "DIR", 0, "A source tree of your own; it is not changed", 2 },
	{ "config", KEY_CONFIG, "FILE", 0, "Its configuration (default: DIR/.config)", 2 },

	{ NULL, 0, NULL, 0, "The update:", 3 },
	{ "output", KEY_OUTPUT, "FILE", 0, "Where it goes (default: ID.upk)", 3 },
	{ "key", KEY_KEY, "FILE", 0, "Sign it with this secret key", 3 },
	{ "unsigned", KEY_UNSIGNED, NULL, 0, "Leave it unsigned", 3 },
	{ "after", KEY_AFTER, "FILE", 0,
	  "It stands on this update; may be given again, oldest first", 3 },
	{ "accept", KEY_ACCEPT, "FINDING", 0,
	  "Take a finding, by the name that create told; may be given again", 3 },
	{ "cve", KEY_CVE, "CVE", 0, "A CVE that it closes; may be given again", 3 },
	{ "description", KEY_DESCRIPTION, "TEXT", 0, "One line about it", 3 },

	{ NULL, 0, NULL, 0, "The build:", 4 },
	{ "jobs", KEY_JOBS, "N", 0, "Processes at once (default: one for each processor)", 4 },
	{ "cache", KEY_CACHE, "DIR", 0,
	  "Cache of kernels and objects (default: $UPKEEP_CACHE or /var/cache/upkeep)", 4 },
	{ "keep", KEY_KEEP, NULL, 0, "Leave the work folder", 4 },
	{}
};

static void add(struct argp_state *state, void *vec, const char *text)
{
	UK_VEC(const char *) *strings = vec;
	if (!uk_vec_push(strings, text))
		argp_failure(state, 1, 0, "out of memory");
}

static unsigned int parse_jobs(struct argp_state *state, const char *arg)
{
	char *end;
	unsigned long jobs = strtoul(arg, &end, 10);
	if (*end || !jobs || jobs > 1024)
		argp_error(state, "--jobs %s: a number from 1 to 1024 is wanted", arg);
	return (unsigned int)jobs;
}

/* Options that are one text each. */
static const char **text_slot(struct uk_create_options *create, int key)
{
	switch (key) {
	case KEY_PATCHED:
		return &create->patched;
	case KEY_GIT:
		return &create->git_range;
	case KEY_GIT_DIR:
		return &create->git_dir;
	case KEY_KERNEL:
		return &create->release;
	case KEY_SOURCE:
		return &create->source;
	case KEY_CONFIG:
		return &create->config;
	case KEY_OUTPUT:
		return &create->output;
	case KEY_KEY:
		return &create->key;
	case KEY_DESCRIPTION:
		return &create->description;
	case KEY_CACHE:
		return &create->cache;
	default:
		return NULL;
	}
}

static void check_usage(struct argp_state *state, const struct options *options)
{
	const struct uk_create_options *create = &options->create;
	if (!create->release == !create->source)
		argp_error(state, "name the kernel: --kernel RELEASE or --source DIR");
	if (!!options->patches.len + !!create->patched + !!create->git_range != 1)
		argp_error(state, "name the change: --patch FILE, --patched DIR or --git RANGE");
	if (!create->key == !options->leave_unsigned)
		argp_error(state, "name the key that signs it: --key FILE, or --unsigned "
				  "(upkeep keygen makes keys)");
	if (create->config && !create->source)
		argp_error(state, "--config goes with --source");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	const char **slot = text_slot(&options->create, key);
	if (slot) {
		*slot = arg;
		return 0;
	}
	switch (key) {
	case KEY_PATCH:
		add(state, &options->patches, arg);
		return 0;
	case KEY_AFTER:
		add(state, &options->after, arg);
		return 0;
	case KEY_ACCEPT:
		add(state, &options->accepted, arg);
		return 0;
	case KEY_CVE:
		add(state, &options->cves, arg);
		return 0;
	case KEY_JOBS:
		options->create.jobs = parse_jobs(state, arg);
		return 0;
	case KEY_UNSIGNED:
		options->leave_unsigned = true;
		return 0;
	case KEY_KEEP:
		options->create.keep = true;
		return 0;
	case ARGP_KEY_END:
		check_usage(state, options);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "",
	.doc = "Make an update: compile what the patch touches, as it is and as it will be, "
	       "compare, "
	       "and pack what differs for exactly this kernel.",
};

static void options_deinit(struct options *options)
{
	uk_vec_deinit(&options->patches);
	uk_vec_deinit(&options->after);
	uk_vec_deinit(&options->accepted);
	uk_vec_deinit(&options->cves);
}

static size_t count_functions(const struct uk_update *update, enum uk_change change)
{
	size_t nr = 0;
	uk_vec_for_each(function, &update->functions)
		nr += function->change == change;
	return nr;
}

static void print_findings(const struct uk_cli *cli, const struct uk_update *update)
{
	uk_vec_for_each(finding, &update->findings) {
		if (finding->accepted)
			uk_cli_say(cli, "  accepted %s", finding->name);
	}
}

static void print_report(const struct uk_cli *cli, const struct uk_create_report *report)
{
	const struct uk_update *update = report->update;
	uint64_t total = 0;
	uk_vec_for_each(phase, &report->phases)
		total += phase->ns;
	char time[32];
	uk_cli_say(cli, "update %s for %s", update->id, update->release);
	uk_cli_say(cli, "  changed  %zu functions, %zu new, %zu gone; %zu data",
		   count_functions(update, UK_CHANGE_CHANGED),
		   count_functions(update, UK_CHANGE_NEW),
		   count_functions(update, UK_CHANGE_REMOVED), update->data.len);
	uk_cli_say(cli, "  objects  %zu changed of %zu looked at", report->changed_units,
		   report->units);
	print_findings(cli, update);
	uk_cli_say(cli, "  written  %s (%s)", report->output, uk_duration_text(total, time));
	if (report->work)
		uk_cli_say(cli, "  kept     %s", report->work);
}

static void add_findings(struct json_object *json, const struct uk_update *update)
{
	struct json_object *list = uk_json_list(json, "findings");
	uk_vec_for_each(finding, &update->findings) {
		struct json_object *entry = uk_json_append(list);
		uk_json_text(entry, "name", finding->name);
		uk_json_text(entry, "place", finding->place);
		uk_json_text(entry, "text", finding->text);
		uk_json_bool(entry, "accepted", finding->accepted);
	}
}

static void add_json(const struct uk_cli *cli, const struct uk_create_report *report)
{
	if (!cli->json || !report->update)
		return;
	uk_json_text(cli->json, "id", report->update->id);
	uk_json_text(cli->json, "kernel", report->update->release);
	uk_json_text(cli->json, "output", report->output);
	uk_json_text(cli->json, "work", report->work);
	uk_json_number(cli->json, "units", report->units);
	uk_json_number(cli->json, "changed_units", report->changed_units);
	uk_json_number(cli->json, "changed_functions",
		       count_functions(report->update, UK_CHANGE_CHANGED));
	uk_json_number(cli->json, "new_functions", count_functions(report->update, UK_CHANGE_NEW));
	add_findings(cli->json, report->update);
	struct json_object *phases = uk_json_list(cli->json, "phases");
	uk_vec_for_each(phase, &report->phases) {
		struct json_object *entry = uk_json_append(phases);
		uk_json_text(entry, "name", phase->name);
		uk_json_number(entry, "ns", phase->ns);
	}
}

/* Where the core module's source lies: installed, or a checkout named by UPKEEP_DATADIR. */
static struct uk_error *find_sources(char **kmod_ret, char **include_ret)
{
	const char *data = getenv("UPKEEP_DATADIR");
	if (!data)
		data = UPKEEP_DATADIR;
	uk_auto_free char *kmod = NULL;
	struct uk_error *err = uk_asprintf(&kmod, "%s/kmod", data);
	if (!err && !uk_file_exists(kmod))
		err = uk_error_create(UK_ERR_SYSTEM,
				      "%s: the source of the core module is not there; install "
				      "upkeep, or set UPKEEP_DATADIR to its checkout",
				      kmod);
	if (!err)
		err = uk_asprintf(include_ret, "%s/include", data);
	if (!err)
		*kmod_ret = uk_take(kmod);
	return err;
}

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	uk_cleanup(options_deinit) struct options options = {};
	uk_cli_parse(cli, argc, argv, &options);
	uk_auto_free char *kmod = NULL, *include = NULL;
	struct uk_error *err = find_sources(&kmod, &include);
	if (err)
		return err;

	struct uk_create_options *create = &options.create;
	create->patches = options.patches.data;
	create->nr_patches = options.patches.len;
	create->after = options.after.data;
	create->nr_after = options.after.len;
	create->accepted = options.accepted.data;
	create->nr_accepted = options.accepted.len;
	create->cves = options.cves.data;
	create->nr_cves = options.cves.len;
	create->trust = &cli->trust;
	create->kmod = kmod;
	create->include = include;
	create->sink = &cli->terminal.sink;

	uk_auto_create_report struct uk_create_report report = {};
	err = uk_create(create, &report);
	uk_terminal_finish(&cli->terminal);
	add_json(cli, &report);
	if (!err)
		print_report(cli, &report);
	return err;
}

const struct uk_verb uk_verb_create = {
	.name = "create",
	.help = "Make an update from a kernel's source and a patch",
	.argp = &argp,
	.options = UK_VERB_JSON | UK_VERB_TRUST | UK_VERB_TAKE,
	.run = run,
};
