// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Restores the kept services before the system starts (--resume, --home), clears up if that failed
 * (--rescue WHY), and does what remains once the system has started (--finish). Not for people:
 * src/init/supervise.c starts the first two, a unit the last.
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

static int end(struct uk_error *err)
{
	if (err)
		fprintf(stderr, "upkeep: %s\n", uk_error_message(err));
	int status = uk_error_exit_code(err);
	uk_error_destroy(err);
	return status;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	bool finishing = !strcmp(word, "--finish");
	if (!finishing && getppid() != 1) {
		fprintf(stderr, "resume: only a new kernel starts this\n");
		return 1;
	}
	uk_auto_fclose FILE *log =
		finishing ? fdopen(dup(STDERR_FILENO), "w") : fopen("/dev/kmsg", "we");
	const struct uk_sink sink = { .remark = log ? remark : NULL, .ctx = log };
	if (finishing)
		return end(uk_resume_finish(&sink));
	if (!strcmp(word, "--rescue") && argc == 3)
		return end(uk_resume_rescue(argv[0], argv[2], &sink));
	bool home = !strcmp(word, "--home");
	if ((!home && strcmp(word, "--resume")) || sodium_init() < 0)
		return 1;
	return !uk_resume(argv[0], home, &sink);
}
