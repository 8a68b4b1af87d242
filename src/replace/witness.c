// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether a thread executed an instruction. */
#include "replace/witness.h"

#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

static int count_at(pid_t tid, uint64_t address)
{
	const struct perf_event_attr attr = { .type = PERF_TYPE_BREAKPOINT,
					      .size = sizeof(attr),
					      .bp_type = HW_BREAKPOINT_X,
					      .bp_addr = address,
					      .bp_len = sizeof(long),
					      .exclude_kernel = 1,
					      .exclude_hv = 1 };
	return (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static __attribute__((noinline)) void pass(void)
{
	__asm__ volatile("");
}

static bool they_count;

/* Some virtual machines take a breakpoint, and never stop there: their witness would be false. */
static void try_one(void)
{
	uint64_t count = 0;
	uk_auto_close int own = count_at(0, (uint64_t)(uintptr_t)pass);
	pass();
	they_count = own >= 0 && read(own, &count, sizeof(count)) == sizeof(count) && count == 1;
}

struct uk_error *uk_witness_call(pid_t tid, uint64_t address, int *ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, try_one);
	if (!they_count)
		return uk_error_create(UK_ERR_SYSTEM,
				       "this machine counts no hardware breakpoints");
	*ret = count_at(tid, address);
	return *ret < 0 ? uk_error_errno(errno, "watch thread %d", tid) : NULL;
}

struct uk_error *uk_witness_ask(int witness, uint64_t *ret)
{
	uint64_t count;
	if (read(witness, &count, sizeof(count)) != sizeof(count))
		return uk_error_errno(errno, "a counter of breakpoints");
	*ret = count;
	return NULL;
}
