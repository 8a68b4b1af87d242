/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * upkeep.ko: what its files share. Outside bytes are checked once, in request.c and place.c;
 * behind them everything trusts struct uk_update.
 */
#ifndef UK_CORE_H
#define UK_CORE_H

#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/types.h>
#include <upkeep/abi.h>

#ifndef UPKEEP_VERSION
#define UPKEEP_VERSION "0.1.0"
#endif

enum {
	UK_MAX_WRITES = 4096,
	UK_MAX_RANGES = 16384,
	UK_MAX_MODULES = 256,
	UK_MAX_FUNCTIONS = 8192,
	UK_MAX_BLOCKERS = 256,
	UK_MAX_WRITE_LEN = 64 * 1024,
	UK_MAX_BYTES = 8 * 1024 * 1024,
	UK_MAX_TIMEOUT_MS = 120 * 1000,
};

/* span.c: a sorted set of address ranges that do not overlap. */
struct uk_span {
	unsigned long start;
	unsigned long end;
	unsigned int index;		/* of the request's element */
};

struct uk_spans {
	struct uk_span *at;
	unsigned int nr;
};

int uk_spans_alloc(struct uk_spans *spans, unsigned int room);
void uk_spans_add(struct uk_spans *spans, unsigned long start, unsigned long end,
		  unsigned int index);
/* Sorts; returns the index of an element that overlaps an earlier one, or -1. */
int uk_spans_seal(struct uk_spans *spans);
/* The span that holds @addr, or NULL. */
const struct uk_span *uk_spans_find(const struct uk_spans *spans, unsigned long addr);
bool uk_spans_meet(const struct uk_spans *spans, unsigned long start, unsigned long end);
void uk_spans_free(struct uk_spans *spans);

/* A module that an update holds; @mod is NULL once its memory has gone in spite of that. */
struct uk_pin {
	char name[UPKEEP_MODULE_LEN];
	u32 role;
	struct module *mod;
};

struct uk_write {
	unsigned long addr;
	u32 len;
	u32 kind;
	const u8 *old;			/* into the update's pool */
	const u8 *new;
	const struct uk_pin *pin;	/* the module that it writes to; NULL: vmlinux */
};

enum uk_state {
	UK_APPLYING,
	UK_APPLIED,
	UK_UNDOING,
};

/*
 * One update, from the request that applies it to the one that undoes it. All but @state,
 * pins[].mod and the figures of the apply stays as request.c made it; those change under
 * uk_updates_lock, and sysfs reads them without it (see sysfs.c).
 */
struct uk_update {
	struct kobject kobj;
	struct list_head link;		/* uk_updates, oldest first */
	char id[UPKEEP_ID_LEN];
	enum uk_state state;
	u64 order;			/* among applied updates; the oldest has the smallest */
	time64_t applied_at;
	struct upkeep_outcome outcome;	/* of the apply */

	struct uk_write *writes;
	struct upkeep_range *ranges;
	struct uk_pin *pins;
	struct upkeep_function *functions;
	u8 *bytes;
	u32 nr_writes, nr_ranges, nr_pins, nr_functions;
	struct uk_spans written;	/* of writes */
	struct uk_spans on_apply;	/* of ranges */
	struct uk_spans on_undo;
};

/*
 * What the caller is told. out.blockers counts the tasks found on the code, also those for
 * which @blockers had no room.
 */
struct uk_report {
	struct upkeep_outcome out;
	struct upkeep_blocker *blockers;
	unsigned int room;
};

/* Notes why a request is refused; returns @err. */
static inline int uk_refuse(struct uk_report *report, enum upkeep_refusal why,
			    enum upkeep_where where, unsigned int index, int err)
{
	report->out.refusal = why;
	report->out.where = where;
	report->out.index = index;
	return err;
}

/* A write whose module has gone is no longer there to be checked or undone. */
static inline bool uk_write_gone(const struct uk_write *write)
{
	return write->pin && !READ_ONCE(write->pin->mod);
}

/* request.c: reads and checks a request; the update is the caller's to put. */
int uk_request_read(const struct upkeep_apply *req, struct uk_report *report,
		    struct uk_update **ret);
bool uk_id_valid(const char *id);
bool uk_name_valid(const char *name, size_t size);

/* place.c: holds an update's modules, and says where in memory something lies. */
int uk_pins_get(struct uk_update *update, struct uk_report *report);
void uk_pins_put(struct uk_update *update);
int uk_places_check(struct uk_update *update, struct uk_report *report);
bool uk_pin_holds(const struct uk_pin *pin, unsigned long start, unsigned long end);
bool uk_pin_text_holds(const struct uk_pin *pin, unsigned long addr);

/* write.c: writable aliases of the places that an update writes to. */
int uk_aliases_map(const struct uk_update *update, void **ret);
void uk_aliases_unmap(void *aliases);
int uk_writes_check(const struct uk_update *update, bool undo, struct uk_report *report);
void uk_writes_store(const struct uk_update *update, bool undo, void *aliases);

/* census.c: who stands where. */
struct uk_census;

int uk_census_take(const struct uk_update *update, bool undo, struct uk_report *report,
		   struct uk_census **ret);
void uk_census_check(struct uk_census *census);
/* What follows wants cpus_read_lock() held throughout. */
void uk_census_settle(struct uk_census *census);
void uk_census_finish(struct uk_census *census);
void uk_census_free(struct uk_census *census);

/* stop.c: the safe moment. */
int uk_stop_change(struct uk_update *update, bool undo, struct uk_report *report);
int uk_stop_probe(struct upkeep_probe *probe);

/* update.c */
extern struct mutex uk_updates_lock;

int uk_update_apply(struct uk_update *update, struct uk_report *report);
int uk_update_undo(const char *id, struct uk_report *report);
unsigned int uk_updates_count(void);
/* The module's memory is about to be freed: from now on nothing of ours may touch it. */
void uk_updates_module_gone(struct module *mod);

/* sysfs.c: /sys/kernel/upkeep. The update's kobject frees it. */
int uk_sysfs_init(void);
void uk_sysfs_exit(void);
void uk_sysfs_prepare(struct uk_update *update);
int uk_sysfs_add(struct uk_update *update);

/* wait.c: loads that halt for a waiter. */
struct uk_file {
	struct list_head waiters;
};

struct file;
struct poll_table_struct;

int uk_wait_init(void);
void uk_wait_exit(void);
int uk_wait_add(struct uk_file *file, struct upkeep_wait *req);
int uk_wait_answer(struct uk_file *file, const struct upkeep_answer *req);
ssize_t uk_wait_read(struct uk_file *file, char __user *buf, size_t size, bool nonblock);
__poll_t uk_wait_poll(struct uk_file *file, struct file *filp, struct poll_table_struct *wait);
void uk_wait_release(struct uk_file *file);

#endif
