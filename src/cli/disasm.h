/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A function of an update before and after, instruction by instruction, side by side. */
#ifndef UPKEEP_CLI_DISASM_H
#define UPKEEP_CLI_DISASM_H

#include "cli/cli.h"

/* @function is NAME or OBJECT:NAME, such as "fs/proc/cmdline.o:cmdline_proc_show". */
struct uk_error *uk_disasm_print(struct uk_cli *cli, const struct uk_bundle *bundle,
				 const char *function) uk_must_check;

#endif
