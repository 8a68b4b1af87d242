// SPDX-License-Identifier: GPL-2.0-or-later
/* The program that restores, and the time that it has. */
#include "init/init.h"

#include "replace/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOK_MS = 100,	   /* how often it is looked whether something was begun */
	RESCUE_S = 120,	   /* for what is left to do after a failure */
	KILL_WAIT_S = 10,  /* until a process that was killed is gone */
	SAY_WAIT_S = 2,	   /* so that the console gets its last lines */
	RESET_WAIT_S = 10, /* for disks and drivers to shut down */
};

/* --- the clock ----------------------------------------------------------------------- */

static void __attribute__((noreturn)) reset_at_once(int trigger)
{
	if (write(trigger, "b", 1) != 1)
		reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

pid_t clock_start(int seconds)
{
	int trigger = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	pid_t child = fork();
	if (child)
		return child > 0 ? child : 0;
	const struct timespec all = { .tv_sec = seconds };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &all, NULL) == EINTR)
		continue;
	say("nothing is restored %d s after the start of this kernel: starting again", seconds);
	sleep(SAY_WAIT_S);
	reset_at_once(trigger);
}

void clock_stop(struct boot *boot)
{
	if (boot->clock > 0)
		kill(boot->clock, SIGKILL);
	boot->clock = 0;
}

void start_again(void)
{
	sleep(SAY_WAIT_S);
	int trigger = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	/* Both can hang where a disk or a driver does. */
	if (!fork()) {
		sync();
		reboot(RB_AUTOBOOT);
		_exit(1);
	}
	sleep(RESET_WAIT_S);
	reset_at_once(trigger);
}

/* --- the program --------------------------------------------------------------------- */

static time_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static bool has_begun(void)
{
	return !access(UK_RESUME_BEGUN, F_OK);
}

static pid_t start(const struct boot *boot, const char *word, const char *why)
{
	pid_t child = fork();
	if (child)
		return child;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (boot->fault && !why)
		setenv("UPKEEP_FAULT", boot->fault, 1);
	execl(boot->next, boot->next, word, why, NULL);
	say("%s: %s", boot->next, strerror(errno));
	_exit(127);
}

/* Waits for @child until CLOCK_MONOTONIC says @end. False if it did not end. */
static bool wait_until(struct boot *boot, pid_t child, time_t end, int *status)
{
	sigset_t ended;
	const struct timespec look = { .tv_nsec = LOOK_MS * 1000000 };
	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	for (;;) {
		pid_t pid;
		int one;
		/* All that lost its parent is ours. */
		while ((pid = waitpid(-1, &one, WNOHANG)) > 0) {
			if (pid != child)
				continue;
			*status = one;
			return true;
		}
		if (boot->clock && has_begun())
			clock_stop(boot);
		if (now() >= end)
			return false;
		sigtimedwait(&ended, NULL, &look);
	}
}

/* True if it did all that there is to do; else @why tells what became of it. */
static bool run(struct boot *boot, pid_t child, time_t end, char *why, size_t size)
{
	int status = 0;
	const time_t began = now();
	if (child < 0) {
		snprintf(why, size, "could not be started: %s", strerror(errno));
		return false;
	}
	if (!wait_until(boot, child, end, &status)) {
		snprintf(why, size, "did not end within %d s", (int)(end - began));
		kill(child, SIGKILL);
		wait_until(boot, child, now() + KILL_WAIT_S, &status);
		return false;
	}
	if (WIFSIGNALED(status))
		snprintf(why, size, "was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		snprintf(why, size, "ended with status %d", WEXITSTATUS(status));
	return !status;
}

static void rescue(struct boot *boot, const char *why)
{
	char worse[128];
	pid_t child = start(boot, "--rescue", why);
	if (run(boot, child, now() + RESCUE_S, worse, sizeof(worse)))
		return;
	/* The gate may be shut, and services half restored. */
	say("clearing up after it %s: starting again", worse);
	start_again();
}

void supervise(struct boot *boot)
{
	char why[128];
	sigset_t ended, before;
	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ended, &before);
	pid_t child = start(boot, boot->home ? "--home" : "--resume", NULL);
	if (!run(boot, child, boot->limit, why, sizeof(why))) {
		say("the program that restores %s", why);
		if (!has_begun() && !access(UK_HOME, F_OK)) {
			say("nothing is restored yet: going home to the old kernel");
			start_again();
		}
		clock_stop(boot);
		rescue(boot, why);
	}
	clock_stop(boot);
	sigprocmask(SIG_SETMASK, &before, NULL);
}
