// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads /dev/kmsg: a record is "LEVEL,SEQUENCE,TIME,FLAGS;TEXT\n" and more lines. */
#include "live/klog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RECORD_MAX = 8192 };

int uk_klog_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && lseek(fd, 0, SEEK_END) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void take_text(char *record, const char *word, char *ret, size_t size)
{
	char *text = strchr(record, ';');
	if (!text)
		return;
	text++;
	text[strcspn(text, "\n")] = '\0';
	if (strstr(text, word))
		snprintf(ret, size, "%s", text);
}

void uk_klog_find(int fd, const char *word, char *ret, size_t size)
{
	char record[RECORD_MAX + 1];
	ret[0] = '\0';
	if (fd < 0)
		return;
	for (;;) {
		ssize_t got = read(fd, record, RECORD_MAX);
		if (got < 0 && (errno == EPIPE || errno == EINTR))
			continue; /* EPIPE: overwritten meanwhile, the next one is there */
		if (got <= 0)
			break;
		record[got] = '\0';
		take_text(record, word, ret, size);
	}
	close(fd);
}
