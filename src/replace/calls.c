// SPDX-License-Identifier: GPL-2.0-or-later
/* System calls in which threads sleep at the freeze. */
#include "replace/calls.h"

#include "replace/inject.h"
#include "replace/procclock.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

/* --- one call ------------------------------------------------------------------------ */

static struct uk_plan_call call_of(const struct uk_held *thread,
				   const struct user_regs_struct *registers)
{
	return (struct uk_plan_call){
		.tid = thread->tid,
		.number = registers->orig_rax,
		.args = { registers->rdi, registers->rsi, registers->rdx, registers->r10,
			  registers->r8, registers->r9 },
		.ip = registers->rip,
		.sp = registers->rsp,
	};
}

static void set_call(struct uk_plan_call *call, uint64_t number, const uint64_t *args)
{
	call->number = number;
	memcpy(call->args, args, sizeof(call->args));
}

/* The limit as the thread's own clock has it. */
static struct uk_error *set_limit(struct uk_plan_call *call, pid_t pid, int clock,
				  uint64_t until_ns)
{
	int64_t ahead;
	struct uk_error *err = uk_procclock_ahead(pid, clock, &ahead);
	call->limited = true;
	call->until_ns = until_ns + (uint64_t)ahead;
	return err;
}

/* Of nanosleep() and clock_nanosleep(), which the second of them can go on with. */
static struct uk_error *note_sleep(const struct uk_restart *restart, pid_t pid,
				   struct uk_plan_call *call)
{
	const uint64_t args[6] = { (uint64_t)restart->clock, 0, 0, restart->left_at };
	if (restart->clock != CLOCK_MONOTONIC && restart->clock != CLOCK_BOOTTIME)
		return uk_error_create(UK_ERR_NOTHING, "a sleep by clock %d", restart->clock);
	set_call(call, SYS_clock_nanosleep, args);
	return set_limit(call, pid, restart->clock, restart->until_ns);
}

/* After a restart the registers have still the arguments of the call that was restarted. */
static struct uk_error *note_poll(const struct uk_restart *restart, pid_t pid,
				  struct uk_plan_call *call)
{
	call->number = SYS_poll;
	return restart->limited ? set_limit(call, pid, restart->clock, restart->until_ns) : NULL;
}

/*
 * FUTEX_WAIT has a duration, FUTEX_WAIT_BITSET a moment; the kernel remembers the moment, so the
 * latter is what goes on.
 */
static struct uk_error *note_futex(const struct uk_restart *restart, pid_t pid,
				   struct uk_plan_call *call)
{
	uint64_t operation = call->args[1], command = operation & (uint64_t)FUTEX_CMD_MASK;
	bool any = command == FUTEX_WAIT;
	if (!any && command != FUTEX_WAIT_BITSET)
		return uk_error_create(UK_ERR_NOTHING, "futex command %d", (int)command);
	const uint64_t args[6] = { call->args[0],
				   (operation & ~(uint64_t)FUTEX_CMD_MASK) | FUTEX_WAIT_BITSET,
				   call->args[2],
				   0,
				   0,
				   any ? FUTEX_BITSET_MATCH_ANY : call->args[5] };
	set_call(call, SYS_futex, args);
	bool real = operation & FUTEX_CLOCK_REALTIME;
	return set_limit(call, pid, real ? CLOCK_REALTIME : CLOCK_MONOTONIC, restart->until_ns);
}

static struct uk_error *note_restart(struct uk_ktasks *ktasks, const struct uk_held *thread,
				     struct uk_plan_call *call)
{
	struct uk_restart restart = {};
	struct uk_error *err =
		ktasks ? uk_ktasks_restart(ktasks, thread->tid, &restart)
		       : uk_error_create(UK_ERR_NOTHING, "this kernel does not show its tasks");
	if (err)
		return err;
	switch (restart.kind) {
	case UK_RESTART_SLEEP:
		return note_sleep(&restart, thread->pid, call);
	case UK_RESTART_POLL:
		return note_poll(&restart, thread->pid, call);
	case UK_RESTART_FUTEX:
		return note_futex(&restart, thread->pid, call);
	default:
		return uk_error_create(UK_ERR_NOTHING, "call %d is continued in a way of its own",
				       (int)call->number);
	}
}

/* What was looked at before is about this call, if it is the same, and was never left. */
static struct uk_error *note_interrupted(const struct uk_call_kind *kind, const uk_watches *watches,
					 const struct uk_held *thread, struct uk_plan_call *call)
{
	if (!uk_call_is_limited(kind, call->args))
		return NULL;
	const struct uk_watch *watch = uk_watch_find(watches, call->tid);
	if (!watch || watch->number != call->number || watch->ip != call->ip ||
	    watch->sp != call->sp || memcmp(watch->args, call->args, sizeof(call->args)) != 0)
		return uk_error_create(UK_ERR_NOTHING, "nothing proves until when its %s waits",
				       kind->name);
	return set_limit(call, thread->pid, CLOCK_MONOTONIC, watch->until_ns);
}

/* NULL in *@found: the thread was in no call that needs to be written down. */
static struct uk_error *note_one(struct uk_ktasks *ktasks, const uk_watches *watches,
				 const struct uk_held *thread, struct uk_plan_call *call,
				 bool *found)
{
	struct user_regs_struct registers;
	struct uk_error *err = uk_inject_get_registers(thread, &registers);
	*found = false;
	if (err)
		return err;
	int64_t result = (int64_t)registers.rax;
	*call = call_of(thread, &registers);
	if ((int64_t)registers.orig_rax < 0)
		return NULL;
	const struct uk_call_kind *kind = uk_call_kind(call->number);
	bool repeated = kind && uk_call_is_repeated(kind);
	if (result == -UK_ERESTART_RESTARTBLOCK)
		err = note_restart(ktasks, thread, call);
	else if (repeated ? result == -UK_ERESTARTNOHAND && uk_call_is_limited(kind, call->args)
			  : result == -EINTR && kind)
		err = note_interrupted(kind, watches, thread, call);
	else
		return NULL;
	*found = !err;
	return uk_error_wrap(err, "the system call that it sleeps in returns %s",
			     repeated ? "late" : "early");
}

/* --- all of a service ---------------------------------------------------------------- */

static void tell(const struct uk_sink *sink, const struct uk_held *thread, struct uk_error *err)
{
	uk_remark_error(sink,
			uk_error_wrap(err, "thread %d of process %d", thread->tid, thread->pid));
}

/*
 * Writes down the calls out of which the threads that are held were brought, all of one service.
 * @watches: of before they were held. What cannot be proved is told.
 */
static struct uk_error *note_all(struct uk_hold *hold, struct uk_ktasks *ktasks,
				 const uk_watches *watches, struct uk_plan_service *service,
				 const struct uk_sink *sink)
{
	if (ktasks)
		uk_ktasks_refresh(ktasks);
	uk_vec_for_each(thread, &hold->threads) {
		struct uk_plan_call call;
		bool found;
		struct uk_error *unproved = note_one(ktasks, watches, thread, &call, &found);
		if (unproved)
			tell(sink, thread, unproved);
		else if (found && !uk_vec_push(&service->calls, call))
			return uk_error_nomem();
	}
	return NULL;
}

/* As late as can be: what wakes up after this look is not proved. */
static struct uk_error *watch(const char *cgroup, struct uk_ktasks *ktasks, uk_watches *ret)
{
	return ktasks ? uk_watch_cgroup(cgroup, ktasks, ret) : NULL;
}

static struct uk_error *freeze(struct uk_plan_service *service, struct uk_ktasks *ktasks,
			       const uk_watches *watches, const struct uk_sink *sink)
{
	uk_auto_hold struct uk_hold hold = {};
	struct uk_error *err = uk_hold_take_cgroup(service->cgroup, &hold);
	if (err)
		return err;
	err = note_all(&hold, ktasks, watches, service, sink);
	struct uk_error *second = uk_hold_release(&hold, true);
	if (!err)
		return second;
	uk_error_destroy(second);
	return err;
}

struct uk_error *uk_calls_freeze(struct uk_plan_service *service, struct uk_ktasks *ktasks,
				 const struct uk_sink *sink)
{
	uk_cleanup(uk_watches_deinit) uk_watches watches = {};
	struct uk_error *err = watch(service->cgroup, ktasks, &watches);
	return err ? err : freeze(service, ktasks, &watches, sink);
}
