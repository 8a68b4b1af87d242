// SPDX-License-Identifier: GPL-2.0-or-later
/* An object file, parsed; what was taken is written and parsed again. */
/* rooms: elf base */
#include "elf/object.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_auto_object struct uk_object *object = NULL, *again = NULL;
	uk_auto_free char *written = NULL;
	size_t written_len;
	struct uk_error *err = uk_object_parse(data, len, "fuzz.o", &object);
	if (!err)
		err = uk_object_write(object, false, &written, &written_len);
	if (!err)
		err = uk_object_parse(written, written_len, "again.o", &again);
	uk_error_destroy(err);
	return 0;
}
