/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that differs between the kernels that upkeep.ko serves (6.1 and 6.12) and between their
 * configurations. No other file asks for a version or an option.
 */
#ifndef UK_COMPAT_H
#define UK_COMPAT_H

#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/rethook.h>
#include <linux/sched.h>
#include <linux/version.h>
#include <upkeep/abi.h>

struct uk_region {
	unsigned long base;
	unsigned long size;
};

static inline struct uk_region uk_region(const void *base, unsigned int from, unsigned int to)
{
	return (struct uk_region){ (unsigned long)base + from, to > from ? to - from : 0 };
}

/*
 * Where a module has its code and data. Since commit ac3b43283923 ("module: replace
 * module_layout with module_memory"), 6.4, each kind has memory of its own; before it, one
 * block held them in a fixed order, each end counted from the block's start.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
static inline struct uk_region uk_module_region(const struct module *mod,
						enum upkeep_region_kind kind)
{
	static const enum mod_mem_type types[] = {
		[UPKEEP_REGION_TEXT] = MOD_TEXT,
		[UPKEEP_REGION_RODATA] = MOD_RODATA,
		[UPKEEP_REGION_RO_AFTER_INIT] = MOD_RO_AFTER_INIT,
		[UPKEEP_REGION_DATA] = MOD_DATA,
		[UPKEEP_REGION_INIT_TEXT] = MOD_INIT_TEXT,
		[UPKEEP_REGION_INIT_DATA] = MOD_INIT_DATA,
		[UPKEEP_REGION_INIT_RODATA] = MOD_INIT_RODATA,
	};
	const struct module_memory *mem = &mod->mem[types[kind]];

	return uk_region(mem->base, 0, mem->size);
}
#else
static inline struct uk_region uk_module_region(const struct module *mod,
						enum upkeep_region_kind kind)
{
	const struct module_layout *core = &mod->core_layout;
	const struct module_layout *init = &mod->init_layout;

	switch (kind) {
	case UPKEEP_REGION_TEXT:
		return uk_region(core->base, 0, core->text_size);
	case UPKEEP_REGION_RODATA:
		return uk_region(core->base, core->text_size, core->ro_size);
	case UPKEEP_REGION_RO_AFTER_INIT:
		return uk_region(core->base, core->ro_size, core->ro_after_init_size);
	case UPKEEP_REGION_DATA:
		return uk_region(core->base, core->ro_after_init_size, core->size);
	case UPKEEP_REGION_INIT_TEXT:
		return uk_region(init->base, 0, init->text_size);
	case UPKEEP_REGION_INIT_RODATA:
		return uk_region(init->base, init->text_size, init->ro_size);
	case UPKEEP_REGION_INIT_DATA:
		return uk_region(init->base, init->ro_after_init_size, init->size);
	}
	return uk_region(NULL, 0, 0);
}
#endif

/*
 * Tracers put their own return address on a task's stack and keep the real one elsewhere:
 * return probes in a list (kernel/trace/rethook.c), the graph tracer on a stack of its own.
 */
static inline struct llist_node *uk_return_probes(const struct task_struct *task)
{
#ifdef CONFIG_RETHOOK
	return READ_ONCE(task->rethooks.first);
#else
	return NULL;
#endif
}

static inline unsigned long uk_return_probe_addr(struct llist_node *node)
{
#ifdef CONFIG_RETHOOK
	return container_of(node, struct rethook_node, llist)->ret_addr;
#else
	return 0;
#endif
}

static inline bool uk_graph_traced(const struct task_struct *task)
{
#ifdef CONFIG_FUNCTION_GRAPH_TRACER
	return READ_ONCE(task->ret_stack) && READ_ONCE(task->curr_ret_depth) >= 0;
#else
	return false;
#endif
}

/* The return address that the graph tracer hides, @depth from the innermost; 0 at the end. */
static inline unsigned long uk_graph_addr(struct task_struct *task, int depth)
{
#ifdef CONFIG_FUNCTION_GRAPH_TRACER
	struct ftrace_ret_stack *entry = ftrace_graph_get_ret_stack(task, depth);

	return entry ? entry->ret : 0;
#else
	return 0;
#endif
}

/* When the task was last put on a CPU, by local_clock(); 0 if that is not recorded. */
static inline u64 uk_last_ran(const struct task_struct *task)
{
#ifdef CONFIG_SCHED_INFO
	return READ_ONCE(task->sched_info.last_arrival);
#else
	return 0;
#endif
}

#endif
