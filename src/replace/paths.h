/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a swap keeps its files. Private to this room. */
#ifndef UPKEEP_REPLACE_PATHS_H
#define UPKEEP_REPLACE_PATHS_H

/* A folder for each swap, named by its id: images and plan, then its report. Root's alone. */
#define UK_SWAPS "/var/lib/upkeep/replace"

/* In the new kernel, in memory: the key until the plan is read, then the id. */
#define UK_SWAP_KEY "/run/upkeep/replace.key"
#define UK_SWAP_ID "/run/upkeep/replace.id"

/* What became of it, in the folder of the swap: a plan with all times, without files. */
#define UK_SWAP_REPORT "report.json"

#endif
