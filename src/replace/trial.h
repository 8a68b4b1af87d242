/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trial of a replacement, without one: each kept service is frozen for a moment and dumped, by the
 * code that `upkeep replace' has for it, and goes on. Then a copy of it is restored beside it,
 * which does not run and cannot be reached (stage.h). Nothing is left of it.
 *
 * One service after the other, so that each stands still for its own dump alone. No filter is put
 * before the machine's packets: criu locks the connections of the service, and opens them again.
 * Nothing of a new kernel is loaded, no program of the administrator's is told. Should this process
 * be killed, a guardian lets the service run, as one does for a replacement.
 */
#ifndef UPKEEP_REPLACE_TRIAL_H
#define UPKEEP_REPLACE_TRIAL_H

#include "replace/likeness.h"
#include "replace/preflight.h"

#include <stdint.h>

struct uk_swap;
struct uk_fault;

/*
 * Tries the services of @preflight, and adds to it what came of each, which is no error here:
 * preflight->trials, and a finding for what failed. Services of which something is impossible are
 * not tried.
 */
struct uk_error *uk_trial_run(struct uk_preflight *preflight,
			      const struct uk_sink *sink) uk_must_check;

/*
 * Private to trial*.c: restores the one service of @swap, which was dumped and runs, once more on a
 * stage (stage.h), where it is in the freezer, looks whether it is as @before, and ends it. A step
 * of @fault comes when it is there.
 */
struct uk_error *uk_trial_restore(struct uk_swap *swap, const uk_likenesses *before,
				  struct uk_fault *fault, uint64_t *took_ns) uk_must_check;

#endif
