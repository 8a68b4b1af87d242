// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that comes in can be halted before any of its code runs, so that an update can be
 * applied to it: the process that loads it sleeps in the module notifier until the waiter has
 * answered, its deadline has passed, or its file is closed.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include "compat.h"
#include "core.h"

enum uk_halt {
	UK_IDLE,		/* no load is halted */
	UK_HALTED,		/* one is, and the waiter has not read of it */
	UK_READ,		/* it has */
	UK_ANSWERED,
	UK_LOST,		/* the file is closed */
};

/* All but @ref under lock; @halt is also looked at without it by those who sleep on changed. */
struct uk_waiter {
	struct kref ref;
	struct list_head link;		/* all waiters */
	struct list_head of_file;
	char module[UPKEEP_MODULE_LEN];
	unsigned long timeout;		/* jiffies */
	bool strict;
	enum uk_halt halt;
	int error;			/* the answer */
	struct upkeep_event event;
};

static DEFINE_SPINLOCK(lock);
static LIST_HEAD(waiters);
static DECLARE_WAIT_QUEUE_HEAD(changed);

static void free_waiter(struct kref *ref)
{
	kfree(container_of(ref, struct uk_waiter, ref));
}

static struct uk_waiter *find_waiter(const char *module)
{
	struct uk_waiter *waiter;

	list_for_each_entry(waiter, &waiters, link)
		if (!strcmp(waiter->module, module))
			return waiter;
	return NULL;
}

static void set_halt(struct uk_waiter *waiter, enum uk_halt halt)
{
	WRITE_ONCE(waiter->halt, halt);
	wake_up_all(&changed);
}

static void fill_event(struct upkeep_event *event, const struct module *mod)
{
	enum upkeep_region_kind kind;

	memset(event, 0, sizeof(*event));
	event->header.abi = UPKEEP_ABI;
	event->header.size = sizeof(*event);
	strscpy(event->module, mod->name, sizeof(event->module));
	for (kind = UPKEEP_REGION_TEXT; kind <= UPKEEP_REGION_INIT_RODATA; kind++) {
		struct uk_region region = uk_module_region(mod, kind);

		if (!region.size)
			continue;
		event->regions[event->nr_regions++] = (struct upkeep_region){
			.base = region.base, .size = region.size, .kind = kind,
		};
	}
}

static struct uk_waiter *halt_for(const struct module *mod)
{
	struct uk_waiter *waiter;

	spin_lock(&lock);
	waiter = find_waiter(mod->name);
	if (waiter) {
		kref_get(&waiter->ref);
		fill_event(&waiter->event, mod);
		set_halt(waiter, UK_HALTED);
	}
	spin_unlock(&lock);
	return waiter;
}

static bool is_over(const struct uk_waiter *waiter)
{
	enum uk_halt halt = READ_ONCE(waiter->halt);

	return halt == UK_ANSWERED || halt == UK_LOST;
}

/* What becomes of a load that nobody answered for. */
static int unanswered(const struct uk_waiter *waiter, const char *why)
{
	pr_warn("module %s: %s, %s\n", waiter->module, why,
		waiter->strict ? "its load is refused" : "it is loaded as it is");
	return waiter->strict ? -ETIMEDOUT : 0;
}

static int end_halt(struct uk_waiter *waiter, long left)
{
	int err;

	spin_lock(&lock);
	if (waiter->halt == UK_ANSWERED)
		err = waiter->error;
	else if (waiter->halt == UK_LOST)
		err = unanswered(waiter, "the waiter has gone");
	else if (left < 0)
		err = -EINTR;
	else
		err = unanswered(waiter, "no answer before the deadline");
	if (waiter->halt != UK_LOST)
		set_halt(waiter, UK_IDLE);
	spin_unlock(&lock);
	return err;
}

static int module_coming(struct module *mod)
{
	struct uk_waiter *waiter = halt_for(mod);
	long left;
	int err;

	if (!waiter)
		return 0;
	pr_info("module %s halted for an update\n", mod->name);
	left = wait_event_killable_timeout(changed, is_over(waiter), waiter->timeout);
	err = end_halt(waiter, left);
	kref_put(&waiter->ref, free_waiter);
	/* We are not told that the module goes if it is we who refuse it. */
	if (err)
		uk_updates_module_gone(mod);
	return err;
}

static int module_notify(struct notifier_block *nb, unsigned long state, void *data)
{
	if (state == MODULE_STATE_COMING)
		return notifier_from_errno(module_coming(data));
	if (state == MODULE_STATE_GOING)
		uk_updates_module_gone(data);
	return NOTIFY_OK;
}

/* After all others: jump labels, static calls and tracepoints of the module are ready. */
static struct notifier_block module_notifier = {
	.notifier_call = module_notify,
	.priority = INT_MIN,
};

static bool module_is_loaded(const char *name)
{
	bool loaded;

	preempt_disable();
	loaded = find_module(name);
	preempt_enable();
	return loaded;
}

int uk_wait_add(struct uk_file *file, struct upkeep_wait *req)
{
	struct uk_waiter *waiter;

	if (!uk_name_valid(req->module, sizeof(req->module)) || !req->timeout_ms ||
	    req->timeout_ms > UK_MAX_TIMEOUT_MS || req->flags & ~UPKEEP_WAIT_STRICT ||
	    req->reserved32)
		return -EINVAL;
	waiter = kzalloc(sizeof(*waiter), GFP_KERNEL);
	if (!waiter)
		return -ENOMEM;
	kref_init(&waiter->ref);
	strscpy(waiter->module, req->module, sizeof(waiter->module));
	waiter->timeout = msecs_to_jiffies(req->timeout_ms);
	waiter->strict = req->flags & UPKEEP_WAIT_STRICT;

	spin_lock(&lock);
	if (find_waiter(req->module)) {
		spin_unlock(&lock);
		kfree(waiter);
		return -EEXIST;
	}
	list_add_tail(&waiter->link, &waiters);
	list_add_tail(&waiter->of_file, &file->waiters);
	spin_unlock(&lock);
	/* Asked after the registration: a load that is not seen here will halt. */
	req->loaded = module_is_loaded(req->module);
	return 0;
}

int uk_wait_answer(struct uk_file *file, const struct upkeep_answer *req)
{
	struct uk_waiter *waiter;
	int err = -ENOENT;

	if (!uk_name_valid(req->module, sizeof(req->module)) || req->error > MAX_ERRNO ||
	    req->reserved32)
		return -EINVAL;
	spin_lock(&lock);
	list_for_each_entry(waiter, &file->waiters, of_file) {
		if (strcmp(waiter->module, req->module) ||
		    (waiter->halt != UK_HALTED && waiter->halt != UK_READ))
			continue;
		waiter->error = -(int)req->error;
		set_halt(waiter, UK_ANSWERED);
		err = 0;
	}
	spin_unlock(&lock);
	return err;
}

/* Is a load halted that was not read of? With @event, it is then. */
static bool take_event(struct uk_file *file, struct upkeep_event *event)
{
	struct uk_waiter *waiter;
	bool found = false;

	spin_lock(&lock);
	list_for_each_entry(waiter, &file->waiters, of_file) {
		if (waiter->halt != UK_HALTED)
			continue;
		found = true;
		if (event) {
			*event = waiter->event;
			WRITE_ONCE(waiter->halt, UK_READ);
		}
		break;
	}
	spin_unlock(&lock);
	return found;
}

ssize_t uk_wait_read(struct uk_file *file, char __user *buf, size_t size, bool nonblock)
{
	struct upkeep_event event;

	if (size < sizeof(event))
		return -EINVAL;
	while (!take_event(file, &event)) {
		if (nonblock)
			return -EAGAIN;
		if (wait_event_interruptible(changed, take_event(file, NULL)))
			return -ERESTARTSYS;
	}
	return copy_to_user(buf, &event, sizeof(event)) ? -EFAULT : sizeof(event);
}

__poll_t uk_wait_poll(struct uk_file *file, struct file *filp, struct poll_table_struct *wait)
{
	poll_wait(filp, &changed, wait);
	return take_event(file, NULL) ? EPOLLIN | EPOLLRDNORM : 0;
}

void uk_wait_release(struct uk_file *file)
{
	struct uk_waiter *waiter, *next;

	spin_lock(&lock);
	list_for_each_entry_safe(waiter, next, &file->waiters, of_file) {
		list_del(&waiter->link);
		list_del(&waiter->of_file);
		/* An answer that was given stands. */
		if (waiter->halt != UK_ANSWERED)
			set_halt(waiter, UK_LOST);
		kref_put(&waiter->ref, free_waiter);
	}
	spin_unlock(&lock);
}

int uk_wait_init(void)
{
	return register_module_notifier(&module_notifier);
}

void uk_wait_exit(void)
{
	unregister_module_notifier(&module_notifier);
}
