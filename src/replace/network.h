/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's identity in the network: devices and their names, addresses, routes, neighbours,
 * packet filter. It is written down as commands of iproute2 and nft while the old kernel runs,
 * and the new one says them again before any service is restored.
 */
#ifndef UPKEEP_REPLACE_NETWORK_H
#define UPKEEP_REPLACE_NETWORK_H

#include "base/error.h"
#include "base/progress.h"
#include "base/vec.h"
#include "replace/plan.h"

#include <stdbool.h>

/* Names of files in the folder of a swap. */
#define UK_NETWORK_COMMANDS "ip.batch"
#define UK_NETWORK_FILTER "nft.rules"

/* Folders in sysfs of the devices behind network interfaces, NULL-terminated. */
struct uk_network_devices {
	UK_VEC(char *) folders;
};

struct uk_error *uk_network_list_devices(struct uk_network_devices *ret) uk_must_check;
void uk_network_devices_deinit(struct uk_network_devices *devices);

/* What is not carried over: a link that is no device, or a route of several ways. */
struct uk_network_loss {
	bool route;
	char *name;	 /* of the link, or where the route leads: "br0", "10.1.0.0/16" */
	char *addresses; /* of the link, each with a blank on both sides: " 10.0.0.1 fe80::1 " */
};

typedef UK_VEC(struct uk_network_loss) uk_network_losses;

/* @ret needs uk_network_losses_deinit(), also after an error. */
struct uk_error *uk_network_list_losses(uk_network_losses *ret) uk_must_check;
void uk_network_losses_deinit(uk_network_losses *losses);

/* Writes the files above into @dir, and the links into the plan. What is lost is a remark. */
struct uk_error *uk_network_save(struct uk_plan *plan, const char *dir,
				 const struct uk_sink *sink) uk_must_check;

/* Before anything else of the network. If it fails, who needs it will tell. */
void uk_network_raise_loopback(void);

/* Says @first, and then the commands that were saved, to ip; what it cannot do it passes over. */
struct uk_error *uk_network_say(const char *first, const char *dir) uk_must_check;

/* Says it all again in this kernel; the files have been verified. */
struct uk_error *uk_network_restore(const struct uk_plan *plan, const char *dir) uk_must_check;

#endif
