/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which modules of another kernel drive what this machine has, in the order in which they
 * have to be loaded. What that kernel has built in needs none.
 */
#ifndef UPKEEP_REPLACE_DRIVERS_H
#define UPKEEP_REPLACE_DRIVERS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct uk_drivers;

/* @modules is the folder of the kernel: "/lib/modules/6.12.107+deb12-cloud-amd64". */
struct uk_error *uk_drivers_open(const char *modules, struct uk_drivers **ret) uk_must_check;
void uk_drivers_destroy(struct uk_drivers *drivers);
UK_DEFINE_CLEANUP(drivers, struct uk_drivers *, uk_drivers_destroy)
#define uk_auto_drivers uk_cleanup(uk_cleanup_drivers)

/* Whether the kernel has something of that name or alias, as a module or built in. */
bool uk_drivers_has(const struct uk_drivers *drivers, const char *name);

/*
 * A module by its name or alias, with all that it depends on. UK_ERR_NOTHING if the kernel
 * neither has it as a module nor built in.
 */
struct uk_error *uk_drivers_add(struct uk_drivers *drivers, const char *name) uk_must_check;

/*
 * The modules of a device and of the buses that it hangs on: @sysfs is its folder
 * ("/sys/class/net/eth0/device"), and those above it are looked at too. What has no driver as
 * a module is left out.
 */
struct uk_error *uk_drivers_add_device(struct uk_drivers *drivers, const char *sysfs) uk_must_check;

/* Files of modules, in the order of loading. Borrowed until the next call of the above. */
const char *const *uk_drivers_files(const struct uk_drivers *drivers, size_t *nr_ret);

#endif
