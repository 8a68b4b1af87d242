// SPDX-License-Identifier: GPL-2.0-or-later
/* The network of a stage: the host's links by name, number and address, which lead nowhere. */
#include "replace/stage.h"

#include "base/process.h"
#include "base/strbuf.h"
#include "replace/network.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Where the other ends have theirs: beyond what a machine counts up to. */
enum { NUMBERS = 1 << 20 };

/*
 * One end of a pair each, of which the other one stays down: so it can have addresses and routes,
 * and nothing that is sent over it arrives anywhere.
 */
static struct uk_error *add_link(const struct uk_plan_link *link, size_t nr, unsigned int number)
{
	char index[24], other[24], peer[32];
	snprintf(index, sizeof(index), "%u", number);
	snprintf(other, sizeof(other), "%zu", NUMBERS + nr);
	snprintf(peer, sizeof(peer), "upkeep%zu", nr);
	return uk_process_call(NULL, "ip", "link", "add", "dev", link->name, "index", index,
			       "address", link->mac, "type", "veth", "peer", "name", peer, "index",
			       other, NULL);
}

/* Addresses that a service has which are the host's no more, or not yet. */
static void allow(const char *path)
{
	uk_auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "1", 1) != 1)
		return;
}

struct uk_error *uk_stage_make_network(const struct uk_plan *plan, const unsigned int *numbers,
				       const char *dir)
{
	struct uk_error *err = NULL;
	uk_network_raise_loopback();
	allow("/proc/sys/net/ipv4/ip_nonlocal_bind");
	allow("/proc/sys/net/ipv6/ip_nonlocal_bind");
	for (size_t i = 0; !err && i < plan->links.len; i++)
		err = add_link(&plan->links.data[i], i, numbers[i]);
	/* Some of it may not be possible here; who needs it will tell. */
	if (!err)
		uk_error_destroy(uk_network_say("", dir));
	return err;
}
