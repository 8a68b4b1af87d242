// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/upkeep: abi, version, and a folder for each update.
 *
 * Files are removed with uk_updates_lock held, which waits for their readers, so no reader may
 * take it. What they read does not change while the folder exists, but for the state (the
 * figures are written before it says "applied") and pins[].mod, which is only compared to NULL.
 */

#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/time64.h>
#include "core.h"

static struct kobject *root;

static ssize_t abi_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", UPKEEP_ABI);
}

static ssize_t version_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", UPKEEP_VERSION);
}

static struct kobj_attribute abi_attr = __ATTR_RO(abi);
static struct kobj_attribute version_attr = __ATTR_RO(version);

static const struct attribute *const root_attrs[] = {
	&abi_attr.attr,
	&version_attr.attr,
	NULL,
};

static struct uk_update *to_update(struct kobject *kobj)
{
	return container_of(kobj, struct uk_update, kobj);
}

/* NULL until the apply is through. */
static const struct uk_update *figures(const struct uk_update *update)
{
	/* Pairs with the release in enter(): the state before the figures. */
	return smp_load_acquire(&update->state) == UK_APPLYING ? NULL : update;
}

static bool all_gone(const struct uk_update *update)
{
	unsigned int i;

	for (i = 0; i < update->nr_writes; i++)
		if (!uk_write_gone(&update->writes[i]))
			return false;
	return true;
}

static const char *state_name(const struct uk_update *update)
{
	switch (READ_ONCE(update->state)) {
	case UK_APPLYING:
		return "applying";
	case UK_UNDOING:
		return "undoing";
	case UK_APPLIED:
		break;
	}
	return all_gone(update) ? "gone" : "applied";
}

static ssize_t state_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", state_name(to_update(kobj)));
}

static ssize_t applied_at_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	const struct uk_update *update = figures(to_update(kobj));
	struct tm tm;

	if (!update)
		return sysfs_emit(buf, "-\n");
	time64_to_tm(update->applied_at, 0, &tm);
	return sysfs_emit(buf, "%04ld-%02d-%02dT%02d:%02d:%02dZ\n", tm.tm_year + 1900,
			  tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static ssize_t show_figure(const struct uk_update *update, u64 figure, char *buf)
{
	return update ? sysfs_emit(buf, "%llu\n", figure) : sysfs_emit(buf, "-\n");
}

#define FIGURE(name, value)								\
static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)	\
{											\
	const struct uk_update *update = figures(to_update(kobj));			\
											\
	return show_figure(update, update ? (value) : 0, buf);				\
}											\
static struct kobj_attribute name##_attr = __ATTR_RO(name)

FIGURE(order, update->order);
FIGURE(pause_ns, update->outcome.pause_ns);
FIGURE(stop_ns, update->outcome.stop_ns);
FIGURE(tasks_checked, update->outcome.tasks_before + update->outcome.tasks_inside);

static struct kobj_attribute state_attr = __ATTR_RO(state);
static struct kobj_attribute applied_at_attr = __ATTR_RO(applied_at);

static struct attribute *update_attrs[] = {
	&state_attr.attr,
	&applied_at_attr.attr,
	&order_attr.attr,
	&pause_ns_attr.attr,
	&stop_ns_attr.attr,
	&tasks_checked_attr.attr,
	NULL,
};

/* Lists may be longer than a page: lines are made from @first on, until the part is full. */
struct uk_lines {
	char *to;
	loff_t skip;			/* bytes that the reader has already */
	size_t room, used;
};

static void emit(struct uk_lines *lines, const char *line, size_t len)
{
	size_t part;

	if (lines->skip >= len) {
		lines->skip -= len;
		return;
	}
	part = min(lines->room - lines->used, len - (size_t)lines->skip);
	memcpy(lines->to + lines->used, line + lines->skip, part);
	lines->used += part;
	lines->skip = 0;
}

enum {
	LINE = UPKEEP_MODULE_LEN + UPKEEP_NAME_LEN + 96,
	SHOWN = 16,			/* bytes of a write */
};

static void function_line(const struct uk_update *update, unsigned int i, char *line)
{
	const struct upkeep_function *f = &update->functions[i];

	snprintf(line, LINE, "%s %s 0x%llx %u 0x%llx %u\n", f->object, f->name, f->old_addr,
		 f->old_size, f->new_addr, f->new_size);
}

static void write_line(const struct uk_update *update, unsigned int i, char *line)
{
	const struct uk_write *write = &update->writes[i];
	u32 shown = min_t(u32, write->len, SHOWN);
	const char *more = shown < write->len ? "+" : "";

	snprintf(line, LINE, "0x%lx %u %s %s %*phN%s %*phN%s%s\n", write->addr, write->len,
		 write->kind == UPKEEP_TEXT ? "text" : "data",
		 write->pin ? write->pin->name : "vmlinux", shown, write->old, more, shown,
		 write->new, more, uk_write_gone(write) ? " gone" : "");
}

static void module_line(const struct uk_update *update, unsigned int i, char *line)
{
	const struct uk_pin *pin = &update->pins[i];

	snprintf(line, LINE, "%s %s%s\n", pin->name, pin->role == UPKEEP_PART ? "part" : "target",
		 READ_ONCE(pin->mod) ? "" : " gone");
}

typedef void (*line_fn)(const struct uk_update *update, unsigned int i, char *line);

static ssize_t read_lines(const struct uk_update *update, unsigned int nr, line_fn make,
			  char *buf, loff_t from, size_t size)
{
	struct uk_lines lines = { .to = buf, .skip = from, .room = size };
	char line[LINE];
	unsigned int i;

	for (i = 0; i < nr && lines.used < size; i++) {
		make(update, i, line);
		emit(&lines, line, strlen(line));
	}
	return lines.used;
}

#define LIST(name, count, make)								\
static ssize_t name##_read(struct file *file, struct kobject *kobj,			\
			   struct bin_attribute *attr, char *buf, loff_t from, size_t size)	\
{											\
	const struct uk_update *update = to_update(kobj);				\
											\
	return read_lines(update, (update)->count, make, buf, from, size);			\
}											\
static struct bin_attribute name##_list = __BIN_ATTR(name, 0400, name##_read, NULL, 0)

LIST(functions, nr_functions, function_line);
LIST(writes, nr_writes, write_line);
LIST(modules, nr_pins, module_line);

static struct bin_attribute *update_lists[] = {
	&functions_list,
	&writes_list,
	&modules_list,
	NULL,
};

static const struct attribute_group update_group = {
	.attrs = update_attrs,
	.bin_attrs = update_lists,
};
__ATTRIBUTE_GROUPS(update);

static void update_release(struct kobject *kobj)
{
	struct uk_update *update = to_update(kobj);

	uk_spans_free(&update->written);
	uk_spans_free(&update->on_apply);
	uk_spans_free(&update->on_undo);
	kvfree(update->writes);
	kvfree(update->ranges);
	kvfree(update->pins);
	kvfree(update->functions);
	kvfree(update->bytes);
	kfree(update);
}

static struct kobj_type update_type = {
	.release = update_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = update_groups,
};

void uk_sysfs_prepare(struct uk_update *update)
{
	kobject_init(&update->kobj, &update_type);
}

int uk_sysfs_add(struct uk_update *update)
{
	return kobject_add(&update->kobj, root, "%s", update->id);
}

int uk_sysfs_init(void)
{
	int err;

	root = kobject_create_and_add("upkeep", kernel_kobj);
	if (!root)
		return -ENOMEM;
	err = sysfs_create_files(root, (const struct attribute **)root_attrs);
	if (err)
		kobject_put(root);
	return err;
}

void uk_sysfs_exit(void)
{
	kobject_put(root);
}
