// SPDX-License-Identifier: GPL-2.0-or-later
/* The start of a core file, as /proc/kcore has it, and notes, as /sys/kernel/notes has them. */
/* rooms: match bundle elf base */
#include "match/memory.h"
#include "match/note.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_auto_memory struct uk_memory *memory = NULL;
	uk_auto_free char *id = NULL;
	struct uk_error *err = uk_memory_create("fuzz", NULL, true, &memory);
	if (!err)
		err = uk_memory_parse_core(memory, data, len);
	if (!err && !memory->segments.len)
		abort();
	uk_error_destroy(err);
	uk_error_destroy(uk_note_build_id(data, len, &id));
	return 0;
}
