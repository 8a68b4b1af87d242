/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel that comes by kexec has to know of EFI: it finds the firmware's services where the
 * kernel before it had them put (arch/x86/platform/efi/efi.c: kexec_enter_virtual_mode()).
 */
#ifndef UPKEEP_REPLACE_EFI_H
#define UPKEEP_REPLACE_EFI_H

#include "base/error.h"
#include "base/strbuf.h"

#include <stdint.h>

#define UK_EFI_FOLDER "/sys/firmware/efi"

struct uk_efi {
	uint64_t vendor, tables; /* physical */
	uint64_t smbios, acpi;	 /* of the table's pointer; 0: none */
	struct uk_strbuf map;	 /* descriptors of the map, each of @descriptor bytes; or empty */
	uint32_t descriptor;
};

/*
 * Reads it from @folder (UK_EFI_FOLDER). @descriptor: bytes of one in the firmware's map. Of a
 * kernel that does not use the firmware's services there is no map, and @acpi alone is told.
 * UK_ERR_REFUSED where something is missing or is no number. @ret needs uk_efi_deinit(), also after
 * an error.
 */
struct uk_error *uk_efi_read(const char *folder, uint32_t descriptor,
			     struct uk_efi *ret) uk_must_check;
void uk_efi_deinit(struct uk_efi *efi);

#endif
