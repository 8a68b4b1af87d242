/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System V IPC: the content of objects, for both kernels. Private to sysv_*.c. */
#ifndef UPKEEP_REPLACE_SYSV_DATA_H
#define UPKEEP_REPLACE_SYSV_DATA_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#ifndef MSG_COPY
#define MSG_COPY 040000 /* include/uapi/linux/msg.h */
#endif

/* Before each message in a note of a queue. */
struct uk_sysv_message {
	int64_t type;
	uint64_t len;
};

/* A segment, attached here, and open as a file (by /proc/self/map_files), which has holes. */
struct uk_sysv_memory {
	void *at;
	int fd; /* or -1 */
};

/* UK_ERR_REFUSED where it has huge pages. @ret needs uk_sysv_close() also after an error. */
struct uk_error *uk_sysv_open(int id, uint64_t size, bool write,
			      struct uk_sysv_memory *ret) uk_must_check;
void uk_sysv_close(struct uk_sysv_memory *memory);

/* The first @size bytes, but the holes. */
struct uk_error *uk_sysv_copy(int from, int to, uint64_t size) uk_must_check;

#endif
