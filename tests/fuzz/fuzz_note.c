// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Notes of what is set again after a restore: what is read is written the same and read again. And
 * a text as of smaps, from which some of them come.
 */
/* rooms: replace base */
#include "replace/note.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_notes notes = {}, again = {};
	uk_auto_free char *text = malloc(len + 1), *written = NULL;
	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	uk_error_destroy(uk_note_parse_smaps(text, 2, &again));
	again.len = 0;
	struct uk_error *err = uk_notes_parse(text, &notes);
	if (!err)
		err = uk_notes_format(&notes, &written);
	if (!err) {
		err = uk_notes_parse(written, &again);
		if (err || again.len != notes.len)
			abort();
	}
	uk_error_destroy(err);
	uk_vec_deinit(&notes);
	uk_vec_deinit(&again);
	return 0;
}
