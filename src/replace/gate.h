/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate: a filter table that lets nothing through while services are frozen, in the old
 * kernel and then in the new one. Without it a kernel that does not know a connection (yet)
 * would answer its peer with a reset.
 *
 * It is said to the kernel itself, not by nft(8), whose start alone takes longer than all of this,
 * and for which everybody would stand still.
 */
#ifndef UPKEEP_REPLACE_GATE_H
#define UPKEEP_REPLACE_GATE_H

#include "base/error.h"
#include "replace/plan.h"

/*
 * Shuts it; it may be shut. Within this host all but the ports of kept services may go on: criu
 * makes connections of its own.
 */
struct uk_error *uk_gate_shut(const struct uk_plan *plan) uk_must_check;

/* Opens it; it may be open. */
struct uk_error *uk_gate_open(void) uk_must_check;

#endif
