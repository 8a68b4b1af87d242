/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the plugin notes of one device that a process has open: a file of its own beside criu's
 * images, "seat-ID.img" with ID as criu numbers open files (hex), and "seat-fb-MINOR.img" of a
 * framebuffer that is mapped. Both kernels are of one machine and one installation of upkeep: it
 * is the structure as it lies in memory.
 */
#ifndef UPKEEP_SEAT_RECORD_H
#define UPKEEP_SEAT_RECORD_H

#include "seat/device.h"

#define UK_SEAT_MAGIC 0x756b7331u /* "uks1" */

enum uk_seat_kind {
	UK_SEAT_INPUT,
	UK_SEAT_SCREEN,
};

/* What a descriptor of an input device has for itself; drivers/input/evdev.c. */
struct uk_seat_client {
	bool grabbed;	     /* EVIOCGRAB */
	bool masked[EV_CNT]; /* EVIOCSMASK, for each type of events */
	uint8_t masks[EV_CNT][KEY_CNT / 8];
};

struct uk_seat_record {
	uint32_t magic, kind;
	uint32_t flags; /* O_... */
	int64_t position;
	struct uk_seat_input input;
	struct uk_seat_client client;
	struct uk_seat_screen screen;
};

#endif
