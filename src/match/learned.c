// SPDX-License-Identifier: GPL-2.0-or-later
/* What matched code says of symbols, by target and name. */
#include "match/learned.h"

#include "base/strbuf.h"

/* Neither a module's name nor a symbol's holds a tab. */
static struct uk_error *make_key(const char *target, const char *name, char **ret)
{
	return uk_asprintf(ret, "%s\t%s", target, name);
}

void uk_learned_deinit(struct uk_learned *learned)
{
	uk_map_deinit(&learned->names);
}

const struct uk_map_entry *uk_learned_find(const struct uk_learned *learned, const char *target,
					   const char *name)
{
	uk_auto_free char *key = NULL;
	uk_auto_error struct uk_error *err = make_key(target, name, &key);
	return err ? NULL : uk_map_find_str(&learned->names, key);
}

struct uk_error *uk_learned_set(struct uk_learned *learned, const char *target, const char *name,
				uint64_t address)
{
	uk_auto_free char *key = NULL;
	struct uk_error *err = make_key(target, name, &key);
	if (err)
		return err;
	struct uk_map_entry *entry = uk_map_insert_str(&learned->names, key, NULL);
	if (!entry)
		return uk_error_nomem();
	entry->num = address;
	return NULL;
}
