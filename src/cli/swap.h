/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A replacement of the kernel that was: for people and as JSON. */
#ifndef UPKEEP_CLI_SWAP_H
#define UPKEEP_CLI_SWAP_H

#include "cli/cli.h"
#include "replace/history.h"

/* Its fields in @to. */
void uk_swap_json(struct json_object *to, const struct uk_history_swap *swap);

/* When, from what to what, how it ended; with @all each phase and each service. */
struct uk_error *uk_swap_say(const struct uk_cli *cli, const struct uk_history_swap *swap,
			     bool all) uk_must_check;

/* "2026-11-30 05:40:12" in local time, "-" for 0. */
const char *uk_time_text(int64_t seconds, char buf[32]);

#endif
