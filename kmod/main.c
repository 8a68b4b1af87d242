// SPDX-License-Identifier: GPL-2.0-only
/* /dev/upkeep: who may ask, and which request goes where. The requests are in upkeep/abi.h. */

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "core.h"

static bool may_ask(void)
{
	return capable(CAP_SYS_ADMIN) && capable(CAP_SYS_MODULE);
}

/*
 * Reads the first @size bytes of a request of which the caller has header->size: what it does
 * not have is zero, what it has beyond must be.
 */
static int read_request(void *req, size_t size, const void __user *arg,
			const struct upkeep_header *header)
{
	if (header->abi != UPKEEP_ABI)
		return -EPROTO;
	/* Nothing was ever shorter than in the first version, which is this one. */
	if (header->size < size)
		return -EINVAL;
	return copy_struct_from_user(req, size, arg, header->size);
}

static int write_back(void __user *arg, const void *from, size_t size)
{
	return copy_to_user(arg, from, size) ? -EFAULT : 0;
}

static long do_info(void __user *arg, const struct upkeep_header *header)
{
	struct upkeep_info info = {
		.header = { .abi = UPKEEP_ABI, .size = sizeof(info) },
		.max_writes = UK_MAX_WRITES,
		.max_ranges = UK_MAX_RANGES,
		.max_modules = UK_MAX_MODULES,
		.max_functions = UK_MAX_FUNCTIONS,
		.max_blockers = UK_MAX_BLOCKERS,
		.max_write_len = UK_MAX_WRITE_LEN,
		.max_bytes = UK_MAX_BYTES,
		.applied = uk_updates_count(),
		.version = UPKEEP_VERSION,
	};

	/* Whatever the caller's version is: this is how it learns ours. */
	return write_back(arg, &info, min_t(size_t, header->size, sizeof(info)));
}

static int prepare_report(struct uk_report *report, u32 max_blockers, void __user *out_to)
{
	if (clear_user(out_to, sizeof(report->out)))
		return -EFAULT;
	memset(report, 0, sizeof(*report));
	report->room = min_t(u32, max_blockers, UK_MAX_BLOCKERS);
	report->blockers = kvcalloc(report->room ?: 1, sizeof(*report->blockers), GFP_KERNEL);
	return report->blockers ? 0 : -ENOMEM;
}

/*
 * The caller is told all. What was done stays done, and is said to be, even if the place for
 * the report has gone meanwhile.
 */
static long send_report(struct uk_report *report, u64 blockers_to, void __user *out_to, int err)
{
	size_t size = min(report->out.blockers, report->room) * sizeof(*report->blockers);

	if (err && report->out.refusal == UPKEEP_DONE)
		report->out.refusal = UPKEEP_FAILED;
	if ((copy_to_user(u64_to_user_ptr(blockers_to), report->blockers, size) ||
	     copy_to_user(out_to, &report->out, sizeof(report->out))) && err)
		err = -EFAULT;
	kvfree(report->blockers);
	return err;
}

static long do_apply(void __user *arg, const struct upkeep_header *header)
{
	struct upkeep_apply __user *to = arg;
	struct uk_update *update;
	struct uk_report report;
	struct upkeep_apply req;
	int err;

	err = read_request(&req, sizeof(req), arg, header);
	if (!err)
		err = prepare_report(&report, req.max_blockers, &to->outcome);
	if (err)
		return err;
	err = uk_request_read(&req, &report, &update);
	if (!err) {
		err = uk_update_apply(update, &report);
		if (err)
			kobject_put(&update->kobj);
	}
	return send_report(&report, req.blockers, &to->outcome, err);
}

static bool undo_valid(const struct upkeep_undo *req)
{
	return uk_id_valid(req->id) && !req->flags && !req->reserved32 &&
	       !memchr_inv(req->reserved8, 0, sizeof(req->reserved8));
}

static long do_undo(void __user *arg, const struct upkeep_header *header)
{
	struct upkeep_undo __user *to = arg;
	struct uk_report report;
	struct upkeep_undo req;
	int err;

	err = read_request(&req, sizeof(req), arg, header);
	if (!err)
		err = prepare_report(&report, req.max_blockers, &to->outcome);
	if (err)
		return err;
	if (undo_valid(&req))
		err = uk_update_undo(req.id, &report);
	else
		err = uk_refuse(&report, UPKEEP_BAD_REQUEST, UPKEEP_AT_REQUEST, 0, -EINVAL);
	return send_report(&report, req.blockers, &to->outcome, err);
}

static long do_probe(void __user *arg, const struct upkeep_header *header)
{
	struct upkeep_probe probe;
	int err;

	err = read_request(&probe, sizeof(probe), arg, header);
	if (!err)
		err = uk_stop_probe(&probe);
	return err ?: write_back(arg, &probe, sizeof(probe));
}

static long do_wait(struct uk_file *file, void __user *arg, const struct upkeep_header *header)
{
	struct upkeep_wait req;
	int err;

	err = read_request(&req, sizeof(req), arg, header);
	if (!err)
		err = uk_wait_add(file, &req);
	return err ?: write_back(arg, &req, sizeof(req));
}

static long do_answer(struct uk_file *file, void __user *arg, const struct upkeep_header *header)
{
	struct upkeep_answer req;
	int err;

	err = read_request(&req, sizeof(req), arg, header);
	return err ?: uk_wait_answer(file, &req);
}

static long upkeep_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	void __user *to = (void __user *)arg;
	struct uk_file *file = filp->private_data;
	struct upkeep_header header;

	if (!may_ask())
		return -EPERM;
	if (copy_from_user(&header, to, sizeof(header)))
		return -EFAULT;
	if (header.size < sizeof(header) || header.size > PAGE_SIZE)
		return header.size > PAGE_SIZE ? -E2BIG : -EINVAL;
	switch (cmd) {
	case UPKEEP_INFO:
		return do_info(to, &header);
	case UPKEEP_APPLY:
		return do_apply(to, &header);
	case UPKEEP_UNDO:
		return do_undo(to, &header);
	case UPKEEP_PROBE:
		return do_probe(to, &header);
	case UPKEEP_WAIT:
		return do_wait(file, to, &header);
	case UPKEEP_ANSWER:
		return do_answer(file, to, &header);
	}
	return -ENOTTY;
}

static int upkeep_open(struct inode *inode, struct file *filp)
{
	struct uk_file *file;

	if (!may_ask())
		return -EPERM;
	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return -ENOMEM;
	INIT_LIST_HEAD(&file->waiters);
	filp->private_data = file;
	return nonseekable_open(inode, filp);
}

static int upkeep_release(struct inode *inode, struct file *filp)
{
	uk_wait_release(filp->private_data);
	kfree(filp->private_data);
	return 0;
}

static ssize_t upkeep_read(struct file *filp, char __user *buf, size_t size, loff_t *pos)
{
	return uk_wait_read(filp->private_data, buf, size, filp->f_flags & O_NONBLOCK);
}

static __poll_t upkeep_poll(struct file *filp, struct poll_table_struct *wait)
{
	return uk_wait_poll(filp->private_data, filp, wait);
}

static const struct file_operations upkeep_fops = {
	.owner = THIS_MODULE,
	.open = upkeep_open,
	.release = upkeep_release,
	.read = upkeep_read,
	.poll = upkeep_poll,
	.unlocked_ioctl = upkeep_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice upkeep_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "upkeep",
	.fops = &upkeep_fops,
	.mode = 0600,
};

static int __init upkeep_init(void)
{
	int err;

	err = uk_sysfs_init();
	if (err)
		return err;
	err = uk_wait_init();
	if (err)
		goto err_sysfs;
	err = misc_register(&upkeep_device);
	if (err)
		goto err_wait;
	return 0;

err_wait:
	uk_wait_exit();
err_sysfs:
	uk_sysfs_exit();
	return err;
}

static void __exit upkeep_exit(void)
{
	misc_deregister(&upkeep_device);
	uk_wait_exit();
	uk_sysfs_exit();
}

module_init(upkeep_init);
module_exit(upkeep_exit);

MODULE_DESCRIPTION("Changes functions of the running kernel at a safe moment");
MODULE_AUTHOR("The Upkeep maintainers");
MODULE_VERSION(UPKEEP_VERSION);
MODULE_LICENSE("GPL");
