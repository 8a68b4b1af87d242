// SPDX-License-Identifier: GPL-2.0-or-later
/* What a kernel that comes by kexec has to know of EFI. */
#include "replace/efi.h"

#include "base/bytes.h"
#include "base/file.h"

#include <stdlib.h>

enum {
	TEXT_MAX = 4096,
	ENTRIES_MAX = 1024,
	/* UEFI 2.10, 7.2: EFI_MEMORY_DESCRIPTOR; firmware may make it longer. */
	DESCRIPTOR_LEAST = 40,
	DESCRIPTOR_MOST = 256,
};

static struct uk_error *parse_number(const char *text, const char *name, uint64_t *ret)
{
	char *end;
	unsigned long long number = strtoull(text, &end, 16);
	if (!uk_str_starts(text, "0x") || end == text + 2 || (*end && *end != '\n'))
		return uk_error_create(UK_ERR_REFUSED, "%s: is no number", name);
	*ret = number;
	return NULL;
}

static struct uk_error *read_number(const char *folder, const char *name, uint64_t *ret)
{
	uk_auto_free char *path = NULL, *text = NULL;
	size_t len;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", folder, name);
	if (err)
		return err;
	if (!uk_file_exists(path))
		return uk_error_create(UK_ERR_REFUSED, "%s: is not there", path);
	err = uk_file_read(path, TEXT_MAX, &text, &len);
	return err ? err : parse_number(text, path, ret);
}

/* A line "ACPI20=0x7fb7e014"; nothing is 0. */
static struct uk_error *find_table(const char *text, const char *name, uint64_t *ret)
{
	uk_auto_free char *value = uk_str_value(text, name);
	*ret = 0;
	return value ? parse_number(value, name, ret) : NULL;
}

static struct uk_error *read_tables(const char *folder, struct uk_efi *ret)
{
	uk_auto_free char *path = NULL, *text = NULL;
	size_t len;
	uint64_t older = 0;
	struct uk_error *err = uk_asprintf(&path, "%s/systab", folder);
	if (!err)
		err = uk_file_read(path, TEXT_MAX, &text, &len);
	if (!err)
		err = find_table(text, "SMBIOS", &ret->smbios);
	if (!err)
		err = find_table(text, "ACPI", &older);
	if (!err)
		err = find_table(text, "ACPI20", &ret->acpi);
	if (!err && !ret->acpi)
		ret->acpi = older;
	return err;
}

/* drivers/firmware/efi/runtime-map.c shows each descriptor as a folder of numbers. */
static struct uk_error *add_descriptor(const char *folder, struct uk_efi *efi)
{
	static const struct {
		const char *name;
		unsigned int at, len;
	} fields[] = {
		{ "type", 0, 4 },	{ "phys_addr", 8, 8 },	{ "virt_addr", 16, 8 },
		{ "num_pages", 24, 8 }, { "attribute", 32, 8 },
	};
	uint8_t descriptor[DESCRIPTOR_MOST] = {};
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(fields); i++) {
		uint64_t value = 0;
		err = read_number(folder, fields[i].name, &value);
		if (fields[i].len == 4)
			uk_put_u32(descriptor + fields[i].at, (uint32_t)value);
		else
			uk_put_u64(descriptor + fields[i].at, value);
	}
	if (!err)
		uk_strbuf_add(&efi->map, descriptor, efi->descriptor);
	return err;
}

static struct uk_error *read_map(const char *folder, struct uk_efi *ret)
{
	for (unsigned int i = 0; i < ENTRIES_MAX; i++) {
		uk_auto_free char *path = NULL;
		struct uk_error *err = uk_asprintf(&path, "%s/runtime-map/%u", folder, i);
		if (err)
			return err;
		if (!uk_file_exists(path))
			return ret->map.failed ? uk_error_nomem() : NULL;
		err = add_descriptor(path, ret);
		if (err)
			return err;
	}
	return uk_error_create(UK_ERR_REFUSED, "%s/runtime-map: has more than %d entries", folder,
			       ENTRIES_MAX);
}

struct uk_error *uk_efi_read(const char *folder, uint32_t descriptor, struct uk_efi *ret)
{
	if (descriptor < DESCRIPTOR_LEAST || descriptor > DESCRIPTOR_MOST)
		return uk_error_create(UK_ERR_REFUSED,
				       "the firmware's memory map has descriptors of %u bytes",
				       descriptor);
	ret->descriptor = descriptor;
	struct uk_error *err = read_tables(folder, ret);
	if (!err)
		err = read_map(folder, ret);
	if (err || !ret->map.len)
		return err;
	err = read_number(folder, "fw_vendor", &ret->vendor);
	return err ? err : read_number(folder, "config_table", &ret->tables);
}

void uk_efi_deinit(struct uk_efi *efi)
{
	uk_strbuf_deinit(&efi->map);
}
