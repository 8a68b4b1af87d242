// SPDX-License-Identifier: GPL-2.0-or-later
/* upkeep replace: another kernel under running services. */
#include "replace/replace.h"

#include "base/file.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "cli/follow.h"
#include "replace/setup.h"

#include <string.h>
#include <unistd.h>

struct options {
	struct uk_replace_options replace;
	UK_VEC(const char *) keep;
	UK_VEC(const char *) without;
	UK_VEC(const char *) accept;
	bool setup, sized;
	uint64_t size; /* bytes */
};

enum {
	KEY_DRY_RUN = 0x2000,
	KEY_WITHOUT,
	KEY_LIMIT,
	KEY_NO_WAY_HOME,
	KEY_STORE,
	KEY_UNPACK,
	KEY_SETUP,
	KEY_SIZE,
	LIMIT_DEFAULT = 300,
	LIMIT_LEAST = 10,
	LIMIT_MOST = 86400,
	SIZE_MOST = 1 << 30, /* MiB */
};

static error_t parse_limit(struct argp_state *state, const char *arg, unsigned int *ret)
{
	char *end;
	long seconds = strtol(arg, &end, 10);
	if (end == arg || *end || seconds < LIMIT_LEAST || seconds > LIMIT_MOST)
		argp_error(state, "--limit=%s: not a number of seconds from %d to %d", arg,
			   LIMIT_LEAST, LIMIT_MOST);
	*ret = (unsigned int)seconds;
	return 0;
}

/* The number of a word among those that an option takes. */
static unsigned int parse_word(struct argp_state *state, const char *option, const char *arg,
			       const char *const *names, size_t nr)
{
	char all[64] = "";
	for (size_t i = 0; i < nr; i++) {
		if (!strcmp(arg, names[i]))
			return (unsigned int)i;
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "",
			 names[i]);
	}
	argp_error(state, "--%s=%s: not one of %s", option, arg, all);
	return 0;
}

static enum uk_store_kind parse_store(struct argp_state *state, const char *arg)
{
	static const char *const names[] = {
		[UK_STORE_AUTO] = "auto",
		[UK_STORE_MEMORY] = "pmem",
		[UK_STORE_DISK] = "disk",
	};
	return parse_word(state, "store", arg, names, UK_ARRAY_SIZE(names));
}

static enum uk_jump_unpack parse_unpack(struct argp_state *state, const char *arg)
{
	static const char *const names[] = {
		[UK_JUMP_UNPACK_AUTO] = "auto",
		[UK_JUMP_UNPACK_BEFORE] = "before",
		[UK_JUMP_UNPACK_AFTER] = "after",
	};
	return parse_word(state, "unpack", arg, names, UK_ARRAY_SIZE(names));
}

static error_t parse_size(struct argp_state *state, const char *arg, struct options *options)
{
	char *end;
	long mib = strtol(arg, &end, 10);
	if (end == arg || *end || mib < 0 || mib > SIZE_MOST)
		argp_error(state, "--size=%s: not a number of MiB", arg);
	options->sized = true;
	options->size = (uint64_t)mib << 20;
	return 0;
}

static void check_options(struct argp_state *state, const struct options *options)
{
	if (options->sized && !options->setup)
		argp_error(state, "--size goes with --setup");
	if (options->setup &&
	    (options->replace.release || options->keep.len || options->without.len ||
	     options->accept.len || options->replace.dry_run || options->replace.store ||
	     options->replace.unpack))
		argp_error(state, "--setup replaces no kernel: it goes with --size alone");
	if (options->setup)
		return;
	if (!options->replace.release)
		argp_error(state, "the new kernel is missing (--kernel)");
	if (!options->keep.len)
		argp_error(state, "say what to keep (--keep)");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	switch (key) {
	case 'k':
		options->replace.release = arg;
		return 0;
	case 'K':
		if (!uk_vec_push(&options->keep, arg))
			argp_failure(state, 1, ENOMEM, "--keep");
		return 0;
	case KEY_WITHOUT:
		if (!uk_vec_push(&options->without, arg))
			argp_failure(state, 1, ENOMEM, "--without");
		return 0;
	case 'a':
		if (!uk_vec_push(&options->accept, arg))
			argp_failure(state, 1, ENOMEM, "--accept");
		return 0;
	case KEY_DRY_RUN:
		options->replace.dry_run = true;
		return 0;
	case KEY_NO_WAY_HOME:
		options->replace.way_home = false;
		return 0;
	case KEY_STORE:
		options->replace.store = parse_store(state, arg);
		return 0;
	case KEY_UNPACK:
		options->replace.unpack = parse_unpack(state, arg);
		return 0;
	case KEY_SETUP:
		options->setup = true;
		return 0;
	case KEY_SIZE:
		return parse_size(state, arg, options);
	case KEY_LIMIT:
		return parse_limit(state, arg, &options->replace.limit);
	case ARGP_KEY_END:
		check_options(state, options);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option argp_options[] = {
	{ "kernel", 'k', "RELEASE", 0, "The new kernel, as `uname -r' will tell it" },
	{ "keep", 'K', "WHAT", 0,
	  "Carry this over: a unit of systemd, a process and all below it by its number, "
	  "session:N. May be given more than once" },
	{ "without", KEY_WITHOUT, "WHAT", 0,
	  "Leave this out, which --keep names: its unit starts it afresh. May be given more than "
	  "once" },
	{ "accept", 'a', "FINDING", 0,
	  "Go on although the preflight says that this is impossible: the id of a finding, or a "
	  "rule. May be given more than once" },
	{ "limit", KEY_LIMIT, "SECONDS", 0,
	  "What the new kernel did not restore so long after its start is given up (300)" },
	{ "no-way-home", KEY_NO_WAY_HOME, NULL, 0,
	  "Write no key to the disk, by which the next boot would restore what a new kernel that "
	  "fails does not" },
	{ "store", KEY_STORE, "WHERE", 0,
	  "Where the images lie meanwhile: pmem (memory that --setup had kept), disk, or auto: "
	  "pmem if it has room for them" },
	{ "unpack", KEY_UNPACK, "WHEN", 0,
	  "When the new kernel is unpacked: before the jump; after it, by itself, while services "
	  "wait; or auto: before it where that can be" },
	{ "setup", KEY_SETUP, NULL, 0,
	  "Replace nothing: have the next start of the machine keep memory for images" },
	{ "size", KEY_SIZE, "MIB", 0,
	  "With --setup: how much (a quarter of the memory); 0: none any more" },
	{ "dry-run", KEY_DRY_RUN, NULL, 0,
	  "Do everything up to the freeze, and nothing of it stays" },
	{}
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.doc = "Replace the running kernel: checkpoint what is kept, start the new kernel, restore."
	       "\v"
	       "Connections of what is kept live on. Everything else ends as if the machine had "
	       "been reset, and starts again.",
};

/* After a dry run: what was done, and how long each part took. */
static void say_phases(const struct uk_cli *cli, const struct uk_replace_report *report)
{
	char time[32];
	uk_vec_for_each(phase, &report->phases)
		uk_cli_say(cli, "%-24s %s", phase->name, uk_duration_text(phase->ns, time));
}

static void add_phases(struct uk_cli *cli, const struct uk_replace_report *report)
{
	if (!cli->json)
		return;
	uk_json_text(cli->json, "id", report->id);
	struct json_object *list = uk_json_list(cli->json, "phases");
	uk_vec_for_each(phase, &report->phases) {
		struct json_object *entry = uk_json_append(list);
		uk_json_text(entry, "name", phase->name);
		uk_json_number(entry, "ns", phase->ns);
	}
}

/* How a service is named on the command line. */
static void print_service(const struct uk_service *service)
{
	if (service->kind == UK_SERVICE_TREE)
		fprintf(stderr, "%d", service->main_pid);
	else
		uk_cli_print_text(stderr, service->unit);
}

/* What lets a replacement go on that a finding stands in the way of. */
static void print_ways(const struct uk_preflight_finding *finding)
{
	fputs("\n    go on all the same: --accept='", stderr);
	uk_cli_print_text(stderr, finding->id);
	fputs("'", stderr);
	if (finding->service) {
		fputs("; leave the service out: --without=", stderr);
		print_service(finding->service);
	}
	fputc('\n', stderr);
}

/* What stands in the way, on standard error; `upkeep preflight' tells the rest. */
static void print_obstacles(const struct uk_cli *cli, const struct uk_preflight *preflight)
{
	if (cli->json || cli->quiet)
		return;
	uk_vec_for_each(finding, &preflight->findings) {
		if (finding->verdict != UK_FATE_IMPOSSIBLE || finding->accepted)
			continue;
		uk_cli_print_text(stderr, finding->resource);
		fputs(": ", stderr);
		uk_cli_print_text(stderr, finding->what ? finding->what : "cannot be kept");
		if (finding->remedy) {
			fputs("\n    ", stderr);
			uk_cli_print_text(stderr, finding->remedy);
		}
		print_ways(finding);
	}
}

/* The same for programs. */
static void add_obstacles(struct uk_cli *cli, const struct uk_preflight *preflight)
{
	if (!cli->json)
		return;
	struct json_object *list = uk_json_list(cli->json, "obstacles");
	uk_vec_for_each(finding, &preflight->findings) {
		if (finding->verdict != UK_FATE_IMPOSSIBLE || finding->accepted)
			continue;
		struct json_object *entry = uk_json_append(list);
		uk_json_text(entry, "id", finding->id);
		uk_json_text(entry, "rule", finding->rule);
		uk_json_text(entry, "service", finding->service ? finding->service->name : NULL);
		uk_json_text(entry, "resource", finding->resource);
		uk_json_text(entry, "what", finding->what);
		uk_json_text(entry, "remedy", finding->remedy);
	}
}

static struct uk_error *replace_here(struct uk_cli *cli, const struct uk_replace_options *options)
{
	uk_auto_replace_report struct uk_replace_report report = {};
	struct uk_error *err = uk_replace_run(options, &report);
	uk_terminal_finish(&cli->terminal);
	add_phases(cli, &report);
	add_obstacles(cli, &report.preflight);
	if (err)
		print_obstacles(cli, &report.preflight);
	else if (!cli->terminal.verbose) /* which has told them one by one */
		say_phases(cli, &report);
	if (!err)
		uk_cli_say(cli, "%s could take over from here; nothing was changed",
			   options->release);
	return err;
}

/* Who is part of what is kept has somebody else do it. */
static struct uk_error *replace(struct uk_cli *cli, const struct uk_replace_options *options)
{
	bool kept, child;
	struct uk_error *err = uk_apart_is_kept(options->keep, options->nr_keep, &kept);
	if (err || !kept)
		return err ? err : replace_here(cli, options);
	uk_auto_apart struct uk_apart apart;
	err = uk_apart_go(&apart, &child);
	if (err)
		return err;
	return child ? replace_here(cli, options) : uk_follow(cli, &apart);
}

static struct uk_error *set_up(struct uk_cli *cli, const struct options *options)
{
	uk_auto_free char *iomem = NULL;
	struct uk_setup setup = {};
	bool none = options->sized && !options->size;
	if (geteuid())
		return uk_error_create(UK_ERR_SYSTEM, "setting up takes root");
	struct uk_error *err = uk_file_read("/proc/iomem", 16 << 20, &iomem, NULL);
	if (!err && !none)
		err = uk_setup_choose(iomem, options->size, &setup);
	if (!err)
		err = uk_setup_write(NULL, none ? NULL : &setup);
	if (err)
		return err;
	if (cli->json) {
		uk_json_number(cli->json, "start_bytes", setup.start);
		uk_json_number(cli->json, "size_bytes", setup.size);
	}
	if (none)
		uk_cli_say(cli, "from the next start of this machine on no memory is kept for "
				"images");
	else
		uk_cli_say(cli,
			   "from the next start of this machine on %ju MiB of memory are kept for "
			   "images; `upkeep replace --setup --size=0' takes this back",
			   (uintmax_t)setup.size >> 20);
	return NULL;
}

static struct uk_error *run(struct uk_cli *cli, int argc, char **argv)
{
	struct options options = { .replace = { .limit = LIMIT_DEFAULT, .way_home = true } };
	uk_cli_parse(cli, argc, argv, &options);
	uk_terminal_keep_steps(&cli->terminal);
	options.replace.keep = options.keep.data;
	options.replace.nr_keep = options.keep.len;
	options.replace.without = options.without.data;
	options.replace.nr_without = options.without.len;
	options.replace.accept = options.accept.data;
	options.replace.nr_accept = options.accept.len;
	options.replace.sink = &cli->terminal.sink;

	struct uk_error *err =
		options.setup ? set_up(cli, &options) : replace(cli, &options.replace);
	uk_vec_deinit(&options.keep);
	uk_vec_deinit(&options.without);
	uk_vec_deinit(&options.accept);
	return err;
}

const struct uk_verb uk_verb_replace = {
	.name = "replace",
	.help = "Replace the running kernel under running services",
	.argp = &argp,
	.options = UK_VERB_JSON,
	.run = run,
};
