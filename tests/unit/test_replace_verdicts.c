// SPDX-License-Identifier: GPL-2.0-or-later
/* Verdicts about real children that hold real things. */
/* rooms: replace seat base */
#include "replace_sample.h"

#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>

#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <pty.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

static void hold_nothing(void)
{
}

static void hold_plain_things(void)
{
	int ends[2], epoll = epoll_create1(0), event = eventfd(3, 0);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	child_needs(!pipe(ends) && write(ends[1], "x", 1) == 1);
	child_needs(epoll >= 0 && event >= 0 && signalfd(-1, &set, 0) >= 0);
	child_needs(memfd_create("memory", 0) >= 0 && timerfd_create(CLOCK_MONOTONIC, 0) >= 0);
	child_needs(!epoll_ctl(epoll, EPOLL_CTL_ADD, event,
			       &(struct epoll_event){ .events = EPOLLIN }));
	child_needs(inotify_init() >= 0 && open("/dev/null", O_RDWR) >= 0);
	child_needs(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	child_needs(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
	child_needs(socket(AF_INET, SOCK_STREAM, 0) >= 0);
}

static void set_timerfd(int clock, int flags, time_t seconds, long interval_ns)
{
	struct itimerspec timer = { .it_value = { .tv_sec = seconds, .tv_nsec = 1000 },
				    .it_interval = { .tv_nsec = interval_ns } };
	int fd = timerfd_create(clock, 0);
	child_needs(fd >= 0 && !timerfd_settime(fd, flags, &timer, NULL));
}

static void hold_once(void)
{
	set_timerfd(CLOCK_MONOTONIC, 0, 1000, 0);
}

static void hold_expired_once(void)
{
	set_timerfd(CLOCK_MONOTONIC, 0, 0, 0);
	usleep(2000);
}

static void hold_absolute(void)
{
	set_timerfd(CLOCK_REALTIME, TFD_TIMER_ABSTIME, time(NULL) + 1000, 0);
}

static void hold_interval(void)
{
	set_timerfd(CLOCK_MONOTONIC, 0, 1000, 5000000);
}

static void hold_expired(void)
{
	set_timerfd(CLOCK_MONOTONIC, 0, 0, 5000000);
	usleep(20000);
}

static void hold_boot_clock(void)
{
	set_timerfd(CLOCK_BOOTTIME, 0, 1000, 0);
}

static void hold_alarm_clock(void)
{
	child_wants(timerfd_create(CLOCK_BOOTTIME_ALARM, 0) >= 0);
}

static void hold_packet_pipe(void)
{
	int ends[2];
	child_needs(!pipe2(ends, O_DIRECT));
}

static void hold_edges(void)
{
	int epoll = epoll_create1(0), event = eventfd(1, 0);
	child_needs(!epoll_ctl(epoll, EPOLL_CTL_ADD, event,
			       &(struct epoll_event){ .events = EPOLLIN | EPOLLET }));
}

/* Kernels before 6.5 do not tell. */
static void hold_semaphore(void)
{
	char text[512] = "";
	child_needs(eventfd(5, EFD_SEMAPHORE) == 0);
	int info = open("/proc/self/fdinfo/0", O_RDONLY);
	child_needs(read(info, text, sizeof(text) - 1) > 0 && !close(info));
	child_wants(strstr(text, "eventfd-semaphore:"));
}

static void *wait_bound(void *ready)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	child_needs(!sched_setaffinity(0, sizeof(set), &set) && write(*(int *)ready, "x", 1) == 1);
	for (;;)
		pause();
}

static void hold_bound_thread(void)
{
	int ends[2];
	char byte;
	pthread_t thread;
	child_wants(sysconf(_SC_NPROCESSORS_ONLN) > 1 && !pipe(ends));
	child_needs(!pthread_create(&thread, NULL, wait_bound, &ends[1]));
	child_needs(read(ends[0], &byte, 1) == 1);
}

static void hold_no_new_privs(void)
{
	child_needs(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static void hold_ambient(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	child_needs(!syscall(SYS_capget, &header, data));
	data[0].inheritable |= 1u << CAP_CHOWN;
	child_wants(!syscall(SYS_capset, &header, data));
	child_wants(!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
}

static void hold_bound(void)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	child_wants(sysconf(_SC_NPROCESSORS_ONLN) > 1);
	child_needs(!sched_setaffinity(0, sizeof(set), &set));
}

static void hold_personality(void)
{
	child_needs(personality(ADDR_NO_RANDOMIZE) >= 0);
}

static void hold_slack(void)
{
	child_needs(!prctl(PR_SET_TIMERSLACK, 123456, 0, 0, 0));
}

static void hold_policy(void)
{
	struct sched_param param = {};
	child_needs(!sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &param));
}

static void hold_user_namespace(void)
{
	child_wants(!unshare(CLONE_NEWUSER));
}

static void write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	child_needs(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* Nobody is renumbered in it, and no capability is left. */
static void hold_plain_users(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {};
	child_wants(!unshare(CLONE_NEWUSER));
	write_map("/proc/self/uid_map", "0 0 1\n");
	write_map("/proc/self/setgroups", "deny");
	write_map("/proc/self/gid_map", "0 0 1\n");
	child_needs(!syscall(SYS_capset, &head, none));
}

static void hold_host_name(void)
{
	child_wants(!unshare(CLONE_NEWUTS));
}

static void hold_no_huge_pages(void)
{
	child_wants(!prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
}

static void hold_watch(void)
{
	child_needs(inotify_add_watch(inotify_init(), "/", IN_CREATE) >= 0);
}

static void hold_ring(void)
{
	struct io_uring_params params = {};
	child_wants(syscall(SYS_io_uring_setup, 4, &params) >= 0);
}

static void hold_pidfd(void)
{
	child_wants(syscall(SYS_pidfd_open, getpid(), 0) >= 0);
}

static void hold_counter(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(attr),
					.config = PERF_COUNT_SW_CPU_CLOCK };
	child_wants(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) >= 0);
}

static void hold_bpf(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};
	child_wants(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) >= 0);
}

static void hold_userfault(void)
{
	child_wants(syscall(SYS_userfaultfd, O_NONBLOCK) >= 0);
}

static void hold_device(void)
{
	child_wants(open("/dev/fuse", O_RDWR) >= 0 || open("/dev/loop-control", O_RDWR) >= 0);
}

static void hold_tun(void)
{
	child_wants(open("/dev/net/tun", O_RDWR) >= 0);
}

static void hold_block(void)
{
	child_wants(open("/dev/loop0", O_RDONLY) >= 0 || open("/dev/vda", O_RDONLY) >= 0);
}

static void hold_terminal(void)
{
	child_wants(open("/dev/ttyS0", O_RDWR | O_NOCTTY | O_NONBLOCK) >= 0);
}

static void hold_pty(void)
{
	int ends[2];
	child_wants(!openpty(&ends[0], &ends[1], NULL, NULL, NULL));
}

static void hold_dev_tty(void)
{
	int ends[2];
	child_wants(!openpty(&ends[0], &ends[1], NULL, NULL, NULL));
	child_wants(!ioctl(ends[1], TIOCSCTTY, 0) && open("/dev/tty", O_RDWR) >= 0);
}

static int make_file(const char *folder)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/upkeep-test-XXXXXX", folder);
	int fd = mkstemp(path);
	child_needs(fd >= 0 && !unlink(path));
	return fd;
}

static void hold_unlinked(void)
{
	child_needs(write(make_file("/tmp"), "gone", 4) == 4);
}

static void hold_big_unlinked(void)
{
	child_wants(!ftruncate(make_file("/tmp"), 3ll << 30));
}

static void hold_in_memory(void)
{
	int fd = open("/dev/shm/upkeep-test-file", O_RDWR | O_CREAT, 0600);
	child_wants(fd >= 0);
}

static void hold_lock(void)
{
	child_needs(!flock(make_file("/tmp"), LOCK_EX));
}

static void hold_mapped_unlinked(void)
{
	int fd = make_file("/tmp");
	child_needs(!ftruncate(fd, 4096));
	child_needs(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	close(fd);
}

static void reserve(size_t size)
{
	child_wants(mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			 0) != MAP_FAILED);
}

static void hold_vast(void)
{
	reserve((1ull << 40) - (1 << 20));
}

/* Of as much the page map fits into every machine that runs these tests. */
static void hold_large(void)
{
	reserve(UK_VAST);
}

static void hold_sysv(void)
{
	int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	child_wants(id >= 0 && shmat(id, NULL, 0) != (void *)-1);
	shmctl(id, IPC_RMID, NULL);
}

static void hold_own_sysv(void)
{
	child_wants(!unshare(CLONE_NEWIPC));
	hold_sysv();
}

static void hold_queue(void)
{
	static const char name[] = "/upkeep-test";
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
	child_wants(queue >= 0 && !mq_unlink(name));
}

static void use_sysv_queue(int flags)
{
	struct {
		long type;
		char text[4];
	} message = { 1, "one" };
	int id = msgget(0x75706b31, 0600 | flags);
	child_wants(id >= 0 && !msgsnd(id, &message, 4, 0));
}

static void hold_sysv_queue(void)
{
	use_sysv_queue(IPC_CREAT);
}

static void hold_timer(int clock)
{
	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	child_needs(!timer_create(clock, &event, &timer));
}

static void hold_real_timer(void)
{
	hold_timer(CLOCK_REALTIME);
}

static void hold_steady_timer(void)
{
	hold_timer(CLOCK_MONOTONIC);
}

static void hold_mounts(void)
{
	child_wants(!unshare(CLONE_NEWNS));
}

/* A folder of a file system that only this namespace has, and not as a whole. */
static void hold_part_of_memory(void)
{
	child_wants(!unshare(CLONE_NEWNS));
	child_needs(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	child_needs(!mount("tmpfs", "/mnt", "tmpfs", 0, NULL) && !mkdir("/mnt/part", 0700));
	child_needs(!mount("/mnt/part", "/srv", NULL, MS_BIND, NULL) && !umount("/mnt"));
}

static void hold_undo_inside(void)
{
	struct sembuf give = { 0, 1, SEM_UNDO };
	child_wants(!unshare(CLONE_NEWIPC));
	int id = semget(IPC_PRIVATE, 1, 0600);
	child_needs(id >= 0 && !semop(id, &give, 1));
}

/* As in a container: its /proc knows nobody but those inside. */
static void hold_inner_proc(void)
{
	int status;
	child_wants(!unshare(CLONE_NEWNS | CLONE_NEWPID));
	child_needs(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	pid_t pid = fork();
	if (!pid)
		_exit(mount("proc", "/proc", "proc", 0, NULL) ? 1 : 0);
	child_needs(waitpid(pid, &status, 0) == pid && !status);
}

static void hold_unlinked_outside(void)
{
	char path[] = "/var/tmp/upkeep-outside-XXXXXX";
	child_needs(mkstemp(path) >= 0 && !unlink(path));
	child_wants(!unshare(CLONE_NEWNS));
}

static void hold_network(void)
{
	child_wants(!unshare(CLONE_NEWNET));
}

static void hold_inner_process(void)
{
	child_wants(!unshare(CLONE_NEWPID));
	int ends[2];
	char byte;
	child_needs(!pipe(ends));
	pid_t pid = fork();
	child_needs(pid >= 0);
	if (!pid) {
		child_needs(!prctl(PR_SET_PDEATHSIG, SIGKILL) && write(ends[1], "x", 1) == 1);
		close(ends[0]);
		close(ends[1]);
		for (;;)
			pause();
	}
	/* Who is not waited for may outlive this one: the signal comes from a parent's death alone.
	 */
	child_needs(read(ends[0], &byte, 1) == 1 && !close(ends[0]) && !close(ends[1]));
}

static void hold_zombie(void)
{
	pid_t pid = fork();
	if (!pid)
		_exit(0);
	siginfo_t info;
	child_needs(!waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
}

static const struct hold_case cases[] = {
	{ "nothing", hold_nothing, "call", UK_FATE_EXACT },
	{ "plain things", hold_plain_things, "descriptor", UK_FATE_EXACT },
	{ "timerfd, once", hold_once, "descriptor", UK_FATE_EXACT },
	{ "timerfd, once, expired", hold_expired_once, "descriptor", UK_FATE_EXACT },
	{ "timerfd, absolute", hold_absolute, "timerfd-absolute", UK_FATE_REPAIRED },
	{ "timerfd, repeating", hold_interval, "descriptor", UK_FATE_EXACT },
	{ "timerfd, expired", hold_expired, "timerfd-expired", UK_FATE_REPAIRED },
	{ "timerfd, clock", hold_boot_clock, "descriptor", UK_FATE_EXACT },
	{ "timerfd, alarm", hold_alarm_clock, "timerfd-alarm", UK_FATE_IMPOSSIBLE },
	{ "packet pipe", hold_packet_pipe, "packet-pipe", UK_FATE_IMPOSSIBLE },
	{ "epoll, edges", hold_edges, "epoll-edge", UK_FATE_CHANGED },
	{ "eventfd, semaphore", hold_semaphore, "eventfd-semaphore", UK_FATE_CHANGED },
	{ "bound thread", hold_bound_thread, "processors", UK_FATE_REPAIRED },
	{ "no new privileges", hold_no_new_privs, "no-new-privs", UK_FATE_REPAIRED },
	{ "ambient capabilities", hold_ambient, "ambient-capabilities", UK_FATE_REPAIRED },
	{ "bound", hold_bound, "affinity", UK_FATE_REPAIRED },
	{ "personality", hold_personality, "personality", UK_FATE_REPAIRED },
	{ "timer slack", hold_slack, "timer-slack", UK_FATE_REPAIRED },
	{ "reset on fork", hold_policy, "policy", UK_FATE_IMPOSSIBLE },
	{ "user namespace", hold_user_namespace, "user-namespace", UK_FATE_IMPOSSIBLE },
	{ "plain user namespace", hold_plain_users, "user-namespace-left", UK_FATE_CHANGED },
	{ "no huge pages", hold_no_huge_pages, "no-huge-pages", UK_FATE_REPAIRED },
	{ "inotify", hold_watch, "watches", UK_FATE_CHANGED },
	{ "io_uring", hold_ring, "io-uring", UK_FATE_IMPOSSIBLE },
	{ "pidfd", hold_pidfd, "pidfd", UK_FATE_IMPOSSIBLE },
	{ "perf", hold_counter, "perf", UK_FATE_IMPOSSIBLE },
	{ "bpf", hold_bpf, "bpf", UK_FATE_IMPOSSIBLE },
	{ "userfaultfd", hold_userfault, "userfaultfd", UK_FATE_IMPOSSIBLE },
	{ "device", hold_device, "device", UK_FATE_IMPOSSIBLE },
	{ "tun", hold_tun, "tun", UK_FATE_IMPOSSIBLE },
	{ "block device", hold_block, "block-device", UK_FATE_IMPOSSIBLE },
	{ "serial line", hold_terminal, "terminal", UK_FATE_IMPOSSIBLE },
	{ "pty", hold_pty, "descriptor", UK_FATE_EXACT },
	{ "/dev/tty", hold_dev_tty, "dev-tty", UK_FATE_IMPOSSIBLE },
	{ "unlinked file", hold_unlinked, "descriptor", UK_FATE_EXACT },
	{ "big unlinked file", hold_big_unlinked, "big-unlinked-file", UK_FATE_IMPOSSIBLE },
	{ "file in memory", hold_in_memory, "file-in-memory", UK_FATE_REPAIRED },
	{ "lock", hold_lock, "lock", UK_FATE_EXACT },
	{ "mapped unlinked file", hold_mapped_unlinked, "mapping", UK_FATE_EXACT },
	{ "vast reservation", hold_vast, "vast-mapping", UK_FATE_IMPOSSIBLE },
	{ "large reservation", hold_large, "mapping", UK_FATE_EXACT },
	{ "SysV shared memory", hold_sysv, "sysv-shm-tree", UK_FATE_IMPOSSIBLE },
	{ "SysV shared memory of its own", hold_own_sysv, "mapping", UK_FATE_EXACT },
	{ "POSIX message queue", hold_queue, "message-queue", UK_FATE_IMPOSSIBLE },
	{ "SysV message queue", hold_sysv_queue, "sysv-object", UK_FATE_REPAIRED },
	{ "timer, time of day", hold_real_timer, "posix-timer-real", UK_FATE_REPAIRED },
	{ "timer, steady", hold_steady_timer, "posix-timer-clock", UK_FATE_REPAIRED },
	{ "mount namespace", hold_mounts, "mount-namespace", UK_FATE_REPAIRED },
	{ "SEM_UNDO in a namespace", hold_undo_inside, "sysv-undo", UK_FATE_CHANGED },
	{ "a /proc of its own", hold_inner_proc, "mount-namespace-proc", UK_FATE_IMPOSSIBLE },
	{ "part of a file system", hold_part_of_memory, "mount-namespace-lost",
	  UK_FATE_IMPOSSIBLE },
	{ "unlinked outside", hold_unlinked_outside, "unlinked-outside", UK_FATE_IMPOSSIBLE },
	{ "name of the host", hold_host_name, "host-name", UK_FATE_EXACT },
	{ "network namespace", hold_network, "network-namespace", UK_FATE_CHANGED },
	{ "part in a PID namespace", hold_inner_process, "pid-namespace-part", UK_FATE_IMPOSSIBLE },
	{ "zombie", hold_zombie, "call", UK_FATE_EXACT },
};

START_TEST(what_a_child_holds_is_judged)
{
	judge_case(&cases[_i]);
	unlink("/dev/shm/upkeep-test-file");
	msgctl(msgget(0x75706b31, 0), IPC_RMID, NULL);
}
END_TEST

static char memory[] = "/tmp/upkeep-memory-XXXXXX";

static void hold_in_other_memory(void)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/file", memory);
	child_needs(open(path, O_RDWR | O_CREAT, 0600) >= 0);
}

START_TEST(a_file_in_memory_of_nobody_is_lost)
{
	struct child child = {};
	ck_assert_ptr_nonnull(mkdtemp(memory));
	ck_assert_int_eq(mount("tmpfs", memory, "tmpfs", 0, NULL), 0);
	ck_assert(child_start(&child, hold_in_other_memory, NULL, -1));
	judge_child(&child, "file-in-other-memory", UK_FATE_IMPOSSIBLE);
	child_stop(&child);
	ck_assert(!umount(memory) && !rmdir(memory));
}
END_TEST

START_TEST(findings_can_be_accepted)
{
	struct child child = {};
	ck_assert(child_start(&child, hold_alarm_clock, NULL, -1));
	uk_auto_preflight struct uk_preflight preflight = {};
	sample_preflight(&child.pid, 1, &preflight);
	const struct uk_service *service = &preflight.keep.services.data[0];
	const struct uk_preflight_finding *finding = sample_find(&preflight, "timerfd-alarm");
	size_t vast = SAMPLE_IS_VAST ? uk_preflight_accept(&preflight, "vast-mapping") : 0;
	char id[64];
	snprintf(id, sizeof(id), "timerfd-alarm:pid %d:%d:fd0", child.pid, child.pid);
	ck_assert_str_eq(finding->id, id);
	ck_assert_int_eq(uk_preflight_worst(&preflight, service), UK_FATE_IMPOSSIBLE);
	ck_fails(uk_preflight_verdict(&preflight), UK_ERR_REFUSED, "1 of 1 services would be lost");
	ck_assert_uint_eq(uk_preflight_accept(&preflight, "no-such-rule"), 0);
	ck_assert_uint_eq(uk_preflight_accept(&preflight, id), 1);
	ck_assert_int_lt(uk_preflight_worst(&preflight, service), UK_FATE_IMPOSSIBLE);
	ck_assert_uint_eq(uk_preflight_count(&preflight, service, UK_FATE_IMPOSSIBLE), 1 + vast);
	child_stop(&child);
}
END_TEST

static const struct uk_rule *eventfd_rule(bool told, bool semaphore)
{
	const struct uk_fd fd = {
		.kind = UK_FD_EVENTFD,
		.semaphore_told = told,
		.semaphore = semaphore,
	};
	const struct uk_rule_subject subject = { .fd = &fd };
	for (size_t i = 0; uk_rules_at(i); i++)
		if (!strncmp(uk_rules_at(i)->name, "eventfd-", 8) &&
		    uk_rules_at(i)->holds(&subject))
			return uk_rules_at(i);
	return NULL;
}

/* What the kernel does not tell is not taken for harmless. */
START_TEST(an_eventfd_may_be_a_semaphore)
{
	ck_assert_ptr_null(eventfd_rule(true, false));
	ck_assert_str_eq(eventfd_rule(true, true)->name, "eventfd-semaphore");
	ck_assert_ptr_nonnull(eventfd_rule(false, false));
	ck_assert_str_eq(eventfd_rule(false, false)->name, "eventfd-untold");
	ck_assert_int_eq(eventfd_rule(false, false)->verdict, UK_FATE_CHANGED);
}
END_TEST

/* Every rule says what it rests on, and has a text where it is not all well. */
START_TEST(the_table_is_whole)
{
	for (size_t i = 0; uk_rules_at(i); i++) {
		const struct uk_rule *rule = uk_rules_at(i);
		ck_assert_msg(rule->source && *rule->source, "%s: no source", rule->name);
		ck_assert_msg(rule->verdict == UK_FATE_EXACT || rule->what || rule->tell,
			      "%s: no text", rule->name);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(rule->name, uk_rules_at(j)->name);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_verdicts");
	TCase *tcase = tcase_create("verdicts");
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, what_a_child_holds_is_judged, 0, UK_ARRAY_SIZE(cases));
	tcase_add_test(tcase, a_file_in_memory_of_nobody_is_lost);
	tcase_add_test(tcase, findings_can_be_accepted);
	tcase_add_test(tcase, an_eventfd_may_be_a_semaphore);
	tcase_add_test(tcase, the_table_is_whole);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
