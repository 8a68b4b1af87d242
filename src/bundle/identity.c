// SPDX-License-Identifier: GPL-2.0-or-later
/* The id of an update. */
#include "bundle/identity.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

static void add_optional(struct uk_hash *hash, const char *text)
{
	uk_hash_add(hash, text ? "+" : "-", 1);
	if (text)
		uk_hash_addstr(hash, text);
}

static void add_list(struct uk_hash *hash, const char *const *texts, size_t nr)
{
	char count[32];
	snprintf(count, sizeof(count), "%zu", nr);
	uk_hash_addstr(hash, count);
	for (size_t i = 0; i < nr; i++)
		uk_hash_addstr(hash, texts[i]);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, for the order in which a user accepts decides nothing. */
static struct uk_error *add_set(struct uk_hash *hash, const char *const *texts, size_t nr)
{
	uk_auto_free const char **sorted = calloc(nr + 1, sizeof(*sorted));
	if (!sorted)
		return uk_error_nomem();
	for (size_t i = 0; i < nr; i++)
		sorted[i] = texts[i];
	qsort(sorted, nr, sizeof(*sorted), compare_texts);
	add_list(hash, sorted, nr);
	return NULL;
}

struct uk_error *uk_update_id(const struct uk_update_identity *identity,
			      char ret[UK_UPDATE_ID_LEN + 1])
{
	struct uk_hash hash;
	char hex[UK_HASH_HEX_LEN + 1];
	uk_hash_init(&hash);
	uk_hash_addstr(&hash, "upkeep update " UPKEEP_VERSION);
	add_optional(&hash, identity->release);
	add_optional(&hash, identity->version);
	add_optional(&hash, identity->build_id);
	add_optional(&hash, identity->compiler);
	add_list(&hash, identity->patches, identity->nr_patches);
	add_list(&hash, identity->after, identity->nr_after);
	struct uk_error *err = add_set(&hash, identity->accepted, identity->nr_accepted);
	if (err)
		return err;
	uk_hash_hex(&hash, hex);
	memcpy(ret, hex, UK_UPDATE_ID_LEN);
	ret[UK_UPDATE_ID_LEN] = '\0';
	return NULL;
}
