// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing a model as an ELF file: header, section contents in order, relocations, symbol
 * table, strings, section headers. The same model gives the same bytes.
 */
#include "elf/object.h"

#include "base/map.h"
#include "base/strbuf.h"

#include <string.h>

struct writer {
	const struct uk_object *object;
	bool drop_debug;
	struct uk_strbuf out, strings, names;
	struct uk_map string_offsets;
	UK_VEC(Elf64_Shdr) headers;
	UK_VEC(Elf64_Sym) symbols;
	UK_VEC(Elf32_Word) wide; /* section numbers of symbols that need more than 16 bits */
	bool has_wide;
	size_t *section_numbers; /* by uk_section.index; 0: left out */
	size_t *symbol_numbers;	 /* by uk_symbol.index; 0: left out */
	size_t first_global, symtab;
};

static void writer_deinit(struct writer *writer)
{
	uk_strbuf_deinit(&writer->out);
	uk_strbuf_deinit(&writer->strings);
	uk_strbuf_deinit(&writer->names);
	uk_map_deinit(&writer->string_offsets);
	uk_vec_deinit(&writer->headers);
	uk_vec_deinit(&writer->symbols);
	uk_vec_deinit(&writer->wide);
	free(writer->section_numbers);
	free(writer->symbol_numbers);
}

static bool is_left_out(const struct writer *writer, const struct uk_section *section)
{
	return writer->drop_debug &&
	       (uk_str_starts(section->name, ".debug_") || !strcmp(section->name, ".comment"));
}

static void pad_to(struct writer *writer, uint64_t align)
{
	static const char zeroes[64];
	while (align > 1 && writer->out.len & (align - 1) && !writer->out.failed) {
		size_t gap = align - (writer->out.len & (align - 1));
		uk_strbuf_add(&writer->out, zeroes, gap < sizeof(zeroes) ? gap : sizeof(zeroes));
	}
}

static struct uk_error *add_string(struct writer *writer, const char *text, Elf64_Word *ret)
{
	bool added;
	struct uk_map_entry *entry = uk_map_insert_str(&writer->string_offsets, text, &added);
	if (!entry)
		return uk_error_nomem();
	if (added) {
		entry->num = writer->strings.len;
		uk_strbuf_add(&writer->strings, text, strlen(text) + 1);
	}
	*ret = (Elf64_Word)entry->num;
	return NULL;
}

/* Adds a header for contents that begin at the end of what is written. */
static struct uk_error *add_header(struct writer *writer, const char *name, Elf64_Shdr shdr)
{
	shdr.sh_name = (Elf64_Word)writer->names.len;
	uk_strbuf_add(&writer->names, name, strlen(name) + 1);
	return uk_vec_push(&writer->headers, shdr) ? NULL : uk_error_nomem();
}

static struct uk_error *write_section(struct writer *writer, const struct uk_section *section)
{
	pad_to(writer, section->align);
	Elf64_Shdr shdr = {
		.sh_type = section->type,
		.sh_flags = section->flags & ~(uint64_t)(SHF_GROUP | SHF_LINK_ORDER),
		.sh_offset = writer->out.len,
		.sh_size = section->size,
		.sh_addralign = section->align,
		.sh_entsize = section->entsize,
	};
	if (section->data)
		uk_strbuf_add(&writer->out, section->data, section->size);
	writer->section_numbers[section->index] = writer->headers.len;
	return add_header(writer, section->name, shdr);
}

static struct uk_error *write_sections(struct writer *writer)
{
	uk_vec_for_each(section, &writer->object->sections) {
		if (is_left_out(writer, *section))
			continue;
		struct uk_error *err = write_section(writer, *section);
		if (err)
			return err;
	}
	return NULL;
}

/* The ELF section number of a symbol; 0 as a number of a section that was left out. */
static Elf32_Word symbol_section(const struct writer *writer, const struct uk_symbol *symbol)
{
	switch (symbol->place) {
	case UK_SYMBOL_DEFINED:
		return (Elf32_Word)writer->section_numbers[symbol->section->index];
	case UK_SYMBOL_ABSOLUTE:
		return SHN_ABS;
	case UK_SYMBOL_COMMON:
		return SHN_COMMON;
	default:
		return SHN_UNDEF;
	}
}

static struct uk_error *write_symbol(struct writer *writer, const struct uk_symbol *symbol)
{
	Elf32_Word section = symbol_section(writer, symbol);
	if (symbol->place == UK_SYMBOL_DEFINED && !section)
		return NULL;
	bool wide = symbol->place == UK_SYMBOL_DEFINED && section >= SHN_LORESERVE;
	Elf64_Sym sym = {
		.st_info = ELF64_ST_INFO(symbol->bind, symbol->type),
		.st_other = symbol->visibility,
		.st_shndx = wide ? SHN_XINDEX : (Elf64_Half)section,
		.st_value = symbol->value,
		.st_size = symbol->size,
	};
	struct uk_error *err = NULL;
	if (symbol->type != STT_SECTION)
		err = add_string(writer, symbol->name, &sym.st_name);
	if (err)
		return err;
	writer->has_wide |= wide;
	writer->symbol_numbers[symbol->index] = writer->symbols.len;
	return uk_vec_push(&writer->symbols, sym) && uk_vec_push(&writer->wide, wide ? section : 0)
		       ? NULL
		       : uk_error_nomem();
}

/* Local symbols come first (System V ABI, sh_info of a symbol table). */
static struct uk_error *number_symbols(struct writer *writer)
{
	if (!uk_vec_push(&writer->symbols, (Elf64_Sym){}) || !uk_vec_push(&writer->wide, 0))
		return uk_error_nomem();
	for (int pass = 0; pass < 2; pass++) {
		uk_vec_for_each(symbol, &writer->object->symbols) {
			if (uk_symbol_is_local(*symbol) != (pass == 0))
				continue;
			struct uk_error *err = write_symbol(writer, *symbol);
			if (err)
				return err;
		}
		if (pass == 0)
			writer->first_global = writer->symbols.len;
	}
	return NULL;
}

static struct uk_error *write_reloc_section(struct writer *writer, const struct uk_section *section)
{
	pad_to(writer, 8);
	Elf64_Shdr shdr = {
		.sh_type = SHT_RELA,
		.sh_flags = SHF_INFO_LINK,
		.sh_offset = writer->out.len,
		.sh_size = section->relocs.len * sizeof(Elf64_Rela),
		.sh_link = (Elf64_Word)writer->symtab,
		.sh_info = (Elf64_Word)writer->section_numbers[section->index],
		.sh_addralign = 8,
		.sh_entsize = sizeof(Elf64_Rela),
	};
	uk_vec_for_each(reloc, &section->relocs) {
		size_t number = writer->symbol_numbers[reloc->symbol->index];
		if (!number)
			return uk_error_create(UK_ERR_INVALID,
					       "%s: section %s+%#lx: relocation to %s, which is "
					       "left out",
					       writer->object->name, section->name, reloc->offset,
					       reloc->symbol->name);
		Elf64_Rela rela = { reloc->offset, ELF64_R_INFO(number, reloc->type),
				    reloc->addend };
		uk_strbuf_add(&writer->out, &rela, sizeof(rela));
	}
	uk_auto_free char *name = NULL;
	struct uk_error *err = uk_asprintf(&name, ".rela%s", section->name);
	return err ? err : add_header(writer, name, shdr);
}

static struct uk_error *write_relocs(struct writer *writer)
{
	uk_vec_for_each(section, &writer->object->sections) {
		if (is_left_out(writer, *section) || !(*section)->relocs.len)
			continue;
		struct uk_error *err = write_reloc_section(writer, *section);
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *write_symtab(struct writer *writer)
{
	pad_to(writer, 8);
	Elf64_Shdr shdr = {
		.sh_type = SHT_SYMTAB,
		.sh_offset = writer->out.len,
		.sh_size = writer->symbols.len * sizeof(Elf64_Sym),
		.sh_link = (Elf64_Word)writer->symtab + 1,
		.sh_info = (Elf64_Word)writer->first_global,
		.sh_addralign = 8,
		.sh_entsize = sizeof(Elf64_Sym),
	};
	uk_strbuf_add(&writer->out, writer->symbols.data, shdr.sh_size);
	struct uk_error *err = add_header(writer, ".symtab", shdr);
	if (err)
		return err;
	shdr = (Elf64_Shdr){
		.sh_type = SHT_STRTAB,
		.sh_offset = writer->out.len,
		.sh_size = writer->strings.len,
		.sh_addralign = 1,
	};
	uk_strbuf_add(&writer->out, writer->strings.data, writer->strings.len);
	return add_header(writer, ".strtab", shdr);
}

static struct uk_error *write_wide(struct writer *writer)
{
	if (!writer->has_wide)
		return NULL;
	pad_to(writer, 4);
	Elf64_Shdr shdr = {
		.sh_type = SHT_SYMTAB_SHNDX,
		.sh_offset = writer->out.len,
		.sh_size = writer->wide.len * sizeof(Elf32_Word),
		.sh_link = (Elf64_Word)writer->symtab,
		.sh_addralign = 4,
		.sh_entsize = sizeof(Elf32_Word),
	};
	uk_strbuf_add(&writer->out, writer->wide.data, shdr.sh_size);
	return add_header(writer, ".symtab_shndx", shdr);
}

/* The names of the sections, the section headers, and the header at the front. */
static struct uk_error *write_end(struct writer *writer)
{
	size_t names = writer->headers.len;
	struct uk_error *err = add_header(writer, ".shstrtab", (Elf64_Shdr){});
	if (err)
		return err;
	Elf64_Shdr *shdr = &writer->headers.data[names];
	shdr->sh_type = SHT_STRTAB;
	shdr->sh_offset = writer->out.len;
	shdr->sh_size = writer->names.len;
	shdr->sh_addralign = 1;
	uk_strbuf_add(&writer->out, writer->names.data, writer->names.len);
	pad_to(writer, 8);

	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT, ELFOSABI_NONE },
		.e_type = ET_REL,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_shoff = writer->out.len,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_shentsize = sizeof(Elf64_Shdr),
	};
	/* Numbers that need more than 16 bits stand in the first section header. */
	bool many = writer->headers.len >= SHN_LORESERVE;
	ehdr.e_shnum = many ? 0 : (Elf64_Half)writer->headers.len;
	writer->headers.data[0].sh_size = many ? writer->headers.len : 0;
	ehdr.e_shstrndx = names >= SHN_LORESERVE ? SHN_XINDEX : (Elf64_Half)names;
	writer->headers.data[0].sh_link = names >= SHN_LORESERVE ? (Elf64_Word)names : 0;
	uk_strbuf_add(&writer->out, writer->headers.data, writer->headers.len * sizeof(Elf64_Shdr));
	if (!writer->out.failed)
		memcpy(writer->out.data, &ehdr, sizeof(ehdr));
	return NULL;
}

static struct uk_error *write_begin(struct writer *writer)
{
	Elf64_Ehdr room = {};
	Elf64_Word empty;
	writer->section_numbers =
		calloc(writer->object->sections.len + 1, sizeof(*writer->section_numbers));
	writer->symbol_numbers =
		calloc(writer->object->symbols.len + 1, sizeof(*writer->symbol_numbers));
	if (!writer->section_numbers || !writer->symbol_numbers)
		return uk_error_nomem();
	uk_strbuf_add(&writer->out, &room, sizeof(room));
	struct uk_error *err = add_string(writer, "", &empty);
	return err ? err : add_header(writer, "", (Elf64_Shdr){});
}

/* The symbol table stands behind all relocation sections, which name it by number. */
static void number_symtab(struct writer *writer)
{
	writer->symtab = writer->headers.len;
	uk_vec_for_each(section, &writer->object->sections) {
		if (!is_left_out(writer, *section) && (*section)->relocs.len)
			writer->symtab++;
	}
}

struct uk_error *uk_object_write(const struct uk_object *object, bool drop_debug, char **ret,
				 size_t *len_ret)
{
	uk_cleanup(writer_deinit) struct writer writer = {
		.object = object,
		.drop_debug = drop_debug,
	};
	struct uk_error *err = write_begin(&writer);
	if (!err)
		err = write_sections(&writer);
	if (!err)
		err = number_symbols(&writer);
	number_symtab(&writer);
	if (!err)
		err = write_relocs(&writer);
	if (!err)
		err = write_symtab(&writer);
	if (!err)
		err = write_wide(&writer);
	if (!err)
		err = write_end(&writer);
	if (!err && (writer.strings.failed || writer.names.failed))
		err = uk_error_nomem();
	return err ? err : uk_strbuf_finish_len(&writer.out, ret, len_ret);
}
