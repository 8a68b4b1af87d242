/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes whose memory may change without the kernel's note that it was written to (soft-dirty),
 * so that a copy of it may be of the past.
 */
#ifndef UPKEEP_REPLACE_UNFIT_H
#define UPKEEP_REPLACE_UNFIT_H

#include "base/error.h"
#include "replace/descriptor.h"

#include <stdbool.h>
#include <sys/types.h>

/* UK_ERR_BUSY names why process @pid is one. Also when it cannot be told. */
struct uk_error *uk_unfit_check(pid_t pid) uk_must_check;

/* The parts of it. A text of /proc/PID/smaps: NULL, or what is wrong with a mapping. */
const char *uk_unfit_mapping(const char *smaps);
/* Whether a read of that file may be one by the device, into memory itself. */
bool uk_unfit_file(const struct uk_fd *fd);

#endif
