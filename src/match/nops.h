/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nops that the x86 kernel writes (arch/x86/include/asm/nops.h). */
#ifndef UPKEEP_MATCH_NOPS_H
#define UPKEEP_MATCH_NOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the nop that begins here, of at most @max bytes; 0 if none does. */
size_t uk_nop_len(const uint8_t *code, size_t max);

/*
 * Whether all of the bytes are nops. With @jump, also if they end with a jump to behind their
 * end over nothing but int3.
 */
bool uk_nops_fill(const uint8_t *code, size_t len, bool jump);

#endif
