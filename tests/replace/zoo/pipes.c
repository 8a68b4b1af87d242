// SPDX-License-Identifier: GPL-2.0-or-later
/* Pipes and FIFOs with what is queued in them. */
#include "zoo.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int ends[2];
static pid_t child;

static int queued(void)
{
	int bytes;

	zoo_sys(ioctl(ends[0], FIONREAD, &bytes));
	return bytes;
}

static void data_setup(void)
{
	zoo_sys(pipe2(ends, O_NONBLOCK));
	zoo_sys(fcntl(ends[1], F_SETPIPE_SZ, 262144));
	zoo_write(ends[1], "gone and queued");
	zoo_read(ends[0], "gone and ");
}

static void data_check(void)
{
	zoo_same("bytes queued", 6, queued());
	zoo_same("size of the pipe", 262144, fcntl(ends[1], F_GETPIPE_SZ));
	zoo_same("F_GETFL", O_NONBLOCK | O_WRONLY, fcntl(ends[1], F_GETFL));
}

static void data_verify(void)
{
	zoo_read(ends[0], "queued");
	zoo_empty(ends[0]);
	zoo_write(ends[1], "more");
	zoo_read(ends[0], "more");
}

static void data_sabotage(void)
{
	zoo_write(ends[1], "x");
}

static void take_one(void)
{
	char one;

	zoo_same("read", 1, read(ends[0], &one, 1));
}

/* Full to the last byte: each comes out as it went in. */
static void full_setup(void)
{
	uint8_t byte;
	size_t i;

	zoo_sys(pipe2(ends, O_NONBLOCK));
	for (i = 0; byte = zoo_byte(i), write(ends[1], &byte, 1) == 1; i++)
		;
	zoo_same("errno of the last write", EAGAIN, errno);
	zoo.page->numbers[0] = (int)i;
}

static void full_check(void)
{
	zoo_same("bytes queued", zoo.page->numbers[0], queued());
	zoo_errno(EAGAIN, write(ends[1], "", 1));
}

static void full_verify(void)
{
	uint8_t byte;

	for (size_t i = 0; i < (size_t)zoo.page->numbers[0]; i++) {
		zoo_same("read", 1, read(ends[0], &byte, 1));
		zoo_same("byte", zoo_byte(i), byte);
	}
	zoo_errno(EAGAIN, read(ends[0], &byte, 1));
}

/* Packets keep their borders. */
static void packet_setup(void)
{
	zoo_sys(pipe2(ends, O_DIRECT | O_NONBLOCK));
	zoo_write(ends[1], "first");
	zoo_write(ends[1], "second one");
}

static void packet_check(void)
{
	zoo_same("bytes queued", 15, queued());
	zoo_want(fcntl(ends[1], F_GETFL) & O_DIRECT, "O_DIRECT is gone");
}

static void packet_verify(void)
{
	char text[64] = "";

	zoo_same("length of the first packet", 5, read(ends[0], text, sizeof(text)));
	zoo_bytes("first packet", "first", text, 5);
	zoo_same("length of the second packet", 10, read(ends[0], text, sizeof(text)));
	zoo_bytes("second packet", "second one", text, 10);
}

/* The ends in two processes: the reader sees the end of the file when the writer is gone. */
static void child_body(void)
{
	char byte;

	close(ends[1]);
	zoo_step(0, 1);
	zoo_await_go();
	zoo_await_step(0, 2);
	zoo_read(ends[0], "left before");
	zoo_read(ends[0], " and after");
	zoo_same("read at the end", 0, read(ends[0], &byte, 1));
}

static void child_setup(void)
{
	zoo_sys(pipe(ends));
	child = zoo_fork(child_body);
	close(ends[0]);
	zoo_await_step(0, 1);
	zoo_write(ends[1], "left before");
}

static void child_verify(void)
{
	zoo_write(ends[1], " and after");
	close(ends[1]);
	zoo_step(0, 2);
	zoo_join(child);
}

static void child_sabotage(void)
{
	zoo_write(ends[1], "x");
}

/* One end is closed already. */
static void closed_setup(void)
{
	zoo_sys(pipe(ends));
	zoo_write(ends[1], "last words");
	close(ends[zoo.arg]);
}

static void closed_verify(void)
{
	char byte;

	if (zoo.arg == 0) {
		zoo_errno(EPIPE, write(ends[1], "x", 1));
		return;
	}
	zoo_read(ends[0], "last words");
	zoo_same("read at the end", 0, read(ends[0], &byte, 1));
}

static void closed_sabotage(void)
{
	char path[64];

	if (zoo.arg == 1) {
		take_one();
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
	zoo_sys(open(path, O_RDONLY | O_NONBLOCK));
}

/* Named ones: one descriptor for both ends, or two; the name may be gone. */
static void fifo_setup(void)
{
	zoo_sys(mkfifo(zoo_path("fifo"), 0600));
	ends[0] = (int)zoo_sys(open(zoo_path("fifo"), O_RDWR | O_NONBLOCK));
	ends[1] = (int)zoo_sys(open(zoo_path("fifo"), O_WRONLY));
	zoo_write(ends[1], "in the fifo");
	if (zoo.arg)
		zoo_sys(unlink(zoo_path("fifo")));
}

static void fifo_check(void)
{
	zoo_same("bytes queued", 11, queued());
}

static void fifo_verify(void)
{
	zoo_read(ends[0], "in the fifo");
	zoo_write(ends[0], "again");
	zoo_read(ends[0], "again");
	if (!zoo.arg) {
		const int third = (int)zoo_sys(open(zoo_path("fifo"), O_WRONLY | O_NONBLOCK));

		zoo_write(third, "third");
		zoo_read(ends[0], "third");
	}
}

/* O_ASYNC: a signal when there is something to read. */
static volatile int came;

static void on_io(int number)
{
	came++;
}

static void async_setup(void)
{
	struct sigaction action = { .sa_handler = on_io };

	zoo_sys(pipe(ends));
	zoo_sys(sigaction(SIGIO, &action, NULL));
	zoo_sys(fcntl(ends[0], F_SETOWN, getpid()));
	zoo_sys(fcntl(ends[0], F_SETFL, O_ASYNC));
}

static void async_verify(void)
{
	zoo_same("signals before anything was written", 0, came);
	zoo_write(ends[1], "x");
	zoo_pause(50);
	zoo_same("signals after a write", 1, came);
}

static void async_sabotage(void)
{
	zoo_sys(fcntl(ends[0], F_SETFL, 0));
}

const struct zoo_case zoo_pipes[] = {
	{ "pipe-data", data_setup, data_check, data_verify, data_sabotage },
	{ "pipe-full", full_setup, full_check, full_verify, take_one },
	{ "pipe-packet", packet_setup, packet_check, packet_verify, take_one },
	{ "pipe-child", child_setup, NULL, child_verify, child_sabotage },
	{ "pipe-reader-gone", closed_setup, NULL, closed_verify, closed_sabotage, .arg = 0 },
	{ "pipe-writer-gone", closed_setup, NULL, closed_verify, closed_sabotage, .arg = 1 },
	{ "pipe-async", async_setup, NULL, async_verify, async_sabotage },
	{ "fifo-data", fifo_setup, fifo_check, fifo_verify, take_one },
	{ "fifo-unlinked", fifo_setup, fifo_check, fifo_verify, take_one, .arg = 1 },
	{ NULL },
};
