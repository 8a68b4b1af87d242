// SPDX-License-Identifier: GPL-2.0-or-later
/* A kernel image from a stranger, and the symbol table inside. */
/* rooms: match bundle elf base */
#include "match/kallsyms.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_auto_memory struct uk_memory *memory = NULL;
	uk_auto_kallsyms struct uk_kallsyms *kallsyms = NULL;
	struct uk_error *err = uk_memory_parse_image(data, len, "fuzz.img", &memory);
	if (!err)
		err = uk_kallsyms_find(memory, &kallsyms);
	uk_error_destroy(err);
	return 0;
}
