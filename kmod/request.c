// SPDX-License-Identifier: GPL-2.0-only
/* Reads an apply request and checks all of it that can be checked without looking at memory. */

#include <linux/ctype.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "core.h"

/* Text that is shown in sysfs and in the log: no blanks, nothing to confuse a reader with. */
bool uk_name_valid(const char *name, size_t size)
{
	size_t i, len = strnlen(name, size);

	if (!len || len == size)
		return false;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || !isgraph(name[i]) || name[i] == '/')
			return false;
	return true;
}

bool uk_id_valid(const char *id)
{
	size_t i, len = strnlen(id, UPKEEP_ID_LEN);

	if (!len || len == UPKEEP_ID_LEN)
		return false;
	for (i = 0; i < len; i++)
		if (!isdigit(id[i]) && !(id[i] >= 'a' && id[i] <= 'f'))
			return false;
	return true;
}

static int bad(struct uk_report *report, enum upkeep_where where, unsigned int index)
{
	return uk_refuse(report, UPKEEP_BAD_REQUEST, where, index, -EINVAL);
}

static int overlap(struct uk_report *report, enum upkeep_where where, unsigned int index)
{
	return uk_refuse(report, UPKEEP_OVERLAP, where, index, -EINVAL);
}

static int check_request(const struct upkeep_apply *req, struct uk_report *report)
{
	bool counts = req->nr_writes && req->nr_writes <= UK_MAX_WRITES &&
		      req->nr_ranges <= UK_MAX_RANGES && req->nr_modules <= UK_MAX_MODULES &&
		      req->nr_functions <= UK_MAX_FUNCTIONS && req->nr_bytes <= UK_MAX_BYTES;

	if (!uk_id_valid(req->id) || !counts || req->flags ||
	    memchr_inv(req->reserved8, 0, sizeof(req->reserved8)))
		return bad(report, UPKEEP_AT_REQUEST, 0);
	return 0;
}

static int copy_array(void *ret, u64 from, u32 nr, size_t size)
{
	void *copy = NULL;

	if (nr) {
		copy = vmemdup_user(u64_to_user_ptr(from), array_size(nr, size));
		if (IS_ERR(copy))
			return PTR_ERR(copy);
	}
	*(void **)ret = copy;
	return 0;
}

/* [addr, addr + len) must be in the kernel's half and not wrap round. */
static bool kernel_range(u64 addr, u64 len)
{
	return addr >= TASK_SIZE_MAX && len <= U64_MAX - addr;
}

static bool in_pool(const struct upkeep_apply *req, u32 at, u32 len)
{
	return at <= req->nr_bytes && len <= req->nr_bytes - at;
}

static int read_ranges(struct uk_update *update, const struct upkeep_apply *req,
		       struct uk_report *report)
{
	unsigned int i;
	int err, index;

	err = copy_array(&update->ranges, req->ranges, req->nr_ranges, sizeof(*update->ranges));
	if (err)
		return err;
	update->nr_ranges = req->nr_ranges;
	if (uk_spans_alloc(&update->on_apply, update->nr_ranges) ||
	    uk_spans_alloc(&update->on_undo, update->nr_ranges))
		return -ENOMEM;

	for (i = 0; i < update->nr_ranges; i++) {
		const struct upkeep_range *range = &update->ranges[i];

		if (range->end <= range->start ||
		    !kernel_range(range->start, range->end - range->start) ||
		    range->reserved || !uk_name_valid(range->name, sizeof(range->name)))
			return bad(report, UPKEEP_AT_RANGES, i);
		if (range->when == UPKEEP_ON_APPLY)
			uk_spans_add(&update->on_apply, range->start, range->end, i);
		else if (range->when == UPKEEP_ON_UNDO)
			uk_spans_add(&update->on_undo, range->start, range->end, i);
		else
			return bad(report, UPKEEP_AT_RANGES, i);
	}
	index = uk_spans_seal(&update->on_apply);
	if (index < 0)
		index = uk_spans_seal(&update->on_undo);
	return index < 0 ? 0 : overlap(report, UPKEEP_AT_RANGES, index);
}

static int check_write(const struct uk_update *update, const struct upkeep_apply *req,
		       const struct upkeep_write *write)
{
	if (!write->len || write->len > UK_MAX_WRITE_LEN ||
	    !kernel_range(write->addr, write->len) ||
	    !in_pool(req, write->old_at, write->len) || !in_pool(req, write->new_at, write->len))
		return -EINVAL;
	/* A redirect in code that nobody looks for on the stacks would not be safe. */
	if (write->kind == UPKEEP_TEXT)
		return uk_spans_find(&update->on_apply, write->addr) ? 0 : -EINVAL;
	return write->kind == UPKEEP_DATA ? 0 : -EINVAL;
}

static int read_writes(struct uk_update *update, const struct upkeep_apply *req,
		       struct uk_report *report)
{
	struct upkeep_write *writes;
	unsigned int i;
	int err, index;

	err = copy_array(&writes, req->writes, req->nr_writes, sizeof(*writes));
	if (err)
		return err;
	update->writes = kvcalloc(req->nr_writes, sizeof(*update->writes), GFP_KERNEL);
	err = update->writes ? uk_spans_alloc(&update->written, req->nr_writes) : -ENOMEM;
	if (err)
		goto free;

	for (i = 0; i < req->nr_writes; i++) {
		const struct upkeep_write *from = &writes[i];

		if (check_write(update, req, from)) {
			err = bad(report, UPKEEP_AT_WRITES, i);
			goto free;
		}
		update->writes[update->nr_writes++] = (struct uk_write){
			.addr = from->addr,
			.len = from->len,
			.kind = from->kind,
			.old = update->bytes + from->old_at,
			.new = update->bytes + from->new_at,
		};
		uk_spans_add(&update->written, from->addr, from->addr + from->len, i);
	}
	index = uk_spans_seal(&update->written);
	if (index >= 0)
		err = overlap(report, UPKEEP_AT_WRITES, index);
free:
	kvfree(writes);
	return err;
}

static int read_modules(struct uk_update *update, const struct upkeep_apply *req,
			struct uk_report *report)
{
	struct upkeep_module *modules;
	unsigned int i;
	int err;

	err = copy_array(&modules, req->modules, req->nr_modules, sizeof(*modules));
	if (err)
		return err;
	update->pins = kvcalloc(req->nr_modules ?: 1, sizeof(*update->pins), GFP_KERNEL);
	if (!update->pins)
		err = -ENOMEM;

	for (i = 0; !err && i < req->nr_modules; i++) {
		const struct upkeep_module *from = &modules[i];
		struct uk_pin *pin = &update->pins[i];

		if (!uk_name_valid(from->name, sizeof(from->name)) || from->reserved ||
		    (from->role != UPKEEP_TARGET && from->role != UPKEEP_PART)) {
			err = bad(report, UPKEEP_AT_MODULES, i);
			break;
		}
		strscpy(pin->name, from->name, sizeof(pin->name));
		pin->role = from->role;
		update->nr_pins++;
	}
	kvfree(modules);
	return err;
}

static int read_functions(struct uk_update *update, const struct upkeep_apply *req,
			  struct uk_report *report)
{
	unsigned int i;
	int err;

	err = copy_array(&update->functions, req->functions, req->nr_functions,
			 sizeof(*update->functions));
	if (err)
		return err;
	update->nr_functions = req->nr_functions;
	for (i = 0; i < update->nr_functions; i++) {
		const struct upkeep_function *function = &update->functions[i];

		if (!uk_name_valid(function->object, sizeof(function->object)) ||
		    !uk_name_valid(function->name, sizeof(function->name)))
			return bad(report, UPKEEP_AT_FUNCTIONS, i);
	}
	return 0;
}

int uk_request_read(const struct upkeep_apply *req, struct uk_report *report,
		    struct uk_update **ret)
{
	struct uk_update *update;
	int err;

	err = check_request(req, report);
	if (err)
		return err;
	update = kzalloc(sizeof(*update), GFP_KERNEL);
	if (!update)
		return -ENOMEM;
	uk_sysfs_prepare(update);
	strscpy(update->id, req->id, sizeof(update->id));

	err = copy_array(&update->bytes, req->bytes, req->nr_bytes, 1);
	if (!err)
		err = read_ranges(update, req, report);
	if (!err)
		err = read_writes(update, req, report);
	if (!err)
		err = read_modules(update, req, report);
	if (!err)
		err = read_functions(update, req, report);
	if (err) {
		kobject_put(&update->kobj);
		return err;
	}
	*ret = update;
	return 0;
}
