// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices of a seat, found again. */
#include "seat/device.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	INPUTS = 1024, /* more than the kernel gives numbers to */
	SCREENS = 32,  /* FB_MAX */
};

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

/* --- keyboards and mice --------------------------------------------------------------- */

bool uk_seat_input_read(int fd, struct uk_seat_input *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (ioctl(fd, EVIOCGID, &ret->id) < 0)
		return false;
	ioctl(fd, EVIOCGNAME(sizeof(ret->name) - 1), ret->name);
	ioctl(fd, EVIOCGPHYS(sizeof(ret->place) - 1), ret->place);
	ioctl(fd, EVIOCGUNIQ(sizeof(ret->unique) - 1), ret->unique);
	return true;
}

bool uk_seat_input_valid(const struct uk_seat_input *input)
{
	return ends(input->name, sizeof(input->name)) && ends(input->place, sizeof(input->place)) &&
	       ends(input->unique, sizeof(input->unique));
}

static bool same_input(const struct uk_seat_input *one, const struct uk_seat_input *other)
{
	return !memcmp(&one->id, &other->id, sizeof(one->id)) && !strcmp(one->name, other->name) &&
	       !strcmp(one->place, other->place) && !strcmp(one->unique, other->unique);
}

int uk_seat_input_open(const struct uk_seat_input *wanted, int flags, char *reason)
{
	int found = -1;
	snprintf(reason, UK_SEAT_REASON, "%s at %s: there is no such input device", wanted->name,
		 wanted->place);
	for (int number = 0; number < INPUTS; number++) {
		struct uk_seat_input input;
		char path[64];
		snprintf(path, sizeof(path), "/dev/input/event%d", number);
		int fd = open(path, flags | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!uk_seat_input_read(fd, &input) || !same_input(&input, wanted)) {
			close(fd);
		} else if (found < 0) {
			found = fd;
		} else {
			snprintf(reason, UK_SEAT_REASON, "%s at %s: two input devices are that",
				 wanted->name, wanted->place);
			close(fd);
			close(found);
			return -1;
		}
	}
	return found;
}

/* --- screens -------------------------------------------------------------------------- */

bool uk_seat_screen_read(int fd, unsigned int number, struct uk_seat_screen *ret)
{
	struct fb_fix_screeninfo fix;
	char link[64], device[PATH_MAX];
	memset(ret, 0, sizeof(*ret));
	snprintf(link, sizeof(link), "/sys/class/graphics/fb%u/device", number);
	if (!realpath(link, device) || ioctl(fd, FBIOGET_FSCREENINFO, &fix) < 0 ||
	    ioctl(fd, FBIOGET_VSCREENINFO, &ret->mode) < 0)
		return false;
	if (strlen(device) >= sizeof(ret->device)) {
		errno = ENAMETOOLONG;
		return false;
	}
	strcpy(ret->device, device);
	ret->line = fix.line_length;
	ret->size = fix.smem_len;
	return true;
}

bool uk_seat_screen_valid(const struct uk_seat_screen *screen)
{
	return ends(screen->device, sizeof(screen->device));
}

static bool same_field(const struct fb_bitfield *one, const struct fb_bitfield *other)
{
	return one->offset == other->offset && one->length == other->length;
}

/* What a program that draws counts on. */
static bool same_layout(const struct uk_seat_screen *one, const struct uk_seat_screen *other)
{
	return one->line == other->line && one->size <= other->size &&
	       one->mode.xres == other->mode.xres && one->mode.yres == other->mode.yres &&
	       one->mode.bits_per_pixel == other->mode.bits_per_pixel &&
	       same_field(&one->mode.red, &other->mode.red) &&
	       same_field(&one->mode.green, &other->mode.green) &&
	       same_field(&one->mode.blue, &other->mode.blue);
}

static bool set_mode(int fd, unsigned int number, const struct uk_seat_screen *wanted,
		     struct uk_seat_screen *now)
{
	struct fb_var_screeninfo mode = wanted->mode;
	return same_layout(wanted, now) ||
	       (!ioctl(fd, FBIOPUT_VSCREENINFO, &mode) && uk_seat_screen_read(fd, number, now) &&
		same_layout(wanted, now));
}

static int find_screen(const struct uk_seat_screen *wanted, int flags, char *reason, int *fd_ret)
{
	snprintf(reason, UK_SEAT_REASON, "%s has no framebuffer", wanted->device);
	for (unsigned int number = 0; number < SCREENS; number++) {
		struct uk_seat_screen screen;
		char path[32];
		snprintf(path, sizeof(path), "/dev/fb%u", number);
		int fd = open(path, flags | O_CLOEXEC);
		if (fd < 0)
			continue;
		bool same = uk_seat_screen_read(fd, number, &screen) &&
			    !strcmp(screen.device, wanted->device);
		if (same && set_mode(fd, number, wanted, &screen)) {
			*fd_ret = fd;
			return (int)number;
		}
		if (same)
			snprintf(reason, UK_SEAT_REASON,
				 "%s: %ux%u at %u bits a pixel, and cannot be set to %ux%u at %u "
				 "as it was",
				 path, screen.mode.xres, screen.mode.yres,
				 screen.mode.bits_per_pixel, wanted->mode.xres, wanted->mode.yres,
				 wanted->mode.bits_per_pixel);
		close(fd);
	}
	return -1;
}

int uk_seat_screen_open(const struct uk_seat_screen *wanted, int flags, char *reason)
{
	int fd;
	return find_screen(wanted, flags, reason, &fd) < 0 ? -1 : fd;
}

int uk_seat_screen_find(const struct uk_seat_screen *wanted, char *reason)
{
	int fd, number = find_screen(wanted, O_RDWR, reason, &fd);
	if (number >= 0)
		close(fd);
	return number;
}
