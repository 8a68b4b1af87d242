// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls that a held thread is started in. */
#include "replace/start.h"

#include "base/file.h"
#include "replace/inject.h"
#include "replace/loan.h"
#include "replace/procfs.h"
#include "replace/stop.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

enum {
	LOOKS = 20000,
	LOOK_NS = 100000, /* between two */
};

/* What was changed for the time until it sleeps. */
struct limit {
	uint64_t at; /* of the timespec; 0: none was changed */
	struct timespec was;
};

/* The kernel makes the call again, unless there is a signal to handle: see mend.c. */
static struct uk_error *run_to_begin(struct uk_held *thread, const struct uk_plan_call *call,
				     struct uk_stop *stop)
{
	struct user_regs_struct registers;
	struct uk_error *err = uk_inject_get_registers(thread, &registers);
	registers.orig_rax = call->number;
	registers.rax = (uint64_t)-UK_ERESTARTNOHAND;
	if (!err)
		err = uk_inject_set_registers(thread, &registers);
	do {
		if (!err)
			err = uk_stop_leave(thread->tid, PTRACE_SYSCALL, 0);
		if (!err)
			err = uk_stop_await(thread->tid, stop);
	} while (!err && stop->kind == UK_STOP_TRAP);
	return err;
}

/* --- its limit ----------------------------------------------------------------------- */

static struct uk_error *set_milliseconds(const struct uk_held *thread, uint64_t left_ns)
{
	struct user_regs_struct registers;
	struct uk_error *err = uk_inject_get_registers(thread, &registers);
	/* All of them have it in argument 3. */
	registers.r10 = (uint64_t)uk_call_milliseconds(left_ns);
	return err ? err : uk_inject_set_registers(thread, &registers);
}

static struct uk_error *set_timespec(const struct uk_held *thread, uint64_t at, uint64_t left_ns,
				     struct limit *limit)
{
	const struct timespec left = uk_clock_spec(left_ns);
	struct uk_error *err = uk_loan_read(thread->pid, at, &limit->was, sizeof(limit->was));
	if (!err)
		err = uk_loan_write(thread->pid, at, &left, sizeof(left));
	if (!err)
		limit->at = at;
	return err;
}

static struct uk_error *put_back(const struct uk_held *thread, const struct limit *limit)
{
	return limit->at ? uk_loan_write(thread->pid, limit->at, &limit->was, sizeof(limit->was))
			 : NULL;
}

/* --- asleep -------------------------------------------------------------------------- */

static bool is_asleep(const struct uk_held *thread, uint64_t number)
{
	char path[64];
	uk_auto_free char *text = NULL;
	struct uk_thread seen;
	struct uk_proc_stat stat = {};
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", thread->pid, thread->tid);
	struct uk_error *err = uk_task_read_call(thread->pid, thread->tid, &seen);
	if (!err)
		err = uk_file_read(path, 4096, &text, NULL);
	if (!err)
		err = uk_proc_parse_stat(text, &stat);
	bool asleep = !err && seen.syscall == (int64_t)number && stat.state == 'S';
	uk_error_destroy(err);
	return asleep;
}

/* Until it sleeps, or stops at the end of its call. */
static struct uk_error *await_asleep(struct uk_held *thread, uint64_t number, bool *asleep_ret)
{
	for (int i = 0; i < LOOKS; i++) {
		siginfo_t seen = {};
		*asleep_ret = is_asleep(thread, number);
		if (*asleep_ret)
			return NULL;
		if (!waitid(P_PID, (id_t)thread->tid, &seen,
			    WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL) &&
		    seen.si_pid)
			return NULL;
		uk_clock_sleep(LOOK_NS);
	}
	return uk_error_create(UK_ERR_SYSTEM, "it neither sleeps nor ends");
}

/* Over already: back into the stop in which all are held, its registers as its program has them. */
static struct uk_error *end_now(struct uk_held *thread, const struct uk_plan_call *call)
{
	struct user_regs_struct registers;
	struct uk_stop stop;
	struct uk_error *err = uk_stop_await(thread->tid, &stop);
	if (!err)
		err = uk_inject_get_registers(thread, &registers);
	registers.r10 = call->args[3];
	if (!err)
		err = uk_inject_set_registers(thread, &registers);
	return err ? err : uk_stop_trap_again(thread->tid, &stop);
}

static struct uk_error *enter(struct uk_held *thread, const struct uk_plan_call *call)
{
	bool asleep = false;
	struct uk_error *err = uk_stop_leave(thread->tid, PTRACE_SYSCALL, 0);
	if (!err)
		err = await_asleep(thread, call->number, &asleep);
	thread->asleep = asleep;
	return err || asleep ? err : end_now(thread, call);
}

struct uk_error *uk_start_call(struct uk_held *thread, const struct uk_plan_call *call,
			       const struct uk_call_kind *kind, uint64_t left_ns)
{
	struct limit limit = {};
	struct uk_stop stop = {};
	struct uk_error *err = run_to_begin(thread, call, &stop);
	if (err)
		return err;
	if (stop.kind != UK_STOP_CALL) {
		thread->signal = stop.signal;
		return NULL;
	}
	if (kind->limit == UK_LIMIT_MS)
		err = set_milliseconds(thread, left_ns);
	else
		err = set_timespec(thread, call->args[kind->arg], left_ns, &limit);
	if (!err)
		err = enter(thread, call);
	struct uk_error *second = put_back(thread, &limit);
	if (!err)
		return second;
	uk_error_destroy(second);
	return err;
}
