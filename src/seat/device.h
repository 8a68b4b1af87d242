/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices that a person sits in front of, and how each is found again on another kernel,
 * where numbers (event3, fb0) may be others.
 *
 * This room has no other below it: a plugin of criu is made of it, too.
 */
#ifndef UPKEEP_SEAT_DEVICE_H
#define UPKEEP_SEAT_DEVICE_H

#include <linux/fb.h>
#include <linux/input.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	UK_SEAT_FIRST_EVDEV = 64, /* drivers/input/evdev.c: EVDEV_MINOR_BASE */
	UK_SEAT_REASON = 1024,	  /* room for why something is not to be had */
};

/*
 * A keyboard, a mouse: what it is, and where it is plugged in. The texts are those of
 * EVIOCGNAME, EVIOCGPHYS and EVIOCGUNIQ; one that the device has not is empty.
 */
struct uk_seat_input {
	struct input_id id;
	char name[256], place[256], unique[256];
};

/* A framebuffer: the device that it belongs to, and how pixels lie in it. */
struct uk_seat_screen {
	char device[512]; /* its folder in sysfs, "/sys/devices/pci0000:00/0000:00:02.0" */
	struct fb_var_screeninfo mode;
	uint32_t line, size; /* of one line of pixels, of all that can be mapped; in bytes */
};

/* Of an open descriptor. False with errno if it does not answer as such a device does. */
bool uk_seat_input_read(int fd, struct uk_seat_input *ret);
/* @number as in /dev/fbNUMBER. */
bool uk_seat_screen_read(int fd, unsigned int number, struct uk_seat_screen *ret);

/* That what was read from a file may be used: the texts end. */
bool uk_seat_input_valid(const struct uk_seat_input *input);
bool uk_seat_screen_valid(const struct uk_seat_screen *screen);

/*
 * Opens the one device that is @wanted, with @flags of open(2). -1 if there is none or more than
 * one; @reason (UK_SEAT_REASON bytes) says why. A screen is set to the wanted mode if it is
 * in another one.
 */
int uk_seat_input_open(const struct uk_seat_input *wanted, int flags, char *reason);
int uk_seat_screen_open(const struct uk_seat_screen *wanted, int flags, char *reason);

/* The number of /dev/fbNUMBER that uk_seat_screen_open() would open; -1 likewise. */
int uk_seat_screen_find(const struct uk_seat_screen *wanted, char *reason);

#endif
