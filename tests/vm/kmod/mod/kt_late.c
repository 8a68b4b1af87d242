// SPDX-License-Identifier: GPL-2.0-only
/* A module that is updated as it comes in: its init keeps what it saw, or fails if told to. */

#include <linux/module.h>

int kt_late(void);

static int seen;
module_param(seen, int, 0444);

static bool fail;
module_param(fail, bool, 0444);

noinline int kt_late(void)
{
	return READ_ONCE(seen) + 1;
}

static int __init kt_late_init(void)
{
	seen = kt_late();
	return fail ? -ENODEV : 0;
}

static void __exit kt_late_exit(void)
{
}

module_init(kt_late_init);
module_exit(kt_late_exit);
MODULE_DESCRIPTION("A module for the tests of upkeep.ko to change while it is loaded");
MODULE_LICENSE("GPL");
