// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which kernel versions rewrite their code in which way: the one place that knows versions.
 *
 * Ways that all versions from 6.1 on share need no line: ftrace sites, retpolines, return
 * thunks, static calls, jump labels, lock prefixes. Mitigations that came later were brought
 * to all stable lines (retbleed, SRSO, ITS) and are told by their thunks' symbols.
 */
#include "match/rewrites.h"

#include <stdio.h>

enum {
	OLDEST = 6001, /* of the versions that this table was written for and tried on */
	NEWEST = 6012,
	ALWAYS = 0,
	STILL = 9999,
};

struct span {
	uk_version from, until; /* first version that does it, and first that does not */
};

static const struct span spans[UK_REWRITES] = {
	/* 5d1dd961e743 "x86/alternatives: Add alt_instr.flags", 6.3 */
	[UK_REWRITE_ALT_FLAGS] = { 6003, STILL },
	/* 60bc276b129e "x86/paravirt: Switch mixed paravirt/alternative calls to alternatives"
	 * and f7af6977621a "x86/paravirt: Remove no longer needed paravirt patching code", 6.8 */
	[UK_REWRITE_PARAVIRT_TABLE] = { ALWAYS, 6008 },
	/* da0fe6e68e10 "x86/alternative: Add indirect call patching", 6.8 */
	[UK_REWRITE_DIRECT_CALL] = { 6008, STILL },
	/* "x86/alternatives: Make JMPs more robust", 4.1; ended by the next */
	[UK_REWRITE_JUMP_NOP3] = { ALWAYS, 6005 },
	/* 270a69c4485d "x86/alternative: Support relocations in alternatives", 6.5 */
	[UK_REWRITE_JUMP_INT3] = { 6005, STILL },
	/* 6c480f222128 "x86/alternative: Rewrite optimize_nops() some", 6.5 */
	[UK_REWRITE_NOP_JUMP] = { 6005, STILL },
	/* ed53a0d97192 "x86/alternative: Use .ibt_endbr_seal to seal indirect calls", 5.18 */
	[UK_REWRITE_ENDBR_SEAL] = { ALWAYS, STILL },
	/* e81dc127ef69 "x86/callthunks: Add call patching for call depth tracking", 6.2 */
	[UK_REWRITE_CALL_DEPTH] = { 6002, STILL },
	/* e3c92e81711d "runtime constants: add x86 architecture support", 6.11 */
	[UK_REWRITE_RUNTIME_CONST] = { 6011, STILL },
};

bool uk_rewrites_have(uk_version version, enum uk_rewrite rewrite)
{
	return version >= spans[rewrite].from && version < spans[rewrite].until;
}

struct uk_error *uk_version_parse(const char *release, uk_version *ret)
{
	unsigned int major, minor;
	if (sscanf(release, "%3u.%3u", &major, &minor) != 2)
		return uk_error_create(UK_ERR_INVALID,
				       "\"%s\" is not a kernel release such as 6.1.0-47-amd64",
				       release);
	uk_version version = major * 1000 + minor;
	if (version < OLDEST || version > NEWEST)
		return uk_error_create(UK_ERR_REFUSED,
				       "kernel %s: what it rewrites in its own code is known for "
				       "6.1 to 6.12 only",
				       release);
	*ret = version;
	return NULL;
}
