// SPDX-License-Identifier: GPL-2.0-or-later
/* What an apply, undo or check reports. */
#include "cli/report.h"

#include <string.h>

void uk_report_functions_json(struct json_object *to, const struct uk_live_function *functions,
			      size_t nr)
{
	struct json_object *list = uk_json_list(to, "functions");
	for (size_t i = 0; i < nr; i++) {
		struct json_object *entry = uk_json_append(list);
		uk_json_text(entry, "object", functions[i].object);
		uk_json_text(entry, "name", functions[i].name);
		uk_json_address(entry, "old_address", functions[i].old_addr);
		uk_json_number(entry, "old_size", functions[i].old_size);
		uk_json_address(entry, "new_address", functions[i].new_addr);
		uk_json_number(entry, "new_size", functions[i].new_size);
	}
}

static void add_blockers(struct json_object *to, const struct uk_live_report *report)
{
	struct json_object *list = uk_json_list(to, "blockers");
	uk_vec_for_each(blocker, &report->blockers) {
		struct json_object *entry = uk_json_append(list);
		uk_json_number(entry, "pid", (uint64_t)blocker->pid);
		uk_json_number(entry, "tgid", (uint64_t)blocker->tgid);
		uk_json_text(entry, "name", blocker->comm);
		uk_json_text(entry, "function", blocker->name);
		uk_json_address(entry, "address", blocker->addr);
		if (blocker->idle_ns == UINT64_MAX)
			uk_json_text(entry, "idle_ns", NULL);
		else
			uk_json_number(entry, "idle_ns", blocker->idle_ns);
		uk_json_bool(entry, "certain", blocker->certain);
	}
}

void uk_report_json(const struct uk_cli *cli, const struct uk_live_report *report)
{
	if (!cli->json)
		return;
	uk_json_number(cli->json, "attempts", report->attempts);
	uk_json_number(cli->json, "pause_ns", report->pause_ns);
	uk_json_number(cli->json, "stop_ns", report->stop_ns);
	uk_json_number(cli->json, "check_ns", report->check_ns);
	uk_json_number(cli->json, "cpus", report->cpus);
	uk_json_number(cli->json, "tasks", report->tasks);
	uk_json_number(cli->json, "tasks_before", report->tasks_before);
	uk_json_number(cli->json, "tasks_inside", report->tasks_inside);
	struct json_object *phases = uk_json_list(cli->json, "phases");
	uk_vec_for_each(phase, &report->phases) {
		struct json_object *entry = uk_json_append(phases);
		uk_json_text(entry, "name", phase->name);
		uk_json_number(entry, "ns", phase->ns);
	}
	uk_report_functions_json(cli->json, report->functions.data, report->functions.len);
	uk_json_number(cli->json, "data_writes", report->data_writes);
	add_blockers(cli->json, report);
}

const char *uk_count_text(size_t nr, const char *noun, char buf[64])
{
	snprintf(buf, 64, "%zu %s%s", nr, noun, nr == 1 ? "" : "s");
	return buf;
}

const char *uk_changes_text(size_t functions, size_t data_writes, char buf[64])
{
	uk_count_text(functions, "function", buf);
	if (!data_writes)
		return buf;
	size_t len = functions ? strlen(buf) : 0;
	snprintf(buf + len, 64 - len, "%s%zu data write%s", len ? ", " : "", data_writes,
		 data_writes == 1 ? "" : "s");
	return buf;
}

const char *uk_report_summary(const struct uk_live_report *report, char buf[192])
{
	char changes[64], cpus[64], pause[32];
	uk_changes_text(report->functions.len, report->data_writes, changes);
	if (report->pause_ns)
		snprintf(buf, 192, "%s, pause %s on %s", changes,
			 uk_duration_text(report->pause_ns, pause),
			 uk_count_text(report->cpus, "CPU", cpus));
	else
		snprintf(buf, 192, "%s", changes);
	return buf;
}

void uk_report_details(const struct uk_cli *cli, const struct uk_live_report *report)
{
	char time[32];
	if (!cli->verbose)
		return;
	uk_vec_for_each(function, &report->functions)
		uk_cli_say(cli, "  %s: %s at 0x%llx (%llu bytes) -> 0x%llx (%llu bytes)",
			   function->object, function->name, (unsigned long long)function->old_addr,
			   (unsigned long long)function->old_size,
			   (unsigned long long)function->new_addr,
			   (unsigned long long)function->new_size);
	if (report->tasks)
		uk_cli_say(cli, "  tasks: %u, looked at before the stop: %u, during it: %u",
			   report->tasks, report->tasks_before, report->tasks_inside);
	uk_vec_for_each(phase, &report->phases)
		uk_cli_say(cli, "  %-24s %s", phase->name, uk_duration_text(phase->ns, time));
}

void uk_report_blockers(const struct uk_cli *cli, const struct uk_live_report *report)
{
	char time[32];
	if (cli->quiet)
		return;
	uk_vec_for_each(blocker, &report->blockers) {
		fprintf(stderr, "  pid %d (%s) is in %s%s", blocker->pid, blocker->comm,
			blocker->name, blocker->certain ? "" : " (perhaps)");
		if (blocker->idle_ns != UINT64_MAX)
			fprintf(stderr, ", asleep for %s",
				uk_duration_text(blocker->idle_ns, time));
		fputc('\n', stderr);
	}
}
