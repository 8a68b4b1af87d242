/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of /proc/sys, set in the new kernel as the old one had them: all of the IPv4 and IPv6
 * stacks and of net/core, and of vm, kernel and fs those that bound what a service may have (its
 * limits, shared memory, huge pages). Those that need a module that is not loaded, and those that
 * the new kernel does not know, are left out.
 */
#ifndef UPKEEP_REPLACE_SYSCTL_H
#define UPKEEP_REPLACE_SYSCTL_H

#include "base/error.h"
#include "base/progress.h"

/* The file in the folder of a swap: lines of a name ("net/ipv4/ip_forward"), a tab, a value. */
#define UK_SYSCTL_VALUES "sysctl.values"

/* Writes what @root (NULL: /proc/sys) has into @dir. */
struct uk_error *uk_sysctl_save(const char *root, const char *dir) uk_must_check;

/*
 * Sets what differs. One may change others (ip_forward), and those of an interface are there
 * only when it has its name: so it is done more than once. @sink is told what cannot be set.
 */
struct uk_error *uk_sysctl_restore(const char *root, const char *dir,
				   const struct uk_sink *sink) uk_must_check;

#endif
