// SPDX-License-Identifier: GPL-2.0-or-later
/* System calls go on after the restore. */
#include "replace/mend.h"

#include "replace/calls.h"
#include "replace/inject.h"
#include "replace/loan.h"
#include "replace/procclock.h"
#include "replace/start.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

/*
 * CRIU puts EINTR where the kernel had one of its own codes. Who was not restored, but goes on,
 * still has that; the kernel would make EINTR of it, for CRIU had that thread call other things.
 */
static struct uk_error *check(const struct uk_held *thread, const struct uk_plan_call *call,
			      struct user_regs_struct *ret)
{
	struct uk_error *err = uk_inject_get_registers(thread, ret);
	if (err)
		return err;
	int64_t result = (int64_t)ret->rax;
	if (ret->rip != call->ip || ret->rsp != call->sp ||
	    (result != -EINTR && result != -UK_ERESTART_RESTARTBLOCK))
		return uk_error_create(UK_ERR_INVALID, "it does not stand where it was frozen");
	return NULL;
}

/*
 * The kernel makes the call again, or lets it end with EINTR if a signal is to be handled now: both
 * is what it does with a pause() that was interrupted (arch_do_signal_or_restart()).
 */
static struct uk_error *make_again(const struct uk_held *thread, const struct uk_plan_call *call,
				   struct user_regs_struct *registers)
{
	registers->orig_rax = call->number;
	registers->rax = (uint64_t)-UK_ERESTARTNOHAND;
	return uk_inject_set_registers(thread, registers);
}

/* --- what the kernel goes on with by itself ------------------------------------------ */

static struct uk_error *left_of(const struct uk_held *thread, const struct uk_plan_call *call,
				int clock, uint64_t *ret)
{
	uint64_t now;
	struct uk_error *err = uk_procclock_now(thread->pid, clock, &now);
	if (!err)
		*ret = call->until_ns > now ? call->until_ns - now : 0;
	return err;
}

/* Has it interrupted in a call with a time at the address in argument @arg. */
static struct uk_error *enter_with_time(struct uk_held *thread, const struct uk_plan_call *call,
					uint64_t ns, int arg, int64_t *ret)
{
	struct uk_loan loan = {};
	struct uk_call made = { .number = (long)call->number };
	const struct timespec time = uk_clock_spec(ns);
	memcpy(made.args, call->args, sizeof(made.args));
	struct uk_error *err = uk_loan_take(thread, &time, sizeof(time), &loan);
	made.args[arg] = loan.at;
	if (!err)
		err = uk_inject_interrupted(thread, &made, ret);
	struct uk_error *second = uk_loan_return(&loan);
	if (!err)
		return second;
	uk_error_destroy(second);
	return err;
}

static struct uk_error *enter_sleep(struct uk_held *thread, const struct uk_plan_call *call,
				    int64_t *ret)
{
	uint64_t left = 0;
	struct uk_error *err = left_of(thread, call, (int)call->args[0], &left);
	return err ? err : enter_with_time(thread, call, left, 2, ret);
}

static struct uk_error *enter_poll(struct uk_held *thread, const struct uk_plan_call *call,
				   int64_t *ret)
{
	uint64_t left = 0;
	struct uk_call made = { .number = SYS_poll };
	struct uk_error *err = left_of(thread, call, CLOCK_MONOTONIC, &left);
	memcpy(made.args, call->args, sizeof(made.args));
	made.args[2] = (uint64_t)uk_call_milliseconds(left);
	return err ? err : uk_inject_interrupted(thread, &made, ret);
}

static struct uk_error *enter(struct uk_held *thread, const struct uk_plan_call *call, int64_t *ret)
{
	switch (call->number) {
	case SYS_clock_nanosleep:
		return enter_sleep(thread, call, ret);
	case SYS_poll:
		return enter_poll(thread, call, ret);
	case SYS_futex: /* its limit is a moment */
		return enter_with_time(thread, call, call->until_ns, 3, ret);
	default:
		return uk_error_create(UK_ERR_INVALID, "the plan has call %ju, which is none",
				       (uintmax_t)call->number);
	}
}

static struct uk_error *go_on(struct uk_held *thread, const struct uk_plan_call *call,
			      struct user_regs_struct *registers)
{
	int64_t result = 0;
	struct uk_error *err = enter(thread, call, &result);
	if (err)
		return err;
	/* What is over by now has a result; else the kernel remembers the call. */
	if (result == -UK_ERESTART_RESTARTBLOCK)
		registers->orig_rax = call->number;
	registers->rax = (uint64_t)result;
	return uk_inject_set_registers(thread, registers);
}

/* What the kernel does not go on with is started for what is left of it. */
static struct uk_error *start(struct uk_held *thread, const struct uk_plan_call *call,
			      const struct uk_call_kind *kind)
{
	uint64_t left = 0;
	if (!uk_call_is_limited(kind, call->args))
		return uk_error_create(UK_ERR_INVALID,
				       "the plan has a limit where the call has none");
	struct uk_error *err = left_of(thread, call, CLOCK_MONOTONIC, &left);
	return err ? err : uk_start_call(thread, call, kind, left);
}

/* --- what the kernel makes again ----------------------------------------------------- */

/* CRIU had it stand before the call again; the kernel would do the same with who goes on. */
static struct uk_error *check_repeated(const struct uk_held *thread,
				       const struct uk_plan_call *call)
{
	enum { SYSCALL_BYTES = 2 };
	struct user_regs_struct registers;
	struct uk_error *err = uk_inject_get_registers(thread, &registers);
	if (err)
		return err;
	bool again = registers.rip == call->ip - SYSCALL_BYTES && registers.rax == call->number;
	bool interrupted =
		registers.rip == call->ip && (int64_t)registers.rax == -UK_ERESTARTNOHAND;
	if (registers.rsp != call->sp || (!again && !interrupted))
		return uk_error_create(UK_ERR_INVALID, "it does not stand where it was frozen");
	return NULL;
}

static struct uk_error *write_left(const struct uk_held *thread, const struct uk_plan_call *call,
				   const struct uk_call_kind *kind)
{
	uint64_t left = 0, at = call->args[kind->arg];
	struct uk_error *err = check_repeated(thread, call);
	if (!err)
		err = left_of(thread, call, CLOCK_MONOTONIC, &left);
	if (err)
		return err;
	if (kind->limit == UK_LIMIT_LEFT_SPEC) {
		const struct timespec spec = uk_clock_spec(left);
		return uk_loan_write(thread->pid, at, &spec, sizeof(spec));
	}
	const struct timeval val = uk_clock_val(left);
	return uk_loan_write(thread->pid, at, &val, sizeof(val));
}

static struct uk_error *mend(struct uk_held *thread, const struct uk_plan_call *call)
{
	struct user_regs_struct registers;
	const struct uk_call_kind *kind = uk_call_kind(call->number);
	if (kind && call->limited && uk_call_is_repeated(kind))
		return write_left(thread, call, kind);
	struct uk_error *err = check(thread, call, &registers);
	if (err)
		return err;
	if (call->limited)
		return kind ? start(thread, call, kind) : go_on(thread, call, &registers);
	if (call->number != SYS_poll && !kind)
		return uk_error_create(UK_ERR_INVALID, "the plan has call %ju, which is none",
				       (uintmax_t)call->number);
	return make_again(thread, call, &registers);
}

struct uk_error *uk_mend_call(struct uk_hold *hold, const struct uk_plan_call *call)
{
	struct uk_held *thread = uk_hold_find(hold, call->tid);
	struct uk_error *err = thread ? mend(thread, call)
				      : uk_error_create(UK_ERR_INVALID, "it was not restored");
	return uk_error_wrap(err, "thread %d: its system call returns at the wrong time",
			     call->tid);
}
