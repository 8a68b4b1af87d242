/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Units: the objects that a configured tree is made of, as kbuild itself lists them,
 * with the command line of each.
 */
#ifndef UPKEEP_KBUILD_UNIT_H
#define UPKEEP_KBUILD_UNIT_H

#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"

enum uk_unit_place {
	UK_UNIT_BUILTIN, /* linked into vmlinux */
	UK_UNIT_MODULE,	 /* linked into a module */
	UK_UNIT_APART,	 /* linked into something else: vDSO, real mode, purgatory, EFI stub */
};

struct uk_unit {
	char *object; /* from the root of the tree: "fs/fat/dir.o" */
	char *source; /* likewise: "fs/fat/dir.c"; may be generated */
	enum uk_unit_place place;
	char *module;  /* as the kernel names it ("snd_hda_intel"); NULL unless MODULE */
	char *objtool; /* arguments that kbuild gives objtool for this object, or NULL */
	char *command; /* the compiler's command line, to be run in the root of the tree */
};

struct uk_units {
	UK_VEC(struct uk_unit) all; /* sorted by object, then module */
	struct uk_map by_object;    /* object -> index of the first with that object */
	char *ld;	 /* how kbuild links a module: "ld -r -m elf_x86_64 ... -T ..." */
	char *cc_module; /* how it would compile upkeep/part.c as a module of one object */
	char *objtool;	 /* objtool's arguments for that module, or NULL: none is run */
};

/*
 * Parses the text that the dump makefile prints (see unit.c for its lines). @name is for
 * messages.
 */
struct uk_error *uk_units_parse(const char *text, size_t len, const char *name,
				struct uk_units **ret) uk_must_check;
void uk_units_destroy(struct uk_units *units);
UK_DEFINE_CLEANUP(units, struct uk_units *, uk_units_destroy)
#define uk_auto_units uk_cleanup(uk_cleanup_units)

/* The first unit with that object, or NULL. */
const struct uk_unit *uk_units_find(const struct uk_units *units, const char *object);

/* The word for a place: "vmlinux", the module's name, or "apart". Borrowed. */
const char *uk_unit_target(const struct uk_unit *unit);

/*
 * Splits a command line of kbuild into words: blanks, '...', "..." and backslash as in a
 * shell; any other shell construct is an error. Words are owned by the caller
 * (uk_strv_destroy); *ret has a NULL behind the last.
 */
struct uk_error *uk_command_split(const char *command, char ***ret, size_t *nr_ret) uk_must_check;

#endif
