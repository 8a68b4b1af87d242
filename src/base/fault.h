/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test's hook: with UPKEEP_FAULT=n in the environment the process ends, as if it had been
 * killed, right before the n-th irreversible step of an apply, undo or replace. The exit status is
 * UK_FAULT_STATUS. UPKEEP_FAULT=n:WAY has another end in that place:
 *
 *	kill	by SIGKILL
 *	stop	none: it is stopped, and goes on with SIGCONT
 *	hang	it does nothing from then on
 *	panic	the whole kernel panics
 */
#ifndef UPKEEP_BASE_FAULT_H
#define UPKEEP_BASE_FAULT_H

enum { UK_FAULT_STATUS = 99 };

struct uk_fault {
	unsigned int stop_at; /* 0: never */
	unsigned int step;
	void (*way)(void);
};

void uk_fault_init(struct uk_fault *fault);
/* The next step is about to be taken. */
void uk_fault_step(struct uk_fault *fault);

#endif
