// SPDX-License-Identifier: GPL-2.0-only
/* The updates that are applied: in, out, and who stands on whom. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>
#include "core.h"

/*
 * One change at a time. Taken by requests and by the module notifier (a module that goes),
 * before cpus_read_lock() and text_mutex; never by sysfs, whose files are removed under it.
 */
DEFINE_MUTEX(uk_updates_lock);
static LIST_HEAD(updates);	/* oldest first */
static u64 last_order;

static struct uk_update *find_update(const char *id)
{
	struct uk_update *update;

	list_for_each_entry(update, &updates, link)
		if (!strcmp(update->id, id))
			return update;
	return NULL;
}

unsigned int uk_updates_count(void)
{
	struct uk_update *update;
	unsigned int nr = 0;

	mutex_lock(&uk_updates_lock);
	list_for_each_entry(update, &updates, link)
		nr++;
	mutex_unlock(&uk_updates_lock);
	return nr;
}

static void enter(struct uk_update *update, const struct uk_report *report)
{
	update->outcome = report->out;
	update->order = ++last_order;
	update->applied_at = ktime_get_real_seconds();
	smp_store_release(&update->state, UK_APPLIED);	/* pairs with figures() in sysfs.c */
	list_add_tail(&update->link, &updates);
	__module_get(THIS_MODULE);
	pr_info("update %s applied: %u functions, pause %llu us\n", update->id,
		update->nr_functions, report->out.pause_ns / NSEC_PER_USEC);
}

static int apply_held(struct uk_update *update, struct uk_report *report)
{
	int err = uk_places_check(update, report);

	if (err)
		return err;
	/* All that can fail comes before the stop. */
	err = uk_sysfs_add(update);
	if (err)
		return err;
	err = uk_stop_change(update, false, report);
	if (err)
		kobject_del(&update->kobj);
	else
		enter(update, report);
	return err;
}

/* On success the list owns the update; else it is still the caller's. */
int uk_update_apply(struct uk_update *update, struct uk_report *report)
{
	int err;

	mutex_lock(&uk_updates_lock);
	if (find_update(update->id)) {
		err = uk_refuse(report, UPKEEP_EXISTS, UPKEEP_AT_REQUEST, 0, -EEXIST);
		goto unlock;
	}
	err = uk_pins_get(update, report);
	if (err)
		goto unlock;
	err = apply_held(update, report);
	if (err)
		uk_pins_put(update);
unlock:
	mutex_unlock(&uk_updates_lock);
	return err;
}

static bool holds_part(const struct uk_update *newer, const struct uk_update *update)
{
	unsigned int i, j;

	for (i = 0; i < update->nr_pins; i++) {
		const struct uk_pin *part = &update->pins[i];

		if (part->role != UPKEEP_PART || !part->mod)
			continue;
		for (j = 0; j < newer->nr_pins; j++)
			if (newer->pins[j].mod == part->mod)
				return true;
	}
	return false;
}

static bool writes_into(const struct uk_update *newer, const struct uk_update *update)
{
	unsigned int i;

	for (i = 0; i < newer->nr_writes; i++) {
		const struct uk_write *write = &newer->writes[i];
		unsigned long end = write->addr + write->len;

		if (!uk_write_gone(write) &&
		    (uk_spans_meet(&update->written, write->addr, end) ||
		     uk_spans_meet(&update->on_undo, write->addr, end)))
			return true;
	}
	return false;
}

/* The newest update that was built on what this one made of the code. */
static const struct uk_update *find_standing(const struct uk_update *update)
{
	const struct uk_update *newer;

	list_for_each_entry_reverse(newer, &updates, link) {
		if (newer == update)
			return NULL;
		if (holds_part(newer, update) || writes_into(newer, update))
			return newer;
	}
	return NULL;
}

static void leave(struct uk_update *update, const struct uk_report *report)
{
	list_del(&update->link);
	kobject_del(&update->kobj);
	uk_pins_put(update);
	pr_info("update %s undone: %u functions, pause %llu us\n", update->id,
		update->nr_functions, report->out.pause_ns / NSEC_PER_USEC);
	kobject_put(&update->kobj);
	/* Not the last reference: the file through which the request came holds one. */
	module_put(THIS_MODULE);
}

int uk_update_undo(const char *id, struct uk_report *report)
{
	const struct uk_update *standing;
	struct uk_update *update;
	int err;

	mutex_lock(&uk_updates_lock);
	update = find_update(id);
	if (!update) {
		err = uk_refuse(report, UPKEEP_UNKNOWN, UPKEEP_AT_REQUEST, 0, -ENOENT);
		goto unlock;
	}
	standing = find_standing(update);
	if (standing) {
		strscpy(report->out.other, standing->id, sizeof(report->out.other));
		err = uk_refuse(report, UPKEEP_STOOD_ON, UPKEEP_AT_REQUEST, 0, -EBUSY);
		goto unlock;
	}
	WRITE_ONCE(update->state, UK_UNDOING);
	err = uk_stop_change(update, true, report);
	if (err)
		WRITE_ONCE(update->state, UK_APPLIED);
	else
		leave(update, report);
unlock:
	mutex_unlock(&uk_updates_lock);
	return err;
}

/*
 * A module goes in spite of our reference: its init failed after an update was applied to it,
 * or it was unloaded by force. What was written to it goes with it; the update stays, for the
 * rest of it, until it is undone.
 */
void uk_updates_module_gone(struct module *mod)
{
	struct uk_update *update;
	unsigned int i;

	mutex_lock(&uk_updates_lock);
	list_for_each_entry(update, &updates, link) {
		for (i = 0; i < update->nr_pins; i++) {
			struct uk_pin *pin = &update->pins[i];

			if (pin->mod != mod)
				continue;
			WRITE_ONCE(pin->mod, NULL);
			if (pin->role == UPKEEP_PART)
				pr_emerg("update %s: %s was unloaded by force, its code is in use\n",
					 update->id, pin->name);
			else
				pr_notice("update %s: module %s is gone, with what was written to it\n",
					  update->id, pin->name);
		}
	}
	mutex_unlock(&uk_updates_lock);
}
