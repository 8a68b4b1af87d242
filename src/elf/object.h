/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Object files (ELF64, x86-64, relocatable) as a model.
 *
 * An object is read and checked once, when it is loaded: afterwards every section's
 * bytes lie in memory, every relocation lies inside its section and names a symbol of
 * this object, every name is terminated. Formats: System V ABI, chapters 4 and 5, and
 * its x86-64 supplement.
 *
 * The model may also be built by hand and written out.
 */
#ifndef UPKEEP_ELF_OBJECT_H
#define UPKEEP_ELF_OBJECT_H

#include "base/error.h"
#include "base/vec.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uk_symbol;

struct uk_reloc {
	uint64_t offset; /* from the start of the section that it changes */
	uint32_t type;	 /* R_X86_64_* */
	struct uk_symbol *symbol;
	int64_t addend;
};

struct uk_section {
	size_t index; /* in uk_object.sections; not the ELF section number */
	char *name;
	uint32_t type;	/* SHT_*; only PROGBITS, NOBITS, NOTE, INIT_ARRAY and the like: symbol
			 * tables, string tables, relocations and groups are not in the model */
	uint64_t flags; /* SHF_* */
	uint64_t size, align, entsize;
	uint8_t *data;			/* NULL for SHT_NOBITS and for an empty section */
	UK_VEC(struct uk_reloc) relocs; /* in order of offset */
	struct uk_symbol *symbol;	/* the section's own symbol (STT_SECTION), or NULL */
	void *tag;			/* for the room that owns the object at this moment */
};

enum uk_symbol_place {
	UK_SYMBOL_UNDEFINED,
	UK_SYMBOL_DEFINED, /* value is an offset into section */
	UK_SYMBOL_ABSOLUTE,
	UK_SYMBOL_COMMON, /* value is the alignment */
};

struct uk_symbol {
	size_t index; /* in uk_object.symbols */
	char *name;   /* "" when it has none; a section symbol has its section's name */
	uint8_t type, bind, visibility; /* STT_*, STB_*, STV_* */
	enum uk_symbol_place place;
	struct uk_section *section; /* when DEFINED */
	uint64_t value, size;
	void *tag;
};

struct uk_object {
	char *name;			      /* for messages: a path or a member's name */
	UK_VEC(struct uk_section *) sections; /* in order of the file; the array owns them */
	UK_VEC(struct uk_symbol *) symbols;   /* likewise, without the null symbol */
};

/* Reads and checks a relocatable x86-64 object. @name is for messages and copied. */
struct uk_error *uk_object_parse(const void *data, size_t len, const char *name,
				 struct uk_object **ret) uk_must_check;
struct uk_error *uk_object_load(const char *path, struct uk_object **ret) uk_must_check;

/* An empty object, to be filled with the functions below. */
struct uk_error *uk_object_create(const char *name, struct uk_object **ret) uk_must_check;

void uk_object_destroy(struct uk_object *object);
UK_DEFINE_CLEANUP(object, struct uk_object *, uk_object_destroy)
#define uk_auto_object uk_cleanup(uk_cleanup_object)

/* First section or symbol of that name, or NULL. */
struct uk_section *uk_object_section(const struct uk_object *object, const char *name);
struct uk_symbol *uk_object_symbol(const struct uk_object *object, const char *name);

/* The function or datum (by size, not a section symbol) that covers @offset, or NULL. */
struct uk_symbol *uk_object_symbol_at(const struct uk_object *object,
				      const struct uk_section *section, uint64_t offset);

static inline bool uk_symbol_is_function(const struct uk_symbol *symbol)
{
	return symbol->place == UK_SYMBOL_DEFINED && symbol->type == STT_FUNC;
}

static inline bool uk_symbol_is_local(const struct uk_symbol *symbol)
{
	return symbol->bind == STB_LOCAL;
}

static inline bool uk_section_is_text(const struct uk_section *section)
{
	return (section->flags & SHF_EXECINSTR) != 0;
}

/* How many bytes a relocation type changes: 1, 2, 4 or 8; 0 for R_X86_64_NONE or unknown. */
unsigned int uk_reloc_size(uint32_t type);
/* Whether the value is relative to the place (PC32, PLT32, PC64, ...). */
bool uk_reloc_is_pcrel(uint32_t type);
/* The relocation that changes the byte at @offset, or NULL (binary search). */
const struct uk_reloc *uk_section_reloc_at(const struct uk_section *section, uint64_t offset);

/*
 * Building. @data is copied (NULL: NOBITS when @type says so, else zeroes). The returned
 * pointers belong to the object. A section symbol is made when it is first asked for.
 */
struct uk_error *uk_object_add_section(struct uk_object *object, const char *name, uint32_t type,
				       uint64_t flags, uint64_t align, uint64_t entsize,
				       const void *data, uint64_t size,
				       struct uk_section **ret) uk_must_check;
struct uk_error *uk_object_add_symbol(struct uk_object *object, const char *name, uint8_t type,
				      uint8_t bind, enum uk_symbol_place place,
				      struct uk_section *section, uint64_t value, uint64_t size,
				      struct uk_symbol **ret) uk_must_check;
struct uk_error *uk_object_section_symbol(struct uk_object *object, struct uk_section *section,
					  struct uk_symbol **ret) uk_must_check;
struct uk_error *uk_section_add_reloc(struct uk_section *section, uint64_t offset, uint32_t type,
				      struct uk_symbol *symbol, int64_t addend) uk_must_check;

/*
 * The object as an ELF file: the same model gives the same bytes. @drop_debug leaves out
 * sections .debug_* and .comment. Caller frees.
 */
struct uk_error *uk_object_write(const struct uk_object *object, bool drop_debug, char **ret,
				 size_t *len_ret) uk_must_check;

#endif
