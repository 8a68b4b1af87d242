/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that macros put together with ##: which can come out is found from what is pasted
 * (patterns), and from what is given to macros that paste, also through other macros.
 */
#ifndef UPKEEP_KBUILD_PASTE_H
#define UPKEEP_KBUILD_PASTE_H

#include "kbuild/entity.h"

struct uk_paste;

struct uk_error *uk_paste_create(struct uk_paste **ret) uk_must_check;
void uk_paste_destroy(struct uk_paste *paste);
UK_DEFINE_CLEANUP(paste, struct uk_paste *, uk_paste_destroy)
#define uk_auto_paste uk_cleanup(uk_cleanup_paste)

/* First: the macros of every file. The text may go afterwards. */
struct uk_error *uk_paste_add_macros(struct uk_paste *paste,
				     const struct uk_entities *entities) uk_must_check;

/* Then: which parameters end up beside ##. */
struct uk_error *uk_paste_solve(struct uk_paste *paste) uk_must_check;

/* Then: what every file gives to such parameters. */
struct uk_error *uk_paste_add_uses(struct uk_paste *paste,
				   const struct uk_entities *entities) uk_must_check;

/* At last: calls @each(@ctx, macro) for every macro that can put @name together. */
struct uk_error *uk_paste_makers(struct uk_paste *paste, const char *name,
				 struct uk_error *(*each)(void *ctx, const char *macro),
				 void *ctx) uk_must_check;

#endif
