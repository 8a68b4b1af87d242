/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of a source file, line by line, through patches. */
#ifndef UPKEEP_KBUILD_TEXT_H
#define UPKEEP_KBUILD_TEXT_H

#include "kbuild/patch.h"

struct uk_text_line {
	char *text;    /* without the newline */
	size_t number; /* what __LINE__ says there, from 1 on */
};

struct uk_text {
	UK_VEC(struct uk_text_line) lines;
	bool no_newline; /* behind the last line */
};

/* A file as it is: every line has its own number. */
struct uk_error *uk_text_parse(const char *data, size_t len, const char *name,
			       struct uk_text **ret) uk_must_check;
struct uk_error *uk_text_copy(const struct uk_text *text, struct uk_text **ret) uk_must_check;
void uk_text_destroy(struct uk_text *text);
UK_DEFINE_CLEANUP(text, struct uk_text *, uk_text_destroy)
#define uk_auto_text uk_cleanup(uk_cleanup_text)

/*
 * Applies the hunks of one file. Every context and every removed line must be there as the
 * patch has it; a hunk may have moved when there is one place only where it fits. Lines
 * that stay keep their numbers; new ones have that of their place in the new file. On
 * refusal (UK_ERR_REFUSED: hunk, line, what was expected) @text is undefined.
 */
struct uk_error *uk_text_apply(struct uk_text *text,
			       const struct uk_patch_file *file) uk_must_check;

/* As a file. Caller frees. */
struct uk_error *uk_text_plain(const struct uk_text *text, char **ret,
			       size_t *len_ret) uk_must_check;

/*
 * As C source in which #line directives give the lines their numbers, wherever C lets a
 * directive stand.
 */
struct uk_error *uk_text_numbered(const struct uk_text *text, char **ret,
				  size_t *len_ret) uk_must_check;

#endif
