/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a Check suite and reports TAP on standard output. */
#ifndef UPKEEP_TEST_TAP_H
#define UPKEEP_TEST_TAP_H

#include <check.h>

/*
 * Runs @suite in forked children, prints TAP, frees it; returns the exit status
 * of the test program: 0 when all passed.
 */
int tap_run(Suite *suite);

/* Fails the test when @err is set, with its message. Takes ownership. */
#define ck_ok(expr)                                                                                \
	do {                                                                                       \
		struct uk_error *ck_err = (expr);                                                  \
		if (ck_err)                                                                        \
			ck_abort_msg("%s: %s", #expr, uk_error_message(ck_err));                   \
	} while (0)

/* Expects an error of @wanted kind whose message contains @text. */
#define ck_fails(expr, wanted, text)                                                               \
	do {                                                                                       \
		struct uk_error *ck_err = (expr);                                                  \
		ck_assert_msg(ck_err != NULL, "%s: succeeded", #expr);                             \
		ck_assert_msg(strstr(uk_error_message(ck_err), (text)) != NULL,                    \
			      "message '%s' lacks '%s'", uk_error_message(ck_err), (text));        \
		ck_assert_int_eq(uk_error_kind(ck_err), (wanted));                                 \
		uk_error_destroy(ck_err);                                                          \
	} while (0)

#endif
