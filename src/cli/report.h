/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an apply, undo or check reports: for people and as JSON. */
#ifndef UPKEEP_CLI_REPORT_H
#define UPKEEP_CLI_REPORT_H

#include "cli/cli.h"
#include "live/live.h"

/* Fields of a report (all but its id) in the verb's JSON object; nothing without --json. */
void uk_report_json(const struct uk_cli *cli, const struct uk_live_report *report);

/* With --verbose: functions and phases. */
void uk_report_details(const struct uk_cli *cli, const struct uk_live_report *report);

/* The tasks that stood in the way, on standard error. */
void uk_report_blockers(const struct uk_cli *cli, const struct uk_live_report *report);

/* "3 functions in 2 objects, pause 0.61 ms on 4 CPUs" */
const char *uk_report_summary(const struct uk_live_report *report, char buf[192]);

/* "1 function", "2 functions" */
const char *uk_count_text(size_t nr, const char *noun, char buf[64]);

/* "1 function", "2 data writes", "1 function, 1 data write" */
const char *uk_changes_text(size_t functions, size_t data_writes, char buf[64]);

/* A list of functions with their addresses, as JSON. */
void uk_report_functions_json(struct json_object *to, const struct uk_live_function *functions,
			      size_t nr);

#endif
