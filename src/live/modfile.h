/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel module's file in memory, about to be loaded: its undefined symbols are turned
 * into absolute ones, so that the kernel's loader looks nothing up. Private to this room.
 */
#ifndef UPKEEP_LIVE_MODFILE_H
#define UPKEEP_LIVE_MODFILE_H

#include "base/error.h"
#include "base/vec.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uk_modfile {
	char *name; /* for messages */
	uint8_t *data;
	size_t len;
	/* Into data; checked. */
	const Elf64_Shdr *sections;
	size_t nr_sections;
	Elf64_Sym *symbols;
	size_t nr_symbols;
	const char *strings; /* every symbol's name ends inside it */
};

/* Copies and checks a module's file; a signature behind it is cut off. */
struct uk_error *uk_modfile_parse(const void *data, size_t len, const char *name,
				  struct uk_modfile **ret) uk_must_check;
void uk_modfile_destroy(struct uk_modfile *file);
UK_DEFINE_CLEANUP(modfile, struct uk_modfile *, uk_modfile_destroy)
#define uk_auto_modfile uk_cleanup(uk_cleanup_modfile)

/* Gives the address of a name. False: it is not known. */
typedef bool (*uk_resolve_fn)(void *ctx, const char *name, uint64_t *ret);

/*
 * Fills in the bytes at which ".upk.byte.NAME" stands with the value of ".upk.value.NAME" (see
 * diff.h), and takes these names away, for stack traces would show them. UK_ERR_REFUSED when
 * the value is not known or no shift.
 */
struct uk_error *uk_modfile_fill(struct uk_modfile *file, uk_resolve_fn resolve,
				 void *ctx) uk_must_check;

/*
 * Makes each undefined symbol absolute. A weak one that is not known stays as it is (the
 * loader makes it 0); any other is UK_ERR_REFUSED.
 */
struct uk_error *uk_modfile_resolve(struct uk_modfile *file, uk_resolve_fn resolve,
				    void *ctx) uk_must_check;

#endif
