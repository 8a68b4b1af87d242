// SPDX-License-Identifier: GPL-2.0-or-later
/* A patch from a stranger; its canonical text must parse to itself. */
/* rooms: kbuild elf base */
#include "kbuild/patch.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_auto_patch struct uk_patch *patch = NULL, *again = NULL;
	struct uk_error *err = uk_patch_parse((const char *)data, len, "fuzz.patch", &patch);
	if (!err) {
		err = uk_patch_parse(patch->text, strlen(patch->text), "again.patch", &again);
		if (err || strcmp(patch->text, again->text))
			abort();
	}
	uk_error_destroy(err);
	return 0;
}
