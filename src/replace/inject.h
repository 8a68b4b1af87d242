/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls that a held thread is made to do: as if its program had called them, with its
 * rights, descriptors and memory. Afterwards it is held as before; of what was there, registers,
 * signal mask, pending signals, nothing has changed, and nothing of it was delivered.
 *
 * Threads of 32-bit programs are refused (UK_ERR_REFUSED).
 */
#ifndef UPKEEP_REPLACE_INJECT_H
#define UPKEEP_REPLACE_INJECT_H

#include "replace/hold.h"

#include <stddef.h>
#include <sys/user.h>

enum { UK_CALL_ARGS = 6 };

struct uk_call {
	long number;
	uint64_t args[UK_CALL_ARGS]; /* addresses mean the process's memory: see loan.h */
};

/*
 * Has it make a call that does not sleep, and gives what that returned: -errno for an error.
 * Calls that end the thread, start a program or leave a signal handler are not for this.
 */
struct uk_error *uk_inject_call(struct uk_held *thread, const struct uk_call *call,
				int64_t *ret) uk_must_check;

/*
 * The same of a call that sleeps: it is interrupted as soon as it would. What it returns then is
 * what the kernel makes of that, -ERESTART_RESTARTBLOCK (-516) for one: the kernel remembers the
 * call from then on, and goes on with it when the thread is let go with that in rax.
 */
struct uk_error *uk_inject_interrupted(struct uk_held *thread, const struct uk_call *call,
				       int64_t *ret) uk_must_check;

/* Registers of a held thread, as user_regs_struct has them: rax is -errno, or one of -ERESTART. */
struct uk_error *uk_inject_get_registers(const struct uk_held *thread,
					 struct user_regs_struct *ret) uk_must_check;
struct uk_error *uk_inject_set_registers(const struct uk_held *thread,
					 const struct user_regs_struct *registers) uk_must_check;

#endif
