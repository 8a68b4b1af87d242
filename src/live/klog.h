/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says while we ask something of it. Private to this room. */
#ifndef UPKEEP_LIVE_KLOG_H
#define UPKEEP_LIVE_KLOG_H

#include <stddef.h>

/* The log from now on, or -1 where it cannot be read. */
int uk_klog_open(void);

/* The last complaint that mentions @word since it was opened, or "". Closes it. */
void uk_klog_find(int fd, const char *word, char *ret, size_t size);

#endif
