// SPDX-License-Identifier: GPL-2.0-or-later
/* C from a stranger's patch: what tells the pieces of a source apart and who uses whom. */
/* rooms: kbuild elf base */
#include "kbuild/prune.h"
#include "kbuild/taint.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The second half is what a file becomes that was the first. */
static struct uk_error *taint_all(const char *orig, const char *patched)
{
	uk_auto_taint struct uk_taint *taint = NULL;
	struct uk_error *err = uk_taint_create(&taint);
	if (!err)
		err = uk_taint_add_change(taint, "include/linux/a.h", orig, patched);
	if (!err)
		err = uk_taint_add_file(taint, "include/linux/b.h", orig);
	if (!err)
		err = uk_taint_add_uses(taint, patched);
	return err ? err : uk_taint_spread(taint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char hash[UK_HASH_HEX_LEN + 1], again[UK_HASH_HEX_LEN + 1];
	uk_auto_free char *text = strndup((const char *)data, len);
	if (!text)
		return 0;
	struct uk_error *err = uk_prune_hash(text, false, hash);
	if (!err) {
		err = uk_prune_hash(text, false, again);
		if (err || strcmp(hash, again))
			abort();
	}
	uk_error_destroy(err);
	uk_error_destroy(uk_prune_hash(text, true, hash));
	uk_error_destroy(taint_all(text, text + strlen(text) / 2));
	return 0;
}
