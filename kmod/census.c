// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who stands on code that is about to change: every thread's stack, most of them looked at
 * before the machine is stopped.
 *
 * Why a stack that was looked at before the stop need not be looked at again
 * ------------------------------------------------------------------------
 * A stack changes only while its task runs, and a task that runs must be switched out before
 * the stop can begin, for the stop runs in the stopper thread of every CPU. __schedule()
 * counts each switch-out (nvcsw or nivcsw) before the task leaves its CPU; the counts only
 * grow. So check_seen()
 *
 *   1. reads the task's switch count c,
 *   2. then (smp_rmb()) reads on_cpu with acquire. 0 pairs with the smp_store_release() in
 *      finish_task(): the switch-out is over, the saved stack pointer and the stack are
 *      visible;
 *   3. then walks the stack.
 *
 * If the task ran at any time after step 1, it was switched out since, and its count at the
 * stop is greater than c: it is walked again. That includes a task that was on its way out in
 * step 1 (count read before the increment) and one that came in during step 3, in which case
 * the walk may have seen nonsense, which the unwinder and the scan survive. If the count at
 * the stop is c, the task was off its CPU from step 2 on, and what the walk saw is still so.
 * The stop orders these reads after every earlier write of every CPU (the acknowledgements in
 * multi_cpu_stop() are atomics with full ordering).
 *
 * A blocker seen before the stop is believed only if the count is unchanged after the walk.
 *
 * Why not even the counts of most tasks need be read in the stop
 * -------------------------------------------------------------
 * __schedule() also counts each switch for its CPU (rq->nr_switches), in the same section with
 * interrupts off and before the task's own count. So nr_context_switches() less the counts of
 * some tasks changes only if one of the others is switched out. settle() takes the tasks that
 * are busy (not clear, or switched since) and finds that difference at one instant: the CPUs'
 * counts are read, an interrupt on every CPU sees to it that each counted switch has reached
 * its task's count, the counts of the busy tasks are read, and the CPUs' counts are the same
 * as before. The others were not switched out around that instant: their counts are the same
 * before and after it, and none was born unseen.
 *
 * In the stop, no switch is under way. What the difference has grown by is the number of times
 * that other tasks were switched out. If it is 0, they need not be looked at; else they are,
 * until all of these switches are found. A machine that is never still for an instant cannot
 * be settled, and all counts are read.
 *
 * Which tasks there are: a reference is held to each task in the census, so none of these
 * pointers can come to mean another task. (start_boottime would not do as part of a key:
 * de_thread() gives it to another thread on exec.) A thread that exits stays in the census
 * until the end, and so the tail of do_exit() after release_task() has taken it off the list
 * of tasks is covered too. Threads that came after the census are found by total_forks, which
 * changes under tasklist_lock together with the list: if it has not moved since before the
 * list was read, there are none, and the list is not walked during the stop. (Left open: a
 * thread that was born after the census and is already past release_task() at the stop.)
 *
 * Idle tasks are not on that list; they run all the time and are looked at during the stop.
 * The stopper threads run the stop itself; all have the same stack, of which one is looked at.
 */

#include <linux/cpumask.h>
#include <linux/hash.h>
#include <linux/kernel_stat.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/prefetch.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/smp.h>
#include <linux/slab.h>
#include <linux/stacktrace.h>
#include "compat.h"
#include "core.h"

enum {
	UK_DEPTH = 256,			/* frames; a deeper stack is scanned */
	UK_SPARE = 64,			/* room for threads born while the census is taken */
	UK_AHEAD = 8,			/* tasks to prefetch */
	UK_SETTLE_TRIES = 8,
};

/* No task was ever switched out so often: its stack is not known to be clear. */
#define UK_UNCLEAR ULONG_MAX

struct uk_seen {
	struct task_struct *task;
	unsigned long switches;		/* when its stack was found clear */
	bool busy;
};

/* Only one is alive at a time: uk_updates_lock. */
struct uk_census {
	const struct uk_update *update;
	const struct uk_spans *spans;	/* code on which nobody may stand */
	bool parts;			/* and the text of all part modules */
	struct uk_report *report;

	struct uk_seen *seen;
	u32 *slots;			/* hash of task to index + 1 into seen */
	u32 *busy;			/* indices into seen */
	unsigned int nr, room, bits, nr_busy;
	unsigned long forks;
	bool settled;
	u64 others;			/* switches that are not those of busy tasks */
	unsigned long frames[UK_DEPTH];
};

/* An address found on a stack that lies in code which is about to change. */
struct uk_stand {
	unsigned long addr;
	enum upkeep_found_by by;
	const char *name;
};

static unsigned long task_switches(const struct task_struct *task)
{
	return READ_ONCE(task->nvcsw) + READ_ONCE(task->nivcsw);
}

/*
 * A return address follows its call, so the byte before it is in the function that will go on;
 * at the end of a function whose last instruction is a call it is the only one that is. The
 * ip of an interrupted frame is in the function itself. The unwinder gives both alike: take
 * either as standing there.
 */
static const struct uk_span *find_span(const struct uk_spans *spans, unsigned long addr)
{
	return uk_spans_find(spans, addr - 1) ?: uk_spans_find(spans, addr);
}

static const char *find_part(const struct uk_update *update, unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < update->nr_pins; i++) {
		const struct uk_pin *pin = &update->pins[i];

		if (pin->role == UPKEEP_PART &&
		    (uk_pin_text_holds(pin, addr - 1) || uk_pin_text_holds(pin, addr)))
			return pin->name;
	}
	return NULL;
}

static bool stands(const struct uk_census *census, unsigned long addr, enum upkeep_found_by by,
		   struct uk_stand *ret)
{
	const struct uk_span *span;
	const char *name = NULL;

	if (addr < TASK_SIZE_MAX)
		return false;
	span = find_span(census->spans, addr);
	if (span)
		name = census->update->ranges[span->index].name;
	else if (census->parts)
		name = find_part(census->update, addr);
	if (!name)
		return false;
	*ret = (struct uk_stand){ addr, by, name };
	return true;
}

/* Every word from the saved stack pointer up; all of the stack if that makes no sense. */
static bool scan_stack(const struct uk_census *census, struct task_struct *task,
		       struct uk_stand *ret)
{
	unsigned long *base, *end, *word;
	bool found = false;

	base = try_get_task_stack(task);
	if (!base)
		return false;
	end = base + THREAD_SIZE / sizeof(*base);
	word = (unsigned long *)ALIGN_DOWN(READ_ONCE(task->thread.sp), sizeof(*word));
	if (word < base || word >= end)
		word = base;
	for (; !found && word < end; word++)
		found = stands(census, READ_ONCE_NOCHECK(*word), UPKEEP_SCANNED, ret);
	put_task_stack(task);
	return found;
}

static bool scan_hidden(const struct uk_census *census, struct task_struct *task,
			struct uk_stand *ret)
{
	struct llist_node *node;
	unsigned long addr;
	int depth;

	for (node = uk_return_probes(task); node; node = node->next)
		if (stands(census, uk_return_probe_addr(node), UPKEEP_HIDDEN, ret))
			return true;
	if (uk_graph_traced(task))
		for (depth = 0; (addr = uk_graph_addr(task, depth)); depth++)
			if (stands(census, addr, UPKEEP_HIDDEN, ret))
				return true;
	return false;
}

/*
 * The unwinder looks return probes up itself, but not those of a task that could run
 * (rethook_find_ret_addr(), which warns about being asked on 6.1).
 */
static bool can_unwind(const struct task_struct *task)
{
	return !uk_return_probes(task) || !task_is_running(task);
}

static bool stack_stands(struct uk_census *census, struct task_struct *task,
			 struct uk_stand *ret)
{
	int i, nr = -EINVAL;

	if (can_unwind(task))
		nr = stack_trace_save_tsk_reliable(task, census->frames, UK_DEPTH);
	if (nr < 0)
		return scan_stack(census, task, ret) || scan_hidden(census, task, ret);
	for (i = 0; i < nr; i++)
		if (stands(census, census->frames[i], UPKEEP_UNWOUND, ret))
			return true;
	return false;
}

static void add_blocker(struct uk_census *census, const struct task_struct *task,
			const struct uk_stand *stand, bool inside)
{
	struct uk_report *report = census->report;
	u64 last = uk_last_ran(task), now = local_clock();
	struct upkeep_blocker *blocker;

	if (report->out.blockers++ >= report->room)
		return;
	blocker = &report->blockers[report->out.blockers - 1];
	blocker->addr = stand->addr;
	blocker->idle_ns = last ? now - min(last, now) : U64_MAX;
	blocker->pid = task->pid;
	blocker->tgid = task->tgid;
	blocker->found_by = stand->by;
	blocker->inside = inside;
	strscpy(blocker->comm, task->comm, sizeof(blocker->comm));
	strscpy(blocker->name, stand->name, sizeof(blocker->name));
}

static u32 *find_slot(const struct uk_census *census, const struct task_struct *task)
{
	u32 mask = BIT(census->bits) - 1, at = hash_ptr(task, census->bits);

	while (census->slots[at] && census->seen[census->slots[at] - 1].task != task)
		at = (at + 1) & mask;
	return &census->slots[at];
}

/*
 * A thread that is on the list throughout is met; one that is added meanwhile moves
 * total_forks. RCU keeps the tasks until they are referenced.
 */
static void list_tasks(struct uk_census *census)
{
	struct task_struct *process, *task;

	read_lock(&tasklist_lock);
	census->forks = total_forks;
	read_unlock(&tasklist_lock);

	rcu_read_lock();
	for_each_process_thread(process, task) {
		u32 *slot = find_slot(census, task);

		if (*slot || census->nr == census->room)
			continue;
		census->seen[census->nr].task = get_task_struct(task);
		census->seen[census->nr].switches = UK_UNCLEAR;
		*slot = ++census->nr;
	}
	rcu_read_unlock();
}

int uk_census_take(const struct uk_update *update, bool undo, struct uk_report *report,
		   struct uk_census **ret)
{
	struct uk_census *census = kzalloc(sizeof(*census), GFP_KERNEL);
	unsigned int threads = READ_ONCE(nr_threads);

	if (!census)
		return -ENOMEM;
	census->update = update;
	census->spans = undo ? &update->on_undo : &update->on_apply;
	census->parts = undo;
	census->report = report;
	census->room = threads + threads / 4 + UK_SPARE;
	census->bits = ilog2(census->room) + 2;
	census->seen = kvcalloc(census->room, sizeof(*census->seen), GFP_KERNEL);
	census->slots = kvcalloc(BIT(census->bits), sizeof(*census->slots), GFP_KERNEL);
	census->busy = kvcalloc(census->room, sizeof(*census->busy), GFP_KERNEL);
	if (!census->seen || !census->slots || !census->busy) {
		uk_census_free(census);
		return -ENOMEM;
	}
	list_tasks(census);
	report->out.tasks = census->nr + num_online_cpus();
	*ret = census;
	return 0;
}

void uk_census_free(struct uk_census *census)
{
	unsigned int i;

	if (!census)
		return;
	for (i = 0; i < census->nr; i++)
		put_task_struct(census->seen[i].task);
	kvfree(census->seen);
	kvfree(census->slots);
	kvfree(census->busy);
	kfree(census);
}

/*
 * See the top of this file. Tasks with hidden return addresses are left for the stop: only
 * there do the tracers' records hold still.
 */
static void check_seen(struct uk_census *census, struct uk_seen *seen)
{
	struct task_struct *task = seen->task;
	unsigned long switches = task_switches(task);
	struct uk_stand stand;

	seen->switches = UK_UNCLEAR;
	smp_rmb();	/* the count before on_cpu: step 1 before step 2 */
	if (smp_load_acquire(&task->on_cpu) || uk_return_probes(task) || uk_graph_traced(task))
		return;
	census->report->out.tasks_before++;
	if (!stack_stands(census, task, &stand)) {
		seen->switches = switches;
		return;
	}
	smp_rmb();	/* the walk before the second look at the count */
	if (!READ_ONCE(task->on_cpu) && switches == task_switches(task))
		add_blocker(census, task, &stand, false);
}

static bool still_clear(const struct uk_seen *seen)
{
	return seen->switches == task_switches(seen->task);
}

/* Before the stop, as often as wanted: each time only those that ran since the last. */
void uk_census_check(struct uk_census *census)
{
	unsigned int i;

	for (i = 0; i < census->nr; i++) {
		if (!still_clear(&census->seen[i]))
			check_seen(census, &census->seen[i]);
		cond_resched();
	}
}

/* Idle tasks are always busy. */
static u64 count_busy(const struct uk_census *census)
{
	unsigned int i, cpu;
	u64 count = 0;

	for (i = 0; i < census->nr_busy; i++)
		count += task_switches(census->seen[census->busy[i]].task);
	for_each_online_cpu(cpu)
		count += task_switches(idle_task(cpu));
	return count;
}

static void find_busy(struct uk_census *census)
{
	unsigned int i;

	census->nr_busy = 0;
	for (i = 0; i < census->nr; i++) {
		struct uk_seen *seen = &census->seen[i];

		seen->busy = !still_clear(seen);
		if (seen->busy)
			census->busy[census->nr_busy++] = i;
	}
}

static bool all_listed(const struct uk_census *census)
{
	return census->forks == READ_ONCE(total_forks) && census->nr < census->room;
}

static bool others_still_clear(const struct uk_census *census)
{
	unsigned int i;

	for (i = 0; i < census->nr; i++)
		if (!census->seen[i].busy && !still_clear(&census->seen[i]))
			return false;
	return true;
}

static bool settle_once(struct uk_census *census)
{
	u64 all, busy;

	if (!all_listed(census))
		list_tasks(census);
	find_busy(census);
	smp_mb();	/* counts of the others, then the CPUs' */
	all = nr_context_switches();
	kick_all_cpus_sync();
	busy = count_busy(census);
	smp_mb();	/* counts of the busy, then the CPUs' once more */
	if (all != nr_context_switches())
		return false;
	smp_mb();	/* the CPUs' counts, then those of the others once more */
	/* Whoever was born meanwhile and has been switched out is not among the busy. */
	if (!all_listed(census) || !others_still_clear(census))
		return false;
	census->others = all - busy;
	return true;
}

/* Just before the stop, with cpus_read_lock() held from here until it is over. */
void uk_census_settle(struct uk_census *census)
{
	unsigned int i;

	for (i = 0; !census->settled && i < UK_SETTLE_TRIES; i++)
		census->settled = settle_once(census);
}

/* A task that is on a CPU now runs this very stop. */
static void finish_task(struct uk_census *census, struct task_struct *task)
{
	struct uk_stand stand;

	if (READ_ONCE(task->on_cpu))
		return;
	census->report->out.tasks_inside++;
	if (stack_stands(census, task, &stand))
		add_blocker(census, task, &stand, true);
}

static void finish_newborn(struct uk_census *census)
{
	struct task_struct *process, *task;

	for_each_process_thread(process, task)
		if (!*find_slot(census, task))
			finish_task(census, task);
}

static void finish_self(struct uk_census *census)
{
	unsigned int i, nr = stack_trace_save(census->frames, UK_DEPTH, 0);
	struct uk_stand stand;

	for (i = 0; i < nr; i++) {
		if (stands(census, census->frames[i], UPKEEP_UNWOUND, &stand)) {
			add_blocker(census, current, &stand, true);
			return;
		}
	}
}

/* Returns how often the task was switched out since it was found clear. */
static u64 finish_seen(struct uk_census *census, const struct uk_seen *seen)
{
	if (still_clear(seen))
		return 0;
	finish_task(census, seen->task);
	return task_switches(seen->task) - seen->switches;
}

/* Those who were not busy, until @owed switches are found; all if it is not known how many. */
static u64 finish_others(struct uk_census *census, u64 owed)
{
	unsigned int i;

	for (i = 0; i < census->nr && (owed || !census->settled); i++) {
		if (i + UK_AHEAD < census->nr)
			prefetch(&census->seen[i + UK_AHEAD].task->nvcsw);
		if (!census->seen[i].busy || !census->settled)
			owed -= finish_seen(census, &census->seen[i]);
	}
	return owed;
}

/*
 * With every CPU held and interrupts off. The list of tasks holds still: who changes it does
 * so with interrupts off, and so is not in the middle of it.
 */
void uk_census_finish(struct uk_census *census)
{
	u64 owed = nr_context_switches() - count_busy(census) - census->others;
	unsigned int i, cpu;

	for (i = 0; census->settled && i < census->nr_busy; i++)
		finish_seen(census, &census->seen[census->busy[i]]);
	owed = finish_others(census, owed);
	/* What is still owed may be a newborn's. One that was never switched stands nowhere. */
	if ((owed || !census->settled) && !all_listed(census))
		finish_newborn(census);
	for_each_online_cpu(cpu)
		finish_task(census, idle_task(cpu));
	finish_self(census);
}
