/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running other programs: by argument vector only, never through a shell. They are killed when
 * the thread that runs them ends before them, unless they are to outlive it.
 */
#ifndef UPKEEP_BASE_PROCESS_H
#define UPKEEP_BASE_PROCESS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct uk_process {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;	 /* NULL-terminated NAME=VALUE added to ours, or NULL */
	const char *dir;	 /* working folder, or NULL for ours */
	const char *input;	 /* fed to standard input, or NULL for none */
	size_t input_len;
	bool outlives;		  /* must not be killed half way */
	void (*in_child)(void *); /* called in the child before exec, or NULL */
	void *in_child_arg;
};

struct uk_process_result {
	int status; /* exit status, or 128 + signal */
	char *out;  /* standard output, NUL-terminated */
	size_t out_len;
	char *errout; /* standard error, NUL-terminated */
	size_t errout_len;
};

void uk_process_result_deinit(struct uk_process_result *result);
#define uk_auto_process_result uk_cleanup(uk_process_result_deinit)

/* Runs to the end; a non-zero status is not an error here. */
struct uk_error *uk_process_run(const struct uk_process *process,
				struct uk_process_result *ret) uk_must_check;

/* One that has begun, and waits for its standard input. */
struct uk_process_begun {
	pid_t pid;
	int in, out, errout; /* our ends of its pipes */
};

/*
 * The first half of uk_process_run(): it runs, and its input is fed by uk_process_finish(), which
 * waits for its end. If that fails it has ended, too.
 */
struct uk_error *uk_process_begin(const struct uk_process *process,
				  struct uk_process_begun *ret) uk_must_check;
struct uk_error *uk_process_finish(struct uk_process_begun *begun, const char *input, size_t len,
				   struct uk_process_result *ret) uk_must_check;
/* Instead of that: it is killed. */
void uk_process_abandon(struct uk_process_begun *begun);

/*
 * Runs to the end; a non-zero status is an error that carries the last lines of what
 * the program said. @out_ret (may be NULL) gets standard output.
 */
struct uk_error *uk_process_check(const struct uk_process *process, char **out_ret) uk_must_check;

/* uk_process_check() of an argument list that ends with NULL. */
struct uk_error *uk_process_call(char **out_ret, const char *program, ...)
	__attribute__((sentinel)) uk_must_check;

#endif
