// SPDX-License-Identifier: GPL-2.0-or-later
/* A kernel module's file in memory. */
#include "live/modfile.h"

#include "base/bytes.h"
#include "base/strbuf.h"
#include "live/signer.h"

#include <inttypes.h>
#include <string.h>

/* Behind a signed module: the signature, 12 bytes that end with its length (big-endian), this. */
static const char signature_mark[] = UK_SIGNATURE_MARK;

enum { MARK_LEN = sizeof(signature_mark) - 1 };

static struct uk_error *bad(const struct uk_modfile *file, const char *what)
{
	return uk_error_create(UK_ERR_INVALID, "%s: not a kernel module: %s", file->name, what);
}

static struct uk_error *cut_signature(struct uk_modfile *file)
{
	if (file->len < MARK_LEN ||
	    memcmp(file->data + file->len - MARK_LEN, signature_mark, MARK_LEN))
		return NULL;
	size_t rest = file->len - MARK_LEN;
	if (rest < UK_SIGNATURE_INFO_LEN)
		return bad(file, "its signature is cut off");
	uint32_t len;
	memcpy(&len, file->data + rest - sizeof(len), sizeof(len));
	len = be32toh(len);
	rest -= UK_SIGNATURE_INFO_LEN;
	if (len > rest)
		return bad(file, "its signature is longer than the file");
	file->len = rest - len;
	return NULL;
}

static struct uk_error *check_header(const struct uk_modfile *file, const Elf64_Ehdr *header)
{
	if (file->len < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG))
		return bad(file, "no ELF header");
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_machine != EM_X86_64)
		return bad(file, "not for x86-64");
	if (header->e_type != ET_REL)
		return bad(file, "not relocatable");
	if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shoff % 8 ||
	    !uk_range_ok(header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr),
			 file->len))
		return bad(file, "its section table lies outside");
	return NULL;
}

/* The one symbol table, or NULL when there is none or more than one. */
static const Elf64_Shdr *find_symtab(const Elf64_Shdr *sections, size_t nr)
{
	const Elf64_Shdr *found = NULL;
	for (size_t i = 0; i < nr; i++) {
		if (sections[i].sh_type != SHT_SYMTAB)
			continue;
		if (found)
			return NULL;
		found = &sections[i];
	}
	return found;
}

static struct uk_error *check_symbols(const struct uk_modfile *file, uint64_t strings_len)
{
	/* A string table that ends with NUL ends every string that begins in it. */
	if (!strings_len || file->strings[strings_len - 1])
		return bad(file, "its names are not terminated");
	for (size_t i = 0; i < file->nr_symbols; i++) {
		if (file->symbols[i].st_name >= strings_len)
			return bad(file, "the name of a symbol lies outside");
	}
	return NULL;
}

static struct uk_error *find_symbols(struct uk_modfile *file)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)file->data;
	struct uk_error *err = check_header(file, header);
	if (err)
		return err;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(file->data + header->e_shoff);
	const Elf64_Shdr *symtab = find_symtab(sections, header->e_shnum);
	if (!symtab)
		return bad(file, "it needs exactly one symbol table");
	if (symtab->sh_entsize != sizeof(Elf64_Sym) || symtab->sh_offset % 8 ||
	    symtab->sh_size % sizeof(Elf64_Sym) || symtab->sh_size < sizeof(Elf64_Sym) ||
	    !uk_range_ok(symtab->sh_offset, symtab->sh_size, file->len) ||
	    symtab->sh_link >= header->e_shnum)
		return bad(file, "its symbol table lies outside");
	const Elf64_Shdr *strtab = &sections[symtab->sh_link];
	if (strtab->sh_type != SHT_STRTAB ||
	    !uk_range_ok(strtab->sh_offset, strtab->sh_size, file->len))
		return bad(file, "its string table lies outside");
	file->sections = sections;
	file->nr_sections = header->e_shnum;
	file->symbols = (Elf64_Sym *)(file->data + symtab->sh_offset);
	file->nr_symbols = symtab->sh_size / sizeof(Elf64_Sym);
	file->strings = (const char *)file->data + strtab->sh_offset;
	return check_symbols(file, strtab->sh_size);
}

struct uk_error *uk_modfile_parse(const void *data, size_t len, const char *name,
				  struct uk_modfile **ret)
{
	uk_auto_modfile struct uk_modfile *file = calloc(1, sizeof(*file));
	if (!file)
		return uk_error_nomem();
	file->data = malloc(len + 1);
	if (!file->data)
		return uk_error_nomem();
	memcpy(file->data, data, len);
	file->len = len;
	struct uk_error *err = uk_strdup(name, &file->name);
	if (!err)
		err = cut_signature(file);
	if (!err)
		err = find_symbols(file);
	if (err)
		return err;
	*ret = uk_take(file);
	return NULL;
}

void uk_modfile_destroy(struct uk_modfile *file)
{
	if (!file)
		return;
	free(file->data);
	free(file->name);
	free(file);
}

static const char byte_prefix[] = ".upk.byte.", value_prefix[] = ".upk.value."; /* see diff.h */

/* A shift of a 32-bit or 64-bit number; its variable has 32 bits. */
static struct uk_error *get_shift(const struct uk_modfile *file, const char *name,
				  uk_resolve_fn resolve, void *ctx, uint8_t *ret)
{
	uint64_t value = 0;
	uk_auto_free char *full = NULL;
	struct uk_error *err = uk_asprintf(&full, "%s%s", value_prefix, name);
	if (err)
		return err;
	if (!resolve(ctx, full, &value) || !(uint32_t)value || (uint32_t)value > 63)
		return uk_error_create(UK_ERR_REFUSED,
				       "%s: the running kernel's %s is no shift (0x%" PRIx64 ")",
				       file->name, name, value);
	*ret = (uint8_t)value;
	return NULL;
}

static struct uk_error *fill_byte(struct uk_modfile *file, Elf64_Sym *symbol, uint8_t value)
{
	const Elf64_Shdr *section =
		symbol->st_shndx < file->nr_sections ? &file->sections[symbol->st_shndx] : NULL;
	if (!section || section->sh_type != SHT_PROGBITS ||
	    !uk_range_ok(section->sh_offset, section->sh_size, file->len) ||
	    symbol->st_value >= section->sh_size)
		return bad(file, "a byte to be filled in lies outside");
	file->data[section->sh_offset + symbol->st_value] = value;
	symbol->st_name = 0;
	return NULL;
}

struct uk_error *uk_modfile_fill(struct uk_modfile *file, uk_resolve_fn resolve, void *ctx)
{
	for (size_t i = 1; i < file->nr_symbols; i++) {
		Elf64_Sym *symbol = &file->symbols[i];
		const char *name = file->strings + symbol->st_name;
		uint8_t value = 0;
		if (!uk_str_starts(name, byte_prefix))
			continue;
		struct uk_error *err =
			get_shift(file, name + strlen(byte_prefix), resolve, ctx, &value);
		if (!err)
			err = fill_byte(file, symbol, value);
		if (err)
			return err;
	}
	return NULL;
}

struct uk_error *uk_modfile_resolve(struct uk_modfile *file, uk_resolve_fn resolve, void *ctx)
{
	for (size_t i = 1; i < file->nr_symbols; i++) {
		Elf64_Sym *symbol = &file->symbols[i];
		const char *name = file->strings + symbol->st_name;
		uint64_t address;
		if (symbol->st_shndx != SHN_UNDEF || !*name)
			continue;
		if (resolve(ctx, name, &address)) {
			symbol->st_shndx = SHN_ABS;
			symbol->st_value = address;
		} else if (ELF64_ST_BIND(symbol->st_info) != STB_WEAK) {
			return uk_error_create(UK_ERR_REFUSED,
					       "%s: the running kernel has no address for '%s'",
					       file->name, name);
		}
	}
	return NULL;
}
