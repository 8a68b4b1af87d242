// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules for sockets. */
#include "replace/peek.h"
#include "replace/rules.h"
#include "replace/sockopt.h"

#include "base/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define INET_C "CRIU 3.17.1, criu/sk-inet.c: can_dump_inet_sk()"
#define UNIX_C "CRIU 3.17.1, criu/sk-unix.c"

/* Names that sockfs gives to what CRIU has code for. */
static const char *const known_protocols[] = { "TCP",	 "TCPv6",   "UDP",	   "UDPv6",
					       "UNIX",	 "RAW",	    "UNIX-STREAM", "RAWv6",
					       "PACKET", "NETLINK", "UDP-Lite",	   "UDPLITEv6" };

static bool is_unknown_protocol(const struct uk_rule_subject *subject)
{
	const char *protocol = subject->fd->protocol;
	for (size_t i = 0; i < UK_ARRAY_SIZE(known_protocols); i++) {
		if (!strcmp(protocol, known_protocols[i]))
			return false;
	}
	return *protocol && !(subject->socket && subject->socket->family == AF_UNIX);
}

static void tell_protocol(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addf(what, "a socket of %s, which the checkpoint refuses", subject->fd->protocol);
}

static bool is_loose(const struct uk_rule_subject *subject)
{
	return !subject->socket;
}

static bool is_family(const struct uk_rule_subject *subject, int family)
{
	return subject->socket->family == family;
}

static bool is_listening(const struct uk_rule_subject *subject)
{
	return subject->socket->state == UK_SOCKET_LISTEN;
}

static pid_t other_owner(const struct uk_rule_subject *subject)
{
	return uk_owners_outside(subject->survey->owners, subject->socket->ino,
				 subject->survey->keep, subject->service);
}

/* Socket activation: PID 1 listens there, too. */
static bool is_activated(const struct uk_rule_subject *subject)
{
	return other_owner(subject) == 1;
}

static void tell_activated(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addf(what,
		       "systemd has the socket %s open, too, and makes it anew on the new kernel",
		       subject->socket->local);
}

static bool is_shared(const struct uk_rule_subject *subject)
{
	return other_owner(subject) > 1;
}

static void tell_shared(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addstr(what, "the same socket is open in ");
	uk_subject_name_process(subject, other_owner(subject), what);
	uk_strbuf_addstr(what, ": afterwards it is this service's alone");
}

/* unix */

static bool is_unix_blind(const struct uk_rule_subject *subject)
{
	return is_family(subject, AF_UNIX) && !subject->socket->diag &&
	       subject->socket->state == UK_SOCKET_ESTABLISHED;
}

/* The other end, if it is held outside of the service; 0 if not. *@peer_ret as known. */
static pid_t foreign_peer(const struct uk_rule_subject *subject, const struct uk_socket **peer_ret)
{
	const struct uk_survey *survey = subject->survey;
	const struct uk_socket *peer = uk_sockets_peer(survey->sockets, subject->socket);
	*peer_ret = peer;
	if (!peer)
		return 0;
	return uk_owners_outside(survey->owners, peer->ino, survey->keep, subject->service);
}

static bool has_foreign_peer(const struct uk_rule_subject *subject, const struct uk_socket **peer)
{
	return is_family(subject, AF_UNIX) && foreign_peer(subject, peer);
}

/* The other end is an accepted connection of who listens at this path below /run. */
static bool is_peer_named(const struct uk_rule_subject *subject, const char *path)
{
	const struct uk_socket *peer;
	if (!has_foreign_peer(subject, &peer))
		return false;
	const char *name = peer->local;
	return !strcmp(name + (uk_str_starts(name, "/var/run/") ? strlen("/var") : 0), path);
}

static bool is_journal_stream(const struct uk_rule_subject *subject)
{
	return is_peer_named(subject, "/run/systemd/journal/stdout");
}

static bool is_system_bus(const struct uk_rule_subject *subject)
{
	return is_peer_named(subject, "/run/dbus/system_bus_socket");
}

static bool is_foreign_datagram(const struct uk_rule_subject *subject)
{
	const struct uk_socket *peer;
	return has_foreign_peer(subject, &peer) && subject->socket->type == SOCK_DGRAM &&
	       peer->local[0] == '/';
}

/* What a stand-in keeps in between: receiver.h. */
static bool is_told_datagram(const struct uk_rule_subject *subject)
{
	const struct uk_socket *peer;
	return is_foreign_datagram(subject) && foreign_peer(subject, &peer) &&
	       uk_owners_outside(subject->survey->owners, peer->ino, subject->survey->keep, NULL);
}

static void tell_told_datagram(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	const struct uk_socket *peer = uk_sockets_peer(subject->survey->sockets, subject->socket);
	uk_strbuf_addf(
		what,
		"it sends to %s, and is connected there again; what it sends before somebody "
		"receives there is kept for them",
		peer->local);
}

static void tell_datagram(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	const struct uk_socket *peer = uk_sockets_peer(subject->survey->sockets, subject->socket);
	uk_strbuf_addf(what,
		       "it sends to %s, and is connected again by that name: somebody must "
		       "receive there by the time of the restore",
		       peer->local);
}

static bool is_foreign_stream(const struct uk_rule_subject *subject)
{
	const struct uk_socket *peer;
	return has_foreign_peer(subject, &peer);
}

static void tell_foreign(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	const struct uk_socket *peer;
	pid_t pid = foreign_peer(subject, &peer);
	uk_strbuf_addstr(what, "connected to ");
	uk_subject_name_process(subject, pid, what);
	if (peer->local[0])
		uk_strbuf_addf(what, " (%s)", peer->local);
}

static bool is_unix_queueing(const struct uk_rule_subject *subject)
{
	return is_family(subject, AF_UNIX) && is_listening(subject) && subject->socket->received;
}

/* One that is connected hears its peer alone, which may have no name to lose. */
static bool has_unix_datagrams(const struct uk_rule_subject *subject)
{
	const struct uk_socket *peer = uk_sockets_peer(subject->survey->sockets, subject->socket);
	return is_family(subject, AF_UNIX) && subject->socket->type == SOCK_DGRAM &&
	       subject->socket->received && !(peer && !peer->local[0]);
}

/* Connected within the service, to a listener with a name. */
static bool has_named_peer(const struct uk_rule_subject *subject)
{
	const struct uk_socket *peer = uk_sockets_peer(subject->survey->sockets, subject->socket);
	return is_family(subject, AF_UNIX) && subject->socket->type != SOCK_DGRAM && peer &&
	       peer->local[0];
}

/*
 * The kernel notes them at listen(), connect() and socketpair(), which CRIU calls as root. They
 * stay when the peer has gone, and need not be those of who has the socket now.
 */
static bool find_credentials(const struct uk_rule_subject *subject, struct ucred *ret)
{
	return is_family(subject, AF_UNIX) &&
	       uk_peek_credentials(subject->task->pid, subject->fd->number, ret) &&
	       (ret->uid || ret->gid);
}

static bool has_descriptor(const struct uk_task *task, uint64_t ino)
{
	uk_vec_for_each(fd, &task->fds) {
		if (fd->ino == ino)
			return true;
	}
	return false;
}

/* Who called listen() has it still, as the same user, and can call it again: note_listener.c. */
static bool is_listener_of_user(const struct uk_rule_subject *subject)
{
	struct ucred who = {};
	if (!is_listening(subject) || !subject->socket->diag || !find_credentials(subject, &who))
		return false;
	uk_vec_for_each(task, &subject->service->tasks) {
		if (task->pid == who.pid && has_descriptor(task, subject->socket->ino))
			return uk_peek_is_itself(task->pid, &who);
	}
	return false;
}

static bool has_credentials(const struct uk_rule_subject *subject)
{
	struct ucred who = {};
	return find_credentials(subject, &who);
}

static void tell_credentials(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	struct ucred who = {};
	uk_strbuf_addstr(what,
			 is_listening(subject)
				 ? "SO_PEERCRED tells those who connect to it that root listens"
				 : "SO_PEERCRED tells root afterwards");
	if (find_credentials(subject, &who))
		uk_strbuf_addf(what, ", not user %ju of group %ju", (uintmax_t)who.uid,
			       (uintmax_t)who.gid);
}

/* Connected to one that nobody has: it is on its way in a message. */
static bool is_in_message(const struct uk_rule_subject *subject)
{
	const struct uk_survey *survey = subject->survey;
	const struct uk_socket *peer = uk_sockets_peer(survey->sockets, subject->socket);
	return is_family(subject, AF_UNIX) && peer && !uk_owners_any(survey->owners, peer->ino);
}

/* TCP and UDP */

static bool is_tcp(const struct uk_rule_subject *subject)
{
	return subject->socket->protocol == IPPROTO_TCP &&
	       (is_family(subject, AF_INET) || is_family(subject, AF_INET6));
}

static bool is_queueing(const struct uk_rule_subject *subject)
{
	return is_tcp(subject) && is_listening(subject) && subject->socket->received;
}

static bool is_half_open(const struct uk_rule_subject *subject)
{
	return is_tcp(subject) && (subject->socket->state == UK_SOCKET_SYN_RECV ||
				   subject->socket->state == UK_SOCKET_NEW_SYN_RECV);
}

static bool is_local_foreign(const struct uk_rule_subject *subject)
{
	const struct uk_socket *peer;
	pid_t pid = is_tcp(subject) && !is_listening(subject) ? foreign_peer(subject, &peer) : 0;
	return pid && !uk_owners_service(subject->survey->owners, subject->survey->keep, pid);
}

static bool is_between_services(const struct uk_rule_subject *subject)
{
	const struct uk_socket *peer;
	return is_tcp(subject) && !is_listening(subject) && foreign_peer(subject, &peer);
}

/*
 * One that this host cannot bind to, but the program could, with IP_TRANSPARENT or IP_FREEBIND:
 * CRIU binds first and sets options then. For IPv6 it helps itself.
 */
static bool has_foreign_address(const struct uk_rule_subject *subject)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	char address[sizeof(subject->socket->local)];
	if (!is_family(subject, AF_INET) || subject->task->own_ns & (1u << UK_NS_NET))
		return false;
	size_t len = strcspn(subject->socket->local, ":");
	memcpy(address, subject->socket->local, len);
	address[len] = '\0';
	uk_auto_close int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return probe >= 0 && inet_pton(AF_INET, address, &name.sin_addr) == 1 &&
	       bind(probe, (struct sockaddr *)&name, sizeof(name)) < 0 && errno == EADDRNOTAVAIL;
}

static void tell_foreign_address(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addf(what,
		       "it is bound to %s, which is no address of this host: the checkpoint sets "
		       "too late that this is meant",
		       subject->socket->local);
}

/* Names of the options that would be lost, with commas; "" also where they cannot be read. */
static void name_lost_options(const struct uk_rule_subject *subject, struct uk_strbuf *names)
{
	uk_sockopts options = {};
	size_t before = names->len;
	uk_auto_error struct uk_error *hidden =
		uk_sockopt_read_lost(subject->task->pid, subject->fd->number, &options);
	uk_vec_for_each(option, &options) {
		if (!hidden && option->set)
			uk_strbuf_addf(names, "%s%s", names->len > before ? ", " : "",
				       option->text);
	}
	uk_vec_deinit(&options);
}

static bool has_lost_options(const struct uk_rule_subject *subject)
{
	uk_auto_strbuf struct uk_strbuf names = {};
	if ((!is_family(subject, AF_INET) && !is_family(subject, AF_INET6)) ||
	    subject->task->own_ns & (1u << UK_NS_NET))
		return false;
	name_lost_options(subject, &names);
	return names.len;
}

static void tell_lost_options(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addstr(what, "options that the checkpoint does not carry are set again: ");
	name_lost_options(subject, what);
}

static bool is_udp(const struct uk_rule_subject *subject)
{
	return (is_family(subject, AF_INET) || is_family(subject, AF_INET6)) &&
	       subject->socket->type == SOCK_DGRAM;
}

static bool has_urgent(const struct uk_rule_subject *subject)
{
	return is_tcp(subject) && !is_listening(subject) &&
	       uk_peek_urgent(subject->task->pid, subject->fd->number);
}

/* A table of multicast groups as the process sees it; "" where there is none. */
static char *read_groups(const struct uk_rule_subject *subject, const char *name)
{
	char *text = NULL;
	uk_auto_free char *path = NULL;
	const char *proc = uk_host_paths_get(subject->survey->paths)->proc;
	uk_auto_error struct uk_error *hidden =
		uk_asprintf(&path, "%s/%d/net/%s", proc, subject->task->pid, name);
	if (!hidden)
		hidden = uk_file_read(path, 16 << 20, &text, NULL);
	return hidden ? strdup("") : text;
}

static void name_groups(const struct uk_rule_subject *subject, bool by_source,
			struct uk_strbuf *names)
{
	uk_auto_free char *igmp = read_groups(subject, "igmp");
	uk_auto_free char *igmp6 = read_groups(subject, "igmp6");
	if (igmp && igmp6)
		uk_peek_groups(subject->task->pid, subject->fd->number, igmp, igmp6, by_source,
			       names);
	else
		names->failed = true;
}

static bool is_in_groups(const struct uk_rule_subject *subject, bool by_source)
{
	uk_auto_strbuf struct uk_strbuf names = {};
	if (!is_udp(subject) || subject->task->own_ns & (1u << UK_NS_NET))
		return false;
	name_groups(subject, by_source, &names);
	return names.len;
}

static bool has_groups(const struct uk_rule_subject *subject)
{
	return is_in_groups(subject, false);
}

static void tell_groups(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addstr(what, "it joins these groups again: ");
	name_groups(subject, false, what);
}

static bool has_groups_by_source(const struct uk_rule_subject *subject)
{
	return is_in_groups(subject, true);
}

static void tell_groups_by_source(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addstr(what, "it is in these groups no more, which it takes by the sender: ");
	name_groups(subject, true, what);
}

static bool is_corked(const struct uk_rule_subject *subject)
{
	return is_udp(subject) && subject->socket->sent;
}

static bool has_datagrams(const struct uk_rule_subject *subject)
{
	return is_udp(subject) && subject->socket->received;
}

static bool is_raw(const struct uk_rule_subject *subject)
{
	return subject->socket->type == SOCK_RAW && subject->socket->received &&
	       (is_family(subject, AF_INET) || is_family(subject, AF_INET6));
}

static bool is_packet(const struct uk_rule_subject *subject)
{
	return is_family(subject, AF_PACKET);
}

static bool has_netlink_data(const struct uk_rule_subject *subject)
{
	return is_family(subject, AF_NETLINK) && subject->socket->received;
}

static bool is_netlink(const struct uk_rule_subject *subject)
{
	return is_family(subject, AF_NETLINK) &&
	       (!subject->socket->diag || subject->socket->groups);
}

static const struct uk_rule rules[] = {
	{ "socket-kind", UK_RESOURCE_SOCKET, is_unknown_protocol, UK_FATE_IMPOSSIBLE, NULL,
	  "let the service be started afresh on the new kernel",
	  INET_C ", criu/sockets.c: dump_socket()", tell_protocol },
	{ "loose-socket", UK_RESOURCE_SOCKET, is_loose, UK_FATE_EXACT, NULL, NULL,
	  "CRIU 3.17.1, criu/sk-inet.c: gen_uncon_sk()" },
	{ "activated-socket", UK_RESOURCE_SOCKET, is_activated, UK_FATE_IMPOSSIBLE, NULL,
	  "stop and disable its .socket unit, and restart the service, which then listens itself",
	  "systemd.socket(5); two may not bind to one address", tell_activated },
	{ "shared-socket", UK_RESOURCE_SOCKET, is_shared, UK_FATE_CHANGED, NULL,
	  "keep that process with the service", "what is not kept ends with the kernel",
	  tell_shared },
	{ "unix-unknown", UK_RESOURCE_SOCKET, is_unix_blind, UK_FATE_IMPOSSIBLE,
	  "who is at the other end of this connection cannot be told without unix_diag",
	  "modprobe unix_diag", "sock_diag(7): UDIAG_SHOW_PEER" },
	{ "journal", UK_RESOURCE_SOCKET, is_journal_stream, UK_FATE_REPAIRED,
	  "the journal is connected anew: what is written while there is none waits, and all of it "
	  "gets there in order",
	  NULL,
	  "CRIU --external unix[INO], --inherit-fd, journald's file descriptor store; tried" },
	{ "system-bus", UK_RESOURCE_SOCKET, is_system_bus, UK_FATE_IMPOSSIBLE,
	  "the connection to the D-Bus system bus ends, and with it the names and subscriptions "
	  "that the service has there; most programs then exit",
	  "let the service be started afresh, or accept that it finds its bus closed",
	  UNIX_C ": half of a stream connection" },
	{ "unix-sender", UK_RESOURCE_SOCKET, is_told_datagram, UK_FATE_REPAIRED, NULL, NULL,
	  "src/replace/receiver.h", tell_told_datagram },
	{ "unix-datagram", UK_RESOURCE_SOCKET, is_foreign_datagram, UK_FATE_CHANGED, NULL, NULL,
	  UNIX_C ": --ext-unix-sk", tell_datagram },
	{ "unix-peer", UK_RESOURCE_SOCKET, is_foreign_stream, UK_FATE_IMPOSSIBLE, NULL,
	  "let one of both close the connection, or let the service be started afresh",
	  UNIX_C ": half of a stream connection is refused", tell_foreign },
	{ "unix-in-message", UK_RESOURCE_SOCKET, is_in_message, UK_FATE_IMPOSSIBLE,
	  "connected to one that no process has: it is on its way in a message, or was just closed",
	  "try again", UNIX_C },
	{ "unix-unaccepted", UK_RESOURCE_SOCKET, is_unix_queueing, UK_FATE_CHANGED,
	  "what was sent on connections that are not accepted at the freeze is lost", NULL,
	  "tried: unix-backlog in docs/replace-criu.md" },
	{ "unix-datagrams", UK_RESOURCE_SOCKET, has_unix_datagrams, UK_FATE_CHANGED,
	  "datagrams that are not read at the freeze lose the name of their sender", NULL,
	  "tried: unix-dgram-named in docs/replace-criu.md" },
	{ "unix-named", UK_RESOURCE_SOCKET, has_named_peer, UK_FATE_CHANGED,
	  "getpeername() gives no name afterwards, and SO_PEERCRED tells root", NULL,
	  "tried: unix-named, unix-peercred in docs/replace-criu.md" },
	{ "unix-listener", UK_RESOURCE_SOCKET, is_listener_of_user, UK_FATE_REPAIRED,
	  "whom SO_PEERCRED names as listening to those who connect to it", NULL,
	  "tried: unix-listen-user in docs/replace-zoo.md" },
	{ "unix-credentials", UK_RESOURCE_SOCKET, has_credentials, UK_FATE_CHANGED, NULL, NULL,
	  "tried: unix-peercred in docs/replace-criu.md, unix-listen-user in docs/replace-zoo.md",
	  tell_credentials },
	{ "unaccepted", UK_RESOURCE_SOCKET, is_queueing, UK_FATE_CHANGED,
	  "connections that wait to be accepted are lost, should they still at the freeze", NULL,
	  INET_C ": --skip-in-flight" },
	{ "half-open", UK_RESOURCE_SOCKET, is_half_open, UK_FATE_IMPOSSIBLE,
	  "a connection that is being set up", "try again", INET_C },
	{ "foreign-address", UK_RESOURCE_SOCKET, has_foreign_address, UK_FATE_IMPOSSIBLE, NULL,
	  "sysctl net.ipv4.ip_nonlocal_bind=1, which goes along, is enough for all but connections",
	  "CRIU 3.17.1, criu/sk-inet.c: open_inet_sk(); tried", tell_foreign_address },
	{ "local-connection", UK_RESOURCE_SOCKET, is_local_foreign, UK_FATE_IMPOSSIBLE, NULL,
	  "keep that process, too, or let the program reconnect",
	  "what is not kept ends with the kernel", tell_foreign },
	{ "between-services", UK_RESOURCE_SOCKET, is_between_services, UK_FATE_CHANGED, NULL, NULL,
	  "each service is restored by itself: the first to speak to one that is not back is "
	  "answered with a reset",
	  tell_foreign },
	{ "urgent-data", UK_RESOURCE_SOCKET, has_urgent, UK_FATE_CHANGED,
	  "urgent data (MSG_OOB) that is not read at the freeze is urgent no more", NULL,
	  "tried: tcp4-urgent in docs/replace-criu.md" },
	{ "multicast-by-source", UK_RESOURCE_SOCKET, has_groups_by_source, UK_FATE_CHANGED, NULL,
	  "have the program join again, as by a restart", "src/replace/note_group.c",
	  tell_groups_by_source },
	{ "multicast", UK_RESOURCE_SOCKET, has_groups, UK_FATE_REPAIRED, NULL, NULL,
	  "udp4-multicast in docs/replace-criu.md; src/replace/note_group.c", tell_groups },
	{ "corked", UK_RESOURCE_SOCKET, is_corked, UK_FATE_CHANGED,
	  "a datagram that is being put together (UDP_CORK) is lost, should it still be at the "
	  "freeze",
	  NULL, "tried: udp4-cork in docs/replace-criu.md" },
	{ "datagrams", UK_RESOURCE_SOCKET, has_datagrams, UK_FATE_CHANGED,
	  "datagrams that are not read at the freeze are lost, as they may be on their way", NULL,
	  INET_C ": the read queue is dropped" },
	{ "raw", UK_RESOURCE_SOCKET, is_raw, UK_FATE_CHANGED,
	  "a raw socket: packets that are not read at the freeze are lost", NULL,
	  INET_C ": the read queue is dropped" },
	{ "packet", UK_RESOURCE_SOCKET, is_packet, UK_FATE_CHANGED,
	  "a packet socket: it sees nothing of the time of the swap", NULL,
	  "CRIU 3.17.1, criu/sk-packet.c" },
	{ "netlink-data", UK_RESOURCE_SOCKET, has_netlink_data, UK_FATE_IMPOSSIBLE,
	  "a netlink socket with messages that are not read yet", "try again",
	  "CRIU 3.17.1, criu/sk-netlink.c: can_dump_netlink_sk()" },
	{ "netlink", UK_RESOURCE_SOCKET, is_netlink, UK_FATE_CHANGED,
	  "a netlink socket: what the kernels tell in the time of the swap is not heard", NULL,
	  "CRIU 3.17.1, criu/sk-netlink.c" },
	{ "socket-options", UK_RESOURCE_SOCKET, has_lost_options, UK_FATE_REPAIRED, NULL, NULL,
	  "tried: tcp-option-* in docs/replace-criu.md; src/replace/sockopt.h", tell_lost_options },
	{ "socket", UK_RESOURCE_SOCKET, NULL, UK_FATE_EXACT, NULL, NULL, INET_C },
};

const struct uk_rule_table uk_rules_sockets = { rules, UK_ARRAY_SIZE(rules) };
