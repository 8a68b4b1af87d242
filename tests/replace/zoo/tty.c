// SPDX-License-Identifier: GPL-2.0-or-later
/* Pseudo-terminals: settings, what is queued, and a shell with its jobs. */
#include "zoo.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

enum { HIGH = 100 };

static int master, slave;
static pid_t child;

static void open_pair(void)
{
	struct winsize size = { .ws_row = 33, .ws_col = 99, .ws_xpixel = 7, .ws_ypixel = 8 };
	struct termios termios;

	zoo_sys(openpty(&master, &slave, NULL, NULL, &size));
	zoo_sys(tcgetattr(slave, &termios));
	cfmakeraw(&termios);
	termios.c_cc[VMIN] = 3;
	termios.c_cc[VSTOP] = 'Q';
	cfsetspeed(&termios, B9600);
	zoo_sys(tcsetattr(slave, TCSANOW, &termios));
}

static void settings_check(void)
{
	struct winsize size;
	struct termios termios;

	zoo_sys(ioctl(slave, TIOCGWINSZ, &size));
	zoo_same("rows", 33, size.ws_row);
	zoo_same("columns", 99, size.ws_col);
	zoo_same("pixels", 7, size.ws_xpixel);
	zoo_sys(tcgetattr(slave, &termios));
	zoo_same("ICANON", 0, termios.c_lflag & ICANON);
	zoo_same("VMIN", 3, termios.c_cc[VMIN]);
	zoo_same("VSTOP", 'Q', termios.c_cc[VSTOP]);
	zoo_same("speed", B9600, cfgetospeed(&termios));
}

static void settings_verify(void)
{
	zoo_write(master, "typed");
	zoo_read(slave, "typed");
	zoo_write(slave, "shown");
	zoo_read(master, "shown");
}

static void settings_sabotage(void)
{
	struct winsize size = { 0 };

	zoo_sys(ioctl(master, TIOCSWINSZ, &size));
}

/* The number of the terminal: its name is in utmp, in TTY=, in ps. */
static void number_check(void)
{
	char text[64];

	zoo_want(!ttyname_r(slave, text, sizeof(text)), "ttyname: %s", strerror(errno));
	zoo_kept("name", text);
}

static void number_sabotage(void)
{
	int second, third;

	zoo_sys(openpty(&second, &third, NULL, NULL, NULL));
	zoo_sys(dup2(third, slave));
}

/* Who came when many others were there, which have ended. */
static void high_setup(void)
{
	int others[2 * HIGH], nr = 0, number = -1;

	while (number < HIGH) {
		master = zoo_sys(posix_openpt(O_RDWR | O_NOCTTY));
		zoo_sys(ioctl(master, TIOCGPTN, &number));
		if (number < HIGH)
			others[nr++] = master;
	}
	while (nr)
		close(others[--nr]);
	zoo_sys(unlockpt(master));
	slave = zoo_sys(open(ptsname(master), O_RDWR | O_NOCTTY));
}

static void queued_setup(void)
{
	open_pair();
	zoo_write(master, "to the program");
	zoo_write(slave, "to the screen");
	zoo_pause(50);
}

static void queued_verify(void)
{
	zoo_read(slave, "to the program");
	zoo_read(master, "to the screen");
}

static void queued_sabotage(void)
{
	zoo_sys(tcflush(slave, TCIFLUSH));
	zoo_write(master, "abc");
}

/* Packet mode, exclusive use: of the master. */
static void modes_setup(void)
{
	int on = 1;

	open_pair();
	zoo_sys(ioctl(master, TIOCPKT, &on));
	zoo_sys(ioctl(slave, TIOCEXCL));
}

static void modes_check(void)
{
	int on = 0;

	zoo_sys(ioctl(master, TIOCGPKT, &on));
	zoo_same("packet mode", 1, on);
	zoo_sys(ioctl(slave, TIOCGEXCL, &on));
	zoo_same("exclusive mode", 1, on);
}

static void modes_sabotage(void)
{
	int off = 0;

	zoo_sys(ioctl(master, TIOCPKT, &off));
}

/* --- a shell
 * ------------------------------------------------------------------------------------------- */

/* What comes from the terminal till it contains @text. */
static void await_text(const char *text)
{
	const double end = zoo_now(CLOCK_MONOTONIC) + 10;
	static char seen[16384];
	size_t have = 0;

	seen[0] = '\0';
	while (!strstr(seen, text)) {
		struct pollfd about = { .fd = master, .events = POLLIN };
		ssize_t got;

		zoo_want(zoo_now(CLOCK_MONOTONIC) < end && have < sizeof(seen) - 1,
			 "the terminal does not show \"%s\" but \"%s\"", text, seen);
		if (poll(&about, 1, 100) <= 0)
			continue;
		got = read(master, seen + have, sizeof(seen) - 1 - have);
		zoo_want(got > 0, "the terminal is gone: %s", strerror(errno));
		have += (size_t)got;
		seen[have] = '\0';
	}
}

static void type(const char *text)
{
	zoo_write(master, text);
}

static void start_shell(void)
{
	char *const environment[] = { "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "PS1=$ ", "HOME=/",
				      "TERM=dumb", NULL };
	char *const arguments[] = { "sh", "-i", NULL };

	child = (pid_t)zoo_sys(forkpty(&master, NULL, NULL, NULL));
	if (!child) {
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		execve("/bin/sh", arguments, environment);
		_exit(127);
	}
	zoo_register(child);
	/* Quotes, so that the echo of what is typed is not taken for the answer. */
	type("echo up''now\n");
	await_text("upnow");
}

static pid_t foreground(void)
{
	pid_t group;

	zoo_sys(ioctl(master, TIOCGPGRP, &group));
	return group;
}

static void shell_setup(void)
{
	start_shell();
	type("ZOO=kept; cd /tmp; echo set''tled\n");
	await_text("settled");
}

static void shell_check(void)
{
	zoo_same("group in the foreground", child, foreground());
	zoo_same("session of the shell", child, getsid(child));
}

static void shell_verify(void)
{
	type("echo $ZOO''at $PWD\n");
	await_text("keptat /tmp");
	/* Ctrl-C reaches what is in the foreground, and not the shell. */
	type("sleep 100\n");
	zoo_pause(500);
	zoo_want(foreground() != child, "the command is not in the foreground");
	type("\003");
	type("echo still''here\n");
	await_text("stillhere");
	type("exit 5\n");
	zoo_pause(300);
}

static void shell_sabotage(void)
{
	type("ZOO=lost\n");
	zoo_pause(100);
}

/* A job in the background, one that is stopped, and one in the foreground. */
static void jobs_setup(void)
{
	start_shell();
	type("sleep 1001 & echo bg''up\n");
	await_text("bgup");
	type("sleep 1002\n");
	zoo_pause(500);
	type("\032");
	type("echo stop''ped\n");
	await_text("stopped");
	type("sleep 1003\n");
	for (int i = 0; i < 100 && foreground() == child; i++)
		zoo_pause(20);
}

static void jobs_check(void)
{
	zoo_want(foreground() != child, "the command is not in the foreground");
}

static void jobs_verify(void)
{
	type("\003");
	type("echo back''again\n");
	await_text("backagain");
	type("jobs; echo list''ed\n");
	await_text("sleep 1001");
	type("bg; jobs; kill %1 %2; wait; echo all''gone\n");
	await_text("allgone");
}

static void jobs_sabotage(void)
{
	type("\003");
	zoo_pause(300);
}

/* A child that opened /dev/tty. */
static void devtty_body(void)
{
	int fd;

	zoo_sys(login_tty(slave));
	fd = (int)zoo_sys(open("/dev/tty", O_RDWR));
	zoo_step(0, 1);
	zoo_await_go();
	zoo_await_step(0, 2);
	zoo_write(fd, "through /dev/tty");
	zoo_step(0, 3);
	zoo_await_step(0, 4);
}

static void devtty_setup(void)
{
	open_pair();
	child = zoo_fork(devtty_body);
	zoo_await_step(0, 1);
}

static void devtty_verify(void)
{
	zoo_step(0, 2);
	zoo_read(master, "through /dev/tty");
	zoo_step(0, 4);
	zoo_join(child);
}

static void devtty_sabotage(void)
{
	zoo_write(slave, "x");
}

/* The program is gone, the terminal's master remains; and the reverse. */
static void hung_setup(void)
{
	open_pair();
	if (zoo.arg)
		zoo_write(slave, "last words");
	zoo_pause(50);
	close(zoo.arg ? slave : master);
}

static void hung_verify(void)
{
	char byte;

	if (zoo.arg) {
		zoo_read(master, "last words");
		zoo_errno(EIO, read(master, &byte, 1));
	} else {
		zoo_same("read of what hung up", 0, read(slave, &byte, 1));
		zoo_errno(EIO, write(slave, "x", 1));
	}
}

static void hung_sabotage(void)
{
	char text[64];

	if (zoo.arg)
		zoo_sys(read(master, text, sizeof(text)));
	else
		zoo_sys(dup2((int)zoo_sys(open("/dev/null", O_RDWR)), slave));
}

const struct zoo_case zoo_tty[] = {
	{ "pty-settings", open_pair, settings_check, settings_verify, settings_sabotage },
	{ "pty-number", open_pair, number_check, NULL, number_sabotage },
	{ "pty-high", high_setup, number_check, NULL, number_sabotage },
	{ "pty-queued", queued_setup, NULL, queued_verify, queued_sabotage },
	{ "pty-modes", modes_setup, modes_check, NULL, modes_sabotage },
	{ "pty-shell", shell_setup, shell_check, shell_verify, shell_sabotage },
	{ "pty-jobs", jobs_setup, jobs_check, jobs_verify, jobs_sabotage },
	{ "pty-dev-tty", devtty_setup, NULL, devtty_verify, devtty_sabotage },
	{ "pty-hung-up", hung_setup, NULL, hung_verify, hung_sabotage },
	{ "pty-left", hung_setup, NULL, hung_verify, hung_sabotage, .arg = 1 },
	{ NULL },
};
