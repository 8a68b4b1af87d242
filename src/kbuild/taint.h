/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files can tell the difference when headers change. The names of what changed are
 * tainted; taint spreads to macros, inline functions and declarations that mention a
 * tainted name; a source that mentions none is compiled as before. Where that cannot be
 * told for sure (types, includes, names put together by ##), everything that includes the
 * header counts as hit.
 */
#ifndef UPKEEP_KBUILD_TAINT_H
#define UPKEEP_KBUILD_TAINT_H

#include "base/error.h"
#include "kbuild/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uk_taint;

struct uk_error *uk_taint_create(struct uk_taint **ret) uk_must_check;
void uk_taint_destroy(struct uk_taint *taint);
UK_DEFINE_CLEANUP(taint, struct uk_taint *, uk_taint_destroy)
#define uk_auto_taint uk_cleanup(uk_cleanup_taint)

/*
 * A header that changes, with both texts (NULL: there is none). To be told before
 * uk_taint_spread().
 */
struct uk_error *uk_taint_add_change(struct uk_taint *taint, const char *path, const char *orig,
				     const char *patched) uk_must_check;

/* A file that takes part, as it is after the patch. The changed ones are added already. */
struct uk_error *uk_taint_add_file(struct uk_taint *taint, const char *path,
				   const char *text) uk_must_check;

/*
 * After all files are added, the text of each of them again (of a changed one, both): what
 * is given to macros that put names together.
 */
struct uk_error *uk_taint_add_uses(struct uk_taint *taint, const char *text) uk_must_check;

struct uk_error *uk_taint_spread(struct uk_taint *taint) uk_must_check;

/*
 * After that. Whether every unit that includes @path is hit; whether a source is hit by
 * what it mentions itself. *reason_ret then is a text ("uses FOO of include/linux/foo.h"),
 * borrowed or owned by the taint. A file that was not added is hit.
 */
bool uk_taint_hits_includers(const struct uk_taint *taint, const char *path,
			     const char **reason_ret);
struct uk_error *uk_taint_hits_source(struct uk_taint *taint, const char *path, bool *hit_ret,
				      const char **reason_ret) uk_must_check;

/* Whether a changed header has a typedef, or a struct or union (@tag), of this name that changes.
 */
bool uk_taint_is_type(const struct uk_taint *taint, const struct uk_token *name, bool tag);

#endif
