// SPDX-License-Identifier: GPL-2.0-or-later
/* Clocks, and every kind of timer. README.md tells which moment is the right one. */
#include "zoo.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MOST = 256 };

static volatile double fired[MOST]; /* CLOCK_MONOTONIC, CLOCK_REALTIME of each signal */
static volatile double fired_wall[MOST];
static volatile int count, value, code, overrun;
static double began, lasts;

static struct timespec spec(double seconds)
{
	return (struct timespec){ (time_t)seconds, (long)((seconds - floor(seconds)) * 1e9) };
}

static struct timeval val(double seconds)
{
	return (struct timeval){ (time_t)seconds, (long)((seconds - floor(seconds)) * 1e6) };
}

static void on_timer(int number, siginfo_t *info, void *context)
{
	if (count < MOST) {
		fired[count] = zoo_now(CLOCK_MONOTONIC);
		fired_wall[count] = zoo_now(CLOCK_REALTIME);
	}
	count++;
	code = info->si_code;
	value = info->si_value.sival_int;
	overrun = info->si_overrun;
}

static void catch (int number)
{
	struct sigaction action = { .sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART };

	zoo_sys(sigaction(number, &action, NULL));
	began = zoo_now(CLOCK_MONOTONIC);
	lasts = zoo_lasts();
}

static void wait_till(clockid_t clock, double moment)
{
	const double left = moment - zoo_now(clock);

	if (left > 0)
		zoo_pause((int)(left * 1000) + 20);
}

/* One signal, at its moment of CLOCK_MONOTONIC. */
static void fired_once(double moment)
{
	wait_till(CLOCK_MONOTONIC, moment + ZOO_LATE_BY);
	zoo_same("signals", 1, count);
	zoo_near("seconds till the signal", moment - began, fired[0] - began, ZOO_EARLY_BY,
		 ZOO_LATE_BY);
	zoo_over_at(fired[0]);
}

/*
 * A signal for each interval: none lost, none added, none more than a little late. Those of the
 * time for which it stood still become one, as the kernel has it for all that do not run.
 */
static void fired_often(double interval)
{
	const double now = zoo_now(CLOCK_MONOTONIC);
	const double stood = zoo_stood();
	int merged = 0;

	wait_till(CLOCK_MONOTONIC, now + 3 * interval);
	zoo_want(count > 0 && count < MOST, "%d signals", count);
	for (int i = 0; i < count; i++) {
		const double late = fired[i] - began - (i + 1 + merged) * interval;
		const bool held = !merged && late > interval && late < stood + ZOO_LATE_BY;

		if (held)
			merged = (int)floor(late / interval);
		zoo_near("moment of a signal", (i + 1 + merged) * interval, fired[i] - began,
			 ZOO_EARLY_BY, ZOO_LATE_BY);
	}
	zoo_near("moment of the last signal", zoo_now(CLOCK_MONOTONIC) - began,
		 fired[count - 1] - began, interval + ZOO_LATE_BY, 0);
	zoo_over_at(fired[count - 1]);
}

/* --- clocks ------------------------------------------------------------------------------------
 */

static pid_t child;
static clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW,
			      CLOCK_PROCESS_CPUTIME_ID };

/* The largest step forth and back that a clock makes between two looks, in milliseconds. */
static void clock_body(void)
{
	double last = zoo_now(clocks[zoo.arg]);

	zoo_step(0, 1);
	for (;;) {
		double now;
		int step;

		zoo_pause(20);
		now = zoo_now(clocks[zoo.arg]);
		step = (int)((now - last) * 1000);
		if (step > zoo.page->numbers[0])
			zoo.page->numbers[0] = step;
		if (step < zoo.page->numbers[1])
			zoo.page->numbers[1] = step;
		last = now;
	}
}

static void clock_setup(void)
{
	child = zoo_fork(clock_body);
	zoo_await_step(0, 1);
}

static void clock_verify(void)
{
	struct timespec now;

	zoo_pause(200);
	zoo_want(zoo.page->numbers[1] == 0, "the clock went back by %d ms", -zoo.page->numbers[1]);
	zoo_want(zoo.page->numbers[0] < 2000 + 1000 * zoo_stood(),
		 "the clock went forth by %d ms at once", zoo.page->numbers[0]);
	zoo_sys(syscall(SYS_clock_gettime, clocks[zoo.arg], &now));
	zoo_near("clock of the system call and of the vDSO",
		 (double)now.tv_sec + (double)now.tv_nsec / 1e9, zoo_now(clocks[zoo.arg]), 0.1,
		 0.5);
}

static void clock_sabotage(void)
{
	zoo_sys(kill(child, SIGSTOP));
	zoo_pause(2300);
	zoo_sys(kill(child, SIGCONT));
	if (clocks[zoo.arg] == CLOCK_PROCESS_CPUTIME_ID)
		zoo.page->numbers[1] = -1;
}

/* --- setitimer
 * ------------------------------------------------------------------------------------ */

static void itimer_setup(void)
{
	catch (SIGALRM);
	zoo_sys(setitimer(ITIMER_REAL, &(struct itimerval){ .it_value = val(lasts) }, NULL));
}

static void itimer_verify(void)
{
	fired_once(began + lasts);
}

static void itimer_sabotage(void)
{
	zoo_sys(setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL));
	count = 0;
}

static void itimer_repeat_setup(void)
{
	const struct itimerval every = { { 1, 0 }, { 1, 0 } };

	catch (SIGALRM);
	zoo_sys(setitimer(ITIMER_REAL, &every, NULL));
}

static void itimer_repeat_verify(void)
{
	fired_often(1);
}

/* Those that count the time of the processor: one second is used before, one after. */
static const int cpu_timers[] = { ITIMER_VIRTUAL, ITIMER_PROF };
static const int cpu_signals[] = { SIGVTALRM, SIGPROF };

static double left_of_timer(void)
{
	struct itimerval left;

	zoo_sys(getitimer(cpu_timers[zoo.arg], &left));
	return (double)left.it_value.tv_sec + (double)left.it_value.tv_usec / 1e6;
}

static void burn_till(double left)
{
	const double end = zoo_now(CLOCK_MONOTONIC) + ZOO_DEADLINE;

	while (!count && left_of_timer() > left)
		zoo_want(zoo_now(CLOCK_MONOTONIC) < end, "the timer does not run: %.2f s left",
			 left_of_timer());
}

static void itimer_cpu_setup(void)
{
	catch (cpu_signals[zoo.arg]);
	zoo_sys(setitimer(cpu_timers[zoo.arg], &(struct itimerval){ .it_value = val(1.6) }, NULL));
	burn_till(0.8);
}

static void itimer_cpu_check(void)
{
	zoo_near("seconds left", 0.8, left_of_timer(), 0.4, 0.1);
}

static void itimer_cpu_verify(void)
{
	burn_till(-1);
	zoo_same("signals", 1, count);
}

static void itimer_cpu_sabotage(void)
{
	zoo_sys(setitimer(cpu_timers[zoo.arg], &(struct itimerval){ 0 }, NULL));
}

/* --- POSIX timers
 * ---------------------------------------------------------------------------------- */

static timer_t timer;

static void make_timer(clockid_t clock, int notify)
{
	struct sigevent event = { .sigev_notify = notify,
				  .sigev_signo = SIGRTMIN + 2,
				  .sigev_value.sival_int = 4711 };
	timer_t first;

	/* Not the first number, and with a hole before it. */
	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	zoo_sys(timer_create(CLOCK_MONOTONIC, NULL, &first));
	zoo_sys(timer_create(clock, &event, &timer));
	zoo_sys(timer_delete(first));
	catch (SIGRTMIN + 2);
}

static void arm(double first, double interval, int flags)
{
	const struct itimerspec when = { spec(interval), spec(first) };

	zoo_sys(timer_settime(timer, flags, &when, NULL));
}

static void signal_is_right(void)
{
	zoo_same("si_code", SI_TIMER, code);
	zoo_same("value", 4711, value);
}

static void posix_setup(void)
{
	make_timer(CLOCK_MONOTONIC, (int)zoo.arg);
	arm(lasts, 0, 0);
}

static void posix_verify(void)
{
	fired_once(began + lasts);
	signal_is_right();
}

static void posix_sabotage(void)
{
	arm(0, 0, 0);
	count = 0;
}

static void posix_repeat_setup(void)
{
	make_timer(CLOCK_MONOTONIC, SIGEV_SIGNAL);
	arm(1, 1, 0);
}

static void posix_repeat_verify(void)
{
	fired_often(1);
	signal_is_right();
}

/* Armed for a moment of a clock; the moment of the signal is told by the same clock. */
static double moment;

static void posix_real_setup(void)
{
	make_timer(CLOCK_REALTIME, SIGEV_SIGNAL);
	moment = zoo_now(CLOCK_REALTIME) + lasts;
	arm(moment, 0, TIMER_ABSTIME);
}

/* Right at its moment of the wall's clock, or right after the swap if it fell into that. */
static void at_wall_moment(double found, double found_monotonic)
{
	const double late = found - moment;

	zoo_want(late > -ZOO_EARLY_BY, "%.2f s too early", -late);
	zoo_want(late < ZOO_LATE_BY || (zoo.page->gap_at > 0 && late < zoo.page->gap &&
					found_monotonic < zoo.page->gap_at + ZOO_LATE_BY),
		 "%.2f s too late (the swap took %.2f s)", late, zoo.page->gap);
}

static void posix_real_verify(void)
{
	wait_till(CLOCK_REALTIME, moment + ZOO_LATE_BY);
	zoo_want(count == 1 || zoo.page->gap == 0, "signals: wanted 1, found %d", count);
	wait_till(CLOCK_REALTIME, moment + ZOO_LATE_BY + zoo.page->gap);
	zoo_same("signals", 1, count);
	at_wall_moment(fired_wall[0], fired[0]);
	signal_is_right();
}

/* A relative timer of CLOCK_REALTIME is a duration like any other. */
static void posix_real_relative_setup(void)
{
	make_timer(CLOCK_REALTIME, SIGEV_SIGNAL);
	arm(lasts, 0, 0);
}

static double posix_left(void)
{
	struct itimerspec left;

	zoo_sys(timer_gettime(timer, &left));
	return (double)left.it_value.tv_sec + (double)left.it_value.tv_nsec / 1e9;
}

enum { NONE_S = 3600 }; /* it must not be over when it is looked at */

static void posix_none_check(void)
{
	const double passed = zoo_now(CLOCK_MONOTONIC) - began;

	zoo_near("seconds left", NONE_S - passed, posix_left(), ZOO_EARLY_BY, ZOO_LATE_BY);
}

static void posix_none_setup(void)
{
	make_timer(CLOCK_MONOTONIC, SIGEV_NONE);
	arm(NONE_S, 0, 0);
}

static void posix_none_sabotage(void)
{
	arm(50, 0, 0);
}

/* A blocked signal counts what came meanwhile. */
static void posix_overrun_setup(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 2);
	zoo_sys(sigprocmask(SIG_BLOCK, &set, NULL));
	make_timer(CLOCK_MONOTONIC, SIGEV_SIGNAL);
	arm(0.1, 0.1, 0);
	zoo_pause(1000);
}

static void posix_overrun_verify(void)
{
	const double passed = zoo_now(CLOCK_MONOTONIC) - began;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 2);
	zoo_sys(sigprocmask(SIG_UNBLOCK, &set, NULL));
	zoo_pause(20);
	arm(0, 0, 0);
	zoo_near("ticks counted", passed * 10, fired[0] > 0 ? overrun + 1 : 0, 6, 6);
}

static void posix_cpu_setup(void)
{
	make_timer(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL);
	arm(1.6, 0, 0);
	while (posix_left() > 0.8)
		;
}

static void posix_cpu_check(void)
{
	zoo_near("seconds left", 0.8, posix_left(), 0.4, 0.1);
}

static void posix_cpu_verify(void)
{
	const double end = zoo_now(CLOCK_MONOTONIC) + ZOO_DEADLINE;

	while (!count)
		zoo_want(zoo_now(CLOCK_MONOTONIC) < end, "the timer does not run: %.2f s left",
			 posix_left());
	signal_is_right();
}

/* --- timerfd
 * --------------------------------------------------------------------------------------- */

static int fd;
static clockid_t fd_clock;
static double first, interval; /* first is a moment of fd_clock */

static void make_timerfd(clockid_t clock, double after, double every, int flags)
{
	struct itimerspec when = { .it_interval = spec(every) };

	fd = (int)zoo_sys(timerfd_create(clock, TFD_NONBLOCK));
	fd_clock = clock;
	interval = every;
	lasts = zoo_lasts();
	first = zoo_now(clock) + after;
	when.it_value = spec(flags & TFD_TIMER_ABSTIME ? first : after);
	zoo_sys(timerfd_settime(fd, flags, &when, NULL));
}

static double fd_left(void)
{
	struct itimerspec left;

	zoo_sys(timerfd_gettime(fd, &left));
	return (double)left.it_value.tv_sec + (double)left.it_value.tv_nsec / 1e9;
}

static double fd_read(void)
{
	uint64_t ticks = 0;

	if (read(fd, &ticks, sizeof(ticks)) < 0)
		zoo_same("errno of the read", EAGAIN, errno);
	return (double)ticks;
}

/* The ticks that should have come by now. */
static double ticks_due(double now)
{
	if (now < first)
		return 0;
	return interval > 0 ? floor((now - first) / interval) + 1 : 1;
}

/* What is left till the next tick, what is readable, and that it comes when it should. */
static void fd_verify(void)
{
	const double now = zoo_now(fd_clock);
	const double due = ticks_due(now);
	const double next = due == 0 ? first : interval > 0 ? first + due * interval : 0;
	struct pollfd about = { .fd = fd, .events = POLLIN };
	double ticks;

	/* Before the read, for a read starts the timer again. */
	if (zoo.arg)
		zoo_same("poll of what had expired", 1, poll(&about, 1, 0));
	ticks = fd_read();
	if (!zoo.arg)
		zoo_over_at(first);
	zoo_near("ticks", due, ticks, interval > 0 ? 1 : now - first > ZOO_LATE_BY, 1);
	if (next == 0) {
		zoo_near("seconds left after the only tick", 0, fd_left(), 0, 0);
		return;
	}
	zoo_near("seconds till the next tick", next - zoo_now(fd_clock), fd_left(), 0.3,
		 ZOO_LATE_BY);
	zoo_same("poll for the next tick", 1,
		 poll(&about, 1, (int)((next - zoo_now(fd_clock) + ZOO_LATE_BY) * 1000)));
	zoo_near("moment of the next tick", 0, zoo_now(fd_clock) - next, 0.3, ZOO_LATE_BY);
	zoo_near("ticks", 1, fd_read(), 0, 0);
	if (interval > 0)
		zoo_same("poll for the tick after it", 1,
			 poll(&about, 1, (int)((interval + ZOO_LATE_BY) * 1000)));
}

static void fd_once_setup(void)
{
	make_timerfd(CLOCK_MONOTONIC, zoo_lasts(), 0, 0);
}

static void fd_boot_setup(void)
{
	make_timerfd(CLOCK_BOOTTIME, zoo_lasts(), 0, 0);
}

static void fd_repeat_setup(void)
{
	make_timerfd(CLOCK_MONOTONIC, 0.3, zoo_lasts(), 0);
	zoo_pause(500);
	zoo_near("ticks", 1, fd_read(), 0, 0);
	first += interval;
}

static void fd_abs_setup(void)
{
	make_timerfd(CLOCK_MONOTONIC, zoo_lasts(), 0, TFD_TIMER_ABSTIME);
}

static void fd_real_setup(void)
{
	make_timerfd(CLOCK_REALTIME, zoo.arg ? 2.5 : zoo_lasts(), 0,
		     TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
	moment = first;
}

static void fd_real_verify(void)
{
	struct pollfd about = { .fd = fd, .events = POLLIN };
	const double left = moment - zoo_now(CLOCK_REALTIME);

	if (left <= 0) {
		zoo_pause(200);
		zoo_same("poll after the moment has passed", 1, poll(&about, 1, 0));
	} else {
		zoo_same("poll", 1, poll(&about, 1, (int)((left + ZOO_LATE_BY) * 1000)));
		at_wall_moment(zoo_now(CLOCK_REALTIME), zoo_now(CLOCK_MONOTONIC));
		zoo_over_at(zoo_now(CLOCK_MONOTONIC));
	}
	zoo_near("ticks", 1, fd_read(), 0, 0);
}

static void fd_expired_setup(void)
{
	make_timerfd(CLOCK_MONOTONIC, 0.3, 0, 0);
	zoo_pause(500);
}

static void fd_expired_repeat_setup(void)
{
	make_timerfd(CLOCK_MONOTONIC, 0.5, 0.5, 0);
	zoo_pause(1700);
}

static void fd_sabotage(void)
{
	zoo_sys(timerfd_settime(fd, 0, &(struct itimerspec){ 0 }, NULL));
}

const struct zoo_case zoo_timers[] = {
	{ "clock-monotonic", clock_setup, NULL, clock_verify, clock_sabotage, .arg = 0 },
	{ "clock-boottime", clock_setup, NULL, clock_verify, clock_sabotage, .arg = 1 },
	{ "clock-monotonic-raw", clock_setup, NULL, clock_verify, clock_sabotage, .arg = 2 },
	{ "clock-cputime", clock_setup, NULL, clock_verify, clock_sabotage, .arg = 3 },
	{ "itimer-once", itimer_setup, NULL, itimer_verify, itimer_sabotage },
	{ "itimer-repeat", itimer_repeat_setup, NULL, itimer_repeat_verify, itimer_sabotage },
	{ "itimer-virtual", itimer_cpu_setup, itimer_cpu_check, itimer_cpu_verify,
	  itimer_cpu_sabotage, .arg = 0 },
	{ "itimer-prof", itimer_cpu_setup, itimer_cpu_check, itimer_cpu_verify, itimer_cpu_sabotage,
	  .arg = 1 },
	{ "ptimer-once", posix_setup, NULL, posix_verify, posix_sabotage, .arg = SIGEV_SIGNAL },
	{ "ptimer-thread", posix_setup, NULL, posix_verify, posix_sabotage,
	  .arg = SIGEV_THREAD_ID },
	{ "ptimer-repeat", posix_repeat_setup, NULL, posix_repeat_verify, posix_sabotage },
	{ "ptimer-real", posix_real_setup, NULL, posix_real_verify, posix_sabotage },
	{ "ptimer-real-relative", posix_real_relative_setup, NULL, posix_verify, posix_sabotage },
	{ "ptimer-none", posix_none_setup, posix_none_check, NULL, posix_none_sabotage },
	{ "ptimer-overrun", posix_overrun_setup, NULL, posix_overrun_verify, posix_sabotage },
	{ "ptimer-cpu", posix_cpu_setup, posix_cpu_check, posix_cpu_verify, posix_sabotage },
	{ "timerfd-once", fd_once_setup, NULL, fd_verify, fd_sabotage },
	{ "timerfd-boottime", fd_boot_setup, NULL, fd_verify, fd_sabotage },
	{ "timerfd-repeat", fd_repeat_setup, NULL, fd_verify, fd_sabotage },
	{ "timerfd-abs", fd_abs_setup, NULL, fd_verify, fd_sabotage },
	{ "timerfd-real", fd_real_setup, NULL, fd_real_verify, fd_sabotage },
	{ "timerfd-real-soon", fd_real_setup, NULL, fd_real_verify, fd_sabotage, .arg = 1 },
	{ "timerfd-expired", fd_expired_setup, NULL, fd_verify, fd_sabotage, .arg = 1 },
	{ "timerfd-expired-repeat", fd_expired_repeat_setup, NULL, fd_verify, fd_sabotage,
	  .arg = 1 },
	{ NULL },
};
