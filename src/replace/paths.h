/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a swap keeps its files. Private to this room. */
#ifndef UPKEEP_REPLACE_PATHS_H
#define UPKEEP_REPLACE_PATHS_H

/* A folder for each swap, named by its id: images and plan, then its report. Root's alone. */
#define UK_SWAPS "/var/lib/upkeep/replace"

/*
 * What the next boot does first, while a swap is on its way: see home.h. On the root file system,
 * for no other is mounted then.
 */
#define UK_HOME_FOLDER "/etc/upkeep"
#define UK_HOME UK_HOME_FOLDER "/home"

/* In the new kernel, in memory: the key until the plan is read, then the id. */
#define UK_SWAP_KEY "/run/upkeep/replace.key"
#define UK_SWAP_ID "/run/upkeep/replace.id"

/* How far resume is, see state.h; src/init/supervise.c looks for the second one, too. */
#define UK_RESUME_STATE "/run/upkeep/resume"
#define UK_RESUME_BEGUN UK_RESUME_STATE "/begun"

/*
 * In the folder of the swap: room on the disk that is kept free for the restore, for criu and
 * what runs again have to write there, and their disk may have become full meanwhile.
 */
#define UK_SWAP_SPARE "spare"
#define UK_SWAP_SPARE_SIZE (16 << 20)

/* In the folder of the swap: its images are in memory, see store.h. */
#define UK_SWAP_STORE "store"

/* In the folder of the swap: what became of it, see history.h. */
#define UK_SWAP_REPORT "report.json"

#endif
