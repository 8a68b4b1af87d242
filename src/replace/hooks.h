/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs of the administrator's that are told of a replacement: the executables in a folder, in
 * the order of their names, each called with one word:
 *
 *	prepare   before anything is changed; a status other than 0 refuses the replacement,
 *		  and what the program says is the reason
 *	freeze    right before services are frozen
 *	restored  in the new kernel, when the system has started
 *	failed    after prepare, when everything was taken back
 *
 * UPKEEP_ID, UPKEEP_OLD, UPKEEP_NEW (releases) and UPKEEP_SERVICES (names, separated by blanks)
 * are in their environment. Only files of root that nobody else may write to are run.
 */
#ifndef UPKEEP_REPLACE_HOOKS_H
#define UPKEEP_REPLACE_HOOKS_H

#include "base/error.h"
#include "base/progress.h"
#include "replace/plan.h"

#define UK_HOOKS UPKEEP_SYSCONFDIR "/replace.d"

/* Runs those of @dir with "prepare"; UK_ERR_REFUSED with the words of the one that says no. */
struct uk_error *uk_hooks_ask(const char *dir, const struct uk_plan *plan) uk_must_check;

/* Runs them with another word. What goes wrong is a remark: it is too late to ask. */
void uk_hooks_tell(const char *dir, const char *word, const struct uk_plan *plan,
		   const struct uk_sink *sink);

#endif
