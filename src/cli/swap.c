// SPDX-License-Identifier: GPL-2.0-or-later
/* A replacement of the kernel that was: for people and as JSON. */
#include "cli/swap.h"

#include "base/strbuf.h"
#include "cli/report.h"

#include <time.h>

const char *uk_time_text(int64_t seconds, char buf[32])
{
	time_t when = (time_t)seconds;
	struct tm local;
	if (!seconds || !localtime_r(&when, &local) ||
	    !strftime(buf, 32, "%Y-%m-%d %H:%M:%S", &local))
		return "-";
	return buf;
}

void uk_swap_json(struct json_object *to, const struct uk_history_swap *swap)
{
	uk_json_text(to, "id", swap->id);
	uk_json_text(to, "end", uk_swap_end_name(swap->end));
	uk_json_text(to, "why", swap->why);
	uk_json_text(to, "old", swap->old_release);
	uk_json_text(to, "new", swap->new_release);
	uk_json_number(to, "frozen_at_ns", swap->frozen_ns);
	uk_json_number(to, "gap_ns", swap->gap_ns);
	uk_json_text(to, "images", swap->in_memory ? "memory" : "disk");
	uk_json_number(to, "ahead_ns", swap->ahead_ns);
	uk_json_number(to, "ahead_bytes", swap->ahead_bytes);
	struct json_object *phases = uk_json_list(to, "phases");
	uk_vec_for_each(phase, &swap->phases) {
		struct json_object *entry = uk_json_append(phases);
		uk_json_text(entry, "name", phase->name);
		uk_json_number(entry, "ns", phase->ns);
	}
	struct json_object *services = uk_json_list(to, "services");
	uk_vec_for_each(service, &swap->services) {
		struct json_object *entry = uk_json_append(services);
		uk_json_text(entry, "name", service->name);
		uk_json_text(entry, "unit", service->unit);
		uk_json_number(entry, "pid", (uint64_t)service->pid);
		uk_json_text(entry, "outcome", uk_outcome_name(service->outcome));
		uk_json_text(entry, "why", service->why);
	}
}

static size_t count(const struct uk_history_swap *swap, enum uk_outcome outcome)
{
	size_t nr = 0;
	uk_vec_for_each(service, &swap->services)
		nr += service->outcome == outcome;
	return nr;
}

/* "gap 10.9 s, 2 of 3 services restored" */
static void add_end(struct uk_strbuf *line, const struct uk_history_swap *swap)
{
	char gap[32];
	size_t restored = count(swap, UK_OUTCOME_RESTORED);
	uk_duration_text(swap->gap_ns, gap);
	switch (swap->end) {
	case UK_SWAP_OVER:
		uk_strbuf_addf(line, "gap %s, %zu of %zu services restored", gap, restored,
			       swap->services.len);
		break;
	case UK_SWAP_BACK:
		uk_strbuf_addf(line, "taken back, gap %s", gap);
		break;
	case UK_SWAP_HOME:
		uk_strbuf_addf(line,
			       "the new kernel failed, the old one came back: gap %s, "
			       "%zu of %zu services restored",
			       gap, restored, swap->services.len);
		break;
	case UK_SWAP_OPEN:
		uk_strbuf_addstr(line, "not over yet");
		break;
	case UK_SWAP_CUT:
		uk_strbuf_addstr(line, "cut short");
		break;
	}
	if (swap->why)
		uk_strbuf_addf(line, ": %s", swap->why);
}

static void say_phases(const struct uk_cli *cli, const struct uk_history_swap *swap)
{
	char time[32];
	if (swap->ahead_bytes)
		uk_cli_say(cli, "    %-24s %s, before the gap (%ju MiB)", "copy memory",
			   uk_duration_text(swap->ahead_ns, time),
			   (uintmax_t)(swap->ahead_bytes >> 20));
	uk_vec_for_each(phase, &swap->phases)
		uk_cli_say(cli, "    %-24s %s", phase->name, uk_duration_text(phase->ns, time));
}

static void say_services(const struct uk_cli *cli, const struct uk_history_swap *swap)
{
	static const char *const words[] = {
		[UK_OUTCOME_RESTORED] = "restored",
		[UK_OUTCOME_STRAY] = "restored, but systemd has another main process",
		[UK_OUTCOME_AFRESH] = "started afresh",
		[UK_OUTCOME_RAN_ON] = "ran on",
	};
	uk_vec_for_each(service, &swap->services)
		uk_cli_say(cli, "    %s: %s%s%s", service->name, words[service->outcome],
			   service->why ? ": " : "", service->why ? service->why : "");
}

struct uk_error *uk_swap_say(const struct uk_cli *cli, const struct uk_history_swap *swap, bool all)
{
	uk_auto_strbuf struct uk_strbuf line = {};
	char when[32];
	uk_strbuf_addf(&line, "%s  ", uk_time_text((int64_t)(swap->frozen_ns / 1000000000), when));
	if (swap->old_release)
		uk_strbuf_addf(&line, "%s -> %s  ", swap->old_release, swap->new_release);
	add_end(&line, swap);
	if (line.failed)
		return uk_error_nomem();
	uk_cli_say(cli, "%s", line.data);
	if (all)
		say_phases(cli, swap);
	if (all || count(swap, UK_OUTCOME_AFRESH) || count(swap, UK_OUTCOME_STRAY))
		say_services(cli, swap);
	return NULL;
}
