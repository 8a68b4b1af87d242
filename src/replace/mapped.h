/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs and libraries that a service has mapped. What it did not write to is in no image: it is
 * mapped again from the file, which therefore must be the same. criu looks at sizes and build ids,
 * which another build, or a file that was written to in place, can share.
 */
#ifndef UPKEEP_REPLACE_MAPPED_H
#define UPKEEP_REPLACE_MAPPED_H

#include "base/error.h"
#include "replace/plan.h"

/*
 * Adds the files on disks that process @pid has mapped privately, and that have a name, to
 * service->mapped, none twice. Nothing may be done to the process meanwhile.
 */
struct uk_error *uk_mapped_note(pid_t pid, struct uk_plan_service *service) uk_must_check;

/* That they are the same, in the mount namespace of the caller. UK_ERR_INVALID names one that is
 * not. */
struct uk_error *uk_mapped_check(const struct uk_plan_service *service) uk_must_check;

#endif
