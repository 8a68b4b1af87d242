/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of processes that are held: read, written, and lent for what a system call is to be
 * given an address of (inject.h).
 */
#ifndef UPKEEP_REPLACE_LOAN_H
#define UPKEEP_REPLACE_LOAN_H

#include "replace/hold.h"

#include <stddef.h>

/* Exactly @len bytes, whatever the protection of the mapping (/proc/PID/mem). */
struct uk_error *uk_loan_read(pid_t pid, uint64_t at, void *ret, size_t len) uk_must_check;
struct uk_error *uk_loan_write(pid_t pid, uint64_t at, const void *data, size_t len) uk_must_check;

/*
 * A piece of private memory of the process: below the stack of the thread and the 128 bytes that a
 * function may use without telling (System V ABI, AMD64 supplement, "red zone"). It is given back
 * as it was. All who see this memory must be held until then, and a thread has one at a time.
 */
struct uk_loan {
	pid_t pid;
	uint64_t at; /* a multiple of 64 */
	size_t len;
	uint8_t *was;
};

enum { UK_LOAN_MAX = 1 << 16 };

/* @data: @len bytes that stand there from now on, or NULL for what stands there anyway. */
struct uk_error *uk_loan_take(const struct uk_held *thread, const void *data, size_t len,
			      struct uk_loan *ret) uk_must_check;
/* Also of one that was not taken: nothing happens. */
struct uk_error *uk_loan_return(struct uk_loan *loan) uk_must_check;

/* The address of an instruction `syscall' that the process may execute. */
struct uk_error *uk_loan_find_gate(pid_t pid, uint64_t *ret) uk_must_check;

#endif
