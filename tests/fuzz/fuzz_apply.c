// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A text and, behind a NUL, a patch of it. What was applied can be taken back: the lines that
 * come out are as many as the hunks say, and the plain text can be parsed.
 */
/* rooms: kbuild elf base */
#include "kbuild/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(struct uk_error *err)
{
	if (err)
		abort();
}

static void check_result(const struct uk_text *text, size_t before,
			 const struct uk_patch_file *file)
{
	uk_auto_free char *plain = NULL, *numbered = NULL;
	uk_auto_text struct uk_text *again = NULL;
	size_t len, wanted = before;
	uk_vec_for_each(hunk, &file->hunks)
		wanted += hunk->new_count - hunk->old_count;
	if (text->lines.len != wanted)
		abort();
	must(uk_text_plain(text, &plain, &len));
	must(uk_text_parse(plain, len, "again", &again));
	must(uk_text_numbered(text, &numbered, &len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *nul = memchr(data, '\0', len);
	uk_auto_text struct uk_text *text = NULL;
	uk_auto_patch struct uk_patch *patch = NULL;
	if (!nul)
		return 0;
	size_t first = (size_t)(nul - data);
	struct uk_error *err = uk_text_parse((const char *)data, first, "fuzz.c", &text);
	if (!err)
		err = uk_patch_parse((const char *)nul + 1, len - first - 1, "fuzz.patch", &patch);
	if (!err) {
		size_t before = text->lines.len;
		err = uk_text_apply(text, &patch->files.data[0]);
		if (!err)
			check_result(text, before, &patch->files.data[0]);
	}
	uk_error_destroy(err);
	return 0;
}
