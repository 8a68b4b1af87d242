/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file seat.img holds. Private to this room; see seat.h. */
#ifndef UPKEEP_REPLACE_SEAT_STATE_H
#define UPKEEP_REPLACE_SEAT_STATE_H

#include "base/error.h"
#include "seat/device.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	UK_SEAT_TERMINALS = 16,
	UK_SEAT_INPUTS = 32,
	UK_SEAT_SCREENS = 4,
	UK_SEAT_ALIASES = 128,
	UK_SEAT_ALIAS = 512, /* bytes of one, with its end */
};

/* As ioctl_console(2) has them. */
struct uk_seat_terminal {
	uint32_t number;    /* of /dev/ttyNUMBER */
	int32_t mode;	    /* KDGETMODE */
	int32_t keyboard;   /* KDGKBMODE */
	int32_t meta;	    /* KDGKBMETA */
	uint8_t locks;	    /* KDGKBLED */
	bool by_process;    /* VT_PROCESS, by ... */
	pid_t owner;	    /* ... a process that has it open; 0: nobody who is kept */
	bool shared;	    /* by more than one */
	int32_t descriptor; /* of that process */
	int8_t waits;	    /* struct vt_mode: waitv, relsig, acqsig */
	int16_t release_signal, acquire_signal;
};

struct uk_seat_state {
	uint32_t magic, size; /* of this structure */
	uint32_t active;      /* the terminal that is shown */
	uint32_t nr_terminals, nr_inputs, nr_screens, nr_aliases;
	struct uk_seat_terminal terminals[UK_SEAT_TERMINALS];
	struct uk_seat_input inputs[UK_SEAT_INPUTS];
	struct uk_seat_screen screens[UK_SEAT_SCREENS];
	uint32_t screen_numbers[UK_SEAT_SCREENS]; /* as they were in the old kernel */
	/* Who may open them: udev says so, and it has not started yet when criu compares. */
	uint32_t screen_rights[UK_SEAT_SCREENS], screen_owners[UK_SEAT_SCREENS],
		screen_groups[UK_SEAT_SCREENS];
	char aliases[UK_SEAT_ALIASES][UK_SEAT_ALIAS]; /* for modprobe: a device before its bus */
};

/* Empty; NULL without memory. Free it. */
struct uk_seat_state *uk_seat_state_new(void);

/* A line of a file modalias in sysfs. One that is known is not added again. */
struct uk_error *uk_seat_state_add_alias(struct uk_seat_state *state,
					 const char *line) uk_must_check;

struct uk_error *uk_seat_state_write(const struct uk_seat_state *state,
				     const char *dir) uk_must_check;
/* *ret is NULL if there is none. UK_ERR_INVALID for what this version does not write. Free it. */
struct uk_error *uk_seat_state_read(const char *dir, struct uk_seat_state **ret) uk_must_check;

#endif
