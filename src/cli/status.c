// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep status: which updates the running kernel has, and how it came to run. */
#include "base/strbuf.h"
#include "cli/report.h"
#include "cli/swap.h"

#include <string.h>

struct options {
	const char *id;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	uk_cli_take_argument(state, arg, &options->id);
	return 0;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "[ID]",
	.doc = "Say which updates are applied to the running kernel, oldest first, and which "
	       "were undone but still have modules loaded; and whether this kernel took over from "
	       "another one by `upkeep replace'.",
};

static const char *state_name(enum uk_live_state state)
{
	static const char *const names[] = {
		[UK_LIVE_APPLIED] = "applied",
		[UK_LIVE_UNDONE] = "undone",
		[UK_LIVE_LEFTOVER] = "leftover",
	};
	return names[state];
}

static void add_texts(struct json_object *to, const char *key, char *const *texts, size_t nr)
{
	struct json_object *list = uk_json_list(to, key);
	for (size_t i = 0; i < nr; i++)
		uk_json_append_text(list, texts[i]);
}

static void add_writes(struct json_object *to, const struct uk_live_update *update)
{
	struct json_object *list = uk_json_list(to, "writes");
	uk_vec_for_each(write, &update->writes) {
		struct json_object *entry = uk_json_append(list);
		uk_json_address(entry, "address", write->addr);
		uk_json_number(entry, "size", write->len);
		uk_json_bool(entry, "redirect", write->text);
		uk_json_text(entry, "module", write->module);
		uk_json_bool(entry, "gone", write->gone);
	}
}

static void add_update(struct json_object *list, const struct uk_live_update *update)
{
	struct json_object *entry = uk_json_append(list);
	uk_json_text(entry, "id", update->id);
	uk_json_text(entry, "state", state_name(update->state));
	uk_json_number(entry, "order", update->order);
	uk_json_number(entry, "applied_at", (uint64_t)update->applied_at);
	uk_json_number(entry, "pause_ns", update->pause_ns);
	uk_json_number(entry, "stop_ns", update->stop_ns);
	uk_json_number(entry, "tasks_checked", update->tasks_checked);
	uk_json_text(entry, "description", update->description);
	add_texts(entry, "cves", update->cves.data, update->cves.len);
	if (update->hidden) {
		uk_json_text(entry, "modules", NULL);
		uk_json_text(entry, "functions", NULL);
		uk_json_text(entry, "writes", NULL);
		return;
	}
	add_texts(entry, "modules", update->modules.data, update->modules.len);
	uk_report_functions_json(entry, update->functions.data, update->functions.len);
	add_writes(entry, update);
}

static struct uk_error *cve_text(const struct uk_live_update *update, char **ret)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	uk_vec_for_each(cve, &update->cves)
		uk_strbuf_addf(&text, "  %s", *cve);
	return uk_strbuf_finish(&text, ret);
}

static size_t count_data(const struct uk_live_update *update)
{
	size_t nr = 0;
	uk_vec_for_each(write, &update->writes)
		nr += !write->text;
	return nr;
}

static void say_state(const struct uk_cli *cli, const struct uk_live_update *update,
		      const char *cves)
{
	char when[32], pause[32], changes[64];
	switch (update->state) {
	case UK_LIVE_APPLIED:
		uk_cli_say(cli, "%s  applied  %s  pause %s  %s%s", update->id,
			   uk_time_text(update->applied_at, when),
			   uk_duration_text(update->pause_ns, pause),
			   update->hidden ? "(root is told more)"
					  : uk_changes_text(update->functions.len,
							    count_data(update), changes),
			   cves);
		break;
	case UK_LIVE_UNDONE:
		uk_cli_say(cli, "%s  undone, its modules are still loaded%s", update->id, cves);
		break;
	case UK_LIVE_LEFTOVER:
		uk_cli_say(cli, "%s  not applied: an apply was cut short, its modules are loaded%s",
			   update->id, cves);
		break;
	}
}

static struct uk_error *say_update(const struct uk_cli *cli, const struct uk_live_update *update)
{
	uk_auto_free char *cves = NULL;
	struct uk_error *err = cve_text(update, &cves);
	if (err)
		return err;
	say_state(cli, update, cves);
	uk_vec_for_each(write, &update->writes) {
		if (write->gone)
			uk_cli_say(cli, "    module %s was unloaded by force: no longer updated",
				   write->module);
	}
	if (update->description)
		uk_cli_say(cli, "    %s", update->description);
	if (!cli->verbose)
		return NULL;
	uk_vec_for_each(function, &update->functions)
		uk_cli_say(cli, "    %s: %s at 0x%llx -> 0x%llx", function->object, function->name,
			   (unsigned long long)function->old_addr,
			   (unsigned long long)function->new_addr);
	uk_vec_for_each(module, &update->modules)
		uk_cli_say(cli, "    module %s", *module);
	return NULL;
}

/* The last swap if it is of this boot, or is not over; root alone is told. */
static struct uk_error *tell_swap(const struct uk_cli *cli)
{
	uk_auto_history struct uk_history history = {};
	uk_auto_error struct uk_error *silent = uk_history_read(NULL, "/run", &history);
	const struct uk_history_swap *last = history.swaps.data;
	bool ours =
		!silent && last && (last->end == UK_SWAP_OPEN || uk_history_is_of_this_boot(last));
	if (cli->json && ours)
		uk_swap_json(uk_json_object(cli->json, "replacement"), last);
	else if (cli->json)
		uk_json_text(cli->json, "replacement", NULL);
	return ours ? uk_swap_say(cli, last, cli->verbose) : NULL;
}

static struct uk_error *tell_updates(const struct uk_cli *cli, const struct uk_live_status *status,
				     const struct uk_live_update *wanted)
{
	struct json_object *list = NULL;
	struct uk_error *err = NULL;
	if (cli->json) {
		uk_json_bool(cli->json, "core_loaded", status->core_loaded);
		uk_json_text(cli->json, "core_version", status->core_version);
		uk_json_number(cli->json, "core_abi", status->core_abi);
		list = uk_json_list(cli->json, "updates");
	}
	uk_vec_for_each(update, &status->updates) {
		if (err || (wanted && update != wanted))
			continue;
		if (list)
			add_update(list, update);
		err = say_update(cli, update);
	}
	if (!status->updates.len)
		uk_cli_say(cli, "no update is applied");
	return err;
}

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	struct options options = {};
	uk_cli_parse(cli, argc, argv, &options);
	uk_auto_live_status struct uk_live_status *status = NULL;
	const struct uk_live_update *wanted = NULL;
	struct uk_error *err = uk_live_status_read(NULL, &status);
	if (!err && options.id)
		err = uk_live_status_find(status, options.id, &wanted);
	if (!err)
		err = tell_updates(cli, status, wanted);
	return err || wanted ? err : tell_swap(cli);
}

const struct uk_verb uk_verb_status = {
	.name = "status",
	.help = "Say which updates are applied",
	.argp = &argp,
	.options = UK_VERB_JSON,
	.run = run,
};
