// SPDX-License-Identifier: GPL-2.0-or-later
/* The object model: building it and finding things in it. */
#include "elf/object.h"

#include "base/strbuf.h"

#include <string.h>

struct uk_error *uk_object_create(const char *name, struct uk_object **ret)
{
	struct uk_object *object = calloc(1, sizeof(*object));
	if (!object)
		return uk_error_nomem();
	struct uk_error *err = uk_strdup(name, &object->name);
	if (err) {
		free(object);
		return err;
	}
	*ret = object;
	return NULL;
}

static void section_destroy(struct uk_section *section)
{
	if (!section)
		return;
	free(section->name);
	free(section->data);
	uk_vec_deinit(&section->relocs);
	free(section);
}

static void symbol_destroy(struct uk_symbol *symbol)
{
	if (!symbol)
		return;
	free(symbol->name);
	free(symbol);
}

void uk_object_destroy(struct uk_object *object)
{
	if (!object)
		return;
	uk_vec_for_each(section, &object->sections)
		section_destroy(*section);
	uk_vec_for_each(symbol, &object->symbols)
		symbol_destroy(*symbol);
	uk_vec_deinit(&object->sections);
	uk_vec_deinit(&object->symbols);
	free(object->name);
	free(object);
}

struct uk_section *uk_object_section(const struct uk_object *object, const char *name)
{
	uk_vec_for_each(section, &object->sections) {
		if (!strcmp((*section)->name, name))
			return *section;
	}
	return NULL;
}

struct uk_symbol *uk_object_symbol(const struct uk_object *object, const char *name)
{
	uk_vec_for_each(symbol, &object->symbols) {
		if ((*symbol)->type != STT_SECTION && !strcmp((*symbol)->name, name))
			return *symbol;
	}
	return NULL;
}

static bool symbol_covers(const struct uk_symbol *symbol, const struct uk_section *section,
			  uint64_t offset)
{
	return symbol->place == UK_SYMBOL_DEFINED && symbol->section == section &&
	       symbol->type != STT_SECTION && offset >= symbol->value &&
	       offset - symbol->value < symbol->size;
}

struct uk_symbol *uk_object_symbol_at(const struct uk_object *object,
				      const struct uk_section *section, uint64_t offset)
{
	uk_vec_for_each(symbol, &object->symbols) {
		if (symbol_covers(*symbol, section, offset))
			return *symbol;
	}
	return NULL;
}

unsigned int uk_reloc_size(uint32_t type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64:
	case R_X86_64_SIZE64:
		return 8;
	case R_X86_64_32:
	case R_X86_64_32S:
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
	case R_X86_64_SIZE32:
		return 4;
	case R_X86_64_16:
	case R_X86_64_PC16:
		return 2;
	case R_X86_64_8:
	case R_X86_64_PC8:
		return 1;
	default:
		return 0;
	}
}

bool uk_reloc_is_pcrel(uint32_t type)
{
	switch (type) {
	case R_X86_64_PC64:
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
	case R_X86_64_PC16:
	case R_X86_64_PC8:
		return true;
	default:
		return false;
	}
}

const struct uk_reloc *uk_section_reloc_at(const struct uk_section *section, uint64_t offset)
{
	size_t low = 0, high = section->relocs.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct uk_reloc *reloc = &section->relocs.data[middle];
		if (offset < reloc->offset)
			high = middle;
		else if (offset >= reloc->offset + uk_reloc_size(reloc->type))
			low = middle + 1;
		else
			return reloc;
	}
	return NULL;
}

static struct uk_error *section_create(const char *name, const void *data, uint64_t size,
				       bool has_bytes, struct uk_section **ret)
{
	struct uk_section *section = calloc(1, sizeof(*section));
	if (!section)
		return uk_error_nomem();
	struct uk_error *err = uk_strdup(name, &section->name);
	if (!err && has_bytes && size) {
		section->data = calloc(1, size);
		if (!section->data)
			err = uk_error_nomem();
		else if (data)
			memcpy(section->data, data, size);
	}
	if (err) {
		section_destroy(section);
		return err;
	}
	section->size = size;
	*ret = section;
	return NULL;
}

struct uk_error *uk_object_add_section(struct uk_object *object, const char *name, uint32_t type,
				       uint64_t flags, uint64_t align, uint64_t entsize,
				       const void *data, uint64_t size, struct uk_section **ret)
{
	struct uk_section *section = NULL;
	struct uk_error *err = section_create(name, data, size, type != SHT_NOBITS, &section);
	if (err)
		return err;
	section->index = object->sections.len;
	section->type = type;
	section->flags = flags;
	section->align = align;
	section->entsize = entsize;
	if (!uk_vec_push(&object->sections, section)) {
		section_destroy(section);
		return uk_error_nomem();
	}
	*ret = section;
	return NULL;
}

struct uk_error *uk_object_add_symbol(struct uk_object *object, const char *name, uint8_t type,
				      uint8_t bind, enum uk_symbol_place place,
				      struct uk_section *section, uint64_t value, uint64_t size,
				      struct uk_symbol **ret)
{
	struct uk_symbol *symbol = calloc(1, sizeof(*symbol));
	if (!symbol)
		return uk_error_nomem();
	struct uk_error *err = uk_strdup(name, &symbol->name);
	if (err) {
		free(symbol);
		return err;
	}
	symbol->index = object->symbols.len;
	symbol->type = type;
	symbol->bind = bind;
	symbol->place = place;
	symbol->section = section;
	symbol->value = value;
	symbol->size = size;
	if (!uk_vec_push(&object->symbols, symbol)) {
		symbol_destroy(symbol);
		return uk_error_nomem();
	}
	*ret = symbol;
	return NULL;
}

struct uk_error *uk_object_section_symbol(struct uk_object *object, struct uk_section *section,
					  struct uk_symbol **ret)
{
	if (!section->symbol) {
		struct uk_error *err =
			uk_object_add_symbol(object, section->name, STT_SECTION, STB_LOCAL,
					     UK_SYMBOL_DEFINED, section, 0, 0, &section->symbol);
		if (err)
			return err;
	}
	*ret = section->symbol;
	return NULL;
}

struct uk_error *uk_section_add_reloc(struct uk_section *section, uint64_t offset, uint32_t type,
				      struct uk_symbol *symbol, int64_t addend)
{
	struct uk_reloc reloc = { offset, type, symbol, addend };
	if (!uk_vec_push(&section->relocs, reloc))
		return uk_error_nomem();
	/* Kept in order; what is added is nearly always the last. */
	for (size_t i = section->relocs.len - 1;
	     i && section->relocs.data[i - 1].offset > section->relocs.data[i].offset; i--) {
		struct uk_reloc swap = section->relocs.data[i - 1];
		section->relocs.data[i - 1] = section->relocs.data[i];
		section->relocs.data[i] = swap;
	}
	return NULL;
}
