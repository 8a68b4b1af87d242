/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's own symbol table: of the running kernel or found inside an image. */
#ifndef UPKEEP_MATCH_KALLSYMS_H
#define UPKEEP_MATCH_KALLSYMS_H

#include "base/error.h"
#include "base/vec.h"
#include "match/memory.h"

#include <stdbool.h>
#include <stdint.h>

struct uk_kallsym {
	const char *name;
	const char *module; /* "vmlinux" for the kernel itself */
	uint64_t address;
	char type;	    /* as nm shows it: upper case is global */
	uint32_t next_same; /* index of the next symbol of that name, or UINT32_MAX */
};

struct uk_kallsyms {
	UK_VEC(struct uk_kallsym) symbols;
	uint32_t *by_address; /* indices into symbols, by (address, order) */
	uint32_t *slots;      /* hash table of names: index of a name's first symbol + 1 */
	size_t nr_slots;
	char *text; /* where the names lie */
};

/* Parses text in the format of /proc/kallsyms. Refuses addresses that are all zero. */
struct uk_error *uk_kallsyms_parse(const char *text, size_t len,
				   struct uk_kallsyms **ret) uk_must_check;
/* /proc/kallsyms. */
struct uk_error *uk_kallsyms_load(struct uk_kallsyms **ret) uk_must_check;
/* Finds the compressed table inside a kernel image by its structure. */
struct uk_error *uk_kallsyms_find(const struct uk_memory *image,
				  struct uk_kallsyms **ret) uk_must_check;
/* The one that goes with a memory: uk_kallsyms_load() if it is live, else uk_kallsyms_find(). */
struct uk_error *uk_kallsyms_open(const struct uk_memory *memory,
				  struct uk_kallsyms **ret) uk_must_check;

void uk_kallsyms_destroy(struct uk_kallsyms *kallsyms);
UK_DEFINE_CLEANUP(kallsyms, struct uk_kallsyms *, uk_kallsyms_destroy)
#define uk_auto_kallsyms uk_cleanup(uk_cleanup_kallsyms)

/* First symbol of that name (follow uk_kallsyms_next() for the others), or NULL. */
const struct uk_kallsym *uk_kallsyms_lookup(const struct uk_kallsyms *kallsyms, const char *name);
const struct uk_kallsym *uk_kallsyms_next(const struct uk_kallsyms *kallsyms,
					  const struct uk_kallsym *symbol);

/* The last symbol at or below an address, or NULL. Aliases: the first of them. */
const struct uk_kallsym *uk_kallsyms_at(const struct uk_kallsyms *kallsyms, uint64_t address);

/* Whether a symbol of that name and module ("vmlinux", or NULL for any) stands at an address. */
bool uk_kallsyms_has(const struct uk_kallsyms *kallsyms, const char *name, const char *module,
		     uint64_t address);

/* Address of a name that vmlinux has exactly once, or 0. */
uint64_t uk_kallsyms_unique(const struct uk_kallsyms *kallsyms, const char *name);

#define uk_kallsyms_for_each(symbol, kallsyms, text)                                               \
	for (const struct uk_kallsym *symbol = uk_kallsyms_lookup(kallsyms, text); symbol;         \
	     symbol = uk_kallsyms_next(kallsyms, symbol))

#endif
