// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long the machine stands still: an empty stop beside applies and undos of one function.
 * Least and median of the rounds, in us; under emulation the host's own load is in the median.
 */
#include "kt.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ROUNDS = 100 };

static void *sleeper(void *arg)
{
	(void)arg;
	pause();
	return NULL;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void show(const char *what, uint64_t *figures)
{
	qsort(figures, ROUNDS, sizeof(*figures), compare);
	printf(" %s %.1f/%.1f", what, figures[0] / 1000.0, figures[ROUNDS / 2] / 1000.0);
}

static void probe(uint64_t *pauses, uint64_t *stops)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct upkeep_probe probe = { .header = { UPKEEP_ABI, sizeof(probe) } };

		if (ioctl(kt_device, UPKEEP_PROBE, &probe))
			kt_die("UPKEEP_PROBE");
		pauses[i] = probe.pause_ns;
		stops[i] = probe.stop_ns;
	}
}

static void measure(unsigned int threads)
{
	uint64_t pauses[ROUNDS], stops[ROUNDS], undo_pauses[ROUNDS], checks[ROUNDS];
	struct kt_request *req = kt_start("be");
	unsigned int inside = 0;

	probe(pauses, stops);
	printf("%u threads, empty:", threads);
	show("pause", pauses);
	show("stop", stops);
	kt_add_module(req, "kt_new", UPKEEP_PART);
	kt_add_redirect(req, NULL, "cmdline_proc_show", "kt_new_cmdline_show");
	for (int i = 0; i < ROUNDS; i++) {
		if (kt_apply_soon(req, 20))
			kt_die("apply");
		pauses[i] = req->out.pause_ns;
		stops[i] = req->out.stop_ns;
		checks[i] = req->out.check_ns;
		inside += req->out.tasks_inside;
		if (kt_undo_soon(req, "be", 20))
			kt_die("undo");
		undo_pauses[i] = req->out.pause_ns;
	}
	printf("; apply:");
	show("pause", pauses);
	show("stop", stops);
	show("check", checks);
	printf(" (%.1f of %u stacks in the stop); undo:", (double)inside / ROUNDS, req->out.tasks);
	show("pause", undo_pauses);
	printf("\n");
}

int kt_bench(void)
{
	static const unsigned int steps[] = { 0, 50, 500, 2000 };
	unsigned int threads = 0;
	pthread_attr_t small;
	pthread_t thread;

	if (kt_load("kt_new", ""))
		kt_die("kt_new.ko");
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	for (unsigned int i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		for (; threads < steps[i]; threads++)
			if (pthread_create(&thread, &small, sleeper, NULL))
				kt_die("pthread_create");
		usleep(200000);
		measure(threads);
	}
	return 0;
}
