// SPDX-License-Identifier: GPL-2.0-or-later
/* Groups of multicast of a socket. */
#include "replace/multicast.h"

#include "replace/procfs.h"

#include <netinet/in.h>
#include <string.h>

void uk_multicast_address(int family, const struct uk_group *group, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)family;
	if (family == AF_INET)
		memcpy(&((struct sockaddr_in *)ret)->sin_addr, group->address, 4);
	else
		memcpy(&((struct sockaddr_in6 *)ret)->sin6_addr, group->address, 16);
}

int uk_multicast_level(int family)
{
	return family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
}

static bool is_member(int fd, int family, const struct uk_group *group, bool *by_source_ret)
{
	struct group_filter filter = { .gf_interface = if_nametoindex(group->device) };
	socklen_t len = sizeof(filter);
	uk_multicast_address(family, group, &filter.gf_group);
	if (!filter.gf_interface ||
	    getsockopt(fd, uk_multicast_level(family), MCAST_MSFILTER, &filter, &len) < 0)
		return false;
	*by_source_ret = filter.gf_fmode != MCAST_EXCLUDE || filter.gf_numsrc;
	return true;
}

/* --- the host's lists ---------------------------------------------------------------- */

static bool take_name(const char **at, const char *ends, char *ret)
{
	*at += strspn(*at, " \t");
	size_t len = strcspn(*at, ends);
	if (!len || len >= IF_NAMESIZE)
		return false;
	memset(ret, 0, IF_NAMESIZE);
	memcpy(ret, *at, len);
	*at += len;
	return true;
}

/* "2\teth0      :     1      V3": a device, with its groups below; else "\t\t\t\t010000E0     1
 * ...". */
static bool take_four(const char *line, struct uk_group *ret)
{
	uint64_t number;
	if (uk_proc_number(&line, 10, &number)) {
		if (!take_name(&line, " \t:", ret->device))
			*ret->device = '\0';
		return false;
	}
	line += strspn(line, " \t");
	if (!*ret->device || strcspn(line, " \n") != 8 || !uk_proc_number(&line, 16, &number))
		return false;
	uint32_t address = (uint32_t)number; /* as it lies in memory: net/ipv4/igmp.c, %08X */
	memcpy(ret->address, &address, sizeof(address));
	return true;
}

/* "2    eth0            ff020000000000000000000000000001     1 0000000C 0" */
static bool take_six(const char *line, struct uk_group *ret)
{
	uint64_t number;
	line += strspn(line, " ");
	if (!uk_proc_number(&line, 10, &number) || !take_name(&line, " \n", ret->device))
		return false;
	line += strspn(line, " ");
	if (strcspn(line, " \n") != 32)
		return false;
	for (size_t i = 0; i < 16; i++, line += 2) {
		const char digits[] = { line[0], line[1], '\0' };
		const char *at = digits;
		if (!uk_proc_number(&at, 16, &number) || *at)
			return false;
		ret->address[i] = (uint8_t)number;
	}
	return true;
}

static struct uk_error *list(int fd, int family, const char *text, uk_memberships *ret)
{
	struct uk_membership one = { .family = family };
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if ((family == AF_INET ? take_four : take_six)(line, &one.group) &&
		    is_member(fd, family, &one.group, &one.by_source) && !uk_vec_push(ret, one))
			return uk_error_nomem();
	}
	return NULL;
}

struct uk_error *uk_multicast_list(int fd, const char *igmp, const char *igmp6, uk_memberships *ret)
{
	struct uk_error *err = list(fd, AF_INET, igmp, ret);
	return err ? err : list(fd, AF_INET6, igmp6, ret);
}
