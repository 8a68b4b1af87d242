// SPDX-License-Identifier: GPL-2.0-only
/*
 * The safe moment: all CPUs are held, nobody stands on the code, memory holds what was
 * expected. Then everything is written; else nothing is.
 */

#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/memory.h>
#include <linux/mutex.h>
#include <linux/stop_machine.h>
#include <linux/timekeeping.h>
#include <asm/sync_core.h>
#include "core.h"

struct uk_stop {
	/* What to do; a probe does nothing and has no update. */
	struct uk_update *update;
	bool undo;
	struct uk_report *report;
	struct uk_census *census;
	void *aliases;

	unsigned int cpus;
	atomic_t entered, left;
	int done;
	int err;
	u64 begin, end;
	u64 whole;
};

/* 0 if nobody has been found on the code so far. */
static int check_blocked(struct uk_report *report)
{
	if (!report->out.blockers)
		return 0;
	return uk_refuse(report, UPKEEP_BLOCKED, UPKEEP_AT_REQUEST, 0, -EBUSY);
}

static int change_stopped(struct uk_stop *stop)
{
	int err;

	if (!stop->update)
		return 0;
	uk_census_finish(stop->census);
	err = check_blocked(stop->report);
	if (!err)
		err = uk_writes_check(stop->update, stop->undo, stop->report);
	if (!err)
		uk_writes_store(stop->update, stop->undo, stop->aliases);
	return err;
}

/*
 * Runs on every CPU with interrupts off. stop_machine() calls it only when all have them off,
 * so the first to come may begin. The others wait for it and then, like it, serialise, so that
 * no CPU leaves with stale instructions in its pipeline.
 */
static int hold_cpu(void *data)
{
	struct uk_stop *stop = data;

	if (atomic_inc_return(&stop->entered) == 1) {
		stop->begin = ktime_get_mono_fast_ns();
		stop->err = change_stopped(stop);
		smp_store_release(&stop->done, 1);	/* pairs with the acquire below */
	} else {
		while (!smp_load_acquire(&stop->done))	/* the writes before sync_core() */
			cpu_relax();
	}
	sync_core();
	if (atomic_inc_return(&stop->left) == stop->cpus)
		stop->end = ktime_get_mono_fast_ns();
	return 0;
}

/* With cpus_read_lock() held. */
static void stop_all(struct uk_stop *stop)
{
	u64 from = ktime_get_mono_fast_ns();

	stop->cpus = num_online_cpus();
	stop->err = stop_machine_cpuslocked(hold_cpu, stop, cpu_online_mask) ?: stop->err;
	stop->whole = ktime_get_mono_fast_ns() - from;
}

/*
 * cpus_read_lock() keeps the set of CPUs; text_mutex keeps out all others who write to code
 * (jump labels, static calls, kprobes, ftrace), none of whom leaves a write half done when it
 * drops it. In this order, as kprobes and jump labels take them. Whoever ran while we waited
 * for them is looked at once more, to leave less for the stop.
 */
static void stop_locked(struct uk_stop *stop)
{
	cpus_read_lock();
	mutex_lock(&text_mutex);
	stop->err = uk_writes_check(stop->update, stop->undo, stop->report);
	if (!stop->err) {
		uk_census_check(stop->census);
		stop->err = check_blocked(stop->report);
	}
	if (!stop->err) {
		uk_census_settle(stop->census);
		stop_all(stop);
	}
	mutex_unlock(&text_mutex);
	cpus_read_unlock();
}

int uk_stop_change(struct uk_update *update, bool undo, struct uk_report *report)
{
	struct uk_stop stop = { .update = update, .undo = undo, .report = report };
	u64 from = ktime_get_mono_fast_ns();
	int err;

	err = uk_aliases_map(update, &stop.aliases);
	if (err)
		return err;
	err = uk_census_take(update, undo, report, &stop.census);
	if (err)
		goto unmap;
	uk_census_check(stop.census);
	report->out.check_ns = ktime_get_mono_fast_ns() - from;
	stop.err = check_blocked(report);
	if (!stop.err)
		stop_locked(&stop);
	uk_census_free(stop.census);
	report->out.cpus = stop.cpus;
	report->out.stop_ns = stop.whole;
	report->out.pause_ns = stop.end - stop.begin;
	err = stop.err;
unmap:
	uk_aliases_unmap(stop.aliases);
	return err;
}

int uk_stop_probe(struct upkeep_probe *probe)
{
	struct uk_stop stop = {};

	cpus_read_lock();
	stop_all(&stop);
	cpus_read_unlock();
	probe->cpus = stop.cpus;
	probe->stop_ns = stop.whole;
	probe->pause_ns = stop.end - stop.begin;
	return stop.err;
}
