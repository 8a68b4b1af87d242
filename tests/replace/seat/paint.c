// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program on a person's seat: it has a virtual terminal, the framebuffer, a keyboard and a mouse
 * for itself, and paints. check-seat runs it under a kernel swap and looks at the screen.
 *
 *	paint TERMINAL		"/dev/tty7"; paints until it is killed
 *
 * The picture is told by the events alone, so that the check can paint it, too (seat.py): a
 * background, and a square wherever the mouse was, in the colour that the last key chose.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <linux/input.h>
#include <linux/kd.h>
#include <linux/vt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SQUARE = 24 };

struct screen {
	uint32_t *pixels, *copy; /* the copy is painted again when the terminal comes back */
	unsigned int width, height, stride; /* in pixels */
	size_t size;
};

static int terminal = -1;
static volatile sig_atomic_t back;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* The kernel asks to be let away from this terminal, or tells that it is back. */
static void release(int nr)
{
	(void)nr;
	ioctl(terminal, VT_RELDISP, 1);
	write(STDOUT_FILENO, "released\n", 9);
}

static void acquire(int nr)
{
	(void)nr;
	ioctl(terminal, VT_RELDISP, VT_ACKACQ);
	back = 1;
	write(STDOUT_FILENO, "acquired\n", 9);
}

static void take_terminal(const char *path)
{
	struct vt_mode mode = { .mode = VT_PROCESS, .relsig = SIGUSR1, .acqsig = SIGUSR2 };
	int number = atoi(path + strcspn(path, "0123456789"));
	terminal = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal < 0 || dprintf(terminal, "text that graphics hides\n") < 0)
		fail(path);
	signal(SIGUSR1, release);
	signal(SIGUSR2, acquire);
	if (ioctl(terminal, VT_ACTIVATE, number) < 0 || ioctl(terminal, VT_WAITACTIVE, number) < 0)
		fail("VT_ACTIVATE");
	if (ioctl(terminal, KDSKBMODE, K_OFF) < 0 || ioctl(terminal, KDSETMODE, KD_GRAPHICS) < 0 ||
	    ioctl(terminal, VT_SETMODE, &mode) < 0)
		fail("the terminal's mode");
}

static int find_input(unsigned int key)
{
	for (unsigned int i = 0; i < 32; i++) {
		unsigned long keys[KEY_CNT / (8 * sizeof(long)) + 1] = {};
		char path[32];
		snprintf(path, sizeof(path), "/dev/input/event%u", i);
		int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (ioctl(fd, EVIOCGBIT(EV_KEY, sizeof(keys)), keys) >= 0 &&
		    keys[key / (8 * sizeof(long))] >> key % (8 * sizeof(long)) & 1) {
			if (ioctl(fd, EVIOCGRAB, 1) < 0)
				fail("EVIOCGRAB");
			return fd;
		}
		close(fd);
	}
	fprintf(stderr, "no input device has key %u\n", key);
	exit(1);
}

static void open_screen(struct screen *ret)
{
	struct fb_var_screeninfo var;
	struct fb_fix_screeninfo fix;
	int fd = open("/dev/fb0", O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, FBIOGET_VSCREENINFO, &var) < 0 ||
	    ioctl(fd, FBIOGET_FSCREENINFO, &fix) < 0 || var.bits_per_pixel != 32)
		fail("/dev/fb0");
	ret->pixels = mmap(NULL, fix.smem_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ret->copy = malloc(fix.smem_len);
	if (ret->pixels == MAP_FAILED || !ret->copy)
		fail("map /dev/fb0");
	ret->size = (size_t)fix.line_length * var.yres;
	ret->width = var.xres;
	ret->height = var.yres;
	ret->stride = fix.line_length / 4;
}

static void paint_background(const struct screen *screen)
{
	for (unsigned int y = 0; y < screen->height; y++) {
		for (unsigned int x = 0; x < screen->width; x++)
			screen->copy[y * screen->stride + x] =
				(x / 8 & 0xff) << 16 | (y / 8 & 0xff) << 8 | 0x20;
	}
	memcpy(screen->pixels, screen->copy, screen->size);
}

static void paint_square(const struct screen *screen, int left, int top, uint32_t colour)
{
	for (int y = top; y < top + SQUARE; y++) {
		for (int x = left; x < left + SQUARE; x++) {
			screen->pixels[y * (int)screen->stride + x] = colour;
			screen->copy[y * (int)screen->stride + x] = colour;
		}
	}
}

static int within(int value, int limit)
{
	return value < 0 ? 0 : value > limit ? limit : value;
}

int main(int argc, char **argv)
{
	static const uint32_t colours[] = { 0xff0000, 0x00ff00, 0x0000ff, 0xffff00, 0xff00ff };
	struct screen screen;
	if (argc != 2)
		return 2;
	take_terminal(argv[1]);
	struct pollfd from[] = { { find_input(KEY_A), POLLIN, 0 },
				 { find_input(BTN_LEFT), POLLIN, 0 } };
	open_screen(&screen);
	paint_background(&screen);
	uint32_t colour = 0xffffff;
	int x = (int)screen.width / 2, y = (int)screen.height / 2;
	printf("paints %ux%u\n", screen.width, screen.height);
	fflush(stdout);
	for (;;) {
		struct input_event event;
		if (poll(from, 2, -1) < 0 && errno != EINTR)
			fail("poll");
		if (back)
			memcpy(screen.pixels, screen.copy, screen.size);
		back = 0;
		for (int i = 0; i < 2; i++) {
			while (read(from[i].fd, &event, sizeof(event)) == sizeof(event)) {
				if (event.type == EV_KEY && event.value == 1 &&
				    event.code >= KEY_1 && event.code <= KEY_5)
					colour = colours[event.code - KEY_1];
				if (event.type == EV_REL && event.code == REL_X)
					x = within(x + event.value, (int)screen.width - SQUARE);
				if (event.type == EV_REL && event.code == REL_Y)
					y = within(y + event.value, (int)screen.height - SQUARE);
				if (event.type == EV_SYN)
					paint_square(&screen, x, y, colour);
			}
		}
	}
}
