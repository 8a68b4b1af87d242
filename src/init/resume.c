// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first process in the root filesystem of a new kernel: restores the kept services, then
 * becomes the system's own init. With --finish: what remains to be done once the system has
 * started. Not for people: src/init/init.c and a unit start it.
 */
#include "replace/resume.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* To the kernel's log, from where the journal takes it; or to standard error. */
static void remark(void *ctx, enum uk_level level, const char *text)
{
	FILE *file = ctx;
	if (level < UK_LEVEL_WARNING)
		return;
	fprintf(file, "<4>upkeep: %s\n", text);
	fflush(file);
}

static int finish(const struct uk_sink *sink)
{
	struct uk_error *err = uk_resume_finish(sink);
	if (err)
		fprintf(stderr, "upkeep: %s\n", uk_error_message(err));
	int status = uk_error_exit_code(err);
	uk_error_destroy(err);
	return status;
}

int main(int argc, char **argv)
{
	bool finishing = argc == 2 && !strcmp(argv[1], "--finish");
	if (!finishing && getpid() != 1) {
		fprintf(stderr, "resume: only a new kernel starts this\n");
		return 1;
	}
	uk_auto_fclose FILE *log = fopen(finishing ? "/dev/stderr" : "/dev/kmsg", "we");
	const struct uk_sink sink = { .remark = log ? remark : NULL, .ctx = log };
	if (finishing)
		return finish(&sink);
	if (sodium_init() >= 0)
		uk_resume(argv[0], &sink);
	execl("/sbin/init", "/sbin/init", NULL);
	perror("/sbin/init");
	return 1;
}
