// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace base */
/* What is noted of a process and set again: here in a process that goes on, changed in between. */
#include "replace/note.h"

#include "base/file.h"
#include "replace/borrow.h"
#include "replace/inject.h"
#include "replace/loan.h"
#include "replace/peek.h"
#include "replace_sample.h"
#include "tap.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ALL                                                                                        \
	"timerfd 812 5 0 1 1764480000000000000 0 0\n"                                              \
	"socket-option 812 7 6 18 31d40000\n"                                                      \
	"group 812 7 2 6c6f00000000000000000000000000\n"                                           \
	"affinity 813 02\n"                                                                        \
	"io-priority 813 16390\n"                                                                  \
	"timer-slack 813 18446744073709551615\n"                                                   \
	"coredump-filter 812 123\n"                                                                \
	"no-new-privs 813\n"                                                                       \
	"ambient 813 32\n"                                                                         \
	"personality 813 4456448\n"                                                                \
	"no-huge-pages 812\n"                                                                      \
	"listener 812 7 128\n"                                                                     \
	"wipe-on-fork 812 139637976727552 4096\n"                                                  \
	"itimer 812 0 5000000000 0\n"                                                              \
	"timer 812 1 0 1 1764480000000000000 0 34\n"

static void refuse(const char *text, const char *said)
{
	uk_notes notes = {};
	ck_fails(uk_notes_parse(text, &notes), UK_ERR_INVALID, said);
	uk_vec_deinit(&notes);
}

START_TEST(lines_are_read_and_written)
{
	uk_notes notes = {};
	uk_auto_free char *text = NULL;
	ck_ok(uk_notes_parse(ALL, &notes));
	ck_assert_uint_eq(notes.len, UK_NOTE_NR_KINDS);
	ck_assert_int_eq(notes.data[0].kind, UK_NOTE_TIMERFD);
	ck_assert_uint_eq(notes.data[0].numbers[3], 1764480000000000000);
	ck_assert_uint_eq(notes.data[1].len, 4);
	ck_assert_uint_eq(notes.data[1].data[1], 0xd4);
	ck_assert_int_eq(notes.data[3].pid, 813);
	ck_ok(uk_notes_format(&notes, &text));
	ck_assert_str_eq(text, ALL);
	uk_vec_deinit(&notes);
}
END_TEST

START_TEST(no_other_line_is_read)
{
	refuse("x", "line 1");
	refuse("affinity 813 02\n\n", "line 2");
	refuse("io-priority 813 1", "line 1"); /* cut off */
	refuse("io-priority 813\n", "line 1");
	refuse("io-priority 813 1 2\n", "line 1");
	refuse("io-priority 813 65536\n", "line 1");
	refuse("io-priority 813  1\n", "line 1");
	refuse("io-priority 813 -1\n", "line 1");
	refuse("io-priority 1 1\n", "line 1");
	refuse("io-priority 0 1\n", "line 1");
	refuse("io-priority 2147483648 1\n", "line 1");
	refuse("io-prioritys 813 1\n", "line 1");
	refuse("affinity 813 \n", "line 1");
	refuse("affinity 813 0\n", "line 1");
	refuse("affinity 813 0g\n", "line 1");
	refuse("no-new-privs 813 1\n", "line 1");
	refuse("itimer 812 3 1 0\n", "line 1");
	refuse("timer 812 1 8 1 1 0 0\n", "line 1");
	refuse("timer 812 1 1 1 1 0 65\n", "line 1");
	refuse("timerfd 812 5 8 1 1 0 0\n", "line 1");
	refuse("timerfd 812 5 0 4 1 0 0\n", "line 1");
	refuse("timerfd 812 5 0 1 9223372036854775808 0 0\n", "line 1");
}
END_TEST

START_TEST(bytes_have_an_end)
{
	char line[3 * UK_NOTE_DATA + 64] = "affinity 813 ";
	size_t len = strlen(line);
	memset(line + len, 'a', 2 * UK_NOTE_DATA);
	strcpy(line + len + 2 * UK_NOTE_DATA, "\n");
	uk_notes notes = {};
	ck_ok(uk_notes_parse(line, &notes));
	ck_assert_uint_eq(notes.data[0].len, UK_NOTE_DATA);
	uk_vec_deinit(&notes);
	strcpy(line + len + 2 * UK_NOTE_DATA, "aa\n");
	refuse(line, "line 1");
}
END_TEST

/* --- timers -------------------------------------------------------------------------- */

enum { NS = 1000000000 };

static int64_t now(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return time.tv_sec * NS + time.tv_nsec;
}

static const struct uk_note_clocks late = { INT64_MAX, INT64_MAX };

static int make(int clock, int flags, int64_t first_ns, int64_t interval_ns)
{
	const struct itimerspec spec = { { interval_ns / NS, interval_ns % NS },
					 { first_ns / NS, first_ns % NS } };
	int fd = timerfd_create(clock, TFD_NONBLOCK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(timerfd_settime(fd, flags, &spec, NULL), 0);
	return fd;
}

static void stop(int fd)
{
	const struct itimerspec none = {};
	ck_assert_int_eq(timerfd_settime(fd, 0, &none, NULL), 0);
}

/* Pid and descriptor are ours: a process may borrow from itself. */
static void take(int fd, const struct uk_note_clocks *clocks, uk_notes *to)
{
	ck_ok(uk_note_timerfd(getpid(), fd, clocks, to));
	stop(fd);
}

static int64_t left(int fd)
{
	struct itimerspec spec;
	ck_assert_int_eq(timerfd_gettime(fd, &spec), 0);
	return spec.it_value.tv_sec * NS + spec.it_value.tv_nsec;
}

static uint64_t ticks(int fd)
{
	uint64_t value = 0;
	return read(fd, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

static void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

START_TEST(a_time_of_day_stays)
{
	uk_notes notes = {};
	int64_t when = now(CLOCK_REALTIME) + 5 * (int64_t)NS;
	int fd = make(CLOCK_REALTIME, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, when, 0);
	take(fd, &late, &notes);
	ck_assert_uint_eq(notes.len, 1);
	/* To the millisecond at least, for looks take a while on a busy machine. */
	ck_assert_int_lt(llabs((int64_t)notes.data[0].numbers[3] - when), NS / 100);
	ck_ok(uk_note_set_timerfd(&notes.data[0], NULL));
	ck_assert_int_lt(llabs(now(CLOCK_REALTIME) + left(fd) - when), NS / 50);
	/* One that has passed meanwhile comes at once. */
	notes.data[0].numbers[3] = (uint64_t)(now(CLOCK_REALTIME) - NS);
	ck_ok(uk_note_set_timerfd(&notes.data[0], NULL));
	pause_ms(20);
	ck_assert_uint_eq(ticks(fd), 1);
	uk_vec_deinit(&notes);
}
END_TEST

START_TEST(a_moment_and_a_duration_stay)
{
	static const int clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME };
	for (size_t i = 0; i < 6; i++) {
		int clock = clocks[i % 3], flags = i < 3 ? 0 : TFD_TIMER_ABSTIME;
		uk_notes notes = {};
		int64_t from = flags ? now(clock) : 0;
		int64_t end = now(CLOCK_MONOTONIC) + 5 * (int64_t)NS;
		int fd = make(clock, flags, from + 5 * (int64_t)NS, 0);
		take(fd, &late, &notes);
		ck_assert_uint_eq(notes.len, 1);
		pause_ms(30);
		ck_ok(uk_note_set_timerfd(&notes.data[0], NULL));
		ck_assert_int_lt(llabs(now(CLOCK_MONOTONIC) + left(fd) - end), NS / 50);
		uk_vec_deinit(&notes);
		close(fd);
	}
}
END_TEST

START_TEST(what_expired_unread_is_counted_and_runs_on)
{
	uk_notes notes = {};
	int64_t began = now(CLOCK_MONOTONIC), every = NS / 10;
	int fd = make(CLOCK_MONOTONIC, 0, every, every);
	pause_ms(350);
	take(fd, &late, &notes);
	ck_assert_uint_eq(notes.len, 1);
	ck_ok(uk_note_set_timerfd(&notes.data[0], NULL));
	pause_ms(400);
	uint64_t wanted = (uint64_t)((now(CLOCK_MONOTONIC) - began) / every);
	uint64_t found = ticks(fd);
	ck_assert_msg(found + 1 >= wanted && found <= wanted + 1, "%ju ticks, wanted %ju",
		      (uintmax_t)found, (uintmax_t)wanted);
	uk_vec_deinit(&notes);
}
END_TEST

/* The clock of the process goes on from an earlier moment: then these ticks come again. */
START_TEST(ticks_of_after_the_dump_are_still_to_come)
{
	uk_notes notes = {};
	int64_t began = now(CLOCK_MONOTONIC), every = NS / 10;
	const struct uk_note_clocks clocks = { began + every + every / 2, began };
	int fd = make(CLOCK_MONOTONIC, 0, every, every);
	pause_ms(350);
	take(fd, &clocks, &notes);
	ck_assert_uint_eq(notes.data[0].numbers[5], 1);
	ck_assert_int_lt(llabs((int64_t)notes.data[0].numbers[3] - began - 2 * every), NS / 50);
	uk_vec_deinit(&notes);
}
END_TEST

/* As when a restore takes longer than an interval: relative, and for a time of day. */
START_TEST(ticks_of_the_restore_are_counted)
{
	static const struct {
		int clock, flags;
	} kinds[] = { { CLOCK_MONOTONIC, 0 }, { CLOCK_REALTIME, TFD_TIMER_ABSTIME } };
	for (size_t i = 0; i < 2; i++) {
		int fd = timerfd_create(kinds[i].clock, TFD_NONBLOCK);
		int64_t every = 10ll * NS, at = now(kinds[i].clock);
		const struct uk_note note = { .kind = UK_NOTE_TIMERFD,
					      .pid = getpid(),
					      .numbers = { (uint64_t)fd, (uint64_t)kinds[i].clock,
							   (uint64_t)kinds[i].flags,
							   (uint64_t)(at - 35ll * NS),
							   (uint64_t)every, 7 } };
		ck_ok(uk_note_set_timerfd(&note, NULL));
		ck_assert_int_lt(llabs(left(fd) - 5ll * NS), NS / 10);
		ck_assert_uint_eq(ticks(fd), 7 + 4);
		close(fd);
	}
}
END_TEST

START_TEST(what_does_not_run_is_left)
{
	uk_notes notes = {};
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	ck_ok(uk_note_timerfd(getpid(), fd, &late, &notes));
	int once = make(CLOCK_MONOTONIC, 0, 1, 0);
	pause_ms(20);
	ck_ok(uk_note_timerfd(getpid(), once, &late, &notes));
	ck_assert_uint_eq(notes.len, 0);
	ck_assert_uint_eq(ticks(once), 1);
	ck_fails(uk_note_timerfd(getpid(), 999, &late, &notes), UK_ERR_SYSTEM, "descriptor 999");
}
END_TEST

/* --- sockets ------------------------------------------------------------------------- */

START_TEST(options_are_set_again)
{
	uk_notes notes = {};
	int value = 54321, found = 0, tos = 16;
	socklen_t len = sizeof(found);
	int fd = socket(AF_INET, SOCK_STREAM, 0), second = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof(value)), 0);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)), 0);
	value = 3;
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &value, sizeof(value)), 0);
	ck_ok(uk_note_socket(getpid(), fd, &notes));
	ck_assert_uint_eq(notes.len, 3);
	uk_vec_for_each(note, &notes) {
		note->numbers[0] = (uint64_t)second;
		ck_ok(uk_note_set_socket(note, NULL));
	}
	ck_assert_int_eq(getsockopt(second, IPPROTO_TCP, TCP_USER_TIMEOUT, &found, &len), 0);
	ck_assert_int_eq(found, 54321);
	ck_assert_int_eq(getsockopt(second, IPPROTO_IP, IP_TOS, &found, &len), 0);
	ck_assert_int_eq(found, 16);
	ck_assert_int_eq(getsockopt(second, SOL_SOCKET, SO_PRIORITY, &found, &len), 0);
	ck_assert_int_eq(found, 3);
	notes.data[0].numbers[2] = TCP_REPAIR;
	ck_fails(uk_note_set_socket(&notes.data[0], NULL), UK_ERR_INVALID,
		 "no option that is known");
	uk_vec_deinit(&notes);
}
END_TEST

/* As a proxy has it that answers for others. */
START_TEST(sockets_for_foreign_addresses_are_so_again)
{
	static const struct {
		int family, type, level, name;
	} of[] = {
		{ AF_INET, SOCK_STREAM, IPPROTO_IP, IP_TRANSPARENT },
		{ AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_TRANSPARENT },
		{ AF_INET6, SOCK_STREAM, IPPROTO_IPV6, IPV6_TRANSPARENT },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_IPV6, IPV6_TRANSPARENT },
	};
	uk_notes notes = {};
	int value = 1, found = 0;
	socklen_t len = sizeof(found);
	int fd = socket(of[_i].family, of[_i].type, 0);
	int second = socket(of[_i].family, of[_i].type, 0);
	ck_assert_int_eq(setsockopt(fd, of[_i].level, of[_i].name, &value, sizeof(value)), 0);
	ck_ok(uk_note_socket(getpid(), fd, &notes));
	ck_assert_uint_eq(notes.len, 1);
	notes.data[0].numbers[0] = (uint64_t)second;
	ck_ok(uk_note_set_socket(&notes.data[0], NULL));
	ck_assert_int_eq(getsockopt(second, of[_i].level, of[_i].name, &found, &len), 0);
	ck_assert_int_eq(found, 1);
	uk_vec_deinit(&notes);
}
END_TEST

/* Some options tell of the way to the peer then: what is noted can be set all the same. */
START_TEST(connections_have_options_that_can_be_set)
{
	static const int families[] = { AF_INET, AF_INET6 };
	for (size_t i = 0; i < 4; i++) {
		uk_notes notes = {};
		int family = families[i % 2], type = i < 2 ? SOCK_STREAM : SOCK_DGRAM;
		struct sockaddr_storage at = { .ss_family = (sa_family_t)family };
		socklen_t len = sizeof(at);
		if (family == AF_INET6)
			((struct sockaddr_in6 *)&at)->sin6_addr = in6addr_loopback;
		else
			((struct sockaddr_in *)&at)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		int peer = socket(family, type, 0), fd = socket(family, type, 0);
		ck_assert_int_eq(bind(peer, (struct sockaddr *)&at, len), 0);
		ck_assert(type == SOCK_DGRAM || !listen(peer, 1));
		ck_assert_int_eq(getsockname(peer, (struct sockaddr *)&at, &len), 0);
		ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, len), 0);
		/* The accepted end has of its first packet what others are told (mcast_hops). */
		fd = type == SOCK_STREAM ? accept(peer, NULL, NULL) : fd;
		ck_ok(uk_note_socket(getpid(), fd, &notes));
		ck_ok(uk_note_socket(getpid(), peer, &notes));
		uk_vec_for_each(note, &notes)
			ck_assert_int_eq(setsockopt(fd, (int)note->numbers[1],
						    (int)note->numbers[2], note->data,
						    (socklen_t)note->len),
					 0);
		uk_vec_deinit(&notes);
	}
}
END_TEST

START_TEST(groups_are_joined_again)
{
	uk_notes notes = {}, again = {};
	int four = socket(AF_INET, SOCK_DGRAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);
	int other = socket(AF_INET, SOCK_DGRAM, 0), sixth = socket(AF_INET6, SOCK_DGRAM, 0);
	struct ip_mreqn request = { .imr_ifindex = (int)if_nametoindex("lo") };
	struct ipv6_mreq request6 = { .ipv6mr_interface = if_nametoindex("lo") };
	inet_pton(AF_INET, "239.7.7.7", &request.imr_multiaddr);
	inet_pton(AF_INET6, "ff02::7:7", &request6.ipv6mr_multiaddr);
	ck_assert_int_eq(setsockopt(four, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)),
			 0);
	ck_assert_int_eq(
		setsockopt(six, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request6, sizeof(request6)), 0);
	ck_ok(uk_note_group(getpid(), four, &notes));
	ck_ok(uk_note_group(getpid(), six, &notes));
	ck_ok(uk_note_group(getpid(), other, &notes));
	ck_ok(uk_note_group(getpid(), sixth, &notes));
	ck_assert_uint_eq(notes.len, 2);
	notes.data[0].numbers[0] = (uint64_t)other;
	notes.data[1].numbers[0] = (uint64_t)sixth;
	for (int i = 0; i < 2; i++) {
		ck_ok(uk_note_set_group(&notes.data[0], NULL));
		ck_ok(uk_note_set_group(&notes.data[1], NULL));
	}
	ck_ok(uk_note_group(getpid(), other, &again));
	ck_ok(uk_note_group(getpid(), sixth, &again));
	ck_assert_uint_eq(again.len, 2);
	for (size_t i = 0; i < 2; i++)
		ck_assert_mem_eq(again.data[i].data, notes.data[i].data, UK_NOTE_DATA);
	notes.data[0].len--;
	ck_fails(uk_note_set_group(&notes.data[0], NULL), UK_ERR_INVALID, "it is no group");
	memcpy(notes.data[1].data, "nosuch", 7);
	ck_fails(uk_note_set_group(&notes.data[1], NULL), UK_ERR_SYSTEM, "device nosuch");
	uk_vec_deinit(&notes);
	uk_vec_deinit(&again);
}
END_TEST

START_TEST(a_usual_socket_has_no_options)
{
	uk_notes notes = {};
	int fds[] = { socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET6, SOCK_DGRAM, 0),
		      socket(AF_UNIX, SOCK_STREAM, 0), open("/dev/null", O_RDONLY) };
	for (size_t i = 0; i < UK_ARRAY_SIZE(fds); i++)
		ck_ok(uk_note_socket(getpid(), fds[i], &notes));
	ck_assert_uint_eq(notes.len, 0);
}
END_TEST

/* --- threads ------------------------------------------------------------------------- */

START_TEST(attributes_of_a_thread_are_set_again)
{
	uk_notes notes = {};
	cpu_set_t one, all, found;
	pid_t tid = (pid_t)syscall(SYS_gettid);
	sched_getaffinity(0, sizeof(all), &all);
	if (CPU_COUNT(&all) < 2)
		return;
	CPU_ZERO(&one);
	CPU_SET(1, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	ck_assert_int_eq(prctl(PR_SET_TIMERSLACK, 123456), 0);
	ck_assert_int_eq(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 16390), 0);
	ck_ok(uk_note_thread(tid, &notes));
	ck_assert_uint_ge(notes.len, 3);
	sched_setaffinity(0, sizeof(all), &all);
	prctl(PR_SET_TIMERSLACK, 50000);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0);
	ck_ok(uk_note_set_affinity(&notes.data[0], NULL));
	ck_ok(uk_note_set_io_priority(&notes.data[1], NULL));
	sched_getaffinity(0, sizeof(found), &found);
	ck_assert(CPU_EQUAL(&found, &one));
	ck_assert_int_eq(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0), 16390);
	ck_ok(uk_note_set_slack(&notes.data[2], NULL));
	ck_assert_int_eq(prctl(PR_GET_TIMERSLACK), 123456);
	uk_vec_deinit(&notes);
}
END_TEST

START_TEST(the_filter_of_core_dumps_is_set_again)
{
	uk_notes notes = {};
	struct uk_note note = { .kind = UK_NOTE_COREDUMP, .pid = getpid(), .numbers = { 0x7b } };
	ck_ok(uk_note_set_coredump(&note, NULL));
	ck_ok(uk_note_process(getpid(), &notes));
	ck_assert_uint_eq(notes.len, 1);
	ck_assert_uint_eq(notes.data[0].numbers[0], 0x7b);
	uk_vec_deinit(&notes);
}
END_TEST

/* --- inside of a process ------------------------------------------------------------- */

/* Without what is set below, and with a signal that comes by timers. */
static void be_plain(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	timer_t timer;
	signal(SIGALRM, SIG_IGN);
	child_needs(!syscall(SYS_capget, &head, caps));
	caps[0].inheritable |= 1 << CAP_KILL;
	child_needs(!syscall(SYS_capset, &head, caps));
	child_needs(!timer_create(CLOCK_REALTIME, &event, &timer));
}

static void set_inside(struct uk_hold *hold, pid_t pid, uk_note_set *set, uint64_t first,
		       uint64_t second)
{
	const struct uk_note note = { .pid = pid, .numbers = { first, second } };
	ck_ok(set(&note, uk_hold_find(hold, pid)));
}

static void set_timer(struct uk_hold *hold, pid_t pid, clockid_t clock, bool own, int64_t when)
{
	const struct uk_note note = { .pid = pid,
				      .numbers = { 0, (uint64_t)clock, own, (uint64_t)when } };
	ck_ok(uk_note_set_timer(&note, uk_hold_find(hold, pid)));
}

static void check_status(pid_t pid, const char *line)
{
	char path[64];
	uk_auto_free char *text = NULL;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	ck_ok(uk_file_read(path, 1 << 16, &text, NULL));
	ck_assert_msg(strstr(text, line), "%s lacks %s", text, line);
}

/* By calls of the process itself, for nobody else can read them. */
static void check_timers(struct uk_hold *hold, pid_t pid, int64_t wall)
{
	struct uk_loan loan = {};
	struct uk_held *thread = uk_hold_find(hold, pid);
	struct itimerval once;
	struct itimerspec spec;
	int64_t got;
	ck_ok(uk_loan_take(thread, NULL, 64, &loan));
	struct uk_call call = { SYS_getitimer, { ITIMER_REAL, loan.at } };
	ck_ok(uk_inject_call(thread, &call, &got));
	ck_ok(uk_loan_read(pid, loan.at, &once, sizeof(once)));
	ck_assert_int_eq(got, 0);
	ck_assert(once.it_value.tv_sec >= 998 && once.it_value.tv_sec <= 1000);
	ck_assert(!once.it_interval.tv_sec && !once.it_interval.tv_usec);
	call = (struct uk_call){ SYS_timer_gettime, { 0, loan.at } };
	ck_ok(uk_inject_call(thread, &call, &got));
	ck_ok(uk_loan_read(pid, loan.at, &spec, sizeof(spec)));
	ck_assert_int_eq(got, 0);
	int64_t left = spec.it_value.tv_sec * NS + spec.it_value.tv_nsec;
	ck_assert_int_lt(llabs(now(CLOCK_REALTIME) + left - wall), 5ll * NS);
	ck_ok(uk_loan_return(&loan));
}

START_TEST(a_held_process_gets_what_was_noted)
{
	struct child child = {};
	uk_auto_hold struct uk_hold hold = {};
	ck_assert(child_start(&child, be_plain, NULL, -1));
	const int64_t wall = now(CLOCK_REALTIME) + 500ll * NS;
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	set_inside(&hold, child.pid, uk_note_set_ambient, 1 << CAP_KILL, 0);
	set_inside(&hold, child.pid, uk_note_set_no_new_privs, 0, 0);
	set_inside(&hold, child.pid, uk_note_set_no_huge, 0, 0);
	set_inside(&hold, child.pid, uk_note_set_personality, ADDR_NO_RANDOMIZE, 0);
	set_inside(&hold, child.pid, uk_note_set_itimer, ITIMER_REAL,
		   (uint64_t)(now(CLOCK_MONOTONIC) + 1000ll * NS));
	set_timer(&hold, child.pid, CLOCK_REALTIME, true, wall);
	check_timers(&hold, child.pid, wall);
	set_timer(&hold, child.pid, CLOCK_MONOTONIC, false, now(CLOCK_MONOTONIC) + 400ll * NS);
	check_timers(&hold, child.pid, now(CLOCK_REALTIME) + 400ll * NS);
	check_status(child.pid, "\nNoNewPrivs:\t1\n");
	check_status(child.pid, "\nCapAmb:\t0000000000000020\n");
	check_status(child.pid, "\nTHP_enabled:\t0\n");
	/* What is noted of it now is that. */
	uk_notes notes = {};
	ck_ok(uk_note_thread(child.pid, &notes));
	ck_ok(uk_note_process(child.pid, &notes));
	ck_assert_uint_eq(notes.len, 4);
	ck_assert_int_eq(notes.data[0].kind, UK_NOTE_NO_NEW_PRIVS);
	ck_assert_uint_eq(notes.data[1].numbers[0], 1 << CAP_KILL);
	ck_assert_uint_eq(notes.data[2].numbers[0], ADDR_NO_RANDOMIZE);
	ck_assert_int_eq(notes.data[3].kind, UK_NOTE_NO_HUGE);
	uk_vec_deinit(&notes);
	ck_ok(uk_hold_release(&hold, false));
	child_stop(&child);
}
END_TEST

static void listen_as_user(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	child_needs(fd == 0 && !bind(fd, (struct sockaddr *)&name, sizeof(sa_family_t)));
	child_needs(!setegid(1234) && !seteuid(4321) && !listen(fd, 5));
}

static void check_listener(pid_t pid, uid_t uid, pid_t wanted)
{
	struct ucred who = {};
	ck_assert(uk_peek_credentials(pid, 0, &who));
	ck_assert_int_eq(who.uid, uid);
	ck_assert_int_eq(who.pid, wanted);
}

/* As criu restores it, root listens; it does itself again. */
START_TEST(who_listens_is_told_again)
{
	struct child child = {};
	uk_notes notes = {};
	uk_auto_hold struct uk_hold hold = {};
	ck_assert(child_start(&child, listen_as_user, NULL, -1));
	ck_ok(uk_note_listener(child.pid, 0, &notes));
	ck_assert_uint_eq(notes.len, 1);
	ck_assert_int_eq(notes.data[0].kind, UK_NOTE_LISTENER);
	ck_assert_uint_eq(notes.data[0].numbers[1], 5);
	uk_auto_close int copy = uk_borrow_fd(child.pid, 0);
	ck_assert_int_eq(listen(copy, 5), 0);
	check_listener(child.pid, 0, getpid());
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	ck_ok(uk_note_set_listener(&notes.data[0], uk_hold_find(&hold, child.pid)));
	ck_ok(uk_hold_release(&hold, false));
	check_listener(child.pid, 4321, child.pid);
	/* Nor is it noted of somebody else's. */
	ck_assert_int_eq(listen(copy, 5), 0);
	ck_ok(uk_note_listener(child.pid, 0, &notes));
	ck_assert_uint_eq(notes.len, 1);
	uk_vec_deinit(&notes);
	child_stop(&child);
}
END_TEST

START_TEST(mappings_are_found_by_their_flags)
{
	static const char smaps[] =
		"7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n"
		"Size:                  4 kB\nVmFlags: rd wr mr mw me ac sd \n"
		"7f0000002000-7f0000005000 rw-p 00000000 00:00 0    [anon:wf ]\n"
		"Size:                 12 kB\nVmFlags: rd wr mr mw me ac wf sd \n"
		"7f0000006000-7f0000007000 rw-p 00000000 00:00 0 \nVmFlags: rd wf";
	uk_notes notes = {};
	ck_ok(uk_note_parse_smaps(smaps, 812, &notes));
	ck_assert_uint_eq(notes.len, 1);
	ck_assert_uint_eq(notes.data[0].numbers[0], 0x7f0000002000);
	ck_assert_uint_eq(notes.data[0].numbers[1], 0x3000);
	uk_vec_deinit(&notes);
	ck_ok(uk_note_parse_smaps("VmFlags: wf \n", 812, &notes));
	ck_ok(uk_note_parse_smaps("", 812, &notes));
	ck_assert_uint_eq(notes.len, 0);
}
END_TEST

static uint64_t wiped_at;

static void be_wiped(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	child_needs(page != MAP_FAILED && (uintptr_t)page == wiped_at);
}

/* What is found in one process is set in another, where the same is mapped. */
START_TEST(a_mapping_is_wiped_again)
{
	struct child child = {};
	uk_auto_hold struct uk_hold hold = {};
	uk_notes notes = {};
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	wiped_at = (uintptr_t)page;
	ck_assert_int_eq(madvise(page, 4096, MADV_WIPEONFORK), 0);
	ck_ok(uk_note_memory(getpid(), &notes));
	ck_assert_uint_eq(notes.len, 1);
	ck_assert_uint_eq(notes.data[0].numbers[0], wiped_at);
	ck_assert_int_eq(munmap(page, 4096), 0);
	ck_assert(child_start(&child, be_wiped, NULL, -1));
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	ck_ok(uk_note_set_wipe_on_fork(&notes.data[0], uk_hold_find(&hold, child.pid)));
	notes.len = 0;
	ck_ok(uk_note_memory(child.pid, &notes));
	ck_assert_uint_eq(notes.len, 1);
	ck_assert_uint_eq(notes.data[0].numbers[0], wiped_at);
	ck_ok(uk_hold_release(&hold, false));
	child_stop(&child);
	uk_vec_deinit(&notes);
}
END_TEST

/* Of timer 0, in ns. */
static int64_t left_inside(struct uk_hold *hold, pid_t pid)
{
	struct uk_loan loan = {};
	struct itimerspec spec;
	int64_t got;
	struct uk_held *thread = uk_hold_find(hold, pid);
	ck_ok(uk_loan_take(thread, NULL, 64, &loan));
	struct uk_call call = { SYS_timer_gettime, { 0, loan.at } };
	ck_ok(uk_inject_call(thread, &call, &got));
	ck_ok(uk_loan_read(pid, loan.at, &spec, sizeof(spec)));
	ck_ok(uk_loan_return(&loan));
	ck_assert_int_eq(got, 0);
	return spec.it_value.tv_sec * NS + spec.it_value.tv_nsec;
}

/* One that is over fires at once, but not beside a signal that waits already. */
START_TEST(ticks_that_were_missed_are_one)
{
	struct child child = {};
	uk_auto_hold struct uk_hold hold = {};
	ck_assert(child_start(&child, be_plain, NULL, -1));
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	const struct uk_note note = {
		.pid = child.pid,
		.numbers = { 0, CLOCK_MONOTONIC, false,
			     (uint64_t)(now(CLOCK_MONOTONIC) - 50ll * NS), 100ll * NS,
			     (uint64_t)SIGRTMIN },
	};
	struct uk_held *thread = uk_hold_find(&hold, child.pid);
	ck_ok(uk_note_set_timer(&note, thread));
	ck_assert_int_gt(left_inside(&hold, child.pid), 90ll * NS);
	/* Now it waits. */
	ck_ok(uk_note_set_timer(&note, thread));
	int64_t left = left_inside(&hold, child.pid);
	ck_assert(left > 40ll * NS && left <= 50ll * NS);
	ck_ok(uk_hold_release(&hold, false));
	child_stop(&child);
}
END_TEST

START_TEST(who_is_not_held_is_told)
{
	const struct uk_note note = { .pid = 2, .numbers = { 0 } };
	ck_fails(uk_note_set_no_huge(&note, NULL), UK_ERR_SYSTEM, "is not held");
	ck_fails(uk_note_set_timer(&note, NULL), UK_ERR_SYSTEM, "is not held");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("note");
	TCase *tests = tcase_create("note");
	tcase_add_test(tests, lines_are_read_and_written);
	tcase_add_test(tests, no_other_line_is_read);
	tcase_add_test(tests, bytes_have_an_end);
	tcase_add_test(tests, a_time_of_day_stays);
	tcase_add_test(tests, a_moment_and_a_duration_stay);
	tcase_add_test(tests, what_expired_unread_is_counted_and_runs_on);
	tcase_add_test(tests, ticks_of_after_the_dump_are_still_to_come);
	tcase_add_test(tests, ticks_of_the_restore_are_counted);
	tcase_add_test(tests, what_does_not_run_is_left);
	tcase_add_test(tests, options_are_set_again);
	tcase_add_loop_test(tests, sockets_for_foreign_addresses_are_so_again, 0, 4);
	tcase_add_test(tests, connections_have_options_that_can_be_set);
	tcase_add_test(tests, groups_are_joined_again);
	tcase_add_test(tests, a_usual_socket_has_no_options);
	tcase_add_test(tests, attributes_of_a_thread_are_set_again);
	tcase_add_test(tests, the_filter_of_core_dumps_is_set_again);
	tcase_add_test(tests, a_held_process_gets_what_was_noted);
	tcase_add_test(tests, who_listens_is_told_again);
	tcase_add_test(tests, mappings_are_found_by_their_flags);
	tcase_add_test(tests, a_mapping_is_wiped_again);
	tcase_add_test(tests, ticks_that_were_missed_are_one);
	tcase_add_test(tests, who_is_not_held_is_told);
	suite_add_tcase(suite, tests);
	return tap_run(suite);
}
