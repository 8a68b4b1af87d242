// SPDX-License-Identifier: GPL-2.0-or-later
/* Who comes to a datum. */
#include "diff/uses.h"

#include "base/strbuf.h"

#define DEPTH_MAX 8

/* MODULE_DEVICE_TABLE gives a table a second, global name that only modpost reads. */
static bool is_shared(const struct uk_entity *entity)
{
	return uk_entity_is_global(entity) && !(uk_str_starts(entity->name, "__mod_") &&
						uk_str_ends(entity->name, "_device_table"));
}

static bool takes_address(const struct uk_entity *user, const struct uk_entity *entity)
{
	uk_vec_for_each(ref, &user->refs)
		if (ref->target.entity == entity && !ref->inside)
			return true;
	uk_vec_for_each(entry, &user->entries)
		uk_vec_for_each(ref, &(*entry)->refs)
			if (ref->target.entity == entity)
				return true;
	return false;
}

static void add_uses(const struct uk_entity *entity, unsigned int depth, struct uk_uses *uses);

/* Data is used by those who use what points at it. */
static void add_user(const struct uk_entity *user, unsigned int depth, struct uk_uses *uses)
{
	switch (user->kind) {
	case UK_SECTION_INIT_TEXT:
	case UK_SECTION_INIT_DATA:
		uses->boot = true;
		break;
	case UK_SECTION_EXIT_TEXT:
	case UK_SECTION_EXIT_DATA:
		uses->exit = true;
		break;
	case UK_SECTION_DATA:
	case UK_SECTION_RODATA:
		if (depth < DEPTH_MAX)
			add_uses(user, depth + 1, uses);
		else
			uses->running = true;
		break;
	default:
		uses->running = true;
	}
}

static void add_uses(const struct uk_entity *entity, unsigned int depth, struct uk_uses *uses)
{
	uses->running = uses->running || is_shared(entity) || !entity->users.len;
	uk_vec_for_each(user, &entity->users) {
		if (*user == entity)
			continue;
		add_user(*user, depth, uses);
		uses->address = uses->address || takes_address(*user, entity);
	}
}

struct uk_uses uk_entity_uses(const struct uk_entity *entity)
{
	struct uk_uses uses = {};
	add_uses(entity, 0, &uses);
	if (entity->twin)
		add_uses(entity->twin, 0, &uses);
	return uses;
}
