// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs a Check suite and reports TAP. */
#include "tap.h"

#include <stdlib.h>

int tap_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	int run = srunner_ntests_run(runner);
	srunner_free(runner);
	return failed || !run ? EXIT_FAILURE : EXIT_SUCCESS;
}
