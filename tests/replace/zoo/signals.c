// SPDX-License-Identifier: GPL-2.0-or-later
/* Signals: what is done with them, what is held back, what is queued. */
#include "zoo.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int came, last_value, last_code;
static volatile pid_t last_pid;
static volatile int order[16];
static uint8_t *stack;
static pid_t child;

static void on_signal(int number, siginfo_t *info, void *context)
{
	if (came < 16)
		order[came] = info->si_value.sival_int;
	came++;
	last_value = info->si_value.sival_int;
	last_code = info->si_code;
	last_pid = info->si_pid;
}

static void catch (int number, int flags)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags };

	sigaddset(&action.sa_mask, SIGTERM);
	zoo_sys(sigaction(number, &action, NULL));
}

static void hold_back(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	zoo_sys(sigprocmask(SIG_BLOCK, &set, NULL));
}

static void let_go(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	zoo_sys(sigprocmask(SIG_UNBLOCK, &set, NULL));
}

static void handlers_setup(void)
{
	catch (SIGUSR1, SA_RESTART);
	catch (SIGUSR2, SA_NODEFER | SA_RESETHAND | SA_ONSTACK);
	zoo_want(signal(SIGHUP, SIG_IGN) != SIG_ERR, "signal");
	zoo_want(signal(SIGCHLD, SIG_DFL) != SIG_ERR, "signal");
	catch (SIGRTMAX, SA_NOCLDWAIT);
}

static void handlers_check(void)
{
	const int caught[] = { SIGUSR1, SIGUSR2, SIGRTMAX };
	static const int flags[] = { SA_RESTART, SA_NODEFER | SA_RESETHAND | SA_ONSTACK,
				     SA_NOCLDWAIT };
	struct sigaction action;

	for (int i = 0; i < 3; i++) {
		zoo_sys(sigaction(caught[i], NULL, &action));
		zoo_same("handler", (long)on_signal, (long)action.sa_sigaction);
		zoo_same("flags", SA_SIGINFO | flags[i], action.sa_flags & ~0x04000000);
		zoo_same("mask", true, sigismember(&action.sa_mask, SIGTERM));
		zoo_same("mask", false, sigismember(&action.sa_mask, SIGINT));
	}
	zoo_sys(sigaction(SIGHUP, NULL, &action));
	zoo_same("ignored signal", (long)SIG_IGN, (long)action.sa_handler);
	zoo_sys(sigaction(SIGALRM, NULL, &action));
	zoo_same("default signal", (long)SIG_DFL, (long)action.sa_handler);
}

static void handlers_verify(void)
{
	zoo_sys(raise(SIGHUP));
	zoo_sys(raise(SIGUSR1));
	zoo_same("signals", 1, came);
}

static void handlers_sabotage(void)
{
	signal(SIGHUP, SIG_DFL);
}

static void mask_setup(void)
{
	hold_back(SIGUSR1);
	hold_back(SIGTERM);
	hold_back(SIGRTMIN + 7);
}

static void mask_check(void)
{
	char text[64];

	zoo_status(getpid(), "SigBlk", text, sizeof(text));
	zoo_text("mask", "SigBlk:\t0000010000004200", text);
}

static void mask_sabotage(void)
{
	let_go(SIGTERM);
}

static void altstack_setup(void)
{
	stack_t about = { .ss_size = 65536 };

	stack = malloc(65536);
	about.ss_sp = stack;
	zoo_sys(sigaltstack(&about, NULL));
	catch (SIGUSR1, SA_ONSTACK);
}

static volatile uintptr_t seen_at;

static void on_stack(int number)
{
	uint8_t here;

	seen_at = (uintptr_t)&here;
}

static void altstack_verify(void)
{
	struct sigaction action = { .sa_handler = on_stack, .sa_flags = SA_ONSTACK };
	stack_t about;

	zoo_sys(sigaltstack(NULL, &about));
	zoo_same("stack", (long)stack, (long)about.ss_sp);
	zoo_same("size of the stack", 65536, about.ss_size);
	zoo_same("flags of the stack", 0, about.ss_flags);
	zoo_sys(sigaction(SIGUSR1, &action, NULL));
	zoo_sys(raise(SIGUSR1));
	zoo_want(seen_at > (uintptr_t)stack && seen_at < (uintptr_t)stack + 65536,
		 "the handler did not run on the stack");
}

static void altstack_sabotage(void)
{
	zoo_sys(sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL));
}

/* A process that waits in its handler, on the other stack, while the swap comes. */
static void on_long(int number)
{
	zoo_step(0, 1);
	zoo_await_go();
	came++;
}

static void inside_body(void)
{
	struct sigaction action = { .sa_handler = on_long, .sa_flags = SA_ONSTACK };
	sigset_t later;

	altstack_setup();
	zoo_sys(sigaction(SIGUSR1, &action, NULL));
	zoo_sys(raise(SIGUSR1));
	zoo_same("handlers that ended", 1, came);
	sigprocmask(SIG_SETMASK, NULL, &later);
	zoo_same("mask after the handler", zoo.kind != 0, sigismember(&later, SIGUSR1));
}

static void inside_setup(void)
{
	child = zoo_fork(inside_body);
	zoo_await_step(0, 1);
}

static void inside_verify(void)
{
	zoo_join(child);
}

/* An ordinary signal is pending once, with who sent it. */
static void pending_setup(void)
{
	catch (SIGUSR1, 0);
	hold_back(SIGUSR1);
	zoo_sys(kill(getpid(), SIGUSR1));
	zoo_sys(kill(getpid(), SIGUSR1));
}

static void pending_check(void)
{
	sigset_t set;

	sigpending(&set);
	zoo_same("pending", true, sigismember(&set, SIGUSR1));
	zoo_same("signals that came too early", 0, came);
}

static void pending_verify(void)
{
	let_go(SIGUSR1);
	zoo_same("signals", 1, came);
	zoo_same("si_code", SI_USER, last_code);
	zoo_same("si_pid", getpid(), last_pid);
}

static void pending_sabotage(void)
{
	signal(SIGUSR1, SIG_IGN);
	catch (SIGUSR1, 0);
}

/* Real-time signals queue with their values, in order, lower numbers first. */
static void queued_setup(void)
{
	for (int i = 1; i >= 0; i--) {
		catch (SIGRTMIN + 4 + i, 0);
		hold_back(SIGRTMIN + 4 + i);
		for (int n = 0; n < 4; n++)
			zoo_sys(sigqueue(getpid(), SIGRTMIN + 4 + i,
					 (union sigval){ .sival_int = i * 10 + n }));
	}
}

static void queued_verify(void)
{
	zoo_same("signals that came too early", 0, came);
	let_go(SIGRTMIN + 4);
	let_go(SIGRTMIN + 5);
	zoo_same("signals", 8, came);
	for (int i = 0; i < 8; i++)
		zoo_same("value", i / 4 * 10 + i % 4, order[i]);
	zoo_same("si_code", SI_QUEUE, last_code);
	zoo_same("si_pid", getpid(), last_pid);
}

static void queued_sabotage(void)
{
	zoo_sys(sigqueue(getpid(), SIGRTMIN + 4, (union sigval){ .sival_int = 4 }));
}

/* For a thread, not for the process. */
static volatile int thread_came, stage;

static void *thread_body(void *unused)
{
	hold_back(SIGRTMIN + 6);
	stage = 1;
	while (stage < 2)
		zoo_idle();
	let_go(SIGRTMIN + 6);
	thread_came = came;
	return NULL;
}

static pthread_t thread;

static void thread_setup(void)
{
	catch (SIGRTMIN + 6, 0);
	zoo_same("pthread_create", 0, pthread_create(&thread, NULL, thread_body, NULL));
	while (stage < 1)
		zoo_pause(5);
	zoo_same("pthread_sigqueue", 0,
		 pthread_sigqueue(thread, SIGRTMIN + 6, (union sigval){ .sival_int = 31 }));
}

static void thread_verify(void)
{
	zoo_same("signals of the process", 0, came);
	stage = 2;
	pthread_join(thread, NULL);
	zoo_same("signals of the thread", 1, thread_came);
	zoo_same("value", 31, last_value);
}

static void thread_sabotage(void)
{
	signal(SIGRTMIN + 6, SIG_IGN);
	catch (SIGRTMIN + 6, 0);
}

/* A child that is stopped stays stopped, and its parent has been told or is told once. */
static void stopped_body(void)
{
	zoo_step(0, 1);
	for (;;) {
		zoo.page->numbers[0]++;
		zoo_pause(20);
	}
}

static void stopped_setup(void)
{
	int status;

	child = zoo_fork(stopped_body);
	zoo_await_step(0, 1);
	zoo_sys(kill(child, SIGSTOP));
	if (zoo.arg)
		return;
	zoo_same("waitpid", child, waitpid(child, &status, WUNTRACED));
	zoo_want(WIFSTOPPED(status), "status %#x", status);
}

static void stopped_verify(void)
{
	char line[64];
	int seen, status;

	zoo_status(child, "State", line, sizeof(line));
	zoo_text("state", "State:\tT (stopped)", line);
	seen = zoo.page->numbers[0];
	zoo_pause(100);
	zoo_same("turns of what is stopped", seen, zoo.page->numbers[0]);
	zoo_same("waitpid for what was told or not", zoo.arg ? child : 0,
		 waitpid(child, &status, WUNTRACED | WNOHANG));
	zoo_sys(kill(child, SIGCONT));
	zoo_same("waitpid for the continued one", child, waitpid(child, &status, WCONTINUED));
	zoo_pause(200);
	zoo_want(zoo.page->numbers[0] > seen, "the child does not go on");
}

static void stopped_sabotage(void)
{
	zoo_sys(kill(child, SIGCONT));
	zoo_pause(100);
}

const struct zoo_case zoo_signals[] = {
	{ "sig-handlers", handlers_setup, handlers_check, handlers_verify, handlers_sabotage },
	{ "sig-mask", mask_setup, mask_check, NULL, mask_sabotage },
	{ "sig-altstack", altstack_setup, NULL, altstack_verify, altstack_sabotage },
	{ "sig-inside", inside_setup, NULL, inside_verify, NULL },
	{ "sig-pending", pending_setup, pending_check, pending_verify, pending_sabotage },
	{ "sig-queued", queued_setup, NULL, queued_verify, queued_sabotage },
	{ "sig-thread", thread_setup, NULL, thread_verify, thread_sabotage },
	{ "sig-stopped", stopped_setup, NULL, stopped_verify, stopped_sabotage },
	{ "sig-stopped-untold", stopped_setup, NULL, stopped_verify, stopped_sabotage, .arg = 1 },
	{ NULL },
};
