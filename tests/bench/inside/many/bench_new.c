// SPDX-License-Identifier: GPL-2.0-only
/* A thousand functions to redirect to. */

#include <linux/module.h>
#include "many.h"

static int base;

#define FUNCTION(n)                                                                                \
	int bench_new_##n(void);                                                                   \
	__used noinline int bench_new_##n(void)                                                    \
	{                                                                                          \
		return READ_ONCE(base) + 2;                                                        \
	}
MANY(FUNCTION)

static int __init bench_new_init(void)
{
	return 0;
}

static void __exit bench_new_exit(void)
{
}

module_init(bench_new_init);
module_exit(bench_new_exit);
MODULE_DESCRIPTION("A thousand functions to redirect to");
MODULE_LICENSE("GPL");
