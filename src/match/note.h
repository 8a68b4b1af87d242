/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The GNU build id in a run of ELF notes (System V ABI, chapter 5: note section). */
#ifndef UPKEEP_MATCH_NOTE_H
#define UPKEEP_MATCH_NOTE_H

#include "base/error.h"

#include <stddef.h>

/* Lower-case hex, or NULL if there is none. Notes that do not fit their bytes end the search. */
struct uk_error *uk_note_build_id(const void *notes, size_t len, char **ret) uk_must_check;

#endif
