// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An object of an update that nobody has verified, matched against a kernel in which it is
 * linked, with one byte changed (the last four bytes of the input say which).
 */
/* rooms: match bundle elf base */
#include "base/bytes.h"
#include "base/strbuf.h"
#include "match/match.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define KERNEL 0xffffffff81000000ul
#define EXTERNAL 0xffffffff80800000ul

enum { STEP = 0x20000, MOST_FUNCTIONS = 16 };

static uint64_t base_of(const struct uk_section *section)
{
	return KERNEL + (uint64_t)section->index * STEP;
}

static bool is_loaded(const struct uk_section *section)
{
	return (section->flags & SHF_ALLOC) && section->data && section->size &&
	       section->size < STEP && section->index < 4096;
}

static uint64_t address_of(const struct uk_symbol *symbol)
{
	if (symbol->place == UK_SYMBOL_DEFINED)
		return base_of(symbol->section) + symbol->value;
	return EXTERNAL + (uint64_t)(unsigned char)symbol->name[0] * 64;
}

static void link_section(const struct uk_section *section, uint8_t *bytes)
{
	uk_vec_for_each(reloc, &section->relocs) {
		size_t size = uk_reloc_size(reloc->type);
		if ((size != 4 && size != 8) || !uk_range_ok(reloc->offset, size, section->size))
			continue;
		uint64_t value = address_of(reloc->symbol) + (uint64_t)reloc->addend;
		if (uk_reloc_is_pcrel(reloc->type))
			value -= base_of(section) + reloc->offset;
		if (size == 8)
			uk_put_u64(bytes + reloc->offset, value);
		else
			uk_put_u32(bytes + reloc->offset, (uint32_t)value);
	}
}

static struct uk_error *fill_memory(const struct uk_object *object, uint32_t flip,
				    struct uk_memory *memory)
{
	uk_vec_for_each(pointer, &object->sections) {
		const struct uk_section *section = *pointer;
		if (!is_loaded(section))
			continue;
		uk_auto_free uint8_t *bytes = malloc(section->size);
		if (!bytes)
			return uk_error_nomem();
		memcpy(bytes, section->data, section->size);
		link_section(section, bytes);
		if (flip >> 20 == section->index)
			bytes[(flip & 0xfffff) % section->size] ^= 1 << (flip % 8);
		struct uk_error *err =
			uk_memory_add(memory, base_of(section), bytes, section->size);
		if (err)
			return err;
	}
	return NULL;
}

static bool is_name(const char *name)
{
	for (const char *c = name; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return false;
	}
	return *name && *name != '.';
}

static struct uk_error *list_symbols(const struct uk_object *object, struct uk_kallsyms **ret)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	uk_strbuf_addf(&text, "%016lx T _text\n", KERNEL);
	uk_vec_for_each(pointer, &object->symbols) {
		const struct uk_symbol *symbol = *pointer;
		if (is_name(symbol->name))
			uk_strbuf_addf(&text, "%016" PRIx64 " %c %s\n", address_of(symbol),
				       symbol->bind == STB_GLOBAL ? 'T' : 't', symbol->name);
	}
	return text.failed ? uk_error_nomem() : uk_kallsyms_parse(text.data, text.len, ret);
}

/* Borrowed names: the update is not destroyed. */
static void make_update(const struct uk_object *object, struct uk_update_function *functions,
			struct uk_update *ret)
{
	static struct uk_update_part part = { .target = (char *)"vmlinux" };
	static struct uk_update_object model = { .path = (char *)"dir/a.o" };
	*ret = (struct uk_update){
		.id = (char *)"cafe",
		.release = (char *)"6.1.0-1-amd64",
		.parts = { &part, 1, 1 },
		.objects = { &model, 1, 1 },
		.functions = { functions, 0, MOST_FUNCTIONS },
	};
	uk_vec_for_each(symbol, &object->symbols) {
		if (!uk_symbol_is_function(*symbol) || ret->functions.len == MOST_FUNCTIONS)
			continue;
		functions[ret->functions.len++] = (struct uk_update_function){
			.change = UK_CHANGE_CHANGED,
			.name = (*symbol)->name,
			.old_size = (*symbol)->size,
			.redirect = true,
		};
	}
}

static struct uk_error *run(struct uk_object *object, uint32_t flip)
{
	static const struct uk_identity identity = { .release = (char *)"6.1.0-1-amd64" };
	struct uk_update_function functions[MOST_FUNCTIONS];
	struct uk_update update;
	uk_auto_memory struct uk_memory *memory = NULL;
	uk_auto_kallsyms struct uk_kallsyms *kallsyms = NULL;
	uk_auto_match struct uk_match *match = NULL;
	struct uk_error *err = uk_memory_create("fuzz", &identity, flip & 1, &memory);
	if (!err)
		err = fill_memory(object, flip, memory);
	if (!err)
		err = list_symbols(object, &kallsyms);
	if (err)
		return err;
	make_update(object, functions, &update);
	const char *const names[] = { "external", ".upk.0.counter", ".upk.0.", ".upk.9.x" };
	struct uk_match_request request = {
		.memory = memory,
		.kallsyms = kallsyms,
		.update = &update,
		.plain = &object,
		.symbols = names,
		.nr_symbols = flip & 2 ? UK_ARRAY_SIZE(names) : 1,
	};
	return uk_match_run(&request, &match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_auto_object struct uk_object *object = NULL;
	if (len < 4)
		return 0;
	struct uk_error *err = uk_object_parse(data, len - 4, "fuzz.o", &object);
	if (!err)
		err = run(object, uk_get_u32(data + len - 4));
	uk_error_destroy(err);
	return 0;
}
