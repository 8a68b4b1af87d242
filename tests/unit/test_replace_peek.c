// SPDX-License-Identifier: GPL-2.0-or-later
/* Verdicts that rest on copies of a child's descriptors, on smaps and on flags of the kernel's. */
/* rooms: replace seat base */
#include "replace_sample.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

static void connect_pair(int ends[2])
{
	struct sockaddr_in name;
	int listener = bound(SOCK_STREAM, &name);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	child_needs(!listen(listener, 1) &&
		    !connect(ends[0], (struct sockaddr *)&name, sizeof(name)));
	ends[1] = accept(listener, NULL, NULL);
	child_needs(ends[1] >= 0 && !close(listener));
}

static void hold_urgent(void)
{
	int ends[2];
	connect_pair(ends);
	child_needs(send(ends[0], "!", 1, MSG_OOB) == 1);
}

static void hold_ordinary(void)
{
	int ends[2];
	connect_pair(ends);
	child_needs(send(ends[0], "!", 1, 0) == 1);
}

static void hold_group(void)
{
	struct sockaddr_in name;
	struct ip_mreqn group = { .imr_multiaddr = { htonl(0xef010203) },
				  .imr_ifindex = (int)if_nametoindex("lo") };
	int fd = bound(SOCK_DGRAM, &name);
	child_wants(!setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
}

static void hold_group_by_source(void)
{
	struct group_source_req request = { .gsr_interface = if_nametoindex("lo") };
	struct sockaddr_in *group = (struct sockaddr_in *)&request.gsr_group;
	struct sockaddr_in *source = (struct sockaddr_in *)&request.gsr_source;
	struct sockaddr_in name;
	int fd = bound(SOCK_DGRAM, &name);
	*group = (struct sockaddr_in){ AF_INET, .sin_addr.s_addr = inet_addr("239.1.2.4") };
	*source = (struct sockaddr_in){ AF_INET, .sin_addr.s_addr = inet_addr("127.0.0.1") };
	child_wants(
		!setsockopt(fd, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, &request, sizeof(request)));
}

static void hold_group_of_six(void)
{
	struct ipv6_mreq group = { .ipv6mr_interface = if_nametoindex("lo") };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	child_needs(inet_pton(AF_INET6, "ff02::4711", &group.ipv6mr_multiaddr) == 1);
	child_wants(fd >= 0 &&
		    !bind(fd, (struct sockaddr *)&(struct sockaddr_in6){ .sin6_family = AF_INET6 },
			  sizeof(struct sockaddr_in6)));
	child_wants(!setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof(group)));
}

static void hold_exclusive(void)
{
	int ends[2];
	child_needs(!openpty(&ends[0], &ends[1], NULL, NULL, NULL) && !ioctl(ends[1], TIOCEXCL));
}

static void hold_last_words(void)
{
	int ends[2];
	child_needs(!openpty(&ends[0], &ends[1], NULL, NULL, NULL));
	child_needs(write(ends[1], "bye", 3) == 3 && !close(ends[1]));
}

static void hold_dead_terminal(void)
{
	int ends[2];
	child_needs(!openpty(&ends[0], &ends[1], NULL, NULL, NULL) && !close(ends[0]));
}

static void hold_locked(void)
{
	/* A sanitizer makes nothing of this call, for it could not lock its 16 TiB. */
	child_wants(!SAMPLE_IS_VAST && !mlockall(MCL_CURRENT | MCL_FUTURE));
}

static char *map_page(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	child_needs(page != MAP_FAILED);
	return page;
}

static void hold_locked_page(void)
{
	child_wants(!mlock(map_page(), 4096));
}

static void hold_wiped(void)
{
	child_wants(!madvise(map_page(), 4096, MADV_WIPEONFORK));
}

static void hold_mce_policy(void)
{
	child_wants(!prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
}

/* Fires all the time, and nobody takes its signal. */
static void hold_overrun(void)
{
	timer_t timer;
	sigset_t set;
	siginfo_t info;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	const struct itimerspec often = { { 0, 1000000 }, { 0, 1000000 } };
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	child_needs(!sigprocmask(SIG_BLOCK, &set, NULL));
	child_needs(!timer_create(CLOCK_MONOTONIC, &event, &timer));
	child_needs(!timer_settime(timer, 0, &often, NULL));
	/* The second tick comes at once: then the next one pends. */
	child_needs(sigwaitinfo(&set, &info) == SIGUSR2);
	nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
}

/* Sleeps in a call to a socket, as a thread that judge_child() sees. */
static void receive(bool limited)
{
	struct sockaddr_in name;
	const struct timeval limit = { .tv_sec = limited ? 1000 : 0 };
	int fd = bound(SOCK_DGRAM, &name);
	child_needs(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	if (!fork())
		for (char byte;;)
			recv(fd, &byte, 1, 0);
}

static void hold_limited(void)
{
	receive(true);
}

static void hold_unlimited(void)
{
	receive(false);
}

/* Two datagrams that wait in a pair without names, as every socketpair() is. */
static void hold_nameless(void)
{
	int ends[2];
	child_needs(!socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) && send(ends[0], "x", 1, 0) == 1);
}

static const struct hold_case cases[] = {
	{ "wait with a limit", hold_limited, "timed-socket", UK_FATE_CHANGED },
	{ "wait without a limit", hold_unlimited, "call", UK_FATE_EXACT },
	{ "datagram without a name", hold_nameless, "socket", UK_FATE_EXACT },
	{ "urgent data", hold_urgent, "urgent-data", UK_FATE_CHANGED },
	{ "ordinary data", hold_ordinary, "socket", UK_FATE_EXACT },
	{ "multicast", hold_group, "multicast", UK_FATE_REPAIRED },
	{ "multicast by source", hold_group_by_source, "multicast-by-source", UK_FATE_CHANGED },
	{ "multicast, IPv6", hold_group_of_six, "multicast", UK_FATE_REPAIRED },
	{ "exclusive terminal", hold_exclusive, "exclusive-terminal", UK_FATE_CHANGED },
	{ "last words", hold_last_words, "last-words", UK_FATE_CHANGED },
	{ "dead terminal", hold_dead_terminal, "dead-terminal", UK_FATE_EXACT },
	{ "all memory locked", hold_locked, "locked-memory", UK_FATE_CHANGED },
	{ "a page locked", hold_locked_page, "call", UK_FATE_EXACT },
	{ "memory that a fork finds empty", hold_wiped, "wiped-memory", UK_FATE_REPAIRED },
	{ "broken memory", hold_mce_policy, "mce-policy", UK_FATE_CHANGED },
	{ "timer that overruns", hold_overrun, "posix-timer-overrun", UK_FATE_CHANGED },
};

START_TEST(what_a_child_holds_is_judged)
{
	judge_case(&cases[_i]);
}
END_TEST

static bool is_told(const struct uk_preflight *preflight, const char *rule)
{
	uk_vec_for_each(finding, &preflight->findings) {
		if (!finding->service && !strcmp(finding->rule, rule))
			return finding->verdict == UK_FATE_CHANGED;
	}
	return false;
}

/* Said once, of the machine, for whatever is kept. */
START_TEST(what_ends_for_all_is_told)
{
	uk_auto_preflight struct uk_preflight preflight = {}, second = {};
	struct child child = {};
	ck_assert(child_start(&child, NULL, NULL, -1));
	sample_preflight(&child.pid, 1, &preflight);
	ck_assert(is_told(&preflight, "process-times"));
	long key = syscall(SYS_add_key, "user", "upkeep-test", "secret", 6, -3 /* the session's */);
	if (key >= 0) {
		sample_preflight(&child.pid, 1, &second);
		ck_assert(is_told(&second, "keys"));
		syscall(SYS_keyctl, 3 /* revoke */, key);
	}
	child_stop(&child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_peek");
	TCase *tcase = tcase_create("peek");
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, what_a_child_holds_is_judged, 0, UK_ARRAY_SIZE(cases));
	tcase_add_test(tcase, what_ends_for_all_is_told);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
