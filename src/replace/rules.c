// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules: how they are looked up, and what several of them ask. */
#include "replace/rules.h"

#include <unistd.h>

const char *uk_fate_name(enum uk_fate verdict)
{
	static const char *const names[] = {
		[UK_FATE_EXACT] = "exact",
		[UK_FATE_REPAIRED] = "repaired",
		[UK_FATE_CHANGED] = "changed",
		[UK_FATE_IMPOSSIBLE] = "impossible",
	};
	return names[verdict];
}

const struct uk_rule *uk_rules_at(size_t nr)
{
	static const struct uk_rule_table *const tables[] = {
		&uk_rules_programs, &uk_rules_terminals, &uk_rules_sysv, &uk_rules_files,
		&uk_rules_sockets,  &uk_rules_calls,	 &uk_rules_tasks
	};
	for (size_t i = 0; i < UK_ARRAY_SIZE(tables); i++) {
		if (nr < tables[i]->nr)
			return &tables[i]->rules[nr];
		nr -= tables[i]->nr;
	}
	return NULL;
}

const struct uk_rule *uk_rules_next(enum uk_resource resource,
				    const struct uk_rule_subject *subject, size_t *at)
{
	const struct uk_rule *rule;
	while ((rule = uk_rules_at(*at))) {
		++*at;
		if (rule->resource == resource && (!rule->holds || rule->holds(subject)))
			return rule;
	}
	return NULL;
}

const struct uk_mount *uk_subject_mount(const struct uk_rule_subject *subject)
{
	const uk_mounts *mounts =
		subject->task->mounts.len ? &subject->task->mounts : subject->survey->mounts;
	if (!mounts || subject->fd->mount < 0)
		return NULL;
	uk_vec_for_each(mount, mounts) {
		if (mount->id == subject->fd->mount)
			return mount;
	}
	return NULL;
}

/*
 * The page map of a private mapping is read whole, by one read(2), into memory: eight bytes for
 * each page (CRIU 3.17.1, criu/pagemap-cache.c: pmc_init(), pmc_fill_cache()), and no read
 * gives more than INT_MAX rounded down to pages (kernel, include/linux/fs.h: MAX_RW_COUNT).
 */
static uint64_t page_map_size(const struct uk_mapping *mapping)
{
	return (mapping->end - mapping->start) / 4096 * 8;
}

/* Half of the memory is no promise that there is as much; more than that never is there. */
bool uk_rule_maps_too_much(const struct uk_rule_subject *subject)
{
	uint64_t size = page_map_size(subject->mapping);
	uint64_t half = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
	return subject->mapping->kind == UK_MAPPING_VAST && (size > 0x7ffff000 || size > half);
}

void uk_rule_tell_too_much(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	const struct uk_mapping *mapping = subject->mapping;
	uk_strbuf_addf(
		what,
		"%ju GiB of private address space in one piece, however empty: the checkpoint "
		"reads its page map of %ju MiB at once, for which there is no room",
		(uintmax_t)(mapping->end - mapping->start) >> 30,
		(uintmax_t)page_map_size(mapping) >> 20);
}

void uk_subject_name_process(const struct uk_rule_subject *subject, pid_t pid, struct uk_strbuf *to)
{
	const struct uk_service *service =
		uk_owners_service(subject->survey->owners, subject->survey->keep, pid);
	uk_strbuf_addf(to, "process %d (%s)", pid, uk_owners_name(subject->survey->owners, pid));
	if (service)
		uk_strbuf_addf(to, ", which is kept with %s", service->name);
	else
		uk_strbuf_addstr(to, ", which is not kept");
}
