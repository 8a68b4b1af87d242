/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that the kernel does not go on with when they were interrupted: a held thread is started in
 * one for the time that is left of it, and not stopped any more.
 *
 * It stays traced until the tracing thread ends, which is the only way to let go of one that sleeps
 * without interrupting it (exit_ptrace() in kernel/ptrace.c). Until then it cannot leave its call
 * without a stop, so what stood where its limit was written is put back in peace.
 */
#ifndef UPKEEP_REPLACE_START_H
#define UPKEEP_REPLACE_START_H

#include "base/error.h"
#include "replace/calls.h"
#include "replace/hold.h"
#include "replace/plan.h"

/* @thread stands behind the call. One that has a signal to handle first is left to that: EINTR. */
struct uk_error *uk_start_call(struct uk_held *thread, const struct uk_plan_call *call,
			       const struct uk_call_kind *kind, uint64_t left_ns) uk_must_check;

#endif
