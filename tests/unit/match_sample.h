/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A made-up kernel and a made-up object for the tests of matching. */
#ifndef UPKEEP_TEST_MATCH_SAMPLE_H
#define UPKEEP_TEST_MATCH_SAMPLE_H

#include "base/bytes.h"
#include "base/strbuf.h"
#include "match/compare.h"
#include "match/match.h"
#include "tap.h"

#include <inttypes.h>
#include <string.h>

#define TEXT_ADDR 0xffffffff81200000ul /* where the object's .text is */
#define BYTES(...) ((const uint8_t[]){ __VA_ARGS__ }), sizeof((const uint8_t[]){ __VA_ARGS__ })

struct sample {
	struct uk_object *object;
	struct uk_section *text;
	struct uk_strbuf symbols; /* in the format of /proc/kallsyms */
	struct uk_kallsyms *kallsyms;
	struct uk_memory *memory;
	struct uk_holders *holders;
	uk_version version;
	struct uk_match_request request;
	struct uk_run run;
	UK_VEC(struct uk_match_replaced) replaced;
};

__attribute__((unused)) static void sample_init(struct sample *sample, uk_version version,
						bool live)
{
	static const struct uk_identity identity = { .release = (char *)"6.1.0-1-amd64",
						     .version = (char *)"#1 SMP",
						     .build_id = (char *)"abcd" };
	*sample = (struct sample){ .version = version };
	ck_ok(uk_object_create("a.o", &sample->object));
	ck_ok(uk_memory_create("sample", &identity, live, &sample->memory));
	ck_ok(uk_holders_create(&sample->holders));
}

__attribute__((unused)) static void sample_deinit(struct sample *sample)
{
	uk_object_destroy(sample->object);
	uk_memory_destroy(sample->memory);
	uk_kallsyms_destroy(sample->kallsyms);
	uk_holders_destroy(sample->holders);
	uk_strbuf_deinit(&sample->symbols);
	uk_vec_deinit(&sample->replaced);
}

/* A symbol of the kernel. */
__attribute__((unused)) static void sample_known(struct sample *sample, const char *name,
						 uint64_t addr, char type, const char *module)
{
	uk_strbuf_addf(&sample->symbols, "%016" PRIx64 " %c %s", addr, type, name);
	if (module)
		uk_strbuf_addf(&sample->symbols, "\t[%s]", module);
	uk_strbuf_addstr(&sample->symbols, "\n");
}

__attribute__((unused)) static void sample_memory(struct sample *sample, uint64_t addr,
						  const void *bytes, size_t len)
{
	ck_ok(uk_memory_add(sample->memory, addr, bytes, len));
}

/* A variable of the kernel: symbol and value. */
__attribute__((unused)) static void sample_variable(struct sample *sample, const char *name,
						    uint64_t addr, uint64_t value)
{
	uint8_t bytes[8];
	uk_put_u64(bytes, value);
	sample_known(sample, name, addr, 'D', NULL);
	sample_memory(sample, addr, bytes, sizeof(bytes));
}

__attribute__((unused)) static struct uk_section *sample_section(struct sample *sample,
								 const char *name, uint64_t flags,
								 const void *bytes, size_t len)
{
	struct uk_section *section;
	ck_ok(uk_object_add_section(sample->object, name, SHT_PROGBITS, SHF_ALLOC | flags, 1, 0,
				    bytes, len, &section));
	return section;
}

__attribute__((unused)) static void sample_text(struct sample *sample, const void *bytes,
						size_t len)
{
	sample->text = sample_section(sample, ".text", SHF_EXECINSTR, bytes, len);
}

__attribute__((unused)) static struct uk_symbol *
sample_symbol(struct sample *sample, const char *name, uint8_t type, uint8_t bind,
	      struct uk_section *section, uint64_t value, uint64_t size)
{
	struct uk_symbol *symbol;
	ck_ok(uk_object_add_symbol(sample->object, name, type, bind,
				   section ? UK_SYMBOL_DEFINED : UK_SYMBOL_UNDEFINED, section,
				   value, size, &symbol));
	return symbol;
}

__attribute__((unused)) static struct uk_symbol *sample_undefined(struct sample *sample,
								  const char *name)
{
	struct uk_symbol *symbol = uk_object_symbol(sample->object, name);
	return symbol ? symbol : sample_symbol(sample, name, STT_NOTYPE, STB_GLOBAL, NULL, 0, 0);
}

__attribute__((unused)) static void sample_reloc(struct uk_section *section, uint64_t offset,
						 uint32_t type, struct uk_symbol *symbol,
						 int64_t addend)
{
	ck_ok(uk_section_add_reloc(section, offset, type, symbol, addend));
}

/* A field of a table that points to an offset of a section. */
__attribute__((unused)) static void sample_pointer(struct sample *sample, struct uk_section *table,
						   uint64_t offset, uint32_t type,
						   struct uk_section *section, int64_t to)
{
	struct uk_symbol *symbol;
	ck_ok(uk_object_section_symbol(sample->object, section, &symbol));
	sample_reloc(table, offset, type, symbol, to);
}

/* To be called when all symbols are known. */
__attribute__((unused)) static void sample_start(struct sample *sample)
{
	sample_known(sample, "_text", 0xffffffff81000000, 'T', NULL);
	ck_ok(uk_kallsyms_parse(sample->symbols.data, sample->symbols.len, &sample->kallsyms));
	sample->request = (struct uk_match_request){
		.memory = sample->memory,
		.kallsyms = sample->kallsyms,
		.holders = sample->holders,
		.replaced = sample->replaced.data,
		.nr_replaced = sample->replaced.len,
	};
	uk_run_init(&sample->run, &sample->request, sample->version);
}

/* Puts a branch to @target into code that will be at @addr. */
__attribute__((unused)) static void sample_branch(uint8_t *code, uint8_t opcode, uint64_t addr,
						  uint64_t target)
{
	code[0] = opcode;
	uk_put_u32(code + 1, (uint32_t)(target - addr - 5));
}

/* Whether .text may look like @bytes in memory; what it learned is in *ret if that is given. */
__attribute__((unused)) static bool sample_explains(struct sample *sample, const void *bytes,
						    size_t len, struct uk_comparison *ret)
{
	struct uk_comparison comparison;
	ck_assert_uint_eq(len, sample->text->size);
	ck_ok(uk_memory_add(sample->memory, TEXT_ADDR, bytes, len));
	struct uk_sites *sites;
	ck_ok(uk_sites_collect(sample->object, sample->version, &sites));
	ck_ok(uk_compare_section(&sample->run, sites, sample->text, TEXT_ADDR, &comparison));
	bool explained = !comparison.mismatch.found;
	if (ret)
		*ret = comparison;
	else
		uk_comparison_deinit(&comparison);
	uk_sites_destroy(sites);
	/* So that the next bytes can stand there. */
	for (size_t i = 0; i < sample->memory->regions.len; i++) {
		struct uk_region *region = &sample->memory->regions.data[i];
		if (region->addr != TEXT_ADDR)
			continue;
		free(region->data);
		memmove(region, region + 1, (--sample->memory->regions.len - i) * sizeof(*region));
	}
	return explained;
}

/* Where each section of a compiled object is put: a page after the other from @base on. */
static inline uint64_t sample_base(const struct uk_section *section, uint64_t base)
{
	return base + section->index * 0x1000;
}

/* The symbols of an object that lies at @base, as kallsyms lists them. */
__attribute__((unused)) static void sample_list(struct sample *sample,
						const struct uk_object *object, uint64_t base,
						const char *module)
{
	uk_vec_for_each(symbol, &object->symbols) {
		if ((*symbol)->place != UK_SYMBOL_DEFINED || (*symbol)->type == STT_SECTION ||
		    (*symbol)->name[0] == '.' || !((*symbol)->section->flags & SHF_ALLOC))
			continue;
		char type = uk_symbol_is_function(*symbol) ? 't' : 'd';
		if ((*symbol)->bind == STB_GLOBAL)
			type = (char)(type - 'a' + 'A');
		sample_known(sample, (*symbol)->name,
			     sample_base((*symbol)->section, base) + (*symbol)->value, type,
			     module);
	}
}

static inline uint64_t sample_value(const struct sample *sample, const struct uk_symbol *symbol,
				    uint64_t base)
{
	if (symbol->place == UK_SYMBOL_DEFINED)
		return sample_base(symbol->section, base) + symbol->value;
	const struct uk_kallsym *known = uk_kallsyms_lookup(sample->kallsyms, symbol->name);
	ck_assert_msg(known != NULL, "the sample kernel has no %s", symbol->name);
	return known->address;
}

/* Puts a linked object into memory. After sample_start(). */
__attribute__((unused)) static void sample_link(struct sample *sample,
						const struct uk_object *object, uint64_t base)
{
	uk_vec_for_each(section, &object->sections) {
		uint64_t addr = sample_base(*section, base);
		if (!((*section)->flags & SHF_ALLOC) || !(*section)->data)
			continue;
		sample_memory(sample, addr, (*section)->data, (*section)->size);
		uint8_t *bytes = uk_memory_bytes(sample->memory, addr, (*section)->size);
		uk_vec_for_each(reloc, &(*section)->relocs) {
			uint64_t value =
				sample_value(sample, reloc->symbol, base) + (uint64_t)reloc->addend;
			if (uk_reloc_is_pcrel(reloc->type))
				value -= addr + reloc->offset;
			if (uk_reloc_size(reloc->type) == 8)
				uk_put_u64(bytes + reloc->offset, value);
			else
				uk_put_u32(bytes + reloc->offset, (uint32_t)value);
		}
	}
}

/* A byte of the linked kernel. */
__attribute__((unused)) static uint8_t *sample_byte(struct sample *sample, uint64_t addr)
{
	uint8_t *byte = uk_memory_bytes(sample->memory, addr, 1);
	ck_assert_ptr_nonnull(byte);
	return byte;
}

#endif
