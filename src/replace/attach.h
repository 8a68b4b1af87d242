/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments of System V shared memory in the processes that have them attached.
 *
 * CRIU 3.17.1 refuses such a mapping outside of an IPC namespace of the service's own
 * (criu/cr-dump.c: dump_task_mm()). So it does not get to see any: what a process has attached is
 * listed, then taken off while the process is held, and put back to the same place when it is held
 * again, by the process itself: on the new kernel, or on the way back.
 */
#ifndef UPKEEP_REPLACE_ATTACH_H
#define UPKEEP_REPLACE_ATTACH_H

#include "replace/hold.h"
#include "replace/sysv.h"

/*
 * Adds what process @pid has attached to sysv->attachments, ascending by address; nothing if it is
 * in another IPC namespace than we. UK_ERR_REFUSED for a segment of which only a part is mapped.
 */
struct uk_error *uk_attach_list(pid_t pid, struct uk_sysv *sysv) uk_must_check;

/* The same of the text of /proc/PID/smaps, without a look at what is whole. */
struct uk_error *uk_attach_parse(pid_t pid, const char *text, struct uk_sysv *sysv) uk_must_check;

/* Of all processes of @hold. Memory that somebody shall find again has to be held meanwhile. */
struct uk_error *uk_attach_take_off(struct uk_hold *hold, const struct uk_sysv *sysv) uk_must_check;

/*
 * What sysv->attachments says of the processes of @hold is so again: place, protection, advice,
 * locks. What is there already stays. The next ones are done also after an error.
 */
struct uk_error *uk_attach_put_back(struct uk_hold *hold, const struct uk_sysv *sysv) uk_must_check;

#endif
