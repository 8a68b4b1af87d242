// SPDX-License-Identifier: GPL-2.0-or-later
/* Sockets by their inode: the table, and what /proc/PID/net adds to it. */
#include "replace/socket.h"

#include "base/file.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "replace/diag.h"
#include "replace/procfs.h"

#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define NET_LIMIT (256 << 20)

struct uk_sockets {
	uk_socket_list list;
	struct uk_map by_ino, by_ends; /* to the index in list */
	struct uk_strbuf lacking;
};

void uk_sockets_destroy(struct uk_sockets *sockets)
{
	if (!sockets)
		return;
	uk_vec_deinit(&sockets->list);
	uk_map_deinit(&sockets->by_ino);
	uk_map_deinit(&sockets->by_ends);
	uk_strbuf_deinit(&sockets->lacking);
	free(sockets);
}

const char *uk_sockets_lacking(const struct uk_sockets *sockets)
{
	return sockets->lacking.data ? sockets->lacking.data : "";
}

/* The files of /proc/PID/net, each with what it holds. */
static const struct {
	const char *name;
	enum uk_proc_net layout;
	int family, type, protocol;
} net_files[] = {
	{ "tcp", UK_PROC_INET, AF_INET, SOCK_STREAM, IPPROTO_TCP },
	{ "tcp6", UK_PROC_INET, AF_INET6, SOCK_STREAM, IPPROTO_TCP },
	{ "udp", UK_PROC_INET, AF_INET, SOCK_DGRAM, IPPROTO_UDP },
	{ "udp6", UK_PROC_INET, AF_INET6, SOCK_DGRAM, IPPROTO_UDP },
	{ "udplite", UK_PROC_INET, AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE },
	{ "udplite6", UK_PROC_INET, AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE },
	{ "raw", UK_PROC_INET, AF_INET, SOCK_RAW, IPPROTO_RAW },
	{ "raw6", UK_PROC_INET, AF_INET6, SOCK_RAW, IPPROTO_RAW },
	{ "icmp", UK_PROC_INET, AF_INET, SOCK_DGRAM, IPPROTO_ICMP },
	{ "icmp6", UK_PROC_INET, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6 },
	{ "unix", UK_PROC_UNIX, AF_UNIX, 0, 0 },
	{ "packet", UK_PROC_PACKET, AF_PACKET, 0, 0 },
	{ "netlink", UK_PROC_NETLINK, AF_NETLINK, SOCK_RAW, 0 },
};

/* /proc/net/unix has SS_CONNECTED as 3 and the flag of a listener, kept as state. */
static enum uk_socket_state state_of(int family, int state)
{
	if (family != AF_UNIX)
		return state <= UK_SOCKET_NEW_SYN_RECV ? (enum uk_socket_state)state
						       : UK_SOCKET_UNKNOWN;
	return state == 3 ? UK_SOCKET_ESTABLISHED : UK_SOCKET_UNKNOWN;
}

static struct uk_error *add_file(const char *path, size_t file, uint64_t netns,
				 uk_socket_list *list)
{
	uk_proc_sockets found = {};
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_file_read(path, NET_LIMIT, &text, NULL);
	if (!err)
		err = uk_proc_parse_net(text, net_files[file].layout, &found);
	for (size_t i = 0; i < found.len && !err; i++) {
		const struct uk_proc_socket *from = &found.data[i];
		struct uk_socket socket = {
			.ino = from->ino,
			.netns = netns,
			.family = net_files[file].family,
			.type = net_files[file].type ? net_files[file].type : from->type,
			.protocol = net_files[file].protocol ? net_files[file].protocol
							     : from->protocol,
			.state = state_of(net_files[file].family, from->state),
			.sent = from->sent,
			.received = from->received,
		};
		memcpy(socket.local, from->local, sizeof(socket.local));
		memcpy(socket.remote, from->remote, sizeof(socket.remote));
		if (from->ino && !uk_vec_push(list, socket))
			err = uk_error_nomem();
	}
	uk_vec_deinit(&found);
	return err ? uk_error_wrap(err, "%s", path) : NULL;
}

/* All of the network namespace that process @pid is in. A missing file is a missing protocol. */
static struct uk_error *add_namespace(const struct uk_host_paths *paths, pid_t pid, uint64_t netns,
				      uk_socket_list *list)
{
	const char *proc = uk_host_paths_get(paths)->proc;
	for (size_t i = 0; i < UK_ARRAY_SIZE(net_files); i++) {
		uk_auto_free char *path = NULL;
		struct uk_error *err =
			uk_asprintf(&path, "%s/%d/net/%s", proc, pid, net_files[i].name);
		if (!err && uk_file_exists(path))
			err = add_file(path, i, netns, list);
		if (err)
			return err;
	}
	return NULL;
}

/* The namespaces of kept processes that are not ours, each once. */
static struct uk_error *add_others(const struct uk_host_paths *paths, const struct uk_keep *keep,
				   uint64_t ours, uk_socket_list *list)
{
	uk_auto_map struct uk_map seen = {};
	uk_vec_for_each(service, &keep->services) {
		uk_vec_for_each(task, &service->tasks) {
			bool added = false;
			uint64_t netns = task->ns[UK_NS_NET];
			if (!netns || netns == ours)
				continue;
			if (!uk_map_insert_num(&seen, netns, &added))
				return uk_error_nomem();
			uk_auto_error struct uk_error *gone =
				added ? add_namespace(paths, task->pid, netns, list) : NULL;
			if (gone && uk_error_kind(gone) != UK_ERR_SYSTEM)
				return uk_take(gone);
		}
	}
	return NULL;
}

/* What sock_diag tells, and the rest from our own /proc/self/net. */
static struct uk_error *add_ours(const struct uk_host_paths *paths, uint64_t ours,
				 struct uk_sockets *sockets)
{
	uk_socket_list plain = {};
	struct uk_error *err = uk_diag_read(ours, &sockets->list, &sockets->lacking);
	if (!err)
		err = add_namespace(paths, getpid(), ours, &plain);
	/* Those of sock_diag are first, and the first of a number counts. */
	for (size_t i = 0; i < plain.len && !err; i++) {
		if (!uk_vec_push(&sockets->list, plain.data[i]))
			err = uk_error_nomem();
	}
	uk_vec_deinit(&plain);
	return err;
}

static size_t ends_key(char *key, size_t size, uint64_t netns, int protocol, const char *from,
		       const char *to)
{
	return (size_t)snprintf(key, size, "%llx %d %s %s", (unsigned long long)netns, protocol,
				from, to);
}

static struct uk_error *index_all(struct uk_sockets *sockets)
{
	for (size_t i = 0; i < sockets->list.len; i++) {
		char key[320];
		bool added = false;
		const struct uk_socket *socket = &sockets->list.data[i];
		struct uk_map_entry *entry =
			uk_map_insert_num(&sockets->by_ino, socket->ino, &added);
		if (!entry)
			return uk_error_nomem();
		if (!added)
			continue;
		entry->num = i;
		if (socket->family != AF_INET && socket->family != AF_INET6)
			continue;
		size_t len = ends_key(key, sizeof(key), socket->netns, socket->protocol,
				      socket->local, socket->remote);
		entry = uk_map_insert(&sockets->by_ends, key, len, NULL);
		if (!entry)
			return uk_error_nomem();
		entry->num = i;
	}
	return NULL;
}

static uint64_t own_netns(void)
{
	struct stat st;
	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}

struct uk_error *uk_sockets_read(const struct uk_host_paths *paths, const struct uk_keep *keep,
				 struct uk_sockets **ret)
{
	uint64_t ours = own_netns();
	uk_auto_sockets struct uk_sockets *sockets = calloc(1, sizeof(*sockets));
	if (!sockets)
		return uk_error_nomem();
	struct uk_error *err = add_ours(paths, ours, sockets);
	if (!err)
		err = add_others(paths, keep, ours, &sockets->list);
	if (!err)
		err = index_all(sockets);
	if (err)
		return err;
	*ret = uk_take(sockets);
	return NULL;
}

const struct uk_socket *uk_sockets_find(const struct uk_sockets *sockets, uint64_t ino)
{
	struct uk_map_entry *entry = uk_map_find_num(&sockets->by_ino, ino);
	return entry ? &sockets->list.data[entry->num] : NULL;
}

const struct uk_socket *uk_sockets_peer(const struct uk_sockets *sockets,
					const struct uk_socket *socket)
{
	char key[320];
	if (socket->family == AF_UNIX)
		return socket->peer ? uk_sockets_find(sockets, socket->peer) : NULL;
	if (socket->family != AF_INET && socket->family != AF_INET6)
		return NULL;
	size_t len = ends_key(key, sizeof(key), socket->netns, socket->protocol, socket->remote,
			      socket->local);
	struct uk_map_entry *entry = uk_map_find(&sockets->by_ends, key, len);
	return entry ? &sockets->list.data[entry->num] : NULL;
}
