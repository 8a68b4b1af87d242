/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The types that an object file's debug information (DWARF 4 or 5) tells of: the layout of
 * each struct, union and enum, and the prototype of each global function and variable that
 * the object defines.
 *
 * A type is written as text with typedefs and qualifiers peeled off ("unsigned int[4]",
 * "struct sk_buff *", "int(struct file *, long)"). A named type stands there by its name
 * alone, an anonymous one with its content, so that a change shows where it was made.
 */
#ifndef UPKEEP_DIFF_LAYOUT_H
#define UPKEEP_DIFF_LAYOUT_H

#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>

enum uk_layout_kind {
	UK_LAYOUT_STRUCT,
	UK_LAYOUT_UNION,
	UK_LAYOUT_ENUM,
};

/* A member; those of anonymous members stand beside it ("x", or "in.x" when it has a name). */
struct uk_layout_member {
	const char *name;
	const char *type;
	uint64_t bit_offset; /* from the start of the outermost type */
	uint64_t bit_size;   /* 0 for a flexible array */
	bool bitfield;
};

struct uk_enumerator {
	const char *name;
	int64_t value;
};

struct uk_layout {
	enum uk_layout_kind kind;
	const char *name;     /* its tag, or the typedef of one without; NULL: an enum without */
	const char *function; /* that it is defined in, or NULL */
	uint64_t size, align; /* bytes; align 0 unless the source asks for one */
	UK_VEC(struct uk_layout_member) members;
	UK_VEC(struct uk_enumerator) enumerators;
	Dwarf_Die die;
	struct uk_layout *next; /* another of the same name, or NULL */
};

struct uk_prototype {
	const char *type;
	bool is_function;
	Dwarf_Die die;
};

struct uk_layouts {
	Dwfl *dwfl;
	UK_VEC(struct uk_layout *) all; /* in order of the file; owned */
	UK_VEC(Dwarf_Die) variables;	/* all that have a name, static and local ones too */
	struct uk_map named;		/* "struct NAME" (any kind) or "typedef NAME": the first */
	struct uk_map prototypes;	/* name: struct uk_prototype *, owned */
	struct uk_map typedefs;		/* offsets of the anonymous types that have a typedef */
	struct uk_map texts;		/* offset of a type: its text, owned */
	UK_VEC(char *) pool;		/* names put together by us, owned */
};

/*
 * Reads the types of a relocatable object. All strings live as long as the result. An object
 * without debug information is an error (UK_ERR_INVALID).
 */
struct uk_error *uk_layouts_load(const char *path, struct uk_layouts **ret) uk_must_check;
void uk_layouts_destroy(struct uk_layouts *layouts);
UK_DEFINE_CLEANUP(layouts, struct uk_layouts *, uk_layouts_destroy)
#define uk_auto_layouts uk_cleanup(uk_cleanup_layouts)

/* "struct", "union" or "enum". */
const char *uk_layout_word(enum uk_layout_kind kind);

/* "FILE:LINE" of a declaration, relative to the folder of the compilation. Caller frees. */
struct uk_error *uk_layout_place(const Dwarf_Die *die, char **ret) uk_must_check;

#endif
