/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the new kernel does before the system starts, and once it has started. */
#ifndef UPKEEP_REPLACE_RESUME_H
#define UPKEEP_REPLACE_RESUME_H

#include "base/error.h"
#include "base/progress.h"

#include <stdbool.h>

/*
 * In the root filesystem, before the system starts: restores the kept services. @home: by the way
 * home (home.h), which is closed already, at an ordinary boot. False if nothing was restored
 * and the way home is open still: the machine is to start again. Whatever fails is
 * a remark, the others are restored; what is left has its unit start it afresh. @program is what
 * is called with --finish once the system has started.
 */
bool uk_resume(const char *program, bool home, const struct uk_sink *sink);

/* For who is started without one, as the kernel's first process is. */
void uk_resume_set_path(void);

/*
 * When uk_resume() did not come to its end (@why: "was killed by signal 11"), in another process:
 * what it restored lives on, the rest is cleared away and has its unit start it afresh.
 * After an error the gate may still be shut, and something half restored be there.
 */
struct uk_error *uk_resume_rescue(const char *program, const char *why,
				  const struct uk_sink *sink) uk_must_check;

/*
 * When the system has started: systemd has taken the services; the images and all else that the
 * swap left goes, but its report.
 */
struct uk_error *uk_resume_finish(const struct uk_sink *sink) uk_must_check;

#endif
