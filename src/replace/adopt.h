/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How restored services come back under systemd, which starts after them.
 *
 * Each kept unit gets a drop-in in /run: for this one start it is a unit whose main process is
 * named by a file (Type=forking, PIDFile=) and whose command does nothing, so that systemd,
 * starting it, takes the process that is in the unit's cgroup already. Another one lets this
 * boot remove no files (private folders below /tmp, what tmpfiles.d says): they are in use. When
 * all are taken the drop-ins go, and the units are again what their files say, with that main
 * process.
 */
#ifndef UPKEEP_REPLACE_ADOPT_H
#define UPKEEP_REPLACE_ADOPT_H

#include "base/error.h"
#include "base/progress.h"
#include "replace/plan.h"

/*
 * Before systemd runs: drop-ins for the services that were restored and have a unit, and a unit
 * of our own, which calls `PROGRAM --finish' once they are started. A service that was not
 * restored, or was left out, is started by its unit as ever, also if nothing else asks for it.
 */
struct uk_error *uk_adopt_prepare(const struct uk_plan *plan, const char *program) uk_must_check;

/*
 * After it: takes the drop-ins away. Each unit whose main process is not the one that was
 * restored is a remark, and noted in @plan; *@lost_ret counts them. If that has ended the unit is
 * started afresh, and the service's trouble says so.
 */
struct uk_error *uk_adopt_finish(struct uk_plan *plan, const struct uk_sink *sink,
				 unsigned int *lost_ret) uk_must_check;

/*
 * The unit of our own goes last of all. Were it gone when systemd reloads, it would have the usual
 * time limit of any unit from then on (DefaultTimeoutStartSec=, 90 s), which may be over: systemd
 * would kill us.
 */
void uk_adopt_remove_unit(void);

#endif
