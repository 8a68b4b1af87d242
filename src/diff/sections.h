/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the sections of a kernel object mean: one table, by name. Where the section's
 * flags say more than its name (.data..x may be anything), they decide within the kind.
 */
#ifndef UPKEEP_DIFF_SECTIONS_H
#define UPKEEP_DIFF_SECTIONS_H

#include "elf/object.h"

enum uk_section_kind {
	UK_SECTION_TEXT,	/* stays in memory: may be redirected and carried */
	UK_SECTION_INIT_TEXT,	/* gone after boot, or after the module was loaded */
	UK_SECTION_EXIT_TEXT,	/* gone in vmlinux, runs once in a module */
	UK_SECTION_TRAMPOLINE,	/* .static_call.text */
	UK_SECTION_REPLACEMENT, /* .altinstr_replacement: code of alternatives */
	UK_SECTION_HELPER,	/* .altinstr_aux: code that alternatives jump to */
	UK_SECTION_DATA,	/* writable: its state belongs to the running kernel */
	UK_SECTION_RODATA,
	UK_SECTION_PERCPU,
	UK_SECTION_LITERAL, /* mergeable strings and constants */
	UK_SECTION_INIT_DATA,
	UK_SECTION_EXIT_DATA,
	UK_SECTION_TABLE,	 /* entries that belong to code: see struct uk_table_kind */
	UK_SECTION_DESCRIPTOR,	 /* __dyndbg: data that the loader also registers */
	UK_SECTION_REGISTRATION, /* entries that are read at boot or at module load */
	UK_SECTION_EXPORT,	 /* exported symbols */
	UK_SECTION_VERBATIM,	 /* the same in every object: notes */
	UK_SECTION_IGNORED,	 /* debug information and the like: says nothing about the code */
	UK_SECTION_OBJTOOL,	 /* made by objtool: the object is not raw */
	UK_SECTION_UNKNOWN,
};

/* A table whose entries belong to the code that they point at. */
struct uk_table_kind {
	const char *name;		 /* of the section; ends with '*' when more may follow */
	unsigned int relocs;		 /* per entry; the entry's size is measured by them */
	unsigned int code;		 /* offset of the field that says whose entry it is */
	unsigned int sizes[3];		 /* that an entry can have; {0}: any */
	unsigned int ignore, ignore_len; /* bytes that are no change: a line number */
	bool drop;			 /* compared and not carried */
	bool behind; /* the field points behind the instruction that it is about */
};

enum uk_section_kind uk_section_kind_of(const struct uk_section *section);

/* NULL when the section is not of UK_SECTION_TABLE. */
const struct uk_table_kind *uk_table_kind_of(const struct uk_section *section);

static inline bool uk_section_kind_is_code(enum uk_section_kind kind)
{
	return kind <= UK_SECTION_HELPER;
}

/* Code of functions, which can be compared one by one. */
static inline bool uk_section_kind_is_text(enum uk_section_kind kind)
{
	return kind <= UK_SECTION_TRAMPOLINE;
}

/* Gone, or never used again, once the kernel or the module runs. */
static inline bool uk_section_kind_is_transient(enum uk_section_kind kind)
{
	return kind == UK_SECTION_INIT_TEXT || kind == UK_SECTION_EXIT_TEXT ||
	       kind == UK_SECTION_INIT_DATA || kind == UK_SECTION_EXIT_DATA;
}

/* The name that an entry of the export tables stands for, if the symbol is one; else NULL. */
const char *uk_exported_name(const struct uk_symbol *symbol);

#endif
