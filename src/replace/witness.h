/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A witness tells whether a thread executed an instruction since it was called: a counter of
 * hardware breakpoints (perf_event_open(2)) that disturbs nobody. A thread that sleeps in a system
 * call, and did not execute the one behind it, was in that very call all the time.
 */
#ifndef UPKEEP_REPLACE_WITNESS_H
#define UPKEEP_REPLACE_WITNESS_H

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

/*
 * The caller closes *@ret. An error where a breakpoint does not count, as in some virtual machines:
 * that is tried first, on the calling thread. A processor has four of them for each thread, which
 * may be taken.
 */
struct uk_error *uk_witness_call(pid_t tid, uint64_t address, int *ret) uk_must_check;

/* How often it was executed. */
struct uk_error *uk_witness_ask(int witness, uint64_t *ret) uk_must_check;

#endif
