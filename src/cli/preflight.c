// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep preflight: what replacing the kernel would do to what runs, without touching it. */
#include "replace/preflight.h"
#include "replace/trial.h"

#include "cli/cli.h"
#include "cli/report.h"

#include <string.h>

#define STORE "/var/lib/upkeep/replace" /* where `upkeep replace' puts the images */

struct options {
	const char *kernel;
	UK_VEC(const char *) keep;
	UK_VEC(const char *) without;
	bool trial;
};

enum { KEY_WITHOUT = 0x2000, KEY_TRIAL };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	switch (key) {
	case 'k':
		options->kernel = arg;
		return 0;
	case 'K':
		if (!uk_vec_push(&options->keep, arg))
			argp_failure(state, 1, 0, "out of memory");
		return 0;
	case KEY_WITHOUT:
		if (!uk_vec_push(&options->without, arg))
			argp_failure(state, 1, 0, "out of memory");
		return 0;
	case KEY_TRIAL:
		options->trial = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option: name what is kept with --keep", arg);
		return 0;
	case ARGP_KEY_END:
		if (options->trial && !options->keep.len)
			argp_error(state, "say what to try (--keep)");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option argp_options[] = {
	{ "kernel", 'k', "RELEASE", 0, "The new kernel; by default the newest in /boot" },
	{ "keep", 'K', "NAME", 0,
	  "A unit, a process with all below it, or a session (session:N); may be given again" },
	{ "without", KEY_WITHOUT, "NAME", 0,
	  "Leave this out, which --keep names; may be given again" },
	{ "trial", KEY_TRIAL, NULL, 0,
	  "Then try it: freeze each service for a moment and dump it, which goes on, and restore a "
	  "copy of it, which does not run; nothing is left of it" },
	{}
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.doc = "Say what would become of services, resource by resource, if the kernel were "
	       "replaced under them. Nothing is touched, stopped or changed without --trial.",
};

static const char *service_kind(enum uk_service_kind kind)
{
	static const char *const names[] = {
		[UK_SERVICE_UNIT] = "unit",
		[UK_SERVICE_TREE] = "process",
		[UK_SERVICE_SESSION] = "session",
	};
	return names[kind];
}

static void add_findings(struct json_object *to, const struct uk_preflight *preflight,
			 const struct uk_service *service)
{
	struct json_object *list = uk_json_list(to, "findings");
	uk_vec_for_each(finding, &preflight->findings) {
		if (finding->service != service)
			continue;
		struct json_object *entry = uk_json_append(list);
		uk_json_text(entry, "id", finding->id);
		uk_json_text(entry, "rule", finding->rule);
		uk_json_text(entry, "verdict", uk_fate_name(finding->verdict));
		uk_json_text(entry, "kind", finding->kind);
		uk_json_text(entry, "resource", finding->resource);
		uk_json_text(entry, "what", finding->what);
		uk_json_text(entry, "remedy", finding->remedy);
		uk_json_text(entry, "source", finding->source);
	}
}

static const char *trial_end(enum uk_trial_end end)
{
	static const char *const names[] = {
		[UK_TRIAL_PASSED] = "passed",
		[UK_TRIAL_FAILED] = "failed",
		[UK_TRIAL_SKIPPED] = "not-tried",
	};
	return names[end];
}

static const struct uk_trial *find_trial(const struct uk_preflight *preflight,
					 const struct uk_service *service)
{
	uk_vec_for_each(trial, &preflight->trials) {
		if (trial->service == service)
			return trial;
	}
	return NULL;
}

static void add_trial(struct json_object *to, const struct uk_trial *trial)
{
	struct json_object *entry = uk_json_object(to, "trial");
	uk_json_text(entry, "end", trial_end(trial->end));
	uk_json_text(entry, "why", trial->why);
	uk_json_number(entry, "dump_ns", trial->dump_ns);
	uk_json_number(entry, "frozen_ns", trial->frozen_ns);
	uk_json_number(entry, "restore_ns", trial->restore_ns);
	uk_json_text(entry, "not_restored", trial->not_restored);
}

static void add_service(struct json_object *list, const struct uk_preflight *preflight,
			const struct uk_service *service)
{
	struct json_object *entry = uk_json_append(list);
	uk_json_text(entry, "name", service->name);
	uk_json_text(entry, "kind", service_kind(service->kind));
	uk_json_text(entry, "cgroup", service->cgroup);
	uk_json_number(entry, "main_pid", (uint64_t)service->main_pid);
	uk_json_text(entry, "verdict", uk_fate_name(uk_preflight_worst(preflight, service)));
	struct json_object *tasks = uk_json_list(entry, "processes");
	uk_vec_for_each(task, &service->tasks) {
		struct json_object *process = uk_json_append(tasks);
		uk_json_number(process, "pid", (uint64_t)task->pid);
		uk_json_number(process, "ppid", (uint64_t)task->ppid);
		uk_json_text(process, "name", task->comm);
	}
	add_findings(entry, preflight, service);
	const struct uk_trial *trial = find_trial(preflight, service);
	if (trial)
		add_trial(entry, trial);
}

static void fill_json(struct uk_cli *cli, const struct uk_preflight *preflight)
{
	uk_json_text(cli->json, "running", preflight->running);
	uk_json_text(cli->json, "kernel", preflight->target);
	uk_json_text(cli->json, "criu", preflight->criu);
	uk_json_number(cli->json, "image_bytes", preflight->needed);
	uk_json_number(cli->json, "room_bytes", preflight->room);
	struct json_object *machine = uk_json_object(cli->json, "machine");
	uk_json_text(machine, "verdict", uk_fate_name(uk_preflight_worst(preflight, NULL)));
	add_findings(machine, preflight, NULL);
	struct json_object *list = uk_json_list(cli->json, "services");
	uk_vec_for_each(service, &preflight->keep.services)
		add_service(list, preflight, service);
}

static bool says_same(const struct uk_preflight_finding *one,
		      const struct uk_preflight_finding *other)
{
	return one->service == other->service && !strcmp(one->rule, other->rule) && one->what &&
	       other->what && !strcmp(one->what, other->what);
}

/* One line for all findings that say the same, which are neighbours. */
static void say_finding(const struct uk_cli *cli, const struct uk_preflight_finding *finding,
			size_t nr)
{
	char more[64] = "", places[64];
	if (nr > 1)
		snprintf(more, sizeof(more), " and %s more",
			 uk_count_text(nr - 1, "place", places));
	uk_cli_say(cli, "  %-10s  %s%s%s%s", uk_fate_name(finding->verdict), finding->resource,
		   more, finding->what ? ": " : "", finding->what ? finding->what : "");
	if (finding->remedy)
		uk_cli_say(cli, "              %s", finding->remedy);
	if (cli->verbose)
		uk_cli_say(cli, "              [%s; %s]", finding->id, finding->source);
}

static void say_findings(const struct uk_cli *cli, const struct uk_preflight *preflight,
			 const struct uk_service *service)
{
	const struct uk_preflight_finding *findings = preflight->findings.data;
	size_t exact = uk_preflight_count(preflight, service, UK_FATE_EXACT);
	for (size_t i = 0, nr; i < preflight->findings.len; i += nr) {
		nr = 1;
		if (findings[i].service != service ||
		    (findings[i].verdict == UK_FATE_EXACT && !cli->verbose))
			continue;
		while (!cli->verbose && i + nr < preflight->findings.len &&
		       says_same(&findings[i], &findings[i + nr]))
			nr++;
		say_finding(cli, &findings[i], nr);
	}
	char text[64];
	if (exact && !cli->verbose)
		uk_cli_say(cli, "  %-10s  %s", "exact", uk_count_text(exact, "resource", text));
}

/* What failed has a finding. */
static void say_trial(const struct uk_cli *cli, const struct uk_trial *trial)
{
	char dump[32], frozen[32], restore[32];
	if (trial->end == UK_TRIAL_SKIPPED)
		uk_cli_say(cli, "  %-10s  not tried: %s", "trial", trial->why);
	if (trial->end == UK_TRIAL_PASSED)
		uk_cli_say(cli, "  %-10s  dumped in %s (frozen for %s), %s%s", "trial",
			   uk_duration_text(trial->dump_ns, dump),
			   uk_duration_text(trial->frozen_ns, frozen),
			   trial->not_restored ? "not restored: " : "restored in ",
			   trial->not_restored ? trial->not_restored
					       : uk_duration_text(trial->restore_ns, restore));
}

static void say_all(const struct uk_cli *cli, const struct uk_preflight *preflight)
{
	uk_cli_say(cli, "kernel %s -> %s, CRIU %s", preflight->running,
		   preflight->target ? preflight->target : "(none)",
		   preflight->criu ? preflight->criu : "(none)");
	uk_cli_say(cli, "this machine: %s", uk_fate_name(uk_preflight_worst(preflight, NULL)));
	say_findings(cli, preflight, NULL);
	uk_vec_for_each(service, &preflight->keep.services) {
		char text[64];
		uk_cli_say(cli, "%s (%s): %s", service->name,
			   service->tasks.len == 1 ? "1 process"
						   : (snprintf(text, sizeof(text), "%zu processes",
							       service->tasks.len),
						      text),
			   uk_fate_name(uk_preflight_worst(preflight, service)));
		say_findings(cli, preflight, service);
		const struct uk_trial *trial = find_trial(preflight, service);
		if (trial)
			say_trial(cli, trial);
	}
}

static struct uk_error *look(struct uk_cli *cli, const struct options *options)
{
	uk_auto_preflight struct uk_preflight preflight = {};
	const struct uk_preflight_options wanted = {
		.keep = options->keep.data,
		.nr_keep = options->keep.len,
		.without = options->without.data,
		.nr_without = options->without.len,
		.kernel = options->kernel,
		.store = STORE,
		/* A trial has its images there. */
		.where = options->trial ? UK_STORE_DISK : UK_STORE_AUTO,
		.sink = &cli->terminal.sink,
	};
	struct uk_error *err = uk_preflight_run(&wanted, &preflight);
	if (!err && options->trial)
		err = uk_trial_run(&preflight, &cli->terminal.sink);
	uk_terminal_finish(&cli->terminal);
	if (err)
		return err;
	if (cli->json)
		fill_json(cli, &preflight);
	say_all(cli, &preflight);
	err = uk_preflight_verdict(&preflight);
	char text[64];
	if (!err)
		uk_cli_say(cli, "the kernel would be replaced, with %s kept",
			   uk_count_text(preflight.keep.services.len, "service", text));
	return err;
}

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	struct options options = {};
	uk_cli_parse(cli, argc, argv, &options);
	struct uk_error *err = look(cli, &options);
	uk_vec_deinit(&options.keep);
	uk_vec_deinit(&options.without);
	return err;
}

const struct uk_verb uk_verb_preflight = {
	.name = "preflight",
	.help = "Say what replacing the kernel would do",
	.argp = &argp,
	.options = UK_VERB_JSON,
	.run = run,
};
