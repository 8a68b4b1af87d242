/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code as instructions. */
#ifndef UPKEEP_DIFF_DECODE_H
#define UPKEEP_DIFF_DECODE_H

#include "diff/model.h"

/*
 * Decodes the bytes of a code entity from its start to its end into entity->insns, and
 * says in entity->decoded whether all of it was understood: assembly may have data in it.
 */
struct uk_error *uk_entity_decode(struct uk_entity *entity) uk_must_check;

/* The instruction that covers @offset (from the entity), or NULL. */
const struct uk_insn *uk_entity_insn_at(const struct uk_entity *entity, uint64_t offset);

#endif
