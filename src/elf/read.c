// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading an object file into the model. This is the border: everything is checked here,
 * and nothing of it is looked at in raw form again.
 */
#include "elf/object.h"

#include "base/bytes.h"
#include "base/file.h"

#include <gelf.h>
#include <libelf.h>
#include <string.h>

/* An object of the kernel with its DWARF is well under this. */
#define MAX_OBJECT_SIZE ((size_t)1 << 30)
/* The kernel aligns nothing to more than a huge page. */
#define MAX_ALIGN ((uint64_t)1 << 21)

struct reader {
	Elf *elf;
	struct uk_object *object;
	struct uk_section **sections; /* by ELF section number; NULL when not in the model */
	size_t nr_sections;
	struct uk_symbol **symbols; /* by ELF symbol number */
	size_t nr_symbols;
	Elf_Scn *symtab;
};

static void reader_deinit(struct reader *reader)
{
	free(reader->sections);
	free(reader->symbols);
	elf_end(reader->elf);
	uk_object_destroy(reader->object);
}

static struct uk_error *elf_error(const char *what)
{
	return uk_error_create(UK_ERR_INVALID, "%s: %s", what, elf_errmsg(-1));
}

static struct uk_error *check_header(struct reader *reader)
{
	GElf_Ehdr ehdr;
	if (elf_kind(reader->elf) != ELF_K_ELF || !gelf_getehdr(reader->elf, &ehdr))
		return uk_error_create(UK_ERR_INVALID, "not an ELF file");
	if (ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
	    ehdr.e_machine != EM_X86_64)
		return uk_error_create(UK_ERR_INVALID, "not for x86-64 (machine %u)",
				       ehdr.e_machine);
	if (ehdr.e_type != ET_REL)
		return uk_error_create(UK_ERR_INVALID, "not a relocatable object (type %u)",
				       ehdr.e_type);
	return NULL;
}

static bool is_modelled(uint32_t type)
{
	switch (type) {
	case SHT_NULL:
	case SHT_SYMTAB:
	case SHT_STRTAB:
	case SHT_RELA:
	case SHT_REL:
	case SHT_GROUP:
	case SHT_SYMTAB_SHNDX:
		return false;
	default:
		return true;
	}
}

/* libelf checks that the section lies inside the file. */
static struct uk_error *read_section(struct reader *reader, Elf_Scn *scn, const GElf_Shdr *shdr,
				     const char *name)
{
	const void *bytes = NULL;
	if (shdr->sh_type != SHT_NOBITS && shdr->sh_size) {
		Elf_Data *data = elf_rawdata(scn, NULL);
		if (!data || data->d_size != shdr->sh_size || !data->d_buf)
			return uk_error_wrap(elf_error("contents"), "section %s", name);
		bytes = data->d_buf;
	}
	if (shdr->sh_addralign > MAX_ALIGN || (shdr->sh_addralign & (shdr->sh_addralign - 1)))
		return uk_error_create(UK_ERR_INVALID, "section %s: alignment %lu", name,
				       shdr->sh_addralign);
	if (shdr->sh_flags & SHF_COMPRESSED)
		return uk_error_create(UK_ERR_INVALID, "section %s: compressed", name);
	return uk_object_add_section(reader->object, name, shdr->sh_type, shdr->sh_flags,
				     shdr->sh_addralign, shdr->sh_entsize, bytes, shdr->sh_size,
				     &reader->sections[elf_ndxscn(scn)]);
}

static struct uk_error *read_sections(struct reader *reader)
{
	size_t names;
	if (elf_getshdrnum(reader->elf, &reader->nr_sections) < 0 ||
	    elf_getshdrstrndx(reader->elf, &names) < 0)
		return elf_error("section table");
	reader->sections = calloc(reader->nr_sections + 1, sizeof(*reader->sections));
	if (!reader->sections)
		return uk_error_nomem();
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(reader->elf, scn));) {
		GElf_Shdr shdr;
		if (!gelf_getshdr(scn, &shdr))
			return elf_error("section header");
		const char *name = elf_strptr(reader->elf, names, shdr.sh_name);
		if (!name)
			return elf_error("section name");
		if (shdr.sh_type == SHT_SYMTAB) {
			if (reader->symtab)
				return uk_error_create(UK_ERR_INVALID, "two symbol tables");
			reader->symtab = scn;
		}
		if (!is_modelled(shdr.sh_type))
			continue;
		struct uk_error *err = read_section(reader, scn, &shdr, name);
		if (err)
			return err;
	}
	return NULL;
}

/* Where a symbol is defined, from its section number. */
static struct uk_error *symbol_place(struct reader *reader, const GElf_Sym *sym, Elf32_Word shndx,
				     const char *name, enum uk_symbol_place *place_ret,
				     struct uk_section **section_ret)
{
	*section_ret = NULL;
	if (shndx == SHN_UNDEF) {
		*place_ret = UK_SYMBOL_UNDEFINED;
	} else if (sym->st_shndx == SHN_ABS) {
		*place_ret = UK_SYMBOL_ABSOLUTE;
	} else if (sym->st_shndx == SHN_COMMON) {
		*place_ret = UK_SYMBOL_COMMON;
	} else if (shndx < reader->nr_sections) {
		*place_ret = UK_SYMBOL_DEFINED;
		*section_ret = reader->sections[shndx];
		/* Group signatures and the like: of no use, and not in the model. */
		if (!*section_ret)
			*place_ret = UK_SYMBOL_ABSOLUTE;
		else if (!uk_range_ok(sym->st_value, 0, (*section_ret)->size))
			return uk_error_create(UK_ERR_INVALID, "symbol %s: %#lx is outside %s",
					       name, sym->st_value, (*section_ret)->name);
	} else {
		return uk_error_create(UK_ERR_INVALID, "symbol %s: section %u does not exist", name,
				       shndx);
	}
	return NULL;
}

static struct uk_error *read_symbol(struct reader *reader, size_t number, const GElf_Sym *sym,
				    Elf32_Word shndx, const char *name)
{
	enum uk_symbol_place place;
	struct uk_section *section;
	struct uk_error *err = symbol_place(reader, sym, shndx, name, &place, &section);
	if (err)
		return err;
	uint8_t type = GELF_ST_TYPE(sym->st_info);
	if (type == STT_SECTION && section)
		name = section->name;
	uint64_t size = sym->st_size;
	/* A size past the end (hand-written assembly does that) is cut to the section. */
	if (section && size > section->size - sym->st_value)
		size = section->size - sym->st_value;
	struct uk_symbol *symbol;
	err = uk_object_add_symbol(reader->object, name, type, GELF_ST_BIND(sym->st_info), place,
				   section, sym->st_value, size, &symbol);
	if (err)
		return err;
	symbol->visibility = GELF_ST_VISIBILITY(sym->st_other);
	if (type == STT_SECTION && section && !section->symbol)
		section->symbol = symbol;
	reader->symbols[number] = symbol;
	return NULL;
}

/* The table of section numbers over 0xff00, when the object has so many. */
static Elf_Data *extended_numbers(struct reader *reader)
{
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(reader->elf, scn));) {
		GElf_Shdr shdr;
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_SYMTAB_SHNDX)
			return elf_getdata(scn, NULL);
	}
	return NULL;
}

static struct uk_error *read_symbols(struct reader *reader)
{
	GElf_Shdr shdr;
	if (!reader->symtab)
		return NULL;
	Elf_Data *data = elf_getdata(reader->symtab, NULL);
	if (!data || !gelf_getshdr(reader->symtab, &shdr) || shdr.sh_entsize != sizeof(Elf64_Sym))
		return elf_error("symbol table");
	Elf_Data *numbers = extended_numbers(reader);
	reader->nr_symbols = data->d_size / sizeof(Elf64_Sym);
	reader->symbols = calloc(reader->nr_symbols + 1, sizeof(*reader->symbols));
	if (!reader->symbols)
		return uk_error_nomem();
	for (size_t i = 1; i < reader->nr_symbols; i++) {
		GElf_Sym sym;
		Elf32_Word number = 0;
		if (!gelf_getsymshndx(data, numbers, (int)i, &sym, &number))
			return elf_error("symbol");
		const char *name = elf_strptr(reader->elf, shdr.sh_link, sym.st_name);
		if (!name)
			return elf_error("symbol name");
		struct uk_error *err = read_symbol(
			reader, i, &sym, sym.st_shndx == SHN_XINDEX ? number : sym.st_shndx, name);
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *read_reloc(struct reader *reader, struct uk_section *section,
				   const GElf_Rela *rela)
{
	size_t number = GELF_R_SYM(rela->r_info);
	uint32_t type = (uint32_t)GELF_R_TYPE(rela->r_info);
	if (type == R_X86_64_NONE)
		return NULL;
	unsigned int size = uk_reloc_size(type);
	if (!size)
		return uk_error_create(UK_ERR_INVALID,
				       "section %s+%#lx: relocation type %u is not known",
				       section->name, rela->r_offset, type);
	if (!uk_range_ok(rela->r_offset, size, section->size))
		return uk_error_create(UK_ERR_INVALID, "section %s: relocation at %#lx is outside",
				       section->name, rela->r_offset);
	if (number >= reader->nr_symbols || !reader->symbols[number])
		return uk_error_create(UK_ERR_INVALID,
				       "section %s+%#lx: relocation names symbol %zu of %zu",
				       section->name, rela->r_offset, number, reader->nr_symbols);
	struct uk_reloc reloc = { rela->r_offset, type, reader->symbols[number], rela->r_addend };
	return uk_vec_push(&section->relocs, reloc) ? NULL : uk_error_nomem();
}

static int compare_relocs(const void *a, const void *b)
{
	const struct uk_reloc *left = a, *right = b;
	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static struct uk_error *read_reloc_section(struct reader *reader, Elf_Scn *scn,
					   const GElf_Shdr *shdr)
{
	if (shdr->sh_info >= reader->nr_sections || !reader->sections[shdr->sh_info])
		return uk_error_create(UK_ERR_INVALID, "relocations for section %u, which is none",
				       shdr->sh_info);
	struct uk_section *section = reader->sections[shdr->sh_info];
	Elf_Data *data = elf_getdata(scn, NULL);
	if (!data || shdr->sh_entsize != sizeof(Elf64_Rela))
		return uk_error_wrap(elf_error("relocations"), "section %s", section->name);
	size_t nr = data->d_size / sizeof(Elf64_Rela);
	if (!uk_vec_reserve(&section->relocs, nr))
		return uk_error_nomem();
	for (size_t i = 0; i < nr; i++) {
		GElf_Rela rela;
		if (!gelf_getrela(data, (int)i, &rela))
			return uk_error_wrap(elf_error("relocation"), "section %s", section->name);
		struct uk_error *err = read_reloc(reader, section, &rela);
		if (err)
			return err;
	}
	if (section->relocs.len)
		qsort(section->relocs.data, section->relocs.len, sizeof(struct uk_reloc),
		      compare_relocs);
	return NULL;
}

static struct uk_error *read_relocs(struct reader *reader)
{
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(reader->elf, scn));) {
		GElf_Shdr shdr;
		if (!gelf_getshdr(scn, &shdr))
			return elf_error("section header");
		if (shdr.sh_type == SHT_REL)
			return uk_error_create(UK_ERR_INVALID,
					       "relocations without addends (SHT_REL)");
		if (shdr.sh_type != SHT_RELA)
			continue;
		struct uk_error *err = read_reloc_section(reader, scn, &shdr);
		if (err)
			return err;
	}
	return NULL;
}

struct uk_error *uk_object_parse(const void *data, size_t len, const char *name,
				 struct uk_object **ret)
{
	uk_cleanup(reader_deinit) struct reader reader = {};
	elf_version(EV_CURRENT);
	struct uk_error *err = uk_object_create(name, &reader.object);
	if (err)
		return err;
	/* libelf only reads from it. */
	reader.elf = elf_memory((char *)(uintptr_t)data, len);
	err = reader.elf ? check_header(&reader) : elf_error("open");
	if (!err)
		err = read_sections(&reader);
	if (!err)
		err = read_symbols(&reader);
	if (!err)
		err = read_relocs(&reader);
	if (err)
		return uk_error_wrap(err, "%s", name);
	*ret = uk_take(reader.object);
	return NULL;
}

struct uk_error *uk_object_load(const char *path, struct uk_object **ret)
{
	uk_auto_free char *data = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(path, MAX_OBJECT_SIZE, &data, &len);
	return err ? err : uk_object_parse(data, len, path, ret);
}
