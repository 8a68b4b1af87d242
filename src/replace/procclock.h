/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clocks as a process sees them: in a time namespace CLOCK_MONOTONIC and CLOCK_BOOTTIME are so
 * much ahead of the host's. CRIU restores into one, so that these clocks go on where they were.
 */
#ifndef UPKEEP_REPLACE_PROCCLOCK_H
#define UPKEEP_REPLACE_PROCCLOCK_H

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

/* How much ahead, in nanoseconds; 0 for clocks that no namespace has. */
struct uk_error *uk_procclock_ahead(pid_t pid, int clock, int64_t *ret) uk_must_check;

/* What it sees now. */
struct uk_error *uk_procclock_now(pid_t pid, int clock, uint64_t *ret) uk_must_check;

/* "monotonic 12 345\nboottime 12 345\n": /proc/PID/timens_offsets, time_namespaces(7). */
struct uk_error *uk_procclock_parse(const char *text, int clock, int64_t *ret) uk_must_check;

#endif
