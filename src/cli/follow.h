/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Following a replacement of the kernel from within what is kept: see replace/apart.h. */
#ifndef UPKEEP_CLI_FOLLOW_H
#define UPKEEP_CLI_FOLLOW_H

#include "cli/cli.h"
#include "replace/apart.h"

/*
 * Shows what the child does until it ends, and then ends this process as the child ended; or until
 * another kernel runs, of which it says how it went. Interrupts are passed on.
 */
struct uk_error *uk_follow(struct uk_cli *cli, struct uk_apart *apart) uk_must_check;

#endif
