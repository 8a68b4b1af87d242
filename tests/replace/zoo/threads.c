// SPDX-License-Identifier: GPL-2.0-or-later
/* Threads, what is theirs alone, and what they wait for each other with. */
#include "zoo.h"

#include <fenv.h>
#include <linux/futex.h>
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 4 };

static pthread_t threads[THREADS];
static __thread long my_number;
static __thread char my_text[64];
static volatile int started, go_on;

static void start(void *(*body)(void *))
{
	for (long i = 0; i < THREADS; i++)
		zoo_same("pthread_create", 0, pthread_create(&threads[i], NULL, body, (void *)i));
	while (started < THREADS)
		zoo_pause(5);
}

static void join(void)
{
	go_on = 1;
	for (int i = 0; i < THREADS; i++)
		zoo_same("pthread_join", 0, pthread_join(threads[i], NULL));
}

static void rest(void)
{
	__sync_fetch_and_add(&started, 1);
	while (!go_on)
		zoo_idle();
}

/* Each thread has its own variables, id, name and list of robust locks. */
static void *tls_body(void *number)
{
	const long i = (long)number;
	const pid_t tid = (pid_t)syscall(SYS_gettid);
	struct robust_list_head *list, *later;
	char name[16], text[64];
	size_t size;

	my_number = 1000 + i;
	snprintf(my_text, sizeof(my_text), "thread %ld", i);
	zoo_same("pthread_setname_np", 0, pthread_setname_np(pthread_self(), my_text));
	zoo_sys(syscall(SYS_get_robust_list, 0, &list, &size));
	rest();
	snprintf(text, sizeof(text), "thread %ld", i);
	zoo_same("thread-local number", 1000 + i, my_number);
	zoo_text("thread-local text", text, my_text);
	zoo_same("gettid", tid, syscall(SYS_gettid));
	zoo_sys(prctl(PR_GET_NAME, name));
	zoo_text("thread's name", text, name);
	zoo_sys(syscall(SYS_get_robust_list, 0, &later, &size));
	zoo_same("robust list", (long)list, (long)later);
	return NULL;
}

static void tls_setup(void)
{
	my_number = 7;
	start(tls_body);
}

static void tls_verify(void)
{
	zoo_same("main thread's number", 7, my_number);
	join();
}

static void *tls_break_body(void *unused)
{
	return NULL;
}

static void tls_sabotage(void)
{
	pthread_t other;

	my_number = 8;
	pthread_create(&other, NULL, tls_break_body, NULL);
	pthread_join(other, NULL);
}

/* A lock that dies with the thread that holds it. */
static pthread_mutex_t robust;

static void *robust_body(void *number)
{
	if (number == 0)
		zoo_same("lock", 0, pthread_mutex_lock(&robust));
	rest();
	return NULL; /* the first one dies with the lock */
}

static void robust_setup(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &attr);
	start(robust_body);
}

static void robust_check(void)
{
	zoo_same("trylock of a lock that a thread holds", EBUSY, pthread_mutex_trylock(&robust));
}

static void robust_verify(void)
{
	join();
	zoo_same("lock of the dead", EOWNERDEAD, pthread_mutex_lock(&robust));
}

static void robust_sabotage(void)
{
	join();
}

/* Threads asleep in a condition variable: nobody comes out of it before it is signalled. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int signalled, out;

static void *cond_body(void *number)
{
	pthread_mutex_lock(&lock);
	started++;
	pthread_cond_wait(&cond, &lock);
	zoo_want(signalled, "thread %ld left pthread_cond_wait before it was signalled",
		 (long)number);
	out++;
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void cond_setup(void)
{
	start(cond_body);
}

static void cond_verify(void)
{
	const double end = zoo_now(CLOCK_MONOTONIC) + ZOO_DEADLINE;

	pthread_mutex_lock(&lock);
	signalled = 1;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
	while (out < THREADS) {
		zoo_want(zoo_now(CLOCK_MONOTONIC) < end, "%d of %d threads woke up", out, THREADS);
		zoo_pause(20);
	}
	join();
}

static void cond_sabotage(void)
{
	pthread_mutex_lock(&lock);
	pthread_cond_signal(&cond);
	pthread_mutex_unlock(&lock);
	zoo_pause(500);
}

/* What a thread can set for itself alone: mask, pending signal, nice value, processors. */
static void *own_body(void *number)
{
	const long i = (long)number;
	sigset_t mask, later, pending;
	cpu_set_t cpus, found;

	sigemptyset(&mask);
	sigaddset(&mask, SIGRTMIN + (int)i);
	sigaddset(&mask, SIGUSR1);
	zoo_same("pthread_sigmask", 0, pthread_sigmask(SIG_SETMASK, &mask, NULL));
	zoo_sys(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGRTMIN + (int)i));
	zoo_sys(syscall(SYS_setpriority, 0, syscall(SYS_gettid), (int)i + 1));
	CPU_ZERO(&cpus);
	CPU_SET(i % sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	zoo_sys(sched_setaffinity(0, sizeof(cpus), &cpus));
	rest();
	if (zoo.kind)
		pthread_sigmask(SIG_SETMASK, NULL, NULL),
			syscall(SYS_setpriority, 0, syscall(SYS_gettid), 10);
	pthread_sigmask(SIG_SETMASK, NULL, &later);
	for (int s = 1; s < 64; s++)
		zoo_same("thread's mask", sigismember(&mask, s), sigismember(&later, s));
	sigpending(&pending);
	for (int s = 1; s < 64; s++)
		zoo_same("thread's pending signals", s == SIGRTMIN + i, sigismember(&pending, s));
	zoo_same("thread's nice value", 20 - (i + 1),
		 syscall(SYS_getpriority, 0, syscall(SYS_gettid)));
	zoo_sys(sched_getaffinity(0, sizeof(found), &found));
	zoo_want(CPU_EQUAL(&cpus, &found), "thread's processors are others");
	return NULL;
}

static void own_setup(void)
{
	start(own_body);
}

/* The registers of the floating point units, loaded in one thread that never sleeps. */
static volatile int fpu_result;

static void *fpu_body(void *number)
{
	uint64_t wanted[4] = { 0x1122334455667788, 0x99aabbccddeeff00, 3, 4 };
	uint64_t found[4] = { 0 };
	uint32_t mxcsr = 0x1f80 | 0x6000, mxcsr_found = 0;
	uint16_t control = 0x0f7f, control_found = 0;
	const int avx = __builtin_cpu_supports("avx");

	if (number)
		return NULL;
	started = THREADS;
	asm volatile("ldmxcsr %[mxcsr]\n\t"
		     "fninit\n\t"
		     "fldcw %[control]\n\t"
		     "fldpi\n\t"
		     "test %[avx], %[avx]\n\t"
		     "jz 1f\n\t"
		     "vmovdqu %[wanted], %%ymm9\n\t"
		     "jmp 2f\n"
		     "1:\n\t"
		     "movdqu %[wanted], %%xmm9\n"
		     "2:\n\t"
		     "pause\n\t"
		     "cmpl $0, %[go]\n\t"
		     "je 2b\n\t"
		     "test %[avx], %[avx]\n\t"
		     "jz 3f\n\t"
		     "vmovdqu %%ymm9, %[found]\n\t"
		     "jmp 4f\n"
		     "3:\n\t"
		     "movdqu %%xmm9, %[found]\n"
		     "4:\n\t"
		     "fstp %%st(0)\n\t"
		     "fnstcw %[control_found]\n\t"
		     "stmxcsr %[mxcsr_found]\n\t"
		     : [found] "=m"(found), [control_found] "=m"(control_found),
		       [mxcsr_found] "=m"(mxcsr_found)
		     : [wanted] "m"(wanted), [mxcsr] "m"(mxcsr), [control] "m"(control),
		       [go] "m"(go_on), [avx] "r"(avx)
		     : "xmm9", "cc", "memory");
	if (zoo.kind)
		found[1]++;
	zoo_bytes("vector register", wanted, found, avx ? 32 : 16);
	zoo_same("MXCSR", mxcsr, mxcsr_found & ~0x3fu);
	zoo_same("control word", control, control_found);
	fpu_result = 1;
	return NULL;
}

static void fpu_setup(void)
{
	zoo_same("pthread_create", 0, pthread_create(&threads[0], NULL, fpu_body, NULL));
	while (started < THREADS)
		zoo_pause(5);
}

static void fpu_verify(void)
{
	go_on = 1;
	zoo_same("pthread_join", 0, pthread_join(threads[0], NULL));
	zoo_same("verdict of the thread", 1, fpu_result);
}

/* Restartable sequences: the C library registered them, and the kernel goes on filling them in. */
static void rseq_check(void)
{
	struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	cpu_set_t cpus, one;

	if (__rseq_size == 0)
		zoo_skip("the C library has registered no restartable sequences");
	zoo_sys(sched_getaffinity(0, sizeof(cpus), &cpus));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &cpus))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		zoo_sys(sched_setaffinity(0, sizeof(one), &one));
		zoo_same("processor that the area tells", cpu,
			 *(volatile unsigned int *)&area->cpu_id);
	}
	zoo_sys(sched_setaffinity(0, sizeof(cpus), &cpus));
}

static void rseq_sabotage(void)
{
	struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);

	zoo_sys(syscall(SYS_rseq, area, 32, 1, RSEQ_SIG));
}

const struct zoo_case zoo_threads[] = {
	{ "threads-tls", tls_setup, NULL, tls_verify, tls_sabotage },
	{ "threads-robust", robust_setup, robust_check, robust_verify, robust_sabotage },
	{ "threads-cond", cond_setup, NULL, cond_verify, cond_sabotage },
	{ "threads-own", own_setup, NULL, join, NULL },
	{ "threads-fpu", fpu_setup, NULL, fpu_verify, NULL },
	{ "threads-rseq", NULL, rseq_check, NULL, rseq_sabotage },
	{ NULL },
};
