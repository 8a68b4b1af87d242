/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel versions rewrite their code in which way. */
#ifndef UPKEEP_MATCH_REWRITES_H
#define UPKEEP_MATCH_REWRITES_H

#include "base/error.h"

#include <stdbool.h>

enum uk_rewrite {
	UK_REWRITE_ALT_FLAGS,	   /* alt_instr is 14 bytes with flags, else 12 without */
	UK_REWRITE_PARAVIRT_TABLE, /* .parainstructions lists paravirtual calls */
	UK_REWRITE_DIRECT_CALL,	   /* alternatives that call what pv_ops holds */
	UK_REWRITE_JUMP_NOP3,	   /* a jump that becomes short is filled with a nop */
	UK_REWRITE_JUMP_INT3,	   /* a jump that becomes short is filled with int3 */
	UK_REWRITE_NOP_JUMP,	   /* long padding becomes a jump over int3 */
	UK_REWRITE_ENDBR_SEAL,	   /* endbr64 that nothing needs is overwritten */
	UK_REWRITE_CALL_DEPTH,	   /* calls enter through accounting in the padding */
	UK_REWRITE_RUNTIME_CONST,  /* immediate operands that hold variables' values */
	UK_REWRITES,
};

/* major * 1000 + minor: 6.12 is 6012. */
typedef unsigned int uk_version;

/* The version in a release such as "6.1.0-47-cloud-amd64"; refuses one the table does not know. */
struct uk_error *uk_version_parse(const char *release, uk_version *ret) uk_must_check;

bool uk_rewrites_have(uk_version version, enum uk_rewrite rewrite);

#endif
