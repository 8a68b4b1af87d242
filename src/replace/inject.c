// SPDX-License-Identifier: GPL-2.0-or-later
/* System calls that a held thread is made to do. */
#include "replace/inject.h"

#include "base/strbuf.h"
#include "replace/loan.h"
#include "replace/stop.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>

#ifndef PTRACE_GETSIGMASK
#define PTRACE_GETSIGMASK 0x420a
#define PTRACE_SETSIGMASK 0x420b
#endif

enum { USER_CS = 0x33 }; /* of 64-bit programs: arch/x86/include/asm/segment.h, __USER_CS */

static struct uk_error *cannot(const struct uk_held *thread, const char *what)
{
	return uk_error_errno(errno, "%s thread %d of process %d", what, thread->tid, thread->pid);
}

struct uk_error *uk_inject_get_registers(const struct uk_held *thread, struct user_regs_struct *ret)
{
	struct user_regs_struct registers;
	if (ptrace(PTRACE_GETREGS, thread->tid, NULL, &registers) < 0)
		return cannot(thread, "read the registers of");
	if (registers.cs != USER_CS)
		return uk_error_create(UK_ERR_REFUSED,
				       "thread %d of process %d is of a 32-bit "
				       "program",
				       thread->tid, thread->pid);
	*ret = registers;
	return NULL;
}

struct uk_error *uk_inject_set_registers(const struct uk_held *thread,
					 const struct user_regs_struct *registers)
{
	if (ptrace(PTRACE_SETREGS, thread->tid, NULL, registers) < 0)
		return cannot(thread, "set the registers of");
	return NULL;
}

/* --- what is put back ---------------------------------------------------------------- */

/*
 * The kernel forgets a restartable sequence when a thread returns to an instruction outside of it
 * (rseq_ip_fixup() in kernel/rseq.c). It shall not forget the one in which ours stands.
 */
struct sequence {
	uint64_t at; /* of the pointer to it; 0: there is none */
	uint64_t value;
};

struct state {
	struct user_regs_struct registers;
	uint64_t mask; /* of signals */
	struct sequence sequence;
};

static struct uk_error *save_sequence(const struct uk_held *thread, struct sequence *ret)
{
	struct __ptrace_rseq_configuration rseq = {};
	*ret = (struct sequence){};
	/* The kernel before 5.13, or without CONFIG_RSEQ, knows of none. */
	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, thread->tid, sizeof(rseq), &rseq) < 0 ||
	    !rseq.rseq_abi_pointer)
		return NULL;
	/* struct rseq, include/uapi/linux/rseq.h: cpu_id_start and cpu_id stand before it. */
	uint64_t at = rseq.rseq_abi_pointer + 8;
	struct uk_error *err = uk_loan_read(thread->pid, at, &ret->value, sizeof(ret->value));
	if (!err && ret->value)
		ret->at = at;
	return err;
}

static struct uk_error *save(const struct uk_held *thread, struct state *ret)
{
	struct uk_error *err = uk_inject_get_registers(thread, &ret->registers);
	if (err)
		return err;
	if (ptrace(PTRACE_GETSIGMASK, thread->tid, sizeof(ret->mask), &ret->mask) < 0)
		return cannot(thread, "read the signal mask of");
	return save_sequence(thread, &ret->sequence);
}

static struct uk_error *set_mask(const struct uk_held *thread, uint64_t mask)
{
	if (ptrace(PTRACE_SETSIGMASK, thread->tid, sizeof(mask), &mask) < 0)
		return cannot(thread, "set the signal mask of");
	return NULL;
}

/* In the stop at the end of the call, from where it goes to the one that it was in. */
static struct uk_error *put_back(const struct uk_held *thread, struct state *state)
{
	struct uk_stop stop = {};
	struct uk_error *err = uk_inject_set_registers(thread, &state->registers);
	if (!err)
		err = set_mask(thread, state->mask);
	if (!err && state->sequence.at)
		err = uk_loan_write(thread->pid, state->sequence.at, &state->sequence.value,
				    sizeof(state->sequence.value));
	if (!err)
		err = uk_stop_trap_again(thread->tid, &stop);
	if (!err && stop.kind != UK_STOP_TRAP)
		err = uk_error_create(UK_ERR_SYSTEM, "thread %d of process %d is not held any more",
				      thread->tid, thread->pid);
	return err;
}

/* --- the call ------------------------------------------------------------------------ */

/*
 * To the next begin or end of a call. Of all signals none but SIGKILL and SIGSTOP can come, for
 * they are blocked; the latter is passed on, stops the process when it is let go, and none of this.
 */
static struct uk_error *run_to_call(const struct uk_held *thread)
{
	struct uk_stop stop = {};
	struct uk_error *err;
	do {
		err = uk_stop_leave(thread->tid, PTRACE_SYSCALL, stop.signal);
		if (!err)
			err = uk_stop_await(thread->tid, &stop);
	} while (!err && (stop.kind == UK_STOP_TRAP ||
			  (stop.kind == UK_STOP_SIGNAL && stop.signal == SIGSTOP)));
	if (!err && stop.kind == UK_STOP_GONE)
		err = uk_error_create(UK_ERR_SYSTEM, "process %d has ended", thread->pid);
	if (!err && stop.kind == UK_STOP_SIGNAL)
		err = uk_error_create(UK_ERR_SYSTEM,
				      "process %d gets signal %d in place of a system call",
				      thread->pid, stop.signal);
	return err;
}

static struct uk_error *enter(struct uk_held *thread, const struct state *state,
			      const struct uk_call *call)
{
	struct user_regs_struct registers = state->registers;
	registers.rip = thread->gate;
	registers.rax = (uint64_t)call->number;
	registers.orig_rax = ~0ull; /* nothing to restart */
	registers.rdi = call->args[0];
	registers.rsi = call->args[1];
	registers.rdx = call->args[2];
	registers.r10 = call->args[3];
	registers.r8 = call->args[4];
	registers.r9 = call->args[5];
	struct uk_error *err = set_mask(thread, ~0ull);
	return err ? err : uk_inject_set_registers(thread, &registers);
}

static struct uk_error *result(const struct uk_held *thread, const struct uk_call *call,
			       int64_t *ret)
{
	struct user_regs_struct registers;
	struct uk_error *err = uk_inject_get_registers(thread, &registers);
	if (!err && registers.orig_rax != (uint64_t)call->number)
		err = uk_error_create(UK_ERR_SYSTEM,
				      "process %d made system call %lld in place of %ld",
				      thread->pid, registers.orig_rax, call->number);
	if (!err)
		*ret = (int64_t)registers.rax;
	return err;
}

static struct uk_error *interrupt(const struct uk_held *thread)
{
	return ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL) < 0 ? cannot(thread, "interrupt")
								     : NULL;
}

/* A call that is interrupted at its begin ends where it would sleep, not before. */
static struct uk_error *make_call(struct uk_held *thread, const struct state *state,
				  const struct uk_call *call, bool interrupted, int64_t *ret)
{
	struct uk_error *err = enter(thread, state, call);
	if (!err)
		err = run_to_call(thread); /* its begin */
	if (!err && interrupted)
		err = interrupt(thread);
	if (!err)
		err = run_to_call(thread); /* its end */
	return err ? err : result(thread, call, ret);
}

static struct uk_error *inject(struct uk_held *thread, const struct uk_call *call, bool interrupted,
			       int64_t *ret)
{
	struct state state;
	struct uk_error *err = save(thread, &state);
	if (!err && !thread->gate)
		err = uk_loan_find_gate(thread->pid, &thread->gate);
	if (err)
		return err;
	err = make_call(thread, &state, call, interrupted, ret);
	struct uk_error *second = put_back(thread, &state);
	if (!err)
		return second;
	uk_error_destroy(second);
	return err;
}

struct uk_error *uk_inject_call(struct uk_held *thread, const struct uk_call *call, int64_t *ret)
{
	return inject(thread, call, false, ret);
}

struct uk_error *uk_inject_interrupted(struct uk_held *thread, const struct uk_call *call,
				       int64_t *ret)
{
	return inject(thread, call, true, ret);
}
