// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes asleep until somebody else does something: reads, writes, sockets, children, signals,
 * locks, IPC. sleeping.c has those that wait for time or look at many things.
 */
#include "sleep.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

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

const struct zoo_case zoo_blocking[] = {
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
	{ NULL },
};
