/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets that other processes hold, by their inodes. */
#ifndef UPKEEP_REPLACE_HOLDER_H
#define UPKEEP_REPLACE_HOLDER_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A descriptor of our own for socket @ino, taken out of any process that has it; that one keeps
 * its own, and both mean the same open file. -1 when nobody has it. The caller closes it.
 * Takes CAP_SYS_PTRACE. Descriptors of threads that share theirs with no other are not seen.
 */
struct uk_error *uk_holder_take(uint64_t ino, int *ret) uk_must_check;

/* Whether process @pid has the socket open. */
bool uk_holder_has(pid_t pid, uint64_t ino);

#endif
