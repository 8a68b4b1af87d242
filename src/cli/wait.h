/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The argument of --wait. */
#ifndef UPKEEP_CLI_WAIT_H
#define UPKEEP_CLI_WAIT_H

#include <argp.h>

/* Seconds, also with a fraction, as milliseconds; what is none is bad usage. */
unsigned int uk_cli_parse_wait(struct argp_state *state, const char *text);

#endif
