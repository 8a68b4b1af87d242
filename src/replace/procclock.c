// SPDX-License-Identifier: GPL-2.0-or-later
/* The clocks as a process sees them. */
#include "replace/procclock.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Their names in the file; the kernel takes numbers for them, too, but shows words. */
static const char *name_of(int clock)
{
	return clock == CLOCK_MONOTONIC ? "monotonic" : clock == CLOCK_BOOTTIME ? "boottime" : NULL;
}

struct uk_error *uk_procclock_parse(const char *text, int clock, int64_t *ret)
{
	const char *name = name_of(clock);
	char word[16];
	int64_t seconds, nanoseconds;
	int len;
	*ret = 0;
	if (!name)
		return NULL;
	for (; sscanf(text, "%15s %" SCNd64 " %" SCNd64 "%n", word, &seconds, &nanoseconds, &len) ==
	       3;
	     text += len) {
		if (strcmp(word, name) != 0)
			continue;
		if (nanoseconds < 0 || nanoseconds >= UK_SECOND_NS ||
		    __builtin_mul_overflow(seconds, (int64_t)UK_SECOND_NS, ret) ||
		    __builtin_add_overflow(*ret, nanoseconds, ret))
			break;
		return NULL;
	}
	return uk_error_create(UK_ERR_INVALID, "timens_offsets does not tell how far ahead %s is",
			       name);
}

/* A process is in one namespace and may have asked for another one for its children. */
static struct uk_error *check_namespace(pid_t pid)
{
	char path[2][64], link[2][64];
	snprintf(path[0], sizeof(path[0]), "/proc/%d/ns/time", pid);
	snprintf(path[1], sizeof(path[1]), "/proc/%d/ns/time_for_children", pid);
	for (int i = 0; i < 2; i++) {
		ssize_t len = readlink(path[i], link[i], sizeof(link[i]) - 1);
		if (len < 0)
			return uk_error_errno(errno, "%s", path[i]);
		link[i][len] = '\0';
	}
	if (strcmp(link[0], link[1]) != 0)
		return uk_error_create(UK_ERR_REFUSED,
				       "process %d has another time namespace for its children",
				       pid);
	return NULL;
}

struct uk_error *uk_procclock_ahead(pid_t pid, int clock, int64_t *ret)
{
	char path[64];
	uk_auto_free char *text = NULL;
	size_t len;
	*ret = 0;
	snprintf(path, sizeof(path), "/proc/%d/timens_offsets", pid);
	/* Without CONFIG_TIME_NS there is one time for all. */
	if (!name_of(clock) || !uk_file_exists("/proc/self/timens_offsets"))
		return NULL;
	struct uk_error *err = check_namespace(pid);
	if (!err)
		err = uk_file_read(path, 4096, &text, &len);
	return err ? err : uk_procclock_parse(text, clock, ret);
}

struct uk_error *uk_procclock_now(pid_t pid, int clock, uint64_t *ret)
{
	struct timespec now;
	int64_t ahead;
	struct uk_error *err = uk_procclock_ahead(pid, clock, &ahead);
	if (err)
		return err;
	if (clock_gettime(clock, &now) < 0)
		return uk_error_errno(errno, "clock %d", clock);
	*ret = (uint64_t)now.tv_sec * UK_SECOND_NS + (uint64_t)now.tv_nsec + (uint64_t)ahead;
	return NULL;
}
