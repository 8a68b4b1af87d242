// SPDX-License-Identifier: GPL-2.0-or-later
/* A module's file from a stranger, parsed and resolved. */
/* rooms: live match bundle elf base */
#include "live/modfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Half of the names are known. */
static bool resolve(void *ctx, const char *name, uint64_t *ret)
{
	*ret = 0xffffffff81000000;
	return name[0] % 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_auto_modfile struct uk_modfile *file = NULL;
	struct uk_error *err = uk_modfile_parse(data, len, "fuzz.ko", &file);
	if (!err)
		err = uk_modfile_resolve(file, resolve, NULL);
	uk_error_destroy(err);
	return 0;
}
