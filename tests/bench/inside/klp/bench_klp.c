// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same change by the kernel's own livepatch: leads function @name of @object (none:
 * vmlinux) to the new code that a part module of an update holds at @addr.
 */

#include <linux/livepatch.h>
#include <linux/module.h>

static char *object;
module_param(object, charp, 0444);

static char *name;
module_param(name, charp, 0444);

static unsigned long addr;
module_param(addr, ulong, 0444);

static struct klp_func functions[2];
static struct klp_object objects[2] = { { .funcs = functions } };
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init bench_klp_init(void)
{
	if (!name || !addr)
		return -EINVAL;
	functions[0].old_name = name;
	functions[0].new_func = (void *)addr;
	objects[0].name = object;
	return klp_enable_patch(&patch);
}

/* Never runs while the patch is enabled. */
static void __exit bench_klp_exit(void)
{
}

module_init(bench_klp_init);
module_exit(bench_klp_exit);
MODULE_DESCRIPTION("Leads one function to code that is there already");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
