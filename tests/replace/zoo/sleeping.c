// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes asleep in a system call, by its number, so that the C library changes nothing about it.
 * Without a wake hook the call ends by its own time.
 */
#include "sleep.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile uint32_t *word;

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
	double end;

	woke(0, syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL));
	/* Who woke it says so afterwards. */
	end = zoo_now(CLOCK_MONOTONIC) + 5;
	while (!word[1] && zoo_now(CLOCK_MONOTONIC) < end)
		zoo_pause(20);
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
	SLEEPER("threads", threads_setup, threads_sleep, threads_wake, SYS_poll, .arg = -1),
	{ NULL },
};
