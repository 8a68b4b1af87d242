// SPDX-License-Identifier: GPL-2.0-only
/* A thousand functions to be redirected. */

#include <linux/module.h>
#include "many.h"

static int base;

#define FUNCTION(n)                                                                                \
	int bench_old_##n(void);                                                                   \
	__used noinline int bench_old_##n(void)                                                    \
	{                                                                                          \
		return READ_ONCE(base) + 1;                                                        \
	}
MANY(FUNCTION)

static int __init bench_old_init(void)
{
	return 0;
}

static void __exit bench_old_exit(void)
{
}

module_init(bench_old_init);
module_exit(bench_old_exit);
MODULE_DESCRIPTION("A thousand functions to be redirected");
MODULE_LICENSE("GPL");
