// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes asleep in a system call, by its number, so that the C library changes nothing about it.
 * Without a wake hook the call ends by its own time.
 */
#include "zoo.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <math.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2], fd = -1;
static double began;
static volatile uint32_t *word;

/* --- what all have in common -------------------------------------------------------------------
 */

/* What the call gave, and that it did not before .go; no other wake-up is wanted. */
static void woke(long wanted, long found)
{
	const int error = errno;

	if (found < 0 && wanted != found)
		zoo_fail("the call failed: %s", strerror(error));
	zoo_want(zoo.page->woken, "the call returned %ld before anybody woke it", found);
	zoo_same("returned", wanted, found);
}

/* A call that ends by its own time. */
static void start_clock(void)
{
	began = zoo_now(CLOCK_MONOTONIC);
}

static void timed_out(long wanted, int wanted_errno, long found)
{
	const int error = errno;
	const double took = zoo_now(CLOCK_MONOTONIC) - began;

	if (found < 0 && error != wanted_errno)
		zoo_fail("the call failed after %.2f s of %.2f: %s", took, zoo_lasts(),
			 strerror(error));
	zoo_same("returned", wanted, found);
	zoo_near("seconds asleep", zoo_lasts(), took, ZOO_EARLY_BY, ZOO_LATE_BY);
	zoo_pause(100); /* the waker looks at the clocks meanwhile */
	zoo_over_at(began + took);
}

/* The step may come much later than the deadline of other steps. */
static void await_wake(void)
{
	while (zoo.page->steps[0] < 2)
		zoo_pause(20);
}

static struct timespec spec(double seconds)
{
	return (struct timespec){ (time_t)seconds, (long)((seconds - floor(seconds)) * 1e9) };
}

static void shared_word(void)
{
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	zoo_want(word != MAP_FAILED, "mmap: %s", strerror(errno));
}

/* --- nanosleep and its kin ----------------------------------------------------------------------
 */

static void nanosleep_sleep(void)
{
	const struct timespec time = spec(zoo_lasts());

	start_clock();
	timed_out(0, 0, syscall(SYS_nanosleep, &time, NULL));
}

static void relative_sleep(void)
{
	const struct timespec time = spec(zoo_lasts());

	start_clock();
	timed_out(0, 0, syscall(SYS_clock_nanosleep, (clockid_t)zoo.arg, 0, &time, NULL));
}

static void absolute_sleep(void)
{
	struct timespec time;

	start_clock();
	time = spec(zoo_now((clockid_t)zoo.arg) + zoo_lasts());
	timed_out(0, 0,
		  syscall(SYS_clock_nanosleep, (clockid_t)zoo.arg, TIMER_ABSTIME, &time, NULL));
}

static void real_sleep(void)
{
	const double moment = zoo_now(CLOCK_REALTIME) + zoo_lasts();
	const struct timespec time = spec(moment);
	const long returned =
		syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &time, NULL);

	zoo_want(returned == 0, "the call failed %.2f s before its time: %s",
		 moment - zoo_now(CLOCK_REALTIME), strerror(errno));
	zoo_near("seconds late", 0, zoo_now(CLOCK_REALTIME) - moment, ZOO_EARLY_BY, ZOO_LATE_BY);
	zoo_pause(100);
	zoo_over_at(zoo_now(CLOCK_MONOTONIC) - 0.1);
}

/* --- poll, select, epoll
 * -------------------------------------------------------------------------- */

static void pipe_setup(void)
{
	zoo_sys(pipe(ends));
}

static void pipe_wake(void)
{
	zoo_write(ends[1], "w");
}

/* Exactly what the waker wrote is there. */
static void pipe_done(void)
{
	zoo_read(ends[0], "w");
	zoo_empty(ends[0]);
}

static void poll_sleep(void)
{
	struct pollfd about = { .fd = ends[0], .events = POLLIN };

	woke(1, syscall(SYS_poll, &about, 1, (int)zoo.arg));
	zoo_same("revents", POLLIN, about.revents);
	pipe_done();
}

static void poll_time_sleep(void)
{
	struct pollfd about = { .fd = ends[0], .events = POLLIN };

	start_clock();
	timed_out(0, 0, syscall(SYS_poll, &about, 1, (int)(zoo_lasts() * 1000)));
}

static void ppoll_call(struct timespec *time, bool timed)
{
	struct pollfd about = { .fd = ends[0], .events = POLLIN };
	uint64_t mask = 1ULL << (SIGUSR2 - 1), now = 0;
	long returned;

	start_clock();
	returned = syscall(SYS_ppoll, &about, 1, time, &mask, sizeof(mask));
	if (timed)
		timed_out(0, 0, returned);
	else
		woke(1, returned);
	zoo_sys(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &now, sizeof(now)));
	zoo_same("mask after the call", 0, now);
}

static void ppoll_sleep(void)
{
	ppoll_call(NULL, false);
	pipe_done();
}

static void ppoll_time_sleep(void)
{
	struct timespec time = spec(zoo_lasts());

	ppoll_call(&time, true);
}

static void select_call(struct timeval *time, bool timed)
{
	fd_set set;
	long returned;

	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	start_clock();
	returned = syscall(SYS_select, ends[0] + 1, &set, NULL, NULL, time);
	if (timed)
		timed_out(0, 0, returned);
	else
		woke(1, returned);
	zoo_same("bit of the descriptor", !timed, FD_ISSET(ends[0], &set) != 0);
}

static void select_sleep(void)
{
	select_call(NULL, false);
	pipe_done();
}

static void select_time_sleep(void)
{
	struct timeval time = { (time_t)zoo_lasts(), 0 };

	select_call(&time, true);
}

static void pselect_time_sleep(void)
{
	struct timespec time = spec(zoo_lasts());
	fd_set set;

	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	start_clock();
	timed_out(0, 0, syscall(SYS_pselect6, ends[0] + 1, &set, NULL, NULL, &time, NULL));
}

static void epoll_setup(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 4711 };

	zoo_sys(pipe(ends));
	fd = (int)zoo_sys(epoll_create1(0));
	zoo_sys(epoll_ctl(fd, EPOLL_CTL_ADD, ends[0], &event));
}

static void epoll_sleep(void)
{
	struct epoll_event event;

	woke(1, syscall(SYS_epoll_wait, fd, &event, 1, -1));
	zoo_same("data", 4711, event.data.u64);
	pipe_done();
}

static void epoll_time_sleep(void)
{
	struct epoll_event event;

	start_clock();
	timed_out(0, 0, syscall(SYS_epoll_wait, fd, &event, 1, (int)(zoo_lasts() * 1000)));
}

static void epoll_pwait_sleep(void)
{
	struct epoll_event event;
	uint64_t mask = 1ULL << (SIGUSR2 - 1);

	woke(1, syscall(SYS_epoll_pwait, fd, &event, 1, -1, &mask, sizeof(mask)));
	pipe_done();
}

/* --- futex
 * --------------------------------------------------------------------------------------------- */

static void futex_sleep(void)
{
	woke(0, syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL));
	zoo_same("woken sleepers", 1, word[1]);
}

static void futex_wake(void)
{
	const double end = zoo_now(CLOCK_MONOTONIC) + 5;

	/* Without a change of the word, only a real wake-up ends the call. */
	while (!word[1] && zoo_now(CLOCK_MONOTONIC) < end) {
		word[1] = (uint32_t)syscall(SYS_futex, word, FUTEX_WAKE, 10);
		zoo_pause(20);
	}
}

static void futex_time_sleep(void)
{
	struct timespec time = spec(zoo_lasts());

	start_clock();
	timed_out(-1, ETIMEDOUT, syscall(SYS_futex, word, FUTEX_WAIT, 0, &time));
}

static void futex_until_sleep(void)
{
	struct timespec time;

	start_clock();
	time = spec(zoo_now(CLOCK_MONOTONIC) + zoo_lasts());
	timed_out(-1, ETIMEDOUT,
		  syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, &time, NULL,
			  FUTEX_BITSET_MATCH_ANY));
}

/* A lock with priority inheritance, held by the waker. */
static pthread_mutex_t *lock;

static void pi_body(void)
{
	pthread_mutex_lock(lock);
	zoo_step(0, 1);
	await_wake();
	pthread_mutex_unlock(lock);
}

static void pi_setup(void)
{
	pthread_mutexattr_t attr;

	shared_word();
	lock = (pthread_mutex_t *)(void *)(uintptr_t)(word + 16);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(lock, &attr);
	zoo_fork(pi_body);
	zoo_await_step(0, 1);
}

static void pi_sleep(void)
{
	woke(0, pthread_mutex_lock(lock));
	zoo_same("unlock", 0, pthread_mutex_unlock(lock));
}

static void step_wake(void)
{
	zoo_step(0, 2);
}

/* --- read, write
 * ---------------------------------------------------------------------------------------- */

static void read_sleep(void)
{
	char byte = 0;

	woke(1, syscall(SYS_read, ends[0], &byte, 1));
	zoo_same("byte", 'w', byte);
	zoo_empty(ends[0]);
}

/* A full pipe; the waker takes a page of it. */
static void write_setup(void)
{
	static char page[4096];

	zoo_sys(pipe(ends));
	zoo_sys(fcntl(ends[1], F_SETFL, O_NONBLOCK));
	while (write(ends[1], page, sizeof(page)) > 0)
		zoo.page->numbers[0] += (int)sizeof(page);
	zoo_sys(fcntl(ends[1], F_SETFL, 0));
}

static void write_sleep(void)
{
	static char page[4096];

	woke(sizeof(page), syscall(SYS_write, ends[1], page, sizeof(page)));
}

static void write_wake(void)
{
	static char page[4096];

	zoo_same("read", sizeof(page), read(ends[0], page, sizeof(page)));
}

static void eventfd_setup(void)
{
	fd = (int)zoo_sys(eventfd(0, 0));
}

static void eventfd_sleep(void)
{
	uint64_t count = 0;

	woke(8, syscall(SYS_read, fd, &count, 8));
	zoo_same("count", 3, count);
	zoo_empty(fd);
}

static void eventfd_wake(void)
{
	zoo_sys(eventfd_write(fd, 3));
}

static void timerfd_setup(void)
{
	const struct itimerspec when = { .it_value = spec(zoo_lasts()) };

	fd = (int)zoo_sys(timerfd_create(CLOCK_MONOTONIC, 0));
	start_clock();
	zoo_sys(timerfd_settime(fd, 0, &when, NULL));
}

static void timerfd_sleep(void)
{
	uint64_t count = 0;

	timed_out(8, 0, syscall(SYS_read, fd, &count, 8));
	zoo_same("ticks", 1, count);
}

static void inotify_setup(void)
{
	fd = (int)zoo_sys(inotify_init1(0));
	zoo_put(zoo_path("watched"), "x");
	zoo_sys(inotify_add_watch(fd, zoo_path("watched"), IN_ATTRIB));
}

static void inotify_sleep(void)
{
	struct inotify_event event;

	woke(sizeof(event), syscall(SYS_read, fd, &event, sizeof(event)));
	zoo_same("event", IN_ATTRIB, event.mask);
	zoo_empty(fd);
}

static void inotify_wake(void)
{
	zoo_sys(chmod(zoo_path("watched"), 0600));
}

static void signalfd_setup(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	zoo_sys(sigprocmask(SIG_BLOCK, &set, NULL));
	fd = (int)zoo_sys(signalfd(-1, &set, 0));
}

static void signalfd_sleep(void)
{
	struct signalfd_siginfo info = { 0 };

	woke(sizeof(info), syscall(SYS_read, fd, &info, sizeof(info)));
	zoo_same("value", 5, info.ssi_int);
}

static void signal_wake(void)
{
	zoo_sys(sigqueue(zoo.root, SIGUSR2, (union sigval){ .sival_int = 5 }));
}

/* --- sockets
 * -------------------------------------------------------------------------------------------- */

static struct sockaddr_in bound = { .sin_family = AF_INET };

static void accept_setup(void)
{
	socklen_t size = sizeof(bound);

	bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = (int)zoo_sys(socket(AF_INET, SOCK_STREAM, 0));
	zoo_sys(bind(fd, (struct sockaddr *)&bound, sizeof(bound)));
	zoo_sys(getsockname(fd, (struct sockaddr *)&bound, &size));
	zoo_sys(listen(fd, 5));
}

static int dial(void)
{
	const int one = (int)zoo_sys(socket(AF_INET, SOCK_STREAM, 0));

	zoo_sys(connect(one, (struct sockaddr *)&bound, sizeof(bound)));
	return one;
}

static void accept_sleep(void)
{
	const int one = (int)syscall(zoo.now->nr, fd, NULL, NULL, 0);

	woke(one < 0 ? 0 : one, one);
	zoo_read(one, "hello");
	zoo_empty(fd);
}

static void accept_wake(void)
{
	zoo_send(dial(), "hello");
}

static void recv_setup(void)
{
	accept_setup();
	ends[1] = dial();
	ends[0] = (int)zoo_sys(accept(fd, NULL, NULL));
}

static void recv_wake(void)
{
	zoo_send(ends[1], "w");
}

static void recv_sleep(void)
{
	char byte = 0;

	woke(1, syscall(SYS_recvfrom, ends[0], &byte, 1, 0, NULL, NULL));
	zoo_same("byte", 'w', byte);
	zoo_empty(ends[0]);
}

static void recv_time_sleep(void)
{
	const struct timeval time = { (time_t)zoo_lasts(), 0 };
	char byte = 0;

	zoo_sys(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
	start_clock();
	timed_out(-1, EAGAIN, syscall(SYS_recvfrom, ends[0], &byte, 1, 0, NULL, NULL));
}

static void pair_setup(void)
{
	zoo_sys(socketpair(AF_UNIX, (int)zoo.arg, 0, ends));
}

static void recvmsg_sleep(void)
{
	char text[8] = "";
	struct iovec data = { text, sizeof(text) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	woke(1, syscall(SYS_recvmsg, ends[0], &message, 0));
	zoo_text("message", "w", text);
	zoo_empty(ends[0]);
}

/* MSG_WAITALL: half of it has come, the rest comes after the swap. */
static void waitall_setup(void)
{
	recv_setup();
	zoo_send(ends[1], "half ");
}

static void waitall_sleep(void)
{
	char text[16] = "";

	woke(9, syscall(SYS_recvfrom, ends[0], text, 9, MSG_WAITALL, NULL, NULL));
	zoo_text("data", "half rest", text);
}

static void waitall_wake(void)
{
	zoo_send(ends[1], "rest");
}

/* --- wait, signals
 * ------------------------------------------------------------------------------------------ */

static pid_t child;

static void child_body(void)
{
	await_wake();
	_exit(7);
}

static void wait_setup(void)
{
	child = zoo_fork(child_body);
}

static void wait4_sleep(void)
{
	int status = 0;

	woke(child, syscall(SYS_wait4, child, &status, 0, NULL));
	zoo_same("exit status", 7, WEXITSTATUS(status));
}

static void waitid_sleep(void)
{
	siginfo_t info = { 0 };

	woke(0, syscall(SYS_waitid, P_PID, child, &info, WEXITED, NULL));
	zoo_same("pid", child, info.si_pid);
	zoo_same("exit status", 7, info.si_status);
}

static volatile int came;

static void on_signal(int number)
{
	came++;
}

static void catch_setup(void)
{
	const struct sigaction action = { .sa_handler = on_signal };

	zoo_sys(sigaction(SIGUSR2, &action, NULL));
}

static void pause_sleep(void)
{
	const long returned = syscall(SYS_pause);

	zoo_want(zoo.page->woken, "the call returned before anybody woke it");
	zoo_same("returned", -1, returned);
	zoo_same("signals", 1, came);
}

static void sigsuspend_setup(void)
{
	sigset_t set;

	catch_setup();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	zoo_sys(sigprocmask(SIG_BLOCK, &set, NULL));
}

static void sigsuspend_sleep(void)
{
	uint64_t mask = 0, now = 0;
	const long returned = syscall(SYS_rt_sigsuspend, &mask, sizeof(mask));

	zoo_want(zoo.page->woken, "the call returned before anybody woke it");
	zoo_same("returned", -1, returned);
	zoo_same("signals", 1, came);
	zoo_sys(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &now, sizeof(now)));
	zoo_same("mask after the call", 1LL << (SIGUSR2 - 1), now);
}

static void sigwait_sleep(void)
{
	uint64_t mask = 1ULL << (SIGUSR2 - 1);
	siginfo_t info = { 0 };

	woke(SIGUSR2, syscall(SYS_rt_sigtimedwait, &mask, &info, NULL, sizeof(mask)));
	zoo_same("value", 5, info.si_value.sival_int);
}

static void sigwait_time_sleep(void)
{
	uint64_t mask = 1ULL << (SIGUSR2 - 1);
	struct timespec time = spec(zoo_lasts());

	start_clock();
	timed_out(-1, EAGAIN, syscall(SYS_rt_sigtimedwait, &mask, NULL, &time, sizeof(mask)));
}

/* --- locks
 * --------------------------------------------------------------------------------------------------
 */

static void holder_body(void)
{
	const int mine = (int)zoo_sys(open(zoo_path("lock"), O_RDWR | O_CREAT, 0600));
	struct flock whole = { .l_type = F_WRLCK };

	if (zoo.arg)
		zoo_sys(fcntl(mine, F_SETLK, &whole));
	else
		zoo_sys(flock(mine, LOCK_EX));
	zoo_step(0, 1);
	await_wake();
}

static void holder_setup(void)
{
	zoo_fork(holder_body);
	zoo_await_step(0, 1);
	fd = (int)zoo_sys(open(zoo_path("lock"), O_RDWR));
}

static void flock_sleep(void)
{
	woke(0, syscall(SYS_flock, fd, LOCK_EX));
}

static void setlkw_sleep(void)
{
	struct flock whole = { .l_type = F_WRLCK };

	woke(0, syscall(SYS_fcntl, fd, F_SETLKW, &whole));
}

/* --- IPC
 * ------------------------------------------------------------------------------------------------------
 */

/* In an IPC namespace of its own: the only way in which CRIU takes System V IPC at all. */
static void own_ipc(void)
{
	zoo_sys(unshare(CLONE_NEWIPC));
}

static int id;

static void sem_setup(void)
{
	own_ipc();
	id = (int)zoo_sys(semget(IPC_PRIVATE, 2, 0600));
}

static void sem_sleep(void)
{
	struct sembuf operation = { .sem_num = 1, .sem_op = -1 };

	woke(0, syscall(SYS_semop, id, &operation, 1));
	zoo_same("value", 0, semctl(id, 1, GETVAL));
}

static void sem_wake(void)
{
	struct sembuf operation = { .sem_num = 1, .sem_op = 1 };

	zoo_sys(semop(id, &operation, 1));
}

static void sem_time_sleep(void)
{
	struct sembuf operation = { .sem_num = 1, .sem_op = -1 };
	struct timespec time = spec(zoo_lasts());

	start_clock();
	timed_out(-1, EAGAIN, syscall(SYS_semtimedop, id, &operation, 1, &time));
}

struct message {
	long type;
	char text[8];
};

static void msg_setup(void)
{
	own_ipc();
	id = (int)zoo_sys(msgget(IPC_PRIVATE, 0600));
}

static void msgrcv_sleep(void)
{
	struct message message = { 0 };

	woke(8, syscall(SYS_msgrcv, id, &message, sizeof(message.text), 5, 0));
	zoo_text("message", "for you", message.text);
	zoo_errno(ENOMSG, msgrcv(id, &message, sizeof(message.text), 5, IPC_NOWAIT));
}

static void msgrcv_wake(void)
{
	struct message message = { 5, "for you" };

	zoo_sys(msgsnd(id, &message, sizeof(message.text), 0));
}

/* A full queue. */
static void msgsnd_setup(void)
{
	struct message message = { 4, "full" };

	msg_setup();
	while (!msgsnd(id, &message, sizeof(message.text), IPC_NOWAIT))
		;
}

static void msgsnd_sleep(void)
{
	struct message message = { 5, "waits" };

	woke(0, syscall(SYS_msgsnd, id, &message, sizeof(message.text), 0));
}

static void msgsnd_wake(void)
{
	struct message message;

	zoo_sys(msgrcv(id, &message, sizeof(message.text), 4, IPC_NOWAIT));
}

static void mq_setup(void)
{
	char name[64];

	own_ipc();
	snprintf(name, sizeof(name), "/zoo-%d", getpid());
	fd = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
	if (fd < 0)
		zoo_skip("mq_open: %s", strerror(errno));
	zoo_sys(mq_unlink(name));
}

static void mq_sleep(void)
{
	char text[8192] = "";

	woke(5, syscall(SYS_mq_timedreceive, fd, text, sizeof(text), NULL, NULL));
	zoo_text("message", "hello", text);
}

static void mq_wake(void)
{
	zoo_sys(mq_send(fd, "hello", 5, 0));
}

/* --- AIO, splice
 * ---------------------------------------------------------------------------------------------------
 */

static aio_context_t aio;

static void aio_setup(void)
{
	if (syscall(SYS_io_setup, 4, &aio))
		zoo_skip("io_setup: %s", strerror(errno));
}

static void aio_time_sleep(void)
{
	struct timespec time = spec(zoo_lasts());
	struct io_event event;

	start_clock();
	timed_out(0, 0, syscall(SYS_io_getevents, aio, 1, 1, &event, &time));
}

static void splice_setup(void)
{
	pipe_setup();
	fd = (int)zoo_sys(open("/dev/null", O_WRONLY));
}

static void splice_sleep(void)
{
	woke(1, syscall(SYS_splice, ends[0], NULL, fd, NULL, 4096, 0));
	zoo_empty(ends[0]);
}

/* --- a shell's way: several threads, each in another call
 * ------------------------------------------------------------ */

static int other_ends[2];
static volatile int threads_done;

static void *reader_body(void *unused)
{
	char byte;

	zoo_same("read of the thread", 1, syscall(SYS_read, other_ends[0], &byte, 1));
	zoo_want(zoo.page->woken, "the thread's read returned before anybody woke it");
	__sync_fetch_and_add(&threads_done, 1);
	return NULL;
}

static void *futex_body(void *unused)
{
	while (word[2] == 0) {
		const long returned = syscall(SYS_futex, word + 2, FUTEX_WAIT, 0, NULL);

		zoo_want(returned == 0, "the thread's futex: %s", strerror(errno));
		zoo_want(zoo.page->woken, "the thread's futex returned before anybody woke it");
	}
	__sync_fetch_and_add(&threads_done, 1);
	return NULL;
}

static pthread_t threads[2];

static void threads_setup(void)
{
	shared_word();
	zoo_sys(pipe(other_ends));
	pipe_setup();
	pthread_create(&threads[0], NULL, reader_body, NULL);
	pthread_create(&threads[1], NULL, futex_body, NULL);
}

static void threads_sleep(void)
{
	poll_sleep();
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	zoo_same("threads that ended well", 2, threads_done);
}

static void threads_wake(void)
{
	word[2] = 1;
	syscall(SYS_futex, word + 2, FUTEX_WAKE, 1);
	zoo_write(other_ends[1], "w");
	pipe_wake();
}

#define SLEEPER(name, setup_hook, sleep_hook, wake_hook, number, ...)                              \
	{                                                                                          \
		"sleep-" name, .setup = setup_hook, .sleep = sleep_hook, .wake = wake_hook,        \
			       .nr = number, ##__VA_ARGS__                                         \
	}

const struct zoo_case zoo_sleeping[] = {
	SLEEPER("nanosleep", NULL, nanosleep_sleep, NULL, SYS_nanosleep),
	SLEEPER("clock-relative", NULL, relative_sleep, NULL, SYS_clock_nanosleep,
		.arg = CLOCK_MONOTONIC),
	SLEEPER("clock-relative-real", NULL, relative_sleep, NULL, SYS_clock_nanosleep,
		.arg = CLOCK_REALTIME),
	SLEEPER("clock-absolute", NULL, absolute_sleep, NULL, SYS_clock_nanosleep,
		.arg = CLOCK_MONOTONIC),
	SLEEPER("clock-absolute-boot", NULL, absolute_sleep, NULL, SYS_clock_nanosleep,
		.arg = CLOCK_BOOTTIME),
	SLEEPER("clock-absolute-real", NULL, real_sleep, NULL, SYS_clock_nanosleep),
	SLEEPER("poll", pipe_setup, poll_sleep, pipe_wake, SYS_poll, .arg = -1),
	SLEEPER("poll-hour", pipe_setup, poll_sleep, pipe_wake, SYS_poll, .arg = 3600000),
	SLEEPER("poll-time", pipe_setup, poll_time_sleep, NULL, SYS_poll),
	SLEEPER("ppoll", pipe_setup, ppoll_sleep, pipe_wake, SYS_ppoll),
	SLEEPER("ppoll-time", pipe_setup, ppoll_time_sleep, NULL, SYS_ppoll),
	SLEEPER("select", pipe_setup, select_sleep, pipe_wake, SYS_select),
	SLEEPER("select-time", pipe_setup, select_time_sleep, NULL, SYS_select),
	SLEEPER("pselect-time", pipe_setup, pselect_time_sleep, NULL, SYS_pselect6),
	SLEEPER("epoll", epoll_setup, epoll_sleep, pipe_wake, SYS_epoll_wait),
	SLEEPER("epoll-time", epoll_setup, epoll_time_sleep, NULL, SYS_epoll_wait),
	SLEEPER("epoll-pwait", epoll_setup, epoll_pwait_sleep, pipe_wake, SYS_epoll_pwait),
	SLEEPER("futex", shared_word, futex_sleep, futex_wake, SYS_futex),
	SLEEPER("futex-time", shared_word, futex_time_sleep, NULL, SYS_futex),
	SLEEPER("futex-until", shared_word, futex_until_sleep, NULL, SYS_futex),
	SLEEPER("futex-pi", pi_setup, pi_sleep, step_wake, SYS_futex, .restarts = true),
	SLEEPER("read-pipe", pipe_setup, read_sleep, pipe_wake, SYS_read),
	SLEEPER("write-pipe", write_setup, write_sleep, write_wake, SYS_write),
	SLEEPER("read-eventfd", eventfd_setup, eventfd_sleep, eventfd_wake, SYS_read),
	SLEEPER("read-timerfd", timerfd_setup, timerfd_sleep, NULL, SYS_read),
	SLEEPER("read-inotify", inotify_setup, inotify_sleep, inotify_wake, SYS_read),
	SLEEPER("read-signalfd", signalfd_setup, signalfd_sleep, signal_wake, SYS_read),
	SLEEPER("read-unix", pair_setup, read_sleep, pipe_wake, SYS_read, .arg = SOCK_STREAM),
	SLEEPER("accept", accept_setup, accept_sleep, accept_wake, SYS_accept),
	SLEEPER("accept4", accept_setup, accept_sleep, accept_wake, SYS_accept4),
	SLEEPER("recv-tcp", recv_setup, recv_sleep, recv_wake, SYS_recvfrom),
	SLEEPER("recv-tcp-time", recv_setup, recv_time_sleep, NULL, SYS_recvfrom),
	SLEEPER("recv-waitall", waitall_setup, waitall_sleep, waitall_wake, SYS_recvfrom),
	SLEEPER("recv-unix", pair_setup, recv_sleep, pipe_wake, SYS_recvfrom, .arg = SOCK_DGRAM),
	SLEEPER("recvmsg-unix", pair_setup, recvmsg_sleep, pipe_wake, SYS_recvmsg,
		.arg = SOCK_SEQPACKET),
	SLEEPER("wait4", wait_setup, wait4_sleep, step_wake, SYS_wait4),
	SLEEPER("waitid", wait_setup, waitid_sleep, step_wake, SYS_waitid),
	SLEEPER("pause", catch_setup, pause_sleep, signal_wake, SYS_pause),
	SLEEPER("sigsuspend", sigsuspend_setup, sigsuspend_sleep, signal_wake, SYS_rt_sigsuspend),
	SLEEPER("sigwait", sigsuspend_setup, sigwait_sleep, signal_wake, SYS_rt_sigtimedwait),
	SLEEPER("sigwait-time", sigsuspend_setup, sigwait_time_sleep, NULL, SYS_rt_sigtimedwait),
	SLEEPER("flock", holder_setup, flock_sleep, step_wake, SYS_flock),
	SLEEPER("setlkw", holder_setup, setlkw_sleep, step_wake, SYS_fcntl, .arg = 1),
	SLEEPER("semop", sem_setup, sem_sleep, sem_wake, SYS_semop),
	SLEEPER("semop-time", sem_setup, sem_time_sleep, NULL, SYS_semtimedop),
	SLEEPER("msgrcv", msg_setup, msgrcv_sleep, msgrcv_wake, SYS_msgrcv),
	SLEEPER("msgsnd", msgsnd_setup, msgsnd_sleep, msgsnd_wake, SYS_msgsnd),
	SLEEPER("mq-receive", mq_setup, mq_sleep, mq_wake, SYS_mq_timedreceive),
	SLEEPER("aio-time", aio_setup, aio_time_sleep, NULL, SYS_io_getevents),
	SLEEPER("splice", splice_setup, splice_sleep, pipe_wake, SYS_splice),
	SLEEPER("threads", threads_setup, threads_sleep, threads_wake, SYS_poll, .arg = -1),
	{ NULL },
};
