/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sites: the places of an object that the kernel is known to rewrite, at boot or later.
 *
 * The objects are raw compiler output (not run through objtool), so sites come from the
 * sections that the assembler code itself makes (.altinstructions, __jump_table, ...) and
 * from the symbols of relocations (returns, retpolines, static calls, fentry).
 */
#ifndef UPKEEP_MATCH_SITES_H
#define UPKEEP_MATCH_SITES_H

#include "base/error.h"
#include "base/vec.h"
#include "elf/object.h"
#include "match/rewrites.h"

#include <stdbool.h>
#include <stdint.h>

/* In this order at one offset: what encloses comes first. */
enum uk_site_class {
	UK_SITE_ALTERNATIVE,
	UK_SITE_TRAMPOLINE, /* of a static call */
	UK_SITE_PARAVIRT,
	UK_SITE_RETPOLINE,
	UK_SITE_RETURN,
	UK_SITE_JUMP_LABEL,
	UK_SITE_STATIC_CALL,
	UK_SITE_FENTRY,
	UK_SITE_LOCK,
	UK_SITE_ENDBR,
	UK_SITE_RUNTIME_PTR,
	UK_SITE_RUNTIME_SHIFT,
	UK_SITE_CALL_PADDING, /* call depth: nops before a function */
	UK_SITE_FTRACE_CALL,  /* ftrace's own call to the tracer */
	UK_SITE_CALL,	      /* call depth: a direct call that enters through the padding;
			       * never listed, found where bytes differ */
	UK_SITE_CLASSES,
};

struct uk_site {
	enum uk_site_class class;
	uint64_t offset, len;
	unsigned int reg;	  /* retpoline: number of the register, 0 rax to 15 r15 */
	unsigned int type;	  /* paravirt: index into pv_ops */
	const char *name;	  /* static call, runtime constant: its name; borrowed */
	struct uk_symbol *symbol; /* jump label: the target is symbol + addend */
	int64_t addend;
	size_t first, nr; /* alternative: its replacements in uk_sites.replacements */
};

/* What may stand at an alternative instead of the original. */
struct uk_replacement {
	struct uk_section *section; /* .altinstr_replacement; NULL if empty */
	uint64_t offset, len;
	bool direct_call; /* a call to what the original's pv_ops slot holds */
};

struct uk_site_list {
	UK_VEC(struct uk_site) sites; /* by offset, then class */
};

struct uk_sites {
	const struct uk_object *object;	 /* borrowed; must outlive this */
	struct uk_site_list *by_section; /* by uk_section.index */
	UK_VEC(struct uk_replacement) replacements;
};

const char *uk_site_class_name(enum uk_site_class class);
/* Whether the kernel rewrites sites of this class while it runs, not only as it boots. */
bool uk_site_class_is_dynamic(enum uk_site_class class);

struct uk_error *uk_sites_collect(const struct uk_object *object, uk_version version,
				  struct uk_sites **ret) uk_must_check;
void uk_sites_destroy(struct uk_sites *sites);
UK_DEFINE_CLEANUP(sites, struct uk_sites *, uk_sites_destroy)
#define uk_auto_sites uk_cleanup(uk_cleanup_sites)

/* Index of the first site of a section that begins at @offset or behind it. */
size_t uk_sites_from(const struct uk_sites *sites, const struct uk_section *section,
		     uint64_t offset);

/* The first site that overlaps [offset, offset + len), or NULL. */
const struct uk_site *uk_sites_overlap(const struct uk_sites *sites,
				       const struct uk_section *section, uint64_t offset,
				       uint64_t len);

#endif
