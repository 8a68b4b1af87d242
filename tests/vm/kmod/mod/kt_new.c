// SPDX-License-Identifier: GPL-2.0-only
/* The new code of the tests: what a part module of an update would carry. */

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

int kt_new_cmdline_show(struct seq_file *m, void *v);
int kt_new_answer(void);
int kt_new_answer_again(void);
int kt_new_sleep(void);
int kt_new_late(void);
int kt_new_pair_inner(void);
int kt_new_pair(void);

static int base;

/* Nobody calls these by name: the redirects lead here. */
__used noinline int kt_new_cmdline_show(struct seq_file *m, void *v)
{
	seq_puts(m, "new command line\n");
	return 0;
}

__used noinline int kt_new_answer(void)
{
	return READ_ONCE(base) + 2;
}

__used noinline int kt_new_answer_again(void)
{
	return READ_ONCE(base) + 3;
}

__used noinline int kt_new_sleep(void)
{
	while (!signal_pending(current))
		msleep_interruptible(1000);
	return -EINTR;
}

__used noinline int kt_new_late(void)
{
	return 2;
}

__used noinline int kt_new_pair_inner(void)
{
	return READ_ONCE(base) + 2;
}

__used noinline int kt_new_pair(void)
{
	int first = READ_ONCE(base) + 2;

	usleep_range(500, 1000);
	return 10 * first + kt_new_pair_inner();
}

static int __init kt_new_init(void)
{
	return 0;
}

static void __exit kt_new_exit(void)
{
}

module_init(kt_new_init);
module_exit(kt_new_exit);
MODULE_DESCRIPTION("New code for the tests of upkeep.ko");
MODULE_LICENSE("GPL");
