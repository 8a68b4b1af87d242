// SPDX-License-Identifier: GPL-2.0-or-later
/* Ending in the middle, for tests. */
#include "base/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void leave(void)
{
	_exit(UK_FAULT_STATUS);
}

static void be_killed(void)
{
	raise(SIGKILL);
}

static void be_stopped(void)
{
	raise(SIGSTOP);
}

static void hang(void)
{
	for (;;)
		pause();
}

static void panic_kernel(void)
{
	int trigger = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	if (trigger < 0 || write(trigger, "c", 1) != 1)
		leave();
}

static const struct {
	const char *name;
	void (*way)(void);
} ways[] = {
	{ ":kill", be_killed },
	{ ":stop", be_stopped },
	{ ":hang", hang },
	{ ":panic", panic_kernel },
};

void uk_fault_init(struct uk_fault *fault)
{
	const char *text = getenv("UPKEEP_FAULT");
	char *way = NULL;
	*fault = (struct uk_fault){ .way = leave };
	if (text)
		fault->stop_at = (unsigned int)strtoul(text, &way, 10);
	for (size_t i = 0; way && i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!strcmp(way, ways[i].name))
			fault->way = ways[i].way;
	}
}

void uk_fault_step(struct uk_fault *fault)
{
	if (++fault->step == fault->stop_at)
		fault->way();
}
