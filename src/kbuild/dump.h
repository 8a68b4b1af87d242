/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking kbuild which objects there are, without building any. */
#ifndef UPKEEP_KBUILD_DUMP_H
#define UPKEEP_KBUILD_DUMP_H

#include "base/process.h"
#include "kbuild/tree.h"

/*
 * Puts the folder upkeep/ into a tree that is being made: the makefiles of the dump, and
 * a module of one object, by which kbuild shows how it would compile ours.
 */
struct uk_error *uk_dump_prepare(const char *dir) uk_must_check;

/*
 * Runs the dump in @dir (5 s) and gives its text. @make are make and its variables, @nr
 * of them. @enter, if not NULL, is called in the child before make starts.
 */
struct uk_error *uk_dump_run(const char *dir, char *const *make, size_t nr, void (*enter)(void *),
			     void *enter_arg, char **ret) uk_must_check;

/*
 * Runs make with @targets (NULL-terminated) in the same way; *out_ret may be NULL.
 * Variables of the environment that kbuild would listen to are kept from it.
 */
struct uk_error *uk_make_run(const char *dir, char *const *make, size_t nr,
			     const char *const *targets, void (*enter)(void *), void *enter_arg,
			     char **out_ret) uk_must_check;

/* An environment for compilers and make: see uk_process.env. */
extern const char *const uk_build_env[];

#endif
