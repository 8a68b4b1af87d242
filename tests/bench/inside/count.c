// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How many instructions a system call takes: count syscall | count PATH [EXPECTED].
 *
 * For a guest that runs with QEMU's -icount shift=0: there the time stamp counter moves by one
 * for each instruction. The least of many calls is one that no interrupt came into. The first
 * word of the output is that number, the rest is what the call gave, for the caller to see which
 * code ran.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CALLS = 3000 };

static char text[4096];

static inline uint64_t now(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* In one function, so that the instructions around the call are always the same. */
static __attribute__((noinline)) uint64_t least(long nr, long a, long b, long c, long d, long *ret)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < CALLS; i++) {
		uint64_t from = now();

		*ret = syscall(nr, a, b, c, d);
		uint64_t took = now() - from;

		if (took < best)
			best = took;
	}
	return best;
}

static void show(uint64_t count, const char *what)
{
	printf("%llu ", (unsigned long long)count);
	for (; *what; what++)
		putchar(*what == '\n' || *what == ' ' ? '.' : *what);
	putchar('\n');
}

int main(int argc, char **argv)
{
	long ret;

	if (argc != 2)
		return 2;
	if (!strcmp(argv[1], "syscall")) {
		uint64_t count = least(SYS_sched_get_priority_max, SCHED_FIFO, 0, 0, 0, &ret);

		snprintf(text, sizeof(text), "%ld", ret);
		show(count, text);
		return 0;
	}
	int fd = open(argv[1], O_RDONLY);

	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	uint64_t count = least(SYS_pread64, fd, (long)text, sizeof(text) - 1, 0, &ret);

	text[ret > 0 ? ret : 0] = '\0';
	show(count, text);
	return ret <= 0;
}
