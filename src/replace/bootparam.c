// SPDX-License-Identifier: GPL-2.0-or-later
/* What a kernel is told by who starts it. */
#include "replace/bootparam.h"

#include "base/bytes.h"
#include "base/file.h"

#include <sodium.h>
#include <string.h>

#define SHOWN "/sys/kernel/boot_params/data"

enum {
	PAGE = 4096,
	SEED = 32,	    /* bytes: RNG_SEED_LENGTH of kexec-bzimage64.c */
	LOADER = 0x0d << 4, /* boot.rst, type_of_loader: kexec */
	HEADER_MAX = offsetof(struct boot_params, edd_mbr_sig_buffer) - UK_BZIMAGE_HEADER,
	E820_RAM = 1, /* arch/x86/include/asm/e820/types.h: E820_TYPE_RAM */
};

_Static_assert(sizeof(struct boot_params) == PAGE, "the parameters are a page");
_Static_assert(offsetof(struct boot_params, hdr) == UK_BZIMAGE_HEADER, "as in the image");

/* arch/x86/include/asm/efi.h: struct efi_setup_data */
struct efi_data {
	uint64_t vendor, unused, tables, smbios, reserved[8];
};

/* Where in the block what lies: a page of instructions, one of parameters, then these. */
struct layout {
	size_t line, seed, efi, map, end;
};

static struct layout lay_out(const struct uk_bootparam *bootparam)
{
	const size_t align = 16;
	size_t map = bootparam->efi ? bootparam->efi->map.len : 0;
	size_t efi = map ? sizeof(struct setup_data) + sizeof(struct efi_data) : 0;
	struct layout layout = { .line = 2 * PAGE };
	layout.seed = (layout.line + strlen(bootparam->line) + align) / align * align;
	layout.efi = layout.seed + sizeof(struct setup_data) + SEED;
	layout.map = (layout.efi + efi + align - 1) / align * align;
	layout.end = (layout.map + map + PAGE - 1) / PAGE * PAGE;
	return layout;
}

size_t uk_bootparam_size(const struct uk_bootparam *bootparam)
{
	return lay_out(bootparam).end;
}

bool uk_bootparam_is_efi(const struct boot_params *told)
{
	return told->efi_info.efi_loader_signature;
}

struct uk_error *uk_bootparam_read(struct boot_params *ret)
{
	uk_auto_free char *data = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(SHOWN, PAGE, &data, &len);
	if (err)
		return err;
	if (len != sizeof(*ret))
		return uk_error_create(UK_ERR_SYSTEM, "%s: has %zu bytes, not %zu", SHOWN, len,
				       sizeof(*ret));
	memcpy(ret, data, sizeof(*ret));
	return NULL;
}

struct uk_error *uk_bootparam_check(const struct boot_params *told)
{
	/* arch/x86/include/asm/efi.h: EFI64_LOADER_SIGNATURE */
	if (uk_bootparam_is_efi(told) && memcmp(&told->efi_info, "EL64", 4))
		return uk_error_create(UK_ERR_REFUSED,
				       "this machine was started by an EFI of 32 bits");
	if (told->cc_blob_address)
		return uk_error_create(UK_ERR_REFUSED, "this machine's memory is encrypted");
	if (told->tboot_addr)
		return uk_error_create(UK_ERR_REFUSED, "this machine was started by tboot");
	if (!told->e820_entries || told->e820_entries >= E820_MAX_ENTRIES_ZEROPAGE)
		return uk_error_create(UK_ERR_REFUSED, "the firmware's memory map has %u entries",
				       told->e820_entries);
	return NULL;
}

struct uk_error *uk_bootparam_ram(const struct boot_params *told, struct uk_ram *ret)
{
	struct uk_error *err = NULL;
	/* Firmware may tell of pieces in any order, and of others inside of them. */
	for (unsigned int pass = 0; pass < 2; pass++) {
		for (unsigned int i = 0; !err && i < told->e820_entries; i++) {
			const struct boot_e820_entry *entry = &told->e820_table[i];
			uint64_t most = UINT64_MAX - entry->addr;
			uint64_t len = entry->size < most ? entry->size : most;
			if (pass == 0 && entry->type == E820_RAM)
				err = uk_ram_add(ret, entry->addr, len);
			else if (pass == 1 && entry->type != E820_RAM)
				err = uk_ram_take(ret, entry->addr, len);
		}
	}
	return err;
}

/* %rsi has the parameters where the kernel begins: boot.rst, "64-bit boot protocol". */
static void write_entry(const struct uk_bootparam *bootparam, uint8_t *at)
{
	static const uint8_t code[] = {
		0x48, 0xbe, 0, 0, 0, 0, 0, 0, 0, 0, /* mov $parameters,%rsi */
		0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, /* mov $entry,%rax */
		0xff, 0xe0,			    /* jmp *%rax */
	};
	memcpy(at, code, sizeof(code));
	uk_put_u64(at + 2, bootparam->at + PAGE);
	uk_put_u64(at + 12, bootparam->entry);
}

/* What this kernel hands on of what it was told itself. */
static void hand_on(struct boot_params *next, const struct boot_params *told)
{
	next->screen_info = told->screen_info;
	next->acpi_rsdp_addr = told->acpi_rsdp_addr;
	next->hdr.hardware_subarch = told->hdr.hardware_subarch;
	next->e820_entries = told->e820_entries;
	memcpy(next->e820_table, told->e820_table, sizeof(next->e820_table));
	next->eddbuf_entries = told->eddbuf_entries;
	memcpy(next->eddbuf, told->eddbuf, sizeof(next->eddbuf));
	memcpy(next->edd_mbr_sig_buffer, told->edd_mbr_sig_buffer,
	       sizeof(next->edd_mbr_sig_buffer));
}

static void write_places(const struct uk_bootparam *bootparam, const struct layout *layout,
			 struct boot_params *next)
{
	uint64_t line = bootparam->at + layout->line;
	next->hdr.cmd_line_ptr = (uint32_t)line;
	next->ext_cmd_line_ptr = (uint32_t)(line >> 32);
	next->hdr.ramdisk_image = (uint32_t)bootparam->ramdisk;
	next->ext_ramdisk_image = (uint32_t)(bootparam->ramdisk >> 32);
	next->hdr.ramdisk_size = (uint32_t)bootparam->ramdisk_len;
	next->ext_ramdisk_size = (uint32_t)(bootparam->ramdisk_len >> 32);
	next->hdr.type_of_loader = LOADER;
	/* What the kernel's own unpacking says when it moved it: it then moves the rest, too. */
	next->hdr.loadflags = bootparam->moved ? KASLR_FLAG : 0;
}

/* The first in the chain of what is told besides. */
static struct setup_data *chain(const struct uk_bootparam *bootparam, struct boot_params *next,
				size_t at, uint32_t type, uint32_t len)
{
	struct setup_data *data = (struct setup_data *)((uint8_t *)next - PAGE + at);
	*data = (struct setup_data){ .next = next->hdr.setup_data, .type = type, .len = len };
	next->hdr.setup_data = bootparam->at + at;
	return data;
}

static void write_efi(const struct uk_bootparam *bootparam, const struct layout *layout,
		      const struct boot_params *told, struct boot_params *next)
{
	const struct uk_efi *efi = bootparam->efi;
	uint64_t map = bootparam->at + layout->map;
	if (!next->acpi_rsdp_addr)
		next->acpi_rsdp_addr = efi->acpi;
	if (!efi->map.len)
		return;
	struct efi_data data = { .vendor = efi->vendor,
				 .tables = efi->tables,
				 .smbios = efi->smbios };
	next->secure_boot = told->secure_boot;
	next->efi_info = told->efi_info;
	next->efi_info.efi_memdesc_size = efi->descriptor;
	next->efi_info.efi_memmap = (uint32_t)map;
	next->efi_info.efi_memmap_hi = (uint32_t)(map >> 32);
	next->efi_info.efi_memmap_size = (uint32_t)efi->map.len;
	memcpy((uint8_t *)next - PAGE + layout->map, efi->map.data, efi->map.len);
	memcpy(chain(bootparam, next, layout->efi, SETUP_EFI, sizeof(data))->data, &data,
	       sizeof(data));
}

void uk_bootparam_write(const struct uk_bootparam *bootparam, const struct boot_params *told,
			const struct uk_bzimage *image, void *block)
{
	const struct layout layout = lay_out(bootparam);
	uint8_t *bytes = block;
	struct boot_params *next = (struct boot_params *)(bytes + PAGE);
	size_t header = image->header_len < HEADER_MAX ? image->header_len : HEADER_MAX;
	memset(block, 0, layout.end);
	write_entry(bootparam, bytes);
	memcpy((uint8_t *)next + UK_BZIMAGE_HEADER, image->data + UK_BZIMAGE_HEADER, header);
	next->hdr.setup_data = 0;
	hand_on(next, told);
	write_places(bootparam, &layout, next);
	strcpy((char *)bytes + layout.line, bootparam->line);
	if (bootparam->efi)
		write_efi(bootparam, &layout, told, next);
	randombytes_buf(chain(bootparam, next, layout.seed, SETUP_RNG_SEED, SEED)->data, SEED);
}
