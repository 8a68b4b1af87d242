// SPDX-License-Identifier: GPL-2.0-or-later
/* Verdicts about real sockets of real children. */
/* rooms: replace seat base */
#include "replace_sample.h"

#include "replace/sockopt.h"

#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/un.h>

static void hold_connection(void)
{
	struct sockaddr_in name;
	int listener = bound(SOCK_STREAM, &name), client = socket(AF_INET, SOCK_STREAM, 0);
	child_needs(!listen(listener, 5));
	child_needs(!connect(client, (struct sockaddr *)&name, sizeof(name)));
	child_needs(accept(listener, NULL, NULL) >= 0 && write(client, "queued", 6) == 6);
}

static void hold_options(void)
{
	struct sockaddr_in name;
	int listener = bound(SOCK_STREAM, &name), value = 16;
	child_needs(!listen(listener, 5));
	child_needs(!setsockopt(listener, IPPROTO_IP, IP_TOS, &value, sizeof(value)));
	child_needs(!setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &value, sizeof(value)));
}

static void hold_unaccepted(void)
{
	struct sockaddr_in name;
	int listener = bound(SOCK_STREAM, &name), client = socket(AF_INET, SOCK_STREAM, 0);
	child_needs(!listen(listener, 5));
	child_needs(!connect(client, (struct sockaddr *)&name, sizeof(name)));
}

static void hold_unix_unaccepted(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(name);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	child_needs(!bind(listener, (struct sockaddr *)&name, sizeof(sa_family_t)));
	child_needs(!listen(listener, 5) && !getsockname(listener, (struct sockaddr *)&name, &len));
	child_needs(!connect(client, (struct sockaddr *)&name, len));
}

static void hold_unix_named(void)
{
	hold_unix_unaccepted();
	child_needs(accept(0, NULL, NULL) >= 0);
}

static void hold_unix_of_user(void)
{
	int ends[2];
	child_needs(!seteuid(65534) && !socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

static void hold_foreign(int type, int option)
{
	int fd = socket(AF_INET, type, 0), value = 1;
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(4243) };
	name.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1, which is nobody's: RFC 5737 */
	child_wants(!setsockopt(fd, IPPROTO_IP, option, &value, sizeof(value)));
	child_needs(!bind(fd, (struct sockaddr *)&name, sizeof(name)));
	child_needs(type == SOCK_DGRAM || !listen(fd, 5));
}

static void hold_foreign_listener(void)
{
	hold_foreign(SOCK_STREAM, IP_FREEBIND);
}

static void hold_foreign_datagram(void)
{
	hold_foreign(SOCK_DGRAM, IP_TRANSPARENT);
}

/* It was told who the other one is; that one has gone. */
static void hold_unix_of_gone_user(void)
{
	int ends[2];
	child_needs(!seteuid(65534) && !socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	child_needs(!close(ends[1]) && !seteuid(0));
}

static void hold_unix_listener_of_user(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	child_needs(!bind(fd, (struct sockaddr *)&name, sizeof(sa_family_t)));
	child_needs(!seteuid(65534) && !listen(fd, 5));
}

static void hold_unix_listener_of_former_user(void)
{
	hold_unix_listener_of_user();
	child_needs(!seteuid(0));
}

/* Made while it was root: nothing of it changes. */
static void hold_unix_of_former_root(void)
{
	int ends[2];
	child_needs(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends) && !seteuid(65534));
}

static void hold_datagram(void)
{
	struct sockaddr_in name;
	int fd = bound(SOCK_DGRAM, &name);
	child_needs(sendto(fd, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)) == 1);
}

static void hold_corked(void)
{
	struct sockaddr_in name;
	int fd = bound(SOCK_DGRAM, &name);
	child_needs(sendto(fd, "x", 1, MSG_MORE, (struct sockaddr *)&name, sizeof(name)) == 1);
}

static void hold_raw(void)
{
	child_wants(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0);
}

static void hold_packet(void)
{
	child_wants(socket(AF_PACKET, SOCK_RAW, 0) >= 0);
}

static void listen_to_kernel(unsigned int groups)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	child_wants(fd >= 0 && !bind(fd, (struct sockaddr *)&name, sizeof(name)));
}

static void hold_netlink(void)
{
	listen_to_kernel(0);
}

static void hold_netlink_groups(void)
{
	listen_to_kernel(1);
}

static void hold_vsock(void)
{
	child_wants(socket(40, SOCK_STREAM, 0) >= 0 || socket(38, SOCK_SEQPACKET, 0) >= 0);
}

static void hold_multipath(void)
{
	child_wants(socket(AF_INET, SOCK_STREAM, 262) >= 0);
}

static const struct hold_case cases[] = {
	{ "TCP", hold_connection, "socket", UK_FATE_EXACT },
	{ "TCP, options", hold_options, "socket-options", UK_FATE_REPAIRED },
	{ "TCP, not accepted", hold_unaccepted, "unaccepted", UK_FATE_CHANGED },
	{ "TCP, bound to another's", hold_foreign_listener, "foreign-address", UK_FATE_IMPOSSIBLE },
	{ "UDP, bound to another's", hold_foreign_datagram, "foreign-address", UK_FATE_IMPOSSIBLE },
	{ "unix, not accepted", hold_unix_unaccepted, "unix-unaccepted", UK_FATE_CHANGED },
	{ "unix, named", hold_unix_named, "unix-named", UK_FATE_CHANGED },
	{ "unix, of a user", hold_unix_of_user, "unix-credentials", UK_FATE_CHANGED },
	{ "unix, of a user who has gone", hold_unix_of_gone_user, "unix-credentials",
	  UK_FATE_CHANGED },
	{ "unix, a user listens", hold_unix_listener_of_user, "unix-listener", UK_FATE_REPAIRED },
	{ "unix, a former user listens", hold_unix_listener_of_former_user, "unix-credentials",
	  UK_FATE_CHANGED },
	{ "unix, of who was root", hold_unix_of_former_root, "socket", UK_FATE_EXACT },
	{ "UDP, unread", hold_datagram, "datagrams", UK_FATE_CHANGED },
	{ "UDP, corked", hold_corked, "corked", UK_FATE_CHANGED },
	{ "raw", hold_raw, "socket", UK_FATE_EXACT },
	{ "packet", hold_packet, "packet", UK_FATE_CHANGED },
	{ "netlink", hold_netlink, "socket", UK_FATE_EXACT },
	{ "netlink, groups", hold_netlink_groups, "netlink", UK_FATE_CHANGED },
	{ "vsock", hold_vsock, "socket-kind", UK_FATE_IMPOSSIBLE },
	{ "multipath TCP", hold_multipath, "socket-kind", UK_FATE_IMPOSSIBLE },
};

START_TEST(what_a_child_holds_is_judged)
{
	judge_case(&cases[_i]);
}
END_TEST

static void listen_elsewhere(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(4242) };
	child_wants(!unshare(CLONE_NEWNET));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	child_needs(!bind(fd, (struct sockaddr *)&name, sizeof(name)) && !listen(fd, 5));
}

/* sock_diag would tell of our own network alone. */
START_TEST(sockets_of_other_networks_are_found)
{
	char number[16];
	const char *name = number;
	struct child child = {};
	if (!child_start(&child, listen_elsewhere, NULL, -1))
		return;
	snprintf(number, sizeof(number), "%d", child.pid);
	uk_auto_keep struct uk_keep keep = {};
	uk_auto_sockets struct uk_sockets *sockets = NULL;
	ck_ok(uk_keep_resolve(NULL, &name, 1, &keep));
	ck_ok(uk_sockets_read(NULL, &keep, &sockets));
	const struct uk_task *task = &keep.services.data[0].tasks.data[0];
	const struct uk_socket *found = uk_sockets_find(sockets, task->fds.data[0].ino);
	ck_assert_ptr_nonnull(found);
	ck_assert_str_eq(found->local, "0.0.0.0:4242");
	ck_assert_int_eq(found->state, UK_SOCKET_LISTEN);
	ck_assert(!found->diag);
	ck_assert_uint_eq(found->netns, task->ns[UK_NS_NET]);
	child_stop(&child);
}
END_TEST

START_TEST(options_are_named)
{
	struct child child = {};
	ck_assert(child_start(&child, hold_options, NULL, -1));
	uk_auto_preflight struct uk_preflight preflight = {};
	sample_preflight(&child.pid, 1, &preflight);
	const struct uk_preflight_finding *finding = sample_find(&preflight, "socket-options");
	ck_assert_ptr_nonnull(finding);
	ck_assert_str_eq(finding->what, "options that the checkpoint does not carry are set again: "
					"TCP_DEFER_ACCEPT, IP_TOS");
	uk_sockopts options = {};
	ck_ok(uk_sockopt_read_lost(child.pid, 0, &options));
	ck_assert_uint_eq(options.len, 3); /* with SO_PRIORITY */
	ck_assert_int_eq(options.data[1].name, IP_TOS);
	ck_assert_uint_eq(options.data[1].len, sizeof(int));
	ck_assert_int_eq(options.data[1].value[0], 16);
	ck_ok(uk_sockopt_read_lost(child.pid, 77, &options));
	child_stop(&child);
	ck_ok(uk_sockopt_read_lost(child.pid ? child.pid : 4194303, 0, &options));
	ck_assert_uint_eq(options.len, 3);
	uk_vec_deinit(&options);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_sockets");
	TCase *tcase = tcase_create("sockets");
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, what_a_child_holds_is_judged, 0, UK_ARRAY_SIZE(cases));
	tcase_add_test(tcase, sockets_of_other_networks_are_found);
	tcase_add_test(tcase, options_are_named);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
