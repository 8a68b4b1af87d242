/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pretended machine for tests: folders that stand for /sys, /proc, /run and our state. */
#ifndef UPKEEP_TEST_LIVE_SAMPLE_H
#define UPKEEP_TEST_LIVE_SAMPLE_H

#include "bundle_sample.h"
#include "live/live.h"

#include <libgen.h>

struct machine {
	char *root;
	char *sys, *proc, *dev, *run, *state;
	struct uk_live_paths paths;
};

static inline void machine_make(struct machine *machine)
{
	machine->root = sample_dir();
	machine->sys = sample_path(machine->root, "sys");
	machine->proc = sample_path(machine->root, "proc");
	machine->dev = sample_path(machine->root, "dev");
	machine->run = sample_path(machine->root, "run");
	machine->state = sample_path(machine->root, "state");
	machine->paths = (struct uk_live_paths){ machine->sys, machine->proc, machine->dev,
						 machine->run, machine->state };
	uk_auto_free char *modules = sample_path(machine->sys, "module");
	ck_ok(uk_dir_make(modules, 0755));
	ck_ok(uk_dir_make(machine->proc, 0755));
	ck_ok(uk_dir_make(machine->dev, 0755));
	ck_ok(uk_dir_make(machine->run, 0755));
}

static inline void machine_remove(struct machine *machine)
{
	ck_ok(uk_tree_remove(machine->root));
	free(machine->root);
	free(machine->sys);
	free(machine->proc);
	free(machine->dev);
	free(machine->run);
	free(machine->state);
}

/* A file under the root, with its folders. */
static inline void machine_put(const struct machine *machine, const char *name, const char *text)
{
	uk_auto_free char *path = sample_path(machine->root, name);
	uk_auto_free char *copy = sample_copy(path);
	ck_ok(uk_dir_make(dirname(copy), 0755));
	ck_ok(uk_file_write(path, text, strlen(text), 0644));
}

static inline void machine_drop(const struct machine *machine, const char *name)
{
	uk_auto_free char *path = sample_path(machine->root, name);
	ck_ok(uk_tree_remove(path));
}

static inline bool machine_has(const struct machine *machine, const char *name)
{
	uk_auto_free char *path = sample_path(machine->root, name);
	return uk_file_exists(path);
}

/* An applied update, as the core shows it. */
static inline void machine_apply(const struct machine *machine, const char *id, const char *order,
				 const char *functions, const char *writes, const char *modules)
{
	const struct {
		const char *name, *text;
	} files[] = {
		{ "state", "applied\n" },    { "order", order },
		{ "pause_ns", "612345\n" },  { "stop_ns", "700000\n" },
		{ "tasks_checked", "88\n" }, { "applied_at", "2026-11-20T16:00:01Z\n" },
		{ "functions", functions },  { "writes", writes },
		{ "modules", modules },
	};
	for (size_t i = 0; i < UK_ARRAY_SIZE(files); i++) {
		uk_auto_free char *name = NULL;
		ck_ok(uk_asprintf(&name, "sys/kernel/upkeep/%s/%s", id, files[i].name));
		machine_put(machine, name, files[i].text);
	}
	machine_put(machine, "sys/kernel/upkeep/abi", "1\n");
	machine_put(machine, "sys/kernel/upkeep/version", "0.1.0\n");
}

/* The sample update as an opened bundle. */
static inline struct uk_bundle *sample_bundle(const struct machine *machine)
{
	uk_auto_update struct uk_update *update = sample_update();
	uk_auto_free char *path = sample_path(machine->root, "sample.upk");
	struct uk_trust_policy policy = { .trusted_dir = "/nonexistent", .allow_untrusted = true };
	struct uk_member members[SAMPLE_MEMBERS];
	struct uk_bundle *bundle = NULL;
	sample_members(members);
	ck_ok(uk_bundle_pack(update, members, SAMPLE_MEMBERS, NULL, path));
	ck_ok(uk_bundle_open(path, &policy, &bundle));
	return bundle;
}

#endif
