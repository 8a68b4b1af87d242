// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Orig was compiled twice, with sections per function for comparing and as the kernel has
 * it for matching. Names tie the two together; numbers in names are checked by use.
 */
#include "diff/plain.h"

#include "base/strbuf.h"

#include <string.h>

/* Walks over what an entity refers to, its entries in tables included. */
struct walk {
	const struct uk_entity *user;
	size_t ref, entry;
};

static const struct uk_ref *next_ref(struct walk *walk)
{
	if (walk->entry == 0 && walk->ref < walk->user->refs.len)
		return &walk->user->refs.data[walk->ref++];
	if (walk->entry == 0) {
		walk->entry = 1;
		walk->ref = 0;
	}
	for (; walk->entry <= walk->user->entries.len; walk->entry++, walk->ref = 0) {
		const struct uk_entry *entry = walk->user->entries.data[walk->entry - 1];
		if (walk->ref < entry->refs.len)
			return &entry->refs.data[walk->ref++];
	}
	return NULL;
}

/* Whether a reference of the plain object points at @delta of @wanted, whatever lies there. */
static bool points_at(const struct uk_ref *ref, const struct uk_entity *wanted, int64_t delta)
{
	const struct uk_entity *entity = ref->target.entity;
	return entity && entity->section == wanted->section &&
	       (int64_t)entity->offset + ref->target.delta == (int64_t)wanted->offset + delta;
}

enum agreement { SILENT, AGREES, DISAGREES };

/*
 * Two compilations of one function have the same references, one by one: where the one
 * uses @orig, the other has to use @plain.
 */
static enum agreement ask_user(const struct uk_entity *user, const struct uk_entity *same,
			       const struct uk_entity *orig, const struct uk_entity *plain)
{
	struct walk x = { .user = user }, y = { .user = same };
	enum agreement result = SILENT;
	for (;;) {
		const struct uk_ref *a = next_ref(&x), *b = next_ref(&y);
		if (!a || !b)
			return a || b ? DISAGREES : result;
		if (a->target.entity != orig)
			continue;
		if (!points_at(b, plain, a->target.delta))
			return DISAGREES;
		result = AGREES;
	}
}

static bool is_numbered_alike(const struct uk_diff_job *job, const struct uk_entity *orig,
			      const struct uk_entity *plain)
{
	bool agreed = false;
	uk_vec_for_each(user, &orig->users) {
		if (!(*user)->symbol || *user == orig)
			continue;
		const struct uk_entity *same = uk_model_entity_named(job->plain, (*user)->name);
		if (!same || ask_user(*user, same, orig, plain) == DISAGREES)
			return false;
		agreed = true;
	}
	return agreed;
}

struct uk_error *uk_plain_find(const struct uk_diff_job *job, const struct uk_entity *orig,
			       struct uk_entity **ret)
{
	struct uk_entity *plain =
		orig->symbol ? uk_model_entity_named(job->plain, orig->name) : NULL;
	if (!plain)
		return uk_job_refuse(job, orig, NULL,
				     "it is needed in the running kernel, but the object as the "
				     "kernel was built has nothing of that name");
	bool function = uk_entity_is_function(orig);
	if (!plain->unique || strcmp(plain->name, orig->name) != 0 ||
	    uk_entity_is_function(plain) != function)
		return uk_job_refuse(job, orig, NULL,
				     "it is needed in the running kernel, but the object as the "
				     "kernel was built has that name for several things");
	if (!function && plain->size != orig->size)
		return uk_job_refuse(job, orig, NULL,
				     "the object as the kernel was built has it with 0x%llx bytes "
				     "and not 0x%llx",
				     (unsigned long long)plain->size,
				     (unsigned long long)orig->size);
	if (orig->group && !is_numbered_alike(job, orig, plain))
		return uk_job_refuse(job, orig, NULL,
				     "nothing proves that the object as the kernel was built "
				     "numbers this name in the same way");
	*ret = plain;
	return NULL;
}
