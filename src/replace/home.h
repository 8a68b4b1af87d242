/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way home: what a machine whose new kernel came to nothing finds at its next boot.
 *
 * Two things on the disk, as long as no kept process may have run again:
 *
 *	UK_HOME		what to do before the system starts, line by line as in /upkeep/boot of
 *			the initramfs (src/init/init.c), and the key of the swap; root's alone
 *	/sbin/init	leads to upkeep's init, which does that first; where it led to is a
 *			link beside it
 *
 * Closing puts /sbin/init back and removes UK_HOME, on the disk before it returns. Who restores
 * closes first: so nothing is restored twice, and a way home that fails is not gone again.
 */
#ifndef UPKEEP_REPLACE_HOME_H
#define UPKEEP_REPLACE_HOME_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Writes UK_HOME, see uk_ramdisk_home_text(). Nothing leads there yet. UK_ERR_REFUSED where
 * /sbin/init is no link, which could be put back.
 */
struct uk_error *uk_home_write(const char *text) uk_must_check;

/* From now on it leads there; for certain, once a sync(2) has come. */
struct uk_error *uk_home_open(void) uk_must_check;
bool uk_home_is_open(void);

/* Also where only a part of it is there, or nothing. */
struct uk_error *uk_home_close(void) uk_must_check;

/*
 * When the system was started last, in CLOCK_REALTIME: systemd-random-seed.service writes its seed
 * at each start. 0 where there is none.
 */
uint64_t uk_home_last_start(void);

#endif
