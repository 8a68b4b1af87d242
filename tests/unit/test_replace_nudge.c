// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/*
 * A peer whose segments were lost for a while, over loopback in a network of its own: nudged, it
 * sends again at once. The losses are made by a filter of the receiving socket that takes nothing.
 */
#include "replace/hold.h"
#include "replace/nudge.h"

#include "base/file.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOST_MS = 3500, AT_ONCE_MS = 1500, NATURAL_MS = 600 };

static void sleep_ms(long ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&time, NULL);
}

/* Loopback has two addresses, so that a connection is not with itself. */
static void own_network(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
	struct in6_ifreq address = { .ifr6_prefixlen = 128, .ifr6_ifindex = 1 };
	inet_pton(AF_INET6, "fd00::1", &address.ifr6_addr);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFADDR, &address), 0);
	close(fd);
	sleep_ms(100);
}

struct pair {
	int here, peer; /* the one that is restored, and the one outside */
};

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* The two addresses of loopback, here and there, that are not the same. */
static union address address_of(sa_family_t family, bool there)
{
	union address to = { .any.sa_family = family };
	if (family == AF_INET)
		to.in.sin_addr.s_addr = inet_addr(there ? "127.0.0.2" : "127.0.0.1");
	else
		inet_pton(AF_INET6, there ? "fd00::1" : "::1", &to.in6.sin6_addr);
	return to;
}

static struct pair connect_pair(sa_family_t family)
{
	union address at = address_of(family, false), from = address_of(family, true);
	socklen_t len = sizeof(at);
	int listener = socket(family, SOCK_STREAM, 0);
	struct pair pair = { -1, socket(family, SOCK_STREAM, 0) };
	ck_assert_int_eq(bind(listener, &at.any, sizeof(at)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, &at.any, &len), 0);
	ck_assert_int_eq(bind(pair.peer, &from.any, sizeof(from)), 0);
	ck_assert_int_eq(connect(pair.peer, &at.any, len), 0);
	pair.here = accept(listener, NULL, NULL);
	ck_assert_int_ge(pair.here, 0);
	close(listener);
	return pair;
}

static void deafen(int fd, bool deaf)
{
	struct sock_filter nothing = { BPF_RET | BPF_K, 0, 0, 0 };
	const struct sock_fprog program = { 1, &nothing };
	int unused = 0;
	ck_assert_int_eq(
		deaf ? setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program))
		     : setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)),
		0);
}

/* A process that has the socket open, to be held; it wakes from nothing. */
static pid_t start_holder(void)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static bool comes(int fd, int ms)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	return poll(&wanted, 1, ms) == 1;
}

static void lose(const struct pair *pair)
{
	deafen(pair->here, true);
	ck_assert_int_eq(send(pair->peer, "x", 1, 0), 1);
	sleep_ms(LOST_MS);
	deafen(pair->here, false);
}

static const sa_family_t families[] = { AF_INET, AF_INET6 };

START_TEST(sends_at_once)
{
	own_network();
	struct pair pair = connect_pair(families[_i]);
	uk_nudges nudges = {};
	int reuse = 1, repair = 0, got = 0;
	socklen_t len = sizeof(int);
	ck_assert_int_eq(setsockopt(pair.here, SOL_SOCKET, SO_REUSEADDR, &reuse, len), 0);
	pid_t holder = start_holder();
	uk_auto_hold struct uk_hold hold = {};
	ck_ok(uk_hold_take_tree(holder, &hold));
	ck_ok(uk_nudge_note(&hold, &nudges));
	/* The socket pair's both ends are connections of that process. */
	ck_assert_uint_eq(nudges.len, 2);
	ck_assert_int_eq(getsockopt(pair.here, SOL_SOCKET, SO_REUSEADDR, &got, &len), 0);
	ck_assert_int_eq(got, 1);
	ck_assert_int_eq(getsockopt(pair.here, IPPROTO_TCP, TCP_REPAIR, &repair, &len), 0);
	ck_assert_int_eq(repair, 0);
	lose(&pair);
	ck_ok(uk_nudge_send(&nudges));
	ck_assert(comes(pair.here, AT_ONCE_MS));
	ck_ok(uk_hold_release(&hold, false));
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	uk_vec_deinit(&nudges);
}
END_TEST

/* What the other test is about: without a nudge nothing comes for a while. */
START_TEST(waits_by_itself)
{
	own_network();
	struct pair pair = connect_pair(families[_i]);
	lose(&pair);
	ck_assert(!comes(pair.here, NATURAL_MS));
}
END_TEST

START_TEST(nobody_to_tell)
{
	uk_nudges none = {};
	ck_ok(uk_nudge_send(&none));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nudge");
	TCase *tests = tcase_create("nudge");
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, sends_at_once, 0, UK_ARRAY_SIZE(families));
	tcase_add_loop_test(tests, waits_by_itself, 0, UK_ARRAY_SIZE(families));
	tcase_add_test(tests, nobody_to_tell);
	suite_add_tcase(suite, tests);
	return tap_run(suite);
}
