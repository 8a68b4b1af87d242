/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the new kernel does before the system starts, and once it has started. */
#ifndef UPKEEP_REPLACE_RESUME_H
#define UPKEEP_REPLACE_RESUME_H

#include "base/error.h"
#include "base/progress.h"

/*
 * As the first process, in the root filesystem: restores the kept services. Whatever fails is a
 * remark, the others are restored; what is left has its unit start it afresh. When this returns
 * the caller executes the system's init. @program
 * is what is called with --finish once the system has started.
 */
void uk_resume(const char *program, const struct uk_sink *sink);

/*
 * When the system has started: systemd has taken the services; the images and all else that the
 * swap left goes, but its report.
 */
struct uk_error *uk_resume_finish(const struct uk_sink *sink) uk_must_check;

#endif
