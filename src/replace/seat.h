/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kept programs left on a person's seat: text, mode, keyboard and owner of their virtual
 * terminals, which terminal is shown, and the pixels of their framebuffers. The descriptors and
 * mappings of keyboards, mice and framebuffers are carried by a plugin of criu (src/plugin/seat.c).
 *
 * The folder of the swap gets, for a seat that is in use:
 *
 *	seat.img		struct uk_seat_state and what follows it, as it lies in memory
 *	seat-text-NUMBER	of /dev/vcsaNUMBER: see vcs(4)
 *	seat-pixels-N		of the Nth framebuffer, all lines that it has
 */
#ifndef UPKEEP_REPLACE_SEAT_H
#define UPKEEP_REPLACE_SEAT_H

#include "base/error.h"
#include "base/progress.h"
#include "replace/hold.h"
#include "replace/keep.h"

/* Whether a descriptor is of a seat: a virtual terminal, an input device, a framebuffer. */
bool uk_seat_is_terminal(const struct uk_fd *fd);
bool uk_seat_is_input(const struct uk_fd *fd);
bool uk_seat_is_screen(const struct uk_fd *fd);

/* The same of a mapping: /dev/fbNUMBER. */
bool uk_seat_maps_screen(const struct uk_mapping *mapping, unsigned int *number_ret);

/* While the programs stand still. Writes nothing if none of them has such a thing open. */
struct uk_error *uk_seat_save(const struct uk_keep *keep, const char *dir) uk_must_check;

/*
 * In the new kernel, before anything is restored: has the drivers loaded, waits for the devices,
 * sets up the terminals and the screens. What cannot be had as it was is remarked, and criu
 * will not restore who needs it.
 */
struct uk_error *uk_seat_restore(const char *dir, const struct uk_sink *sink) uk_must_check;

/*
 * While a service that was restored is held: terminals that one of its processes switches itself
 * (VT_PROCESS) are its again, for the kernel asks who has set that mode.
 */
struct uk_error *uk_seat_claim(const char *dir, struct uk_hold *hold) uk_must_check;

#endif
