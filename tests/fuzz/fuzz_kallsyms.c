// SPDX-License-Identifier: GPL-2.0-or-later
/* A symbol table as text, and a lookup in what came of it. */
/* rooms: match bundle elf base */
#include "match/kallsyms.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_auto_kallsyms struct uk_kallsyms *kallsyms = NULL;
	struct uk_error *err = uk_kallsyms_parse((const char *)data, len, &kallsyms);
	if (!err && kallsyms->symbols.len) {
		const struct uk_kallsym *symbol = &kallsyms->symbols.data[0];
		if (!uk_kallsyms_lookup(kallsyms, symbol->name) ||
		    !uk_kallsyms_at(kallsyms, symbol->address))
			abort();
	}
	uk_error_destroy(err);
	return 0;
}
