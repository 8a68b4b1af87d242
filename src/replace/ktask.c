// SPDX-License-Identifier: GPL-2.0-or-later
/* Threads as the running kernel's memory has them. */
#include "replace/ktask.h"

#include "base/bytes.h"
#include "base/vec.h"
#include "match/kallsyms.h"
#include "match/memory.h"
#include "replace/btf.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	STACK_LEN = 16384, /* THREAD_SIZE of x86-64 without KASAN: page_64_types.h */
	TASKS_MAX = 4 << 20,
	QUEUED = 1, /* HRTIMER_STATE_ENQUEUED, include/linux/hrtimer.h */
	WALKS = 5,  /* as often a walk may be disturbed by who comes and goes */
};

/* Places in structures, in the order of the table below. */
enum place {
	TASK_PID,
	TASK_NEXT,
	TASK_NODE,
	TASK_SIGNAL,
	TASK_STACK,
	TASK_SP,
	SIGNAL_HEAD,
	RESTART_FN,
	SLEEP_EXPIRES,
	SLEEP_CLOCK,
	SLEEP_LEFT,
	POLL_SEC,
	POLL_NSEC,
	POLL_LIMITED,
	FUTEX_TIME,
	SLEEPER_TASK,
	SLEEPER_FN,
	SLEEPER_EXPIRES,
	SLEEPER_STATE,
	SLEEPER_BASE,
	BASE_CLOCK,
	NR_PLACES,
};

static const struct {
	const char *name, *path;
	size_t size;
} places[NR_PLACES] = {
	[TASK_PID] = { "task_struct", "pid", 4 },
	[TASK_NEXT] = { "task_struct", "tasks.next", 8 },
	[TASK_NODE] = { "task_struct", "thread_node.next", 8 },
	[TASK_SIGNAL] = { "task_struct", "signal", 8 },
	[TASK_STACK] = { "task_struct", "stack", 8 },
	[TASK_SP] = { "task_struct", "thread.sp", 8 },
	[SIGNAL_HEAD] = { "signal_struct", "thread_head.next", 8 },
	[RESTART_FN] = { "task_struct", "restart_block.fn", 8 },
	[SLEEP_EXPIRES] = { "task_struct", "restart_block.nanosleep.expires", 8 },
	[SLEEP_CLOCK] = { "task_struct", "restart_block.nanosleep.clockid", 4 },
	[SLEEP_LEFT] = { "task_struct", "restart_block.nanosleep.rmtp", 8 },
	[POLL_SEC] = { "task_struct", "restart_block.poll.tv_sec", 8 },
	[POLL_NSEC] = { "task_struct", "restart_block.poll.tv_nsec", 8 },
	[POLL_LIMITED] = { "task_struct", "restart_block.poll.has_timeout", 4 },
	[FUTEX_TIME] = { "task_struct", "restart_block.futex.time", 8 },
	[SLEEPER_TASK] = { "hrtimer_sleeper", "task", 8 },
	[SLEEPER_FN] = { "hrtimer_sleeper", "timer.function", 8 },
	[SLEEPER_EXPIRES] = { "hrtimer_sleeper", "timer._softexpires", 8 },
	[SLEEPER_STATE] = { "hrtimer_sleeper", "timer.state", 1 },
	[SLEEPER_BASE] = { "hrtimer_sleeper", "timer.base", 8 },
	[BASE_CLOCK] = { "hrtimer_clock_base", "clockid", 4 },
};

struct task {
	pid_t tid;
	uint64_t at;
};

struct uk_ktasks {
	struct uk_memory *memory;
	size_t place[NR_PLACES];
	uint64_t init_task, wakeup;
	uint64_t restarts[UK_RESTART_FUTEX + 1]; /* the functions, by kind */
	UK_VEC(struct task) tasks;		 /* by number */
	bool fresh;				 /* they are those that there are */
};

void uk_ktasks_destroy(struct uk_ktasks *ktasks)
{
	if (!ktasks)
		return;
	uk_memory_destroy(ktasks->memory);
	uk_vec_deinit(&ktasks->tasks);
	free(ktasks);
}

/* --- opening ------------------------------------------------------------------------- */

static struct uk_error *find_symbol(const struct uk_kallsyms *kallsyms, const char *name,
				    uint64_t *ret)
{
	*ret = uk_kallsyms_unique(kallsyms, name);
	return *ret ? NULL : uk_error_create(UK_ERR_REFUSED, "this kernel has not one %s", name);
}

static struct uk_error *find_symbols(struct uk_ktasks *ktasks)
{
	uk_auto_kallsyms struct uk_kallsyms *kallsyms = NULL;
	uint64_t *restarts = ktasks->restarts;
	struct uk_error *err = uk_kallsyms_load(&kallsyms);
	if (!err)
		err = find_symbol(kallsyms, "init_task", &ktasks->init_task);
	if (!err)
		err = find_symbol(kallsyms, "hrtimer_wakeup", &ktasks->wakeup);
	if (!err)
		err = find_symbol(kallsyms, "hrtimer_nanosleep_restart",
				  &restarts[UK_RESTART_SLEEP]);
	if (!err)
		err = find_symbol(kallsyms, "do_restart_poll", &restarts[UK_RESTART_POLL]);
	if (!err)
		err = find_symbol(kallsyms, "futex_wait_restart", &restarts[UK_RESTART_FUTEX]);
	return err;
}

static struct uk_error *find_places(struct uk_ktasks *ktasks)
{
	uk_auto_btf struct uk_btf *btf = NULL;
	struct uk_error *err = uk_btf_load(&btf);
	for (size_t i = 0; !err && i < NR_PLACES; i++)
		err = uk_btf_offset(btf, places[i].name, places[i].path, places[i].size,
				    &ktasks->place[i]);
	return err;
}

struct uk_error *uk_ktasks_open(struct uk_ktasks **ret)
{
	uk_auto_ktasks struct uk_ktasks *ktasks = calloc(1, sizeof(*ktasks));
	if (!ktasks)
		return uk_error_nomem();
	struct uk_error *err = uk_memory_open_live(&ktasks->memory);
	if (!err)
		err = find_places(ktasks);
	if (!err)
		err = find_symbols(ktasks);
	if (!err)
		*ret = uk_take(ktasks);
	return err;
}

/* --- the walk ------------------------------------------------------------------------ */

static struct uk_error *read_u64(const struct uk_ktasks *ktasks, uint64_t at, uint64_t *ret)
{
	uint8_t bytes[8];
	struct uk_error *err = uk_memory_read(ktasks->memory, at, bytes, sizeof(bytes));
	if (!err)
		*ret = uk_get_u64(bytes);
	return err;
}

static struct uk_error *read_u32(const struct uk_ktasks *ktasks, uint64_t at, uint32_t *ret)
{
	uint8_t bytes[4];
	struct uk_error *err = uk_memory_read(ktasks->memory, at, bytes, sizeof(bytes));
	if (!err)
		*ret = uk_get_u32(bytes);
	return err;
}

static struct uk_error *add_thread(struct uk_ktasks *ktasks, uint64_t task)
{
	uint32_t tid = 0;
	struct uk_error *err = read_u32(ktasks, task + ktasks->place[TASK_PID], &tid);
	if (!err && ktasks->tasks.len == TASKS_MAX)
		err = uk_error_create(UK_ERR_BUSY, "the kernel's list of tasks does not end");
	if (!err && !uk_vec_push(&ktasks->tasks, (struct task){ (pid_t)tid, task }))
		err = uk_error_nomem();
	return err;
}

/* The list of a process's threads begins and ends in its signal_struct. */
static struct uk_error *walk_threads(struct uk_ktasks *ktasks, uint64_t process)
{
	uint64_t signal = 0, next = 0;
	struct uk_error *err = read_u64(ktasks, process + ktasks->place[TASK_SIGNAL], &signal);
	uint64_t head = signal + ktasks->place[SIGNAL_HEAD];
	if (!err)
		err = read_u64(ktasks, head, &next);
	while (!err && next != head) {
		err = add_thread(ktasks, next - ktasks->place[TASK_NODE]);
		if (!err)
			err = read_u64(ktasks, next, &next);
	}
	return err;
}

static struct uk_error *walk(struct uk_ktasks *ktasks)
{
	uint64_t head = ktasks->init_task + ktasks->place[TASK_NEXT], next = 0;
	ktasks->tasks.len = 0;
	struct uk_error *err = read_u64(ktasks, head, &next);
	while (!err && next != head) {
		err = walk_threads(ktasks, next - ktasks->place[TASK_NEXT]);
		if (!err)
			err = read_u64(ktasks, next, &next);
	}
	return err;
}

static int compare_tids(const void *a, const void *b)
{
	const struct task *left = a, *right = b;
	return (left->tid > right->tid) - (left->tid < right->tid);
}

/* What ends meanwhile leads nowhere: its links are poisoned, and are nothing that can be read. */
static struct uk_error *scan(struct uk_ktasks *ktasks)
{
	if (ktasks->fresh)
		return NULL;
	struct uk_error *err = walk(ktasks);
	for (int i = 1; err && i < WALKS; i++) {
		uk_error_destroy(err);
		err = walk(ktasks);
	}
	if (!err)
		qsort(ktasks->tasks.data, ktasks->tasks.len, sizeof(struct task), compare_tids);
	ktasks->fresh = !err;
	return uk_error_wrap(err, "walking the kernel's list of tasks");
}

void uk_ktasks_refresh(struct uk_ktasks *ktasks)
{
	ktasks->fresh = false;
}

/* --- one thread ---------------------------------------------------------------------- */

/* It must still be there: its place may have another one by now. */
static struct uk_error *find(struct uk_ktasks *ktasks, pid_t tid, uint64_t *ret)
{
	const struct task wanted = { .tid = tid };
	struct uk_error *err = scan(ktasks);
	if (err)
		return err;
	const struct task *task = ktasks->tasks.len
					  ? bsearch(&wanted, ktasks->tasks.data, ktasks->tasks.len,
						    sizeof(wanted), compare_tids)
					  : NULL;
	uint32_t now = 0;
	if (task)
		err = read_u32(ktasks, task->at + ktasks->place[TASK_PID], &now);
	if (!err && now != (uint32_t)tid)
		err = uk_error_create(UK_ERR_NOTHING, "the kernel's list has no thread %d", tid);
	if (!err)
		*ret = task->at;
	return err;
}

static struct uk_error *read_poll(const struct uk_ktasks *ktasks, uint64_t task,
				  struct uk_restart *restart)
{
	uint64_t seconds = 0, nanoseconds = 0;
	uint32_t limited = 0;
	struct uk_error *err = read_u32(ktasks, task + ktasks->place[POLL_LIMITED], &limited);
	if (!err)
		err = read_u64(ktasks, task + ktasks->place[POLL_SEC], &seconds);
	if (!err)
		err = read_u64(ktasks, task + ktasks->place[POLL_NSEC], &nanoseconds);
	restart->limited = limited;
	restart->clock = CLOCK_MONOTONIC;
	restart->until_ns = seconds * 1000000000 + nanoseconds;
	return err;
}

static struct uk_error *read_sleep(const struct uk_ktasks *ktasks, uint64_t task,
				   struct uk_restart *restart)
{
	uint32_t clock = 0;
	struct uk_error *err = read_u32(ktasks, task + ktasks->place[SLEEP_CLOCK], &clock);
	restart->limited = true;
	restart->clock = (int)clock;
	if (!err)
		err = read_u64(ktasks, task + ktasks->place[SLEEP_LEFT], &restart->left_at);
	return err ? err
		   : read_u64(ktasks, task + ktasks->place[SLEEP_EXPIRES], &restart->until_ns);
}

struct uk_error *uk_ktasks_restart(struct uk_ktasks *ktasks, pid_t tid, struct uk_restart *ret)
{
	struct uk_restart restart = {};
	uint64_t task = 0, function = 0;
	struct uk_error *err = find(ktasks, tid, &task);
	if (!err)
		err = read_u64(ktasks, task + ktasks->place[RESTART_FN], &function);
	for (int kind = UK_RESTART_SLEEP; kind <= UK_RESTART_FUTEX; kind++) {
		if (function == ktasks->restarts[kind])
			restart.kind = (enum uk_restart_kind)kind;
	}
	if (!err && restart.kind == UK_RESTART_SLEEP)
		err = read_sleep(ktasks, task, &restart);
	if (!err && restart.kind == UK_RESTART_POLL)
		err = read_poll(ktasks, task, &restart);
	/* Only a wait with a limit leaves this: futex_wait() in kernel/futex/waitwake.c. */
	if (!err && restart.kind == UK_RESTART_FUTEX) {
		restart.limited = true;
		err = read_u64(ktasks, task + ktasks->place[FUTEX_TIME], &restart.until_ns);
	}
	if (!err)
		*ret = restart;
	return err;
}

/* --- its timer ----------------------------------------------------------------------- */

struct stack {
	uint64_t start, live; /* from live on it is in use */
	uint8_t bytes[STACK_LEN];
};

static struct uk_error *read_stack(const struct uk_ktasks *ktasks, uint64_t task,
				   struct stack *stack)
{
	struct uk_error *err = read_u64(ktasks, task + ktasks->place[TASK_STACK], &stack->start);
	if (!err)
		err = read_u64(ktasks, task + ktasks->place[TASK_SP], &stack->live);
	if (!err && (stack->live % 8 || stack->live < stack->start ||
		     stack->live - stack->start >= STACK_LEN))
		err = uk_error_create(UK_ERR_NOTHING, "its stack is not where it is");
	return err ? err : uk_memory_read(ktasks->memory, stack->start, stack->bytes, STACK_LEN);
}

static bool is_sleeper(const struct uk_ktasks *ktasks, uint64_t task, const uint8_t *at)
{
	const size_t *place = ktasks->place;
	return uk_get_u64(at + place[SLEEPER_FN]) == ktasks->wakeup &&
	       uk_get_u64(at + place[SLEEPER_TASK]) == task && at[place[SLEEPER_STATE]] == QUEUED;
}

/* Its only sleeper; NULL for none and for several. */
static const uint8_t *find_sleeper(const struct uk_ktasks *ktasks, uint64_t task,
				   const struct stack *stack)
{
	const uint8_t *found = NULL;
	size_t len = ktasks->place[SLEEPER_TASK] + 8; /* its last member */
	for (size_t at = stack->live - stack->start; at + len <= STACK_LEN; at += 8) {
		if (!is_sleeper(ktasks, task, stack->bytes + at))
			continue;
		if (found)
			return NULL;
		found = stack->bytes + at;
	}
	return found;
}

struct uk_error *uk_ktasks_alarm(struct uk_ktasks *ktasks, pid_t tid, uint64_t *ret)
{
	uint64_t task = 0;
	uint32_t clock = 0;
	uk_auto_free struct stack *stack = malloc(sizeof(*stack));
	struct uk_error *err = stack ? find(ktasks, tid, &task) : uk_error_nomem();
	if (!err)
		err = read_stack(ktasks, task, stack);
	if (err)
		return err;
	const uint8_t *sleeper = find_sleeper(ktasks, task, stack);
	if (!sleeper)
		return uk_error_create(UK_ERR_NOTHING, "no timer is on its stack");
	err = read_u32(ktasks,
		       uk_get_u64(sleeper + ktasks->place[SLEEPER_BASE]) +
			       ktasks->place[BASE_CLOCK],
		       &clock);
	if (!err && clock != CLOCK_MONOTONIC)
		err = uk_error_create(UK_ERR_NOTHING, "its timer is of another clock");
	if (!err)
		*ret = uk_get_u64(sleeper + ktasks->place[SLEEPER_EXPIRES]);
	return err;
}
