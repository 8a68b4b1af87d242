// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules: how they are looked up, and what several of them ask. */
#include "replace/rules.h"

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
	static const struct uk_rule_table *const tables[] = { &uk_rules_files, &uk_rules_sockets,
							      &uk_rules_calls, &uk_rules_tasks };
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

void uk_subject_name_process(const struct uk_rule_subject *subject, pid_t pid, struct uk_strbuf *to)
{
	const struct uk_service *service = uk_keep_find(subject->survey->keep, pid, NULL);
	uk_strbuf_addf(to, "process %d (%s)", pid, uk_owners_name(subject->survey->owners, pid));
	if (service)
		uk_strbuf_addf(to, ", which is kept with %s", service->name);
	else
		uk_strbuf_addstr(to, ", which is not kept");
}
