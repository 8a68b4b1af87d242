// SPDX-License-Identifier: GPL-2.0-or-later
/* A kernel image from a stranger, and the symbol table inside. */
/* rooms: match bundle elf base */
#include "elf/bzimage.h"
#include "elf/vmlinux.h"
#include "match/kallsyms.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is done to load it for kexec: unpacked, and changed for other addresses. */
static struct uk_error *move(const uint8_t *data, size_t len)
{
	uk_auto_strbuf struct uk_strbuf unpacked = {};
	uk_cleanup(uk_vmlinux_deinit) struct uk_vmlinux vmlinux = {};
	struct uk_bzimage image;
	struct uk_error *err = uk_bzimage_parse(data, len, "fuzz.img", &image);
	if (!err)
		err = uk_bzimage_unpack(&image, &unpacked);
	if (!err)
		err = uk_vmlinux_parse(unpacked.data, unpacked.len, "fuzz.img", &vmlinux);
	if (!err)
		err = uk_vmlinux_relocate(&vmlinux, unpacked.data, unpacked.len, 0x1200000);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_auto_memory struct uk_memory *memory = NULL;
	uk_auto_kallsyms struct uk_kallsyms *kallsyms = NULL;
	struct uk_error *err = uk_memory_parse_image(data, len, "fuzz.img", &memory);
	if (!err)
		err = uk_kallsyms_find(memory, &kallsyms);
	uk_error_destroy(err);
	uk_error_destroy(move(data, len));
	return 0;
}
