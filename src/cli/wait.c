// SPDX-License-Identifier: GPL-2.0-or-later
/* The argument of --wait. */
#include "cli/wait.h"

#include <ctype.h>
#include <stdlib.h>

/* A week: longer is a slip of the finger. */
static const double max_seconds = 7 * 24 * 3600;

unsigned int uk_cli_parse_wait(struct argp_state *state, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);
	if (!isdigit((unsigned char)*text) || *end || !(seconds >= 0 && seconds <= max_seconds))
		argp_error(state, "--wait takes seconds from 0 to %.0f, not '%s'", max_seconds,
			   text);
	return (unsigned int)(seconds * 1000);
}
